/*
 * Certificates that mean harm: cut at every length, every bit turned over,
 * unknown critical extensions.  Nothing may crash or leak (run this under
 * valgrind or the sanitizers); what parses must answer every question.
 */
#include "tls/certificate.h"
#include "tls/certificate_extensions.h"

#include <stdint.h>

#include "pki.h"
#include "tap.h"

static int
swallow_field(const char *name, const unsigned char *value, size_t length,
              void *arg)
{
    return name == NULL || value == NULL
           || vouch_buf_append(arg, value, length) != 0;
}

static int
swallow_san(enum vouch_san_type type, const unsigned char *value,
            size_t length, void *arg)
{
    (void) type;
    return vouch_buf_append(arg, value, length);
}

static int
swallow_oid(const struct vouch_oid *oid, void *arg)
{
    return oid->dotted == NULL || vouch_buf_append_text(arg, oid->dotted) != 0;
}

static int
swallow_extension(const struct vouch_cert_extension *extension, void *arg)
{
    return swallow_oid(&extension->oid, arg)
           || (extension->text != NULL
               && vouch_buf_append(arg, extension->text,
                                   extension->text_length)
                      != 0);
}

static int
swallow_uri(const unsigned char *value, size_t length, void *arg)
{
    return vouch_buf_append(arg, value, length);
}

static void
ask_extensions(const struct vouch_cert *cert, struct vouch_buf *buf)
{
    (void) vouch_cert_version(cert);
    (void) vouch_cert_key_usage(cert);
    (void) vouch_cert_purpose_each(cert, swallow_oid, buf);
    (void) vouch_cert_extension_each(cert, swallow_extension, buf);
    (void) vouch_cert_uri_each(cert, VOUCH_URI_CRL, swallow_uri, buf);
    (void) vouch_cert_uri_each(cert, VOUCH_URI_OCSP, swallow_uri, buf);
}

/* Ask everything there is to ask.  1 if what never may fail did not. */
static int
interrogate(const struct vouch_cert *cert, struct vouch_buf *buf)
{
    struct vouch_fingerprint made;
    int64_t when;
    int good;
    int of;

    vouch_buf_clear(buf);
    (void) vouch_cert_name_line(cert, VOUCH_CERT_SUBJECT, buf);
    (void) vouch_cert_name_line(cert, VOUCH_CERT_ISSUER, buf);
    (void) vouch_cert_name_each(cert, VOUCH_CERT_SUBJECT, swallow_field, buf);
    (void) vouch_cert_common_name(cert, buf);
    (void) vouch_cert_san_each(cert, swallow_san, buf);
    ask_extensions(cert, buf);
    (void) vouch_cert_serial_hex(cert, buf);
    (void) vouch_cert_serial_decimal(cert, buf);
    (void) vouch_cert_not_before(cert, &when);
    (void) vouch_cert_not_after(cert, &when);
    (void) vouch_cert_key_curve(cert);
    good = vouch_cert_key_type(cert)[0] != '\0'
           && vouch_cert_key_bits(cert) >= 0
           && vouch_cert_signature_algorithm(cert)[0] != '\0'
           && !vouch_buf_failed(buf);
    for (of = 0; of < VOUCH_OFS; of++)
        good = good
               && vouch_cert_fingerprint(cert, VOUCH_SHA256,
                                         (enum vouch_digest_of) of, &made)
                      == 0;
    return good && vouch_cert_der(cert, buf) == 0 && ERR_peek_error() == 0;
}

/* Add an extension of bytes under an OID. */
static void
add_extension(X509 *x509, const char *oid, int critical, const char *bytes)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;

    (void) ASN1_STRING_set(data, bytes, -1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, data);
    pki_need(extension != NULL && X509_add_ext(x509, extension, -1) == 1,
             "an extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
}

/* A certificate with something of everything. */
static X509 *
rich_cert(EVP_PKEY *key)
{
    static const struct {
        int nid;
        const char *value;
    } texts[] = {
        {NID_subject_alt_name, "DNS:a.b,email:a@b,URI:a:b,IP:::1,RID:1.2.3,"
                               "otherName:1.2.3.4;UTF8:hi"},
        {NID_key_usage, "digitalSignature,decipherOnly"},
        {NID_ext_key_usage, "serverAuth,1.2.3.4.5"},
        {NID_info_access, "OCSP;URI:http://o/,caIssuers;URI:http://c/"},
        {NID_crl_distribution_points, "URI:http://crl/"},
    };
    X509 *x509 = pki_blank(key);
    X509_EXTENSION *extension;
    size_t i;

    pki_name(x509, "C", V_ASN1_PRINTABLESTRING, "CH", -1);
    pki_name(x509, "O", V_ASN1_T61STRING, "J\xfcrg", -1);
    pki_name(x509, "OU", V_ASN1_BMPSTRING, "\0J\0\xfc", 4);
    pki_name(x509, "CN", V_ASN1_UTF8STRING, "J\xc3\xbcrg\0x", 7);
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        extension =
            X509V3_EXT_conf_nid(NULL, NULL, texts[i].nid, texts[i].value);
        pki_need(extension != NULL && X509_add_ext(x509, extension, -1) == 1,
                 texts[i].value);
        X509_EXTENSION_free(extension);
    }
    add_extension(x509, "2.5.29.19", 1, "\x30\x03\x01\x01\xff");
    add_extension(x509, "2.5.29.14", 0, "\x04\x02id");
    return pki_sign(x509, key);
}

