/*
 * Facts about one certificate: reading and writing it, dates, serial, key,
 * digests.  Names are in certificate_names.c.
 *
 * Trusts nothing: every getter must survive any certificate OpenSSL parses.
 */
#include "tls/certificate.h"

#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "tls/decode.h"
#include "tls/private.h"

#define SECONDS_PER_DAY 86400

/* RFC 5280 allows 20 bytes; printing in decimal takes quadratic time. */
#define SERIAL_MAX 1024

/* Digesting needs the DER; the certificates one meets fit here. */
#define DER_ON_STACK 2048

/* OpenSSL's own names of kinds of keys differ from version to version. */
static const struct {
    int nid;
    const char *name;
} key_types[] = {
    {NID_X9_62_id_ecPublicKey, "EC"}, {NID_rsaEncryption, "RSA"},
    {NID_rsassaPss, "RSA-PSS"},       {NID_dsa, "DSA"},
    {NID_dhKeyAgreement, "DH"},       {NID_dhpublicnumber, "DHX"},
    {NID_ED25519, "ED25519"},         {NID_ED448, "ED448"},
    {NID_X25519, "X25519"},           {NID_X448, "X448"},
};

void
vouch_cert_free(struct vouch_cert *cert)
{
    X509_free(vouch_cert_openssl(cert));
}

struct vouch_cert *
vouch_cert_ref(struct vouch_cert *cert)
{
    if (cert != NULL)
        (void) X509_up_ref(vouch_cert_openssl(cert));
    return cert;
}

void *
vouch_cert_x509(const struct vouch_cert *cert)
{
    return vouch_cert_openssl(cert);
}

int
vouch_cert_from_mem(const void *data, size_t length, const char *what,
                    struct vouch_cert **cert_r, struct vouch_error *err)
{
    X509 *x509 = NULL;

    if (vouch_decode_certs(data, length, what, &x509, NULL, err) != 0)
        return -1;
    *cert_r = vouch_cert_borrow(x509);
    return 0;
}

int
vouch_cert_each_from_mem(const void *data, size_t length, const char *what,
                         void (*take)(struct vouch_cert *cert, void *arg),
                         void *arg, struct vouch_error *err)
{
    X509 *leaf = NULL;
    STACK_OF(X509) *rest = NULL;
    X509 *cert;

    if (vouch_decode_certs(data, length, what, &leaf, &rest, err) != 0)
        return -1;
    take(vouch_cert_borrow(leaf), arg);
    while ((cert = sk_X509_shift(rest)) != NULL)
        take(vouch_cert_borrow(cert), arg);
    sk_X509_free(rest);
    return 0;
}

struct vouch_cert *
vouch_cert_of_x509(void *x509)
{
    return vouch_cert_ref(vouch_cert_borrow(x509));
}

int
vouch_cert_from_file(const char *path, struct vouch_cert **cert_r,
                     struct vouch_error *err)
{
    struct vouch_buf *buf;
    int rv = -1;

    buf = vouch_buf_new(VOUCH_CERT_MAX);
    if (buf == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "%s: out of memory", path);
    if (vouch_file_read(path, buf, err) == 0)
        rv = vouch_cert_from_mem(vouch_buf_data(buf), vouch_buf_length(buf),
                                 path, cert_r, err);
    vouch_buf_free(buf);
    return rv;
}

/* Text of a serial number, made by BN_bn2hex or BN_bn2dec. */
static int
append_serial(const struct vouch_cert *cert, char *(*print)(const BIGNUM *),
              struct vouch_buf *out)
{
    const ASN1_INTEGER *serial =
        X509_get0_serialNumber(vouch_cert_openssl(cert));
    BIGNUM *number = NULL;
    char *text = NULL;
    int rv = -1;

    if (serial == NULL || ASN1_STRING_length(serial) > SERIAL_MAX)
        return -1;
    ERR_set_mark();
    number = ASN1_INTEGER_to_BN(serial, NULL);
    if (number != NULL)
        text = print(number);
    if (text != NULL)
        rv = vouch_buf_append_text(out, text);
    OPENSSL_free(text);
    BN_free(number);
    ERR_pop_to_mark();
    return rv;
}

