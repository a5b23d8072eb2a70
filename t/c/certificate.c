/*
 * Facts about a certificate: reading it in every form, serial, key, digests.
 */
#include "tls/certificate.h"

#include <stdint.h>

#include <openssl/pkcs12.h>

#include "pki.h"
#include "tap.h"

/* Made with "openssl req -x509"; the facts below are what the commands of
 * OpenSSL say of it. */
static const char vector_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBzTCCAXSgAwIBAgIKAIDx4tPEtaaXiDAKBggqhkjOPQQDAjAyMQswCQYDVQQG\n"
    "EwJDSDEOMAwGA1UECgwFVm91Y2gxEzARBgNVBAMMCkrDvHJnIFRlc3QwIBcNMjYx\n"
    "MTIxMDUwMDMyWhgPMjEyNjEwMjgwNTAwMzJaMDIxCzAJBgNVBAYTAkNIMQ4wDAYD\n"
    "VQQKDAVWb3VjaDETMBEGA1UEAwwKSsO8cmcgVGVzdDBZMBMGByqGSM49AgEGCCqG\n"
    "SM49AwEHA0IABHCHTiC8YBlPINmAKL1O2H+0rhEAG47w4/wQZwDf8M0fNUMtkooD\n"
    "pQ5ur9M/u0hQF7QEPtTeX5fbuRGYYA/K+VajcDBuMB0GA1UdDgQWBBTw73Yzpj/K\n"
    "w0kcsQ8VliOxii0CtjAfBgNVHSMEGDAWgBTw73Yzpj/Kw0kcsQ8VliOxii0CtjAP\n"
    "BgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCCnZvdWNoLnRlc3SHBH8AAAEwCgYI\n"
    "KoZIzj0EAwIDRwAwRAIfXFGrdm6Jw6xSChCJ/trMjus9fc/b6bok+GxdfGXsZAIh\n"
    "AIB/Wpl246vc5eF84MsdBKy6Z/QQppTJcA3hB8oWn6H3\n"
    "-----END CERTIFICATE-----\n";

static EVP_PKEY *ec_key;

static struct vouch_cert *
read_text(const char *text)
{
    struct vouch_cert *cert = NULL;

    pki_need(vouch_cert_from_mem(text, strlen(text), "test", &cert, NULL) == 0,
             "the vector");
    return cert;
}

/* Whether these bytes are the certificate. */
static int
reads_as(const struct vouch_buf *buf, const X509 *wanted)
{
    struct vouch_cert *cert = NULL;
    struct vouch_error err;
    int same;

    vouch_error_clear(&err);
    if (vouch_cert_from_mem(vouch_buf_data(buf), vouch_buf_length(buf), "test",
                            &cert, &err)
        != 0) {
        printf("# %s\n", err.text);
        return 0;
    }
    same = X509_cmp(vouch_cert_x509(cert), wanted) == 0;
    vouch_cert_free(cert);
    return same && err.code == VOUCH_OK;
}

/* The error text for bytes that are no certificate, or "none". */
static const char *
refusal(const void *data, size_t length, enum vouch_code code)
{
    static struct vouch_error err;
    struct vouch_cert *cert = NULL;

    vouch_error_clear(&err);
    if (vouch_cert_from_mem(data, length, "c.pem", &cert, &err) != -1
        || cert != NULL)
        return "none";
    if (err.code != code || ERR_peek_error() != 0)
        return "wrong code, or something left in OpenSSL's queue";
    return err.text;
}

static const char *
refusal_of(const struct vouch_buf *buf)
{
    return refusal(vouch_buf_data(buf), vouch_buf_length(buf), VOUCH_E_FORMAT);
}

