/*
 * What a certificate is for, and all of its extensions.
 */
#include "tls/certificate_extensions.h"

#include "pki.h"
#include "tap.h"

/* Add an extension as openssl.cnf has it. */
static void
add(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, nid, (char *) value);

    pki_need(extension != NULL && X509_add_ext(x509, extension, -1) == 1,
             value);
    X509_EXTENSION_free(extension);
}

/* One that OpenSSL cannot read, or does not know. */
static void
add_bytes(X509 *x509, const char *oid, const char *bytes)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    (void) ASN1_STRING_set(data, bytes, -1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, data);
    pki_need(extension != NULL && X509_add_ext(x509, extension, -1) == 1, oid);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
}

static struct vouch_cert *
finish(X509 *x509, EVP_PKEY *key)
{
    return vouch_cert_borrow(pki_sign(x509, key));
}

static int
list_oid(const struct vouch_oid *oid, void *arg)
{
    return vouch_buf_append_format(
        arg, "%s/%d/%s/%s\n", oid->dotted, oid->nid,
        oid->short_name != NULL ? oid->short_name : "-",
        oid->long_name != NULL ? oid->long_name : "-");
}

static int
list_extension(const struct vouch_cert_extension *extension, void *arg)
{
    return list_oid(&extension->oid, arg)
           | vouch_buf_append_format(
               arg, "  %d %.*s\n", extension->critical,
               extension->text != NULL ? (int) extension->text_length : 1,
               extension->text != NULL ? extension->text : "?");
}

static int
list_uri(const unsigned char *value, size_t length, void *arg)
{
    return vouch_buf_append(arg, value, length)
           | vouch_buf_append_text(arg, "\n");
}

static int
stop_oid(const struct vouch_oid *oid, void *arg)
{
    (void) oid;
    (void) arg;
    return 7;
}

static int
stop_extension(const struct vouch_cert_extension *extension, void *arg)
{
    (void) extension;
    (void) arg;
    return 8;
}

static int
stop_uri(const unsigned char *value, size_t length, void *arg)
{
    (void) value;
    (void) length;
    (void) arg;
    return 9;
}

static void
test_all(EVP_PKEY *key)
{
    X509 *x509 = pki_blank(key);
    struct vouch_buf *buf = pki_buf();
    struct vouch_cert *cert;

    add(x509, NID_basic_constraints, "critical,CA:TRUE");
    add(x509, NID_key_usage, "digitalSignature,keyCertSign,decipherOnly");
    add(x509, NID_ext_key_usage, "clientAuth,1.2.3.4.5");
    add(x509, NID_info_access,
        "OCSP;URI:http://o1/,caIssuers;URI:http://c/,OCSP;DNS:d");
    add(x509, NID_crl_distribution_points, "URI:http://1/,URI:http://2/");
    add_bytes(x509, "1.2.3.4.5.6", "\x05");
    cert = finish(x509, key);
    is_int(vouch_cert_version(cert), 2, "version 3 is told as 2");
    is_int(vouch_cert_key_usage(cert), 1 << 0 | 1 << 5 | 1 << 8,
           "the bits of keyUsage");
    is_int(vouch_cert_purpose_each(cert, list_oid, buf), 0, "purposes");
    is_text(vouch_buf_text(buf),
            "1.3.6.1.5.5.7.3.2/130/clientAuth/TLS Web Client Authentication\n"
            "1.2.3.4.5/0/-/-\n",
            "one known, one not");
    vouch_buf_clear(buf);
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_CRL, list_uri, buf), 0,
           "revocation lists");
    is_text(vouch_buf_text(buf), "http://1/\nhttp://2/\n", "their URIs");
    vouch_buf_clear(buf);
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_OCSP, list_uri, buf), 0,
           "OCSP responders");
    is_text(vouch_buf_text(buf), "http://o1/\n", "their URIs, and those only");
    vouch_buf_clear(buf);
    is_int(vouch_cert_extension_each(cert, list_extension, buf), 0,
           "extensions");
    ok(strstr(vouch_buf_text(buf),
              "2.5.29.19/87/basicConstraints/X509v3 Basic Constraints\n"
              "  1 CA:TRUE\n"
              "2.5.29.15/83/keyUsage/X509v3 Key Usage\n"
              "  0 Digital Signature, Certificate Sign, Decipher Only\n")
           == vouch_buf_text(buf),
       "in their order, with words for people");
    ok(strstr(vouch_buf_text(buf), "\n1.2.3.4.5.6/0/-/-\n  0 ?\n") != NULL,
       "an unknown one without");
    is_int(vouch_cert_purpose_each(cert, stop_oid, NULL), 7, "stopped");
    is_int(vouch_cert_extension_each(cert, stop_extension, NULL), 8,
           "stopped");
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_CRL, stop_uri, NULL), 9,
           "stopped");
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_OCSP, stop_uri, NULL), 9,
           "stopped");
    is_int(ERR_peek_error() == 0, 1, "OpenSSL's queue is empty");
    vouch_cert_free(cert);
    vouch_buf_free(buf);
}