int
vouch_cert_serial_hex(const struct vouch_cert *cert, struct vouch_buf *out)
{
    return append_serial(cert, BN_bn2hex, out);
}

int
vouch_cert_serial_decimal(const struct vouch_cert *cert, struct vouch_buf *out)
{
    return append_serial(cert, BN_bn2dec, out);
}

/*
 * Days from 1970-01-01 to a date of the Gregorian calendar.  Years begin in
 * March here, so that the leap day is the last of its year.
 */
static int64_t
days_from_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year =
        (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4
           - year_of_era / 100 + day_of_year - 719468;
}

static int
epoch_of(const ASN1_TIME *when, int64_t *epoch_r)
{
    struct tm tm;
    int good;

    ERR_set_mark();
    /* OpenSSL takes NULL for "now". */
    good = when != NULL && ASN1_TIME_to_tm(when, &tm) == 1;
    ERR_pop_to_mark();
    if (!good)
        return -1;
    *epoch_r =
        days_from_date((int64_t) tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday)
            * SECONDS_PER_DAY
        + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return 0;
}

int
vouch_cert_not_before(const struct vouch_cert *cert, int64_t *epoch_r)
{
    return epoch_of(X509_get0_notBefore(vouch_cert_openssl(cert)), epoch_r);
}

int
vouch_cert_not_after(const struct vouch_cert *cert, int64_t *epoch_r)
{
    return epoch_of(X509_get0_notAfter(vouch_cert_openssl(cert)), epoch_r);
}

int
vouch_cert_is_expired(const struct vouch_cert *cert, int64_t now)
{
    int64_t end;

    return vouch_cert_not_after(cert, &end) != 0 || now > end;
}

int
vouch_cert_is_not_yet_valid(const struct vouch_cert *cert, int64_t now)
{
    int64_t start;

    return vouch_cert_not_before(cert, &start) != 0 || now < start;
}

int
vouch_cert_is_self_signed(const struct vouch_cert *cert)
{
    int rv;

    ERR_set_mark();
    rv = X509_self_signed(vouch_cert_openssl(cert), 1);
    ERR_pop_to_mark();
    return rv == 1;
}

/* The algorithm of the key, with its parameters; or NULL. */
static X509_ALGOR *
key_algorithm(const struct vouch_cert *cert)
{
    X509_PUBKEY *pubkey = X509_get_X509_PUBKEY(vouch_cert_openssl(cert));
    X509_ALGOR *algorithm = NULL;

    if (pubkey == NULL
        || X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, pubkey) != 1)
        return NULL;
    return algorithm;
}

const char *
vouch_cert_key_type(const struct vouch_cert *cert)
{
    const X509_ALGOR *algorithm = key_algorithm(cert);
    const ASN1_OBJECT *oid = NULL;
    size_t i;
    int nid;

    if (algorithm == NULL)
        return "unknown";
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    nid = OBJ_obj2nid(oid);
    for (i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        if (key_types[i].nid == nid)
            return key_types[i].name;
    }
    return nid == NID_undef ? "unknown" : OBJ_nid2sn(nid);
}

const char *
vouch_cert_key_curve(const struct vouch_cert *cert)
{
    const X509_ALGOR *algorithm = key_algorithm(cert);
    const ASN1_OBJECT *oid = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    int nid;

    if (algorithm == NULL)
        return NULL;
    X509_ALGOR_get0(&oid, &type, &value, algorithm);
    if (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey || type != V_ASN1_OBJECT)
        return NULL;
    nid = OBJ_obj2nid(value);
    return nid == NID_undef ? "unknown" : OBJ_nid2sn(nid);
}

int
vouch_cert_key_bits(const struct vouch_cert *cert)
{
    const EVP_PKEY *key;
    int bits = 0;

    ERR_set_mark();
    key = X509_get0_pubkey(vouch_cert_openssl(cert));
    if (key != NULL)
        bits = EVP_PKEY_get_bits(key);
    ERR_pop_to_mark();
    return bits > 0 ? bits : 0;
}