static void
test_forms(void)
{
    X509 *cert = pki_cert(ec_key, "form");
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    BIO *bio = BIO_new(BIO_s_mem());

    pki_cert_der(buf, cert);
    ok(reads_as(buf, cert), "DER");
    pki_cert_pem(pem, cert);
    ok(reads_as(pem, cert), "PEM");

    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "Some words\n\n0 and a line\n");
    (void) vouch_buf_append(buf, "\0\xff\n", 3);
    (void) vouch_buf_append_text(buf, vouch_buf_text(pem));
    ok(reads_as(buf, cert), "PEM after other words");

    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "0\n-----BEGIN \n");
    (void) vouch_buf_append_text(buf, vouch_buf_text(pem));
    ok(reads_as(buf, cert), "PEM after a zero, which DER begins with");

    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "\xef\xbb\xbf");
    (void) vouch_buf_append_text(buf, vouch_buf_text(pem));
    ok(reads_as(buf, cert), "PEM after a byte order mark");

    vouch_buf_clear(buf);
    pki_replace(buf, pem, "\n", "\r\n");
    ok(reads_as(buf, cert), "PEM with CR LF");

    vouch_buf_clear(buf);
    pki_replace(buf, pem, "CERTIFICATE", "X509 CERTIFICATE");
    ok(reads_as(buf, cert), "X509 CERTIFICATE");

    vouch_buf_clear(buf);
    pki_key_pem(buf, ec_key, NULL);
    (void) vouch_buf_append_text(buf, vouch_buf_text(pem));
    (void) vouch_buf_append_text(buf, "-----BEGIN CERTIFICATE-----\n!!\n");
    ok(reads_as(buf, cert), "PEM after a key and before a damaged block");

    vouch_buf_clear(buf);
    (void) X509_add1_trust_object(cert, OBJ_nid2obj(NID_server_auth));
    pki_collect(buf, bio, PEM_write_bio_X509_AUX(bio, cert));
    ok(strstr(vouch_buf_text(buf), "TRUSTED") != NULL && reads_as(buf, cert),
       "TRUSTED CERTIFICATE");

    vouch_buf_free(buf);
    vouch_buf_free(pem);
    X509_free(cert);
}

static void
test_refused(void)
{
    static const char key_hint[] =
        "c.pem: not a certificate: this file holds a private key; the "
        "certificate belongs here";
    X509 *cert = pki_cert(ec_key, "refused");
    struct vouch_buf *buf = pki_buf();
    PKCS12 *p12;
    BIO *bio;

    is_text(refusal("", 0, VOUCH_E_FORMAT), "c.pem: is empty", "nothing");
    is_text(refusal(NULL, 0, VOUCH_E_FORMAT), "c.pem: is empty", "NULL");
    ok(strstr(refusal("Hello", 5, VOUCH_E_FORMAT),
              "c.pem: not a certificate (neither PEM nor DER): ")
           != NULL,
       "words");
    ok(strstr(refusal("0", 1, VOUCH_E_FORMAT), "neither PEM nor DER): ")
           != NULL,
       "one byte of DER");
    ok(strstr(refusal("-----BEGIN \n", 12, VOUCH_E_FORMAT),
              "c.pem: not a certificate (no CERTIFICATE block in the PEM)")
           != NULL,
       "a PEM line without a name");

    pki_key_pem(buf, ec_key, NULL);
    is_text(refusal_of(buf), key_hint, "a key in PEM");
    vouch_buf_clear(buf);
    pki_key_pem(buf, ec_key, "secret");
    is_text(refusal_of(buf), key_hint, "an encrypted key, nobody is asked");
    vouch_buf_clear(buf);
    pki_key_old_pem(buf, ec_key, "secret");
    is_text(refusal_of(buf), key_hint, "an old encrypted key");
    vouch_buf_clear(buf);
    pki_key_der(buf, ec_key, NULL);
    is_text(refusal_of(buf), key_hint, "a key in DER");

    vouch_buf_clear(buf);
    p12 = PKCS12_create("", "x", ec_key, cert, NULL, 0, 0, 0, 0, 0);
    bio = BIO_new(BIO_s_mem());
    pki_collect(buf, bio, i2d_PKCS12_bio(bio, p12));
    PKCS12_free(p12);
    ok(strstr(refusal_of(buf), "PKCS#12") != NULL, "PKCS#12");

    vouch_buf_clear(buf);
    bio = BIO_new(BIO_s_mem());
    pki_collect(buf, bio, PEM_write_bio_PUBKEY(bio, ec_key));
    ok(strstr(refusal_of(buf), "public key only") != NULL, "a public key");
    vouch_buf_free(buf);
    X509_free(cert);
}