static void
test_none(EVP_PKEY *key)
{
    struct vouch_cert *cert = finish(pki_blank(key), key);

    is_int(vouch_cert_key_usage(cert), 0, "no keyUsage");
    is_int(vouch_cert_purpose_each(cert, stop_oid, NULL), 0, "no purposes");
    is_int(vouch_cert_extension_each(cert, stop_extension, NULL), 0,
           "no extensions");
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_CRL, stop_uri, NULL), 0,
           "no revocation lists");
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_OCSP, stop_uri, NULL), 0,
           "no responders");
    vouch_cert_free(cert);
}

/* Damaged ones are no crash, and an error where it matters. */
static void
test_damaged(EVP_PKEY *key)
{
    X509 *x509 = pki_blank(key);
    struct vouch_buf *buf = pki_buf();
    struct vouch_cert *cert;

    add_bytes(x509, "2.5.29.15", "\x05");
    add_bytes(x509, "2.5.29.37", "\x30\x03\x06");
    add_bytes(x509, "2.5.29.31", "x");
    add_bytes(x509, "1.3.6.1.5.5.7.1.1", "x");
    cert = finish(x509, key);
    is_int(vouch_cert_key_usage(cert), 0, "damaged keyUsage");
    is_int(vouch_cert_purpose_each(cert, list_oid, buf), -1,
           "damaged purposes");
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_CRL, list_uri, buf), -1,
           "damaged revocation lists");
    is_int(vouch_cert_uri_each(cert, VOUCH_URI_OCSP, list_uri, buf), -1,
           "damaged responders");
    is_int(vouch_cert_extension_each(cert, list_extension, buf), 0,
           "they are listed all the same");
    is_int(ERR_peek_error() == 0, 1, "OpenSSL's queue is empty");
    vouch_cert_free(cert);
    vouch_buf_free(buf);
}

static void
test_names(void)
{
    is_text(vouch_cert_field_long_name("CN"), "commonName", "CN");
    is_text(vouch_cert_field_long_name("emailAddress"), "emailAddress",
            "one with a single name");
    is_text(vouch_cert_field_long_name("1.2.3.4"), "1.2.3.4", "an OID");
}

static void
count(struct vouch_cert *cert, void *arg)
{
    int *taken = arg;

    (*taken)++;
    vouch_cert_free(cert);
}

static void
test_several(EVP_PKEY *key)
{
    X509 *x509 = pki_cert(key, "several");
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *der = pki_buf();
    struct vouch_cert *cert = vouch_cert_of_x509(x509);
    struct vouch_error err;
    int taken = 0;

    vouch_error_clear(&err);
    pki_cert_pem(pem, x509);
    pki_cert_pem(pem, x509);
    pki_cert_der(der, x509);
    X509_free(x509);
    ok(vouch_cert_x509(cert) == x509, "a certificate of OpenSSL's X509");
    vouch_cert_free(cert);
    is_int(vouch_cert_each_from_mem(vouch_buf_data(pem), vouch_buf_length(pem),
                                    "p", count, &taken, &err),
           0, "two in PEM");
    is_int(taken, 2, "are two");
    is_int(vouch_cert_each_from_mem(vouch_buf_data(der), vouch_buf_length(der),
                                    "p", count, &taken, &err),
           0, "one in DER");
    is_int(taken, 3, "is one more");
    is_int(vouch_cert_each_from_mem("x", 1, "p", count, &taken, &err), -1,
           "something else");
    is_int(err.code, VOUCH_E_FORMAT, "is refused");
    is_int(taken, 3, "and gives none");
    ok(vouch_cert_of_x509(NULL) == NULL, "NULL is no certificate");
    vouch_buf_free(der);
    vouch_buf_free(pem);
}

int
main(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");

    test_all(key);
    test_none(key);
    test_damaged(key);
    test_names();
    test_several(key);
    EVP_PKEY_free(key);
    return tap_done();
}