const char *
vouch_cert_signature_algorithm(const struct vouch_cert *cert)
{
    int nid = X509_get_signature_nid(vouch_cert_openssl(cert));

    return nid == NID_undef ? "unknown" : OBJ_nid2ln(nid);
}

static const EVP_MD *
digest_method(enum vouch_digest digest)
{
    switch (digest) {
    case VOUCH_SHA256:
        return EVP_sha256();
    case VOUCH_SHA1:
        return EVP_sha1();
    case VOUCH_SHA384:
        return EVP_sha384();
    case VOUCH_SHA512:
        return EVP_sha512();
    case VOUCH_MD5:
        return EVP_md5();
    case VOUCH_DIGESTS:
        break;
    }
    return NULL;
}

static int
write_der(const X509 *cert, enum vouch_digest_of of, unsigned char **out)
{
    if (of == VOUCH_OF_CERT)
        return i2d_X509(cert, out);
    return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), out);
}

/* Digest the DER of the certificate or of its SubjectPublicKeyInfo. */
static int
digest_der(const X509 *cert, enum vouch_digest_of of, const EVP_MD *method,
           unsigned char *bytes, unsigned int *length)
{
    unsigned char room[DER_ON_STACK];
    unsigned char *der = room;
    unsigned char *at;
    int size = write_der(cert, of, NULL);
    int rv = 0;

    if (size <= 0)
        return 0;
    if ((size_t) size > sizeof(room))
        der = OPENSSL_malloc((size_t) size);
    if (der == NULL)
        return 0;
    at = der;
    if (write_der(cert, of, &at) == size)
        rv = EVP_Digest(der, (size_t) size, bytes, length, method, NULL);
    if (der != room)
        OPENSSL_free(der);
    return rv;
}

int
vouch_cert_fingerprint(const struct vouch_cert *cert, enum vouch_digest digest,
                       enum vouch_digest_of of,
                       struct vouch_fingerprint *fingerprint_r)
{
    const X509 *x509 = vouch_cert_openssl(cert);
    const EVP_MD *method = digest_method(digest);
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    int good;

    if (method == NULL || (unsigned) of >= VOUCH_OFS)
        return -1;
    ERR_set_mark();
    if (of == VOUCH_OF_KEY)
        good = X509_pubkey_digest(x509, method, bytes, &length);
    else
        good = digest_der(x509, of, method, bytes, &length);
    ERR_pop_to_mark();
    if (good != 1 || length != vouch_digest_length(digest))
        return -1;
    memset(fingerprint_r, 0, sizeof(*fingerprint_r));
    fingerprint_r->digest = digest;
    fingerprint_r->of = of;
    fingerprint_r->length = length;
    memcpy(fingerprint_r->bytes, bytes, length);
    return 0;
}

int
vouch_cert_der(const struct vouch_cert *cert, struct vouch_buf *out)
{
    const X509 *x509 = vouch_cert_openssl(cert);
    int length = i2d_X509(x509, NULL);
    unsigned char *room;

    if (length <= 0)
        return -1;
    room = vouch_buf_reserve(out, (size_t) length);
    if (room == NULL || i2d_X509(x509, &room) != length)
        return -1;
    return vouch_buf_commit(out, (size_t) length);
}

static int
write_pem(BIO *bio, X509 *cert)
{
    return PEM_write_bio_X509(bio, cert);
}

/* Append what a printing function of OpenSSL writes. */
static int
append_printed(const struct vouch_cert *cert, int (*print)(BIO *, X509 *),
               struct vouch_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length;
    int rv = -1;

    if (bio == NULL)
        return -1;
    ERR_set_mark();
    if (print(bio, vouch_cert_openssl(cert)) == 1) {
        length = BIO_get_mem_data(bio, &text);
        if (length > 0)
            rv = vouch_buf_append(out, text, (size_t) length);
    }
    ERR_pop_to_mark();
    BIO_free(bio);
    return rv;
}

int
vouch_cert_pem(const struct vouch_cert *cert, struct vouch_buf *out)
{
    return append_printed(cert, write_pem, out);
}

int
vouch_cert_text(const struct vouch_cert *cert, struct vouch_buf *out)
{
    return append_printed(cert, X509_print, out);
}