static void
test_damaged(void)
{
    X509 *cert = pki_cert(ec_key, "damaged");
    struct vouch_buf *buf = pki_buf();
    struct vouch_buf *damaged = pki_buf();

    pki_cert_der(buf, cert);
    (void) vouch_buf_append(buf, "", 1);
    is_text(refusal_of(buf),
            "c.pem: not a certificate: 1 bytes follow the DER certificate",
            "a byte after DER");

    vouch_buf_clear(buf);
    pki_cert_pem(buf, cert);
    pki_replace(damaged, buf, "\nMII", "\nM!!");
    ok(strstr(refusal_of(damaged), "c.pem: certificate 1 in it cannot be "
                                   "read: ")
           != NULL,
       "PEM that is not base64");
    vouch_buf_clear(damaged);
    pki_replace(damaged, buf, "-----END", "-----ENDE");
    ok(strstr(refusal_of(damaged), "cannot be read") != NULL,
       "PEM without an end");
    vouch_buf_clear(damaged);
    pki_replace(damaged, buf, "CERTIFICATE-", "CERTIFICATE REQUEST-");
    ok(strstr(refusal_of(damaged), "a certificate request") != NULL,
       "a request");
    vouch_buf_free(damaged);
    vouch_buf_free(buf);
    X509_free(cert);
}

static void
test_size(void)
{
    X509 *cert = pki_cert(ec_key, "size");
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    size_t room;
    size_t i;

    pki_cert_pem(pem, cert);
    room = VOUCH_CERT_MAX - 1 - vouch_buf_length(pem);
    for (i = 0; i < room; i++)
        (void) vouch_buf_append(buf, "\n", 1);
    (void) vouch_buf_append_text(buf, vouch_buf_text(pem));
    ok(reads_as(buf, cert), "one byte less than the limit");
    (void) vouch_buf_append(buf, "\n", 1);
    ok(reads_as(buf, cert), "as much as the limit");
    (void) vouch_buf_append(buf, "\n", 1);
    is_text(refusal(vouch_buf_data(buf), vouch_buf_length(buf), VOUCH_E_LIMIT),
            "c.pem: larger than 1048576 bytes", "one byte more");
    vouch_buf_free(buf);
    vouch_buf_free(pem);
    X509_free(cert);
}

static void
test_file(void)
{
    struct vouch_cert *cert = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    ok(vouch_cert_from_file("/nonexistent/c.pem", &cert, &err) == -1
           && err.code == VOUCH_E_FILE && cert == NULL
           && strstr(err.text, "/nonexistent/c.pem") != NULL,
       "a missing file is told by its name");
    vouch_error_clear(&err);
    ok(vouch_cert_from_file("/", &cert, &err) == -1
           && err.code == VOUCH_E_FORMAT,
       "a folder is no certificate");
}

static int
appends(int (*append)(const struct vouch_cert *, struct vouch_buf *),
        const struct vouch_cert *cert, const char *wanted)
{
    struct vouch_buf *buf = vouch_buf_new(4096);
    int good =
        append(cert, buf) == 0 && strcmp(vouch_buf_text(buf), wanted) == 0;

    if (!good)
        printf("# got '%s'\n", vouch_buf_text(buf));
    vouch_buf_free(buf);
    return good;
}