/* Every beginning of a DER certificate is refused. */
static void
test_truncated(const struct vouch_buf *der, const char *name)
{
    const unsigned char *data = vouch_buf_data(der);
    struct vouch_cert *cert = NULL;
    struct vouch_error err;
    unsigned char *copy;
    size_t length;
    int wrong = 0;

    for (length = 0; length < vouch_buf_length(der); length++) {
        /* A copy of this very size, so that reading on is noticed. */
        copy = malloc(length + 1);
        pki_need(copy != NULL, "memory");
        memcpy(copy + 1, data, length);
        vouch_error_clear(&err);
        if (vouch_cert_from_mem(copy + 1, length, "cut", &cert, &err) != -1
            || cert != NULL || err.code != VOUCH_E_FORMAT
            || ERR_peek_error() != 0)
            wrong++;
        free(copy);
    }
    is_int(wrong, 0, name);
}

/* Every bit of DER turned over, one at a time. */
static void
test_flipped(const struct vouch_buf *der, const char *name)
{
    size_t length = vouch_buf_length(der);
    unsigned char *copy = malloc(length);
    struct vouch_buf *buf = pki_buf();
    struct vouch_cert *cert;
    size_t i;
    int parsed = 0;
    int wrong = 0;

    pki_need(copy != NULL, "memory");
    memcpy(copy, vouch_buf_data(der), length);
    for (i = 0; i < length * 8; i++) {
        copy[i / 8] ^= (unsigned char) (1u << (i % 8));
        if (vouch_cert_from_mem(copy, length, "flip", &cert, NULL) == 0) {
            parsed++;
            wrong += !interrogate(cert, buf);
            /* Of what is signed nothing may change, checked now and then
             * as it takes its time. */
            if (i % 64 == 0 && i / 8 > 8 && i / 8 < length / 2)
                wrong += vouch_cert_is_self_signed(cert);
            vouch_cert_free(cert);
        }
        copy[i / 8] ^= (unsigned char) (1u << (i % 8));
    }
    is_int(wrong, 0, name);
    ok(parsed > 100, "enough of them were certificates still");
    vouch_buf_free(buf);
    free(copy);
}

/* The same for PEM, with bytes replaced by ones that matter to PEM. */
static void
test_damaged_pem(X509 *x509)
{
    static const char bytes[] = {'\0', '\n', '-', '=', ' ', '\xff'};
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    struct vouch_cert *cert;
    unsigned char *copy;
    size_t length;
    size_t i;
    int wrong = 0;

    pki_cert_pem(pem, x509);
    length = vouch_buf_length(pem);
    copy = malloc(length);
    pki_need(copy != NULL, "memory");
    for (i = 0; i < length * sizeof(bytes); i++) {
        memcpy(copy, vouch_buf_data(pem), length);
        copy[i / sizeof(bytes)] = (unsigned char) bytes[i % sizeof(bytes)];
        if (vouch_cert_from_mem(copy, length, "pem", &cert, NULL) == 0) {
            wrong += !interrogate(cert, buf);
            vouch_cert_free(cert);
        }
        wrong += ERR_peek_error() != 0;
    }
    is_int(wrong, 0, "damaged PEM");
    free(copy);
    vouch_buf_free(buf);
    vouch_buf_free(pem);
}

static void
test_extensions(EVP_PKEY *key)
{
    X509 *x509 = pki_blank(key);
    struct vouch_buf *buf = pki_buf();

    pki_name(x509, "CN", MBSTRING_UTF8, "extensions", -1);
    add_extension(x509, "1.2.3.4.5.6.7", 1, "nonsense");
    x509 = pki_sign(x509, key);
    ok(interrogate(vouch_cert_borrow(x509), buf),
       "an unknown critical extension");
    ok(vouch_cert_is_self_signed(vouch_cert_borrow(x509)),
       "self-signed all the same");
    add_extension(x509, "2.5.29.19", 1, "nonsense");
    x509 = pki_sign(x509, key);
    ok(interrogate(vouch_cert_borrow(x509), buf),
       "basic constraints that cannot be read");
    (void) vouch_cert_is_self_signed(vouch_cert_borrow(x509));
    vouch_buf_clear(buf);
    ok(vouch_cert_text(vouch_cert_borrow(x509), buf) == 0,
       "text for people all the same");
    vouch_buf_free(buf);
    X509_free(x509);
}

int
main(void)
{
    EVP_PKEY *ec = pki_key("EC", "prime256v1");
    EVP_PKEY *ed = pki_key("ED25519", NULL);
    X509 *rich = rich_cert(ec);
    X509 *small = pki_cert(ed, "small");
    struct vouch_buf *rich_der = pki_buf();
    struct vouch_buf *small_der = pki_buf();

    pki_cert_der(rich_der, rich);
    pki_cert_der(small_der, small);
    test_truncated(rich_der, "cut at every length");
    test_truncated(small_der, "another one cut at every length");
    test_flipped(rich_der, "every bit turned over");
    test_flipped(small_der, "every bit of another one");
    test_damaged_pem(small);
    test_extensions(ec);
    vouch_buf_free(small_der);
    vouch_buf_free(rich_der);
    X509_free(small);
    X509_free(rich);
    EVP_PKEY_free(ed);
    EVP_PKEY_free(ec);
    return tap_done();
}