static void
test_vector(void)
{
    struct vouch_cert *cert = read_text(vector_pem);
    struct vouch_buf *buf = pki_buf();
    struct vouch_buf *small = vouch_buf_new(16);
    int64_t when = 0;

    is_int(vouch_cert_not_before(cert, &when), 0, "not_before");
    is_int(when, 1795237232, "its value");
    is_int(vouch_cert_not_after(cert, &when), 0, "not_after");
    is_int(when, INT64_C(4948837232), "its value");
    ok(appends(vouch_cert_serial_hex, cert, "80F1E2D3C4B5A69788"), "serial");
    ok(appends(vouch_cert_serial_decimal, cert, "2378612967784514492296"),
       "serial in decimal");
    is_text(vouch_cert_key_type(cert), "EC", "type of key");
    is_text(vouch_cert_key_curve(cert), "prime256v1", "curve");
    is_int(vouch_cert_key_bits(cert), 256, "bits");
    is_text(vouch_cert_signature_algorithm(cert), "ecdsa-with-SHA256",
            "signature algorithm");
    ok(vouch_cert_is_self_signed(cert), "self-signed");
    ok(vouch_cert_x509(cert) == (void *) cert, "OpenSSL's view of it");
    ok(vouch_cert_ref(cert) == cert, "a reference is the same object");
    vouch_cert_free(cert);

    is_int(vouch_cert_pem(cert, buf), 0, "PEM");
    is_text(vouch_buf_text(buf), vector_pem, "is what was read");
    vouch_buf_clear(buf);
    is_int(vouch_cert_der(cert, buf), 0, "DER");
    is_int(vouch_buf_length(buf), 465, "its length");
    ok(reads_as(buf, vouch_cert_x509(cert)), "and read back");
    vouch_buf_clear(buf);
    ok(vouch_cert_text(cert, buf) == 0
           && strstr(vouch_buf_text(buf), "DNS:vouch.test") != NULL,
       "text for people");
    ok(vouch_cert_pem(cert, small) == -1, "no room for PEM");
    vouch_buf_clear(small);
    ok(vouch_cert_der(cert, small) == -1, "no room for DER");
    vouch_buf_clear(small);
    ok(vouch_cert_text(cert, small) == -1, "no room for text");
    vouch_buf_free(small);
    vouch_buf_free(buf);
    vouch_cert_free(cert);
    vouch_cert_free(NULL);
    ok(vouch_cert_ref(NULL) == NULL, "no reference to nothing");
}

/* Of the vector: "openssl dgst" over the DER, the SubjectPublicKeyInfo, and
 * the last 65 bytes of that. */
static const char *const vector_fingerprints[] = {
    "sha256$161370b43c7e803746c73f997f6e6a94ee1a565341644edb134270f874c3ccab",
    "sha256$spki$"
    "e47b2295855b3c54208691820e1d961e318211fb510815464b4cc13b41619d9f",
    "sha256$pub$"
    "7ba76f6156443dfd00d8a710488ade14ce67078b1d82ef85b8cb78dd2a8d7e3a",
    "sha1$11abefbcd66c8054bdc479ffbe25f4d7b00d3247",
    "sha1$spki$83f0ca45d3073f84b6242271ecaf0c6ccdf031bf",
    "sha1$pub$f0ef7633a63fcac3491cb10f159623b18a2d02b6",
    "sha384$9f24c3d986ea2a65181cdb1f250b733855d6f072ed19485e9a25d3242733"
    "5803c4c912435eead0ceb7dd2fa91f9cd7f3",
    "sha384$spki$0a02a99be9572b51a219c71152d24573f24a74eaea233537f2533cee"
    "91581b3f3b5f846ec7e772fad70b8cf11bfea8e5",
    "sha384$pub$208817b50bcee2f7eab82ea7c8de1028527f69cbe48cbb34256dd8f30"
    "39a996cdfee33499e4f3df65fe289367c6ea3a5",
    "sha512$1c35e70fcaa90168c84f85ab43037ea70f12b7624abe336d9c49f02d6469e8"
    "173a56958a20b0c2a713ddb5f80e889f957108f4c0047c79ed90e1d17e5a688785",
    "sha512$spki$88f9bea7f9ae62ff638a1b9cb19979f05aeb1fbce55a709895e41785a1"
    "afc8383a9c532716cea013e5958ccb40084d234bdd09b0d8e0ed5474c8150f61930365",
    "sha512$pub$83803557d34654f9fa59761f5b1d67e5b9070bd1c4781ca8cba1574d216"
    "89e96a3b3c6906e8425a6f2432df259be9bfe560305d63c9d142f7690d3650cbfaae6",
    "md5$b39a6ef0c3793165a5d6e7c334e38760",
    "md5$spki$e6c8a4594157f1b3868f5c7374879c5a",
    "md5$pub$3a0b6dd5ad82c7fde686c6917aea034b",
};

static void
test_fingerprints(void)
{
    struct vouch_cert *cert = read_text(vector_pem);
    struct vouch_fingerprint made;
    char text[VOUCH_FINGERPRINT_TEXT];
    int i;

    for (i = 0; i < VOUCH_DIGESTS * VOUCH_OFS; i++) {
        if (vouch_cert_fingerprint(cert, (enum vouch_digest)(i / VOUCH_OFS),
                                   (enum vouch_digest_of)(i % VOUCH_OFS),
                                   &made)
            != 0) {
            /* A FIPS provider has no MD5. */
            is_int(i / VOUCH_OFS, VOUCH_MD5, "only MD5 may be missing");
            continue;
        }
        vouch_fingerprint_text(&made, VOUCH_SPELL_DOLLAR, text);
        is_text(text, vector_fingerprints[i], "fingerprint");
    }
    made.length = 77;
    is_int(vouch_cert_fingerprint(cert, VOUCH_DIGESTS, VOUCH_OF_CERT, &made),
           -1, "no such digest");
    is_int(vouch_cert_fingerprint(cert, VOUCH_SHA1, VOUCH_OFS, &made), -1,
           "nothing of that kind to digest");
    is_int(made.length, 77, "nothing was written then");
    vouch_cert_free(cert);
}

/* Certificates around the size that is digested without allocation. */
static void
test_large_fingerprint(void)
{
    X509 *cert = pki_blank(ec_key);
    struct vouch_fingerprint made;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    int wrong = 0;
    int i;

    for (i = 0; i < 60; i++) {
        pki_name(cert, "OU", MBSTRING_UTF8, "an organization of 30 letters",
                 -1);
        cert = pki_sign(cert, ec_key);
        (void) X509_digest(cert, EVP_sha256(), bytes, &length);
        if (vouch_cert_fingerprint(vouch_cert_borrow(cert), VOUCH_SHA256,
                                   VOUCH_OF_CERT, &made)
                != 0
            || memcmp(made.bytes, bytes, length) != 0)
            wrong++;
    }
    is_int(wrong, 0, "small and large ones agree with OpenSSL's digest");
    X509_free(cert);
}

static void
test_serials(void)
{
    static const struct {
        const char *hex;
        const char *decimal;
    } cases[] = {
        {"0", "0"},
        {"01", "1"},
        {"7F", "127"},
        {"80", "128"},
        {"-01", "-1"},
        {"-80", "-128"},
        {"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
         "1461501637330902918203684832716283019655932542975"},
    };
    X509 *x509 = pki_blank(NULL);
    struct vouch_cert *cert = vouch_cert_borrow(x509);
    struct vouch_buf *buf = pki_buf();
    unsigned char long_serial[1025];
    BIGNUM *number = NULL;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) BN_hex2bn(&number, cases[i].hex);
        (void) BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
        ok(appends(vouch_cert_serial_hex, cert, cases[i].hex), "hex");
        ok(appends(vouch_cert_serial_decimal, cert, cases[i].decimal),
           cases[i].decimal);
    }
    memset(long_serial, 0x55, sizeof(long_serial));
    for (i = 1023; i <= 1025; i++) {
        (void) ASN1_STRING_set(X509_get_serialNumber(x509), long_serial,
                               (int) i);
        vouch_buf_clear(buf);
        is_int(vouch_cert_serial_hex(cert, buf), i <= 1024 ? 0 : -1,
               "a serial near the limit");
        is_int(vouch_buf_length(buf), i <= 1024 ? i * 2 : 0, "its length");
        is_int(vouch_cert_serial_decimal(cert, buf), i <= 1024 ? 0 : -1,
               "and in decimal");
    }
    BN_free(number);
    vouch_buf_free(buf);
    X509_free(x509);
}

static void
test_self_signed(void)
{
    EVP_PKEY *other = pki_key("EC", "prime256v1");
    X509 *cert = pki_cert(ec_key, "self");

    ok(vouch_cert_is_self_signed(vouch_cert_borrow(cert)), "own signature");
    (void) X509_sign(cert, other, EVP_sha256());
    ok(!vouch_cert_is_self_signed(vouch_cert_borrow(cert)),
       "own name, another's signature");
    X509_free(cert);
    cert = pki_blank(ec_key);
    pki_name(cert, "CN", MBSTRING_UTF8, "subject", -1);
    (void) X509_sign(cert, ec_key, EVP_sha256());
    ok(!vouch_cert_is_self_signed(vouch_cert_borrow(cert)), "another's name");
    X509_free(cert);
    cert = pki_sign(pki_blank(ec_key), ec_key);
    ok(vouch_cert_is_self_signed(vouch_cert_borrow(cert)), "empty names");
    X509_free(cert);
    cert = pki_blank(NULL);
    ok(!vouch_cert_is_self_signed(vouch_cert_borrow(cert)), "no key at all");
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    X509_free(cert);
    EVP_PKEY_free(other);
}

static void
is_key(EVP_PKEY *key, const char *type, const char *curve, int bits)
{
    X509 *x509 = pki_blank(key);
    struct vouch_cert *cert = vouch_cert_borrow(x509);

    is_text(vouch_cert_key_type(cert), type, "type of key");
    is_text(vouch_cert_key_curve(cert), curve, "curve");
    is_int(vouch_cert_key_bits(cert), bits, "bits");
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void
test_keys(void)
{
    X509 *cert;
    X509_ALGOR *algorithm = NULL;

    is_key(pki_key("EC", "secp384r1"), "EC", "secp384r1", 384);
    is_key(pki_key("EC", "P-521"), "EC", "secp521r1", 521);
    is_key(pki_rsa("RSA", 2048), "RSA", NULL, 2048);
    is_key(pki_rsa("RSA-PSS", 2048), "RSA-PSS", NULL, 2048);
    is_key(pki_key("ED25519", NULL), "ED25519", NULL, 256);
    is_key(pki_key("ED448", NULL), "ED448", NULL, 456);
    is_key(pki_key("X25519", NULL), "X25519", NULL, 253);

    cert = pki_blank(ec_key);
    (void) X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm,
                                  X509_get_X509_PUBKEY(cert));
    (void) X509_ALGOR_set0(algorithm, OBJ_txt2obj("1.2.3.4.5.6", 1),
                           V_ASN1_NULL, NULL);
    is_text(vouch_cert_key_type(vouch_cert_borrow(cert)), "unknown",
            "an algorithm nobody knows");
    is_text(vouch_cert_key_curve(vouch_cert_borrow(cert)), NULL, "no curve");
    (void) X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                           V_ASN1_OBJECT, OBJ_txt2obj("1.2.3.4.5.7", 1));
    is_text(vouch_cert_key_curve(vouch_cert_borrow(cert)), "unknown",
            "a curve nobody knows");
    X509_free(cert);

    cert = pki_blank(NULL);
    is_text(vouch_cert_key_type(vouch_cert_borrow(cert)), "unknown", "no key");
    is_int(vouch_cert_key_bits(vouch_cert_borrow(cert)), 0, "no bits");
    is_text(vouch_cert_signature_algorithm(vouch_cert_borrow(cert)), "unknown",
            "not signed");
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    X509_free(cert);
}

int
main(void)
{
    ec_key = pki_key("EC", "prime256v1");
    test_forms();
    test_refused();
    test_damaged();
    test_size();
    test_file();
    test_vector();
    test_fingerprints();
    test_large_fingerprint();
    test_serials();
    test_self_signed();
    test_keys();
    EVP_PKEY_free(ec_key);
    return tap_done();
}
