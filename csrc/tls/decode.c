/*
 * Certificates out of bytes of unknown make: PEM or DER, told apart here.
 *
 * Keys and PKCS#12 are identity_load.c's.
 */
#include "tls/decode.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "tls/certificate.h"

#define DER_SEQUENCE 0x30

/* What people hand over instead of a certificate. */
static const struct {
    const char *mark;
    const char *hint;
} pem_hints[] = {
    {"PRIVATE KEY-----", "this file holds a private key; the certificate "
                         "belongs here"},
    {"CERTIFICATE REQUEST-----", "this file holds a certificate request; "
                                 "the signed certificate belongs here"},
    {"PUBLIC KEY-----", "this file holds a public key only; the certificate "
                        "belongs here"},
    {"X509 CRL-----", "this file holds a revocation list"},
    {"PKCS7-----", "this file holds PKCS#7; take the certificate out with "
                   "\"openssl pkcs7 -print_certs\""},
};

int
vouch_decode_no_password(char *password, int size, int writing, void *arg)
{
    (void) password;
    (void) size;
    (void) writing;
    (void) arg;
    return -1;
}

int
vouch_decode_contains(const unsigned char *data, size_t length,
                      const char *text)
{
    size_t wanted = strlen(text);
    const unsigned char *end = data + length;
    const unsigned char *at = data;

    while ((size_t) (end - at) >= wanted) {
        at = memchr(at, text[0], (size_t) (end - at) - wanted + 1);
        if (at == NULL)
            return 0;
        if (memcmp(at, text, wanted) == 0)
            return 1;
        at++;
    }
    return 0;
}

int
vouch_decode_at_end(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM
           && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

BIO *
vouch_decode_bio(const unsigned char *data, size_t length)
{
    if (length >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
        data += 3;
        length -= 3;
    }
    return BIO_new_mem_buf(data, (int) length);
}

static int
no_memory(const char *what, struct vouch_error *err)
{
    ERR_clear_error();
    return vouch_error_set(err, VOUCH_E_MEMORY, "%s: out of memory", what);
}

/* Why PEM without a certificate in it is not what was wanted. */
static int
refuse_pem(const unsigned char *data, size_t length, const char *what,
           struct vouch_error *err)
{
    size_t i;

    for (i = 0; i < sizeof(pem_hints) / sizeof(pem_hints[0]); i++) {
        if (vouch_decode_contains(data, length, pem_hints[i].mark)) {
            ERR_clear_error();
            return vouch_error_set(err, VOUCH_E_FORMAT,
                                   "%s: not a certificate: %s", what,
                                   pem_hints[i].hint);
        }
    }
    return vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                   "%s: not a certificate (no CERTIFICATE "
                                   "block in the PEM)",
                                   what);
}

/* Keep a certificate: as the leaf, or behind the others.  Takes it over. */
static int
keep(X509 *cert, X509 **leaf, STACK_OF(X509) **rest)
{
    if (*leaf == NULL) {
        *leaf = cert;
        return 0;
    }
    if (*rest == NULL)
        *rest = sk_X509_new_null();
    if (*rest != NULL && sk_X509_push(*rest, cert) > 0)
        return 0;
    X509_free(cert);
    return -1;
}

static int
decode_pem(const unsigned char *data, size_t length, const char *what,
           X509 **leaf_r, STACK_OF(X509) **rest_r, struct vouch_error *err)
{
    X509 *leaf = NULL;
    STACK_OF(X509) *rest = NULL;
    X509 *cert;
    BIO *bio;
    int count = 0;
    int rv = -1;

    bio = vouch_decode_bio(data, length);
    if (bio == NULL)
        return no_memory(what, err);
    while (rest_r != NULL || leaf == NULL) {
        cert =
            PEM_read_bio_X509_AUX(bio, NULL, vouch_decode_no_password, NULL);
        if (cert == NULL)
            break;
        count++;
        if (keep(cert, &leaf, &rest) != 0) {
            (void) no_memory(what, err);
            goto out;
        }
    }
    if (ERR_peek_last_error() != 0 && !vouch_decode_at_end()) {
        (void) vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                       "%s: certificate %d in it cannot be "
                                       "read",
                                       what, count + 1);
        goto out;
    }
    if (leaf == NULL) {
        (void) refuse_pem(data, length, what, err);
        goto out;
    }
    *leaf_r = leaf;
    leaf = NULL;
    if (rest_r != NULL) {
        *rest_r = rest;
        rest = NULL;
    }
    rv = 0;

out:
    sk_X509_pop_free(rest, X509_free);
    X509_free(leaf);
    BIO_free(bio);
    ERR_clear_error();
    return rv;
}

/* What DER bytes are that are no certificate, or NULL. */
static const char *
der_hint(const unsigned char *data, size_t length)
{
    const unsigned char *at = data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long) length);
    PKCS12 *p12;

    if (key != NULL) {
        EVP_PKEY_free(key);
        return pem_hints[0].hint;
    }
    at = data;
    p12 = d2i_PKCS12(NULL, &at, (long) length);
    if (p12 == NULL)
        return NULL;
    PKCS12_free(p12);
    return "this file is PKCS#12, which holds a key too; load it as an "
           "identity";
}

static int
refuse_der(const unsigned char *data, size_t length, const char *what,
           struct vouch_error *err)
{
    struct vouch_error plain;
    const char *hint = NULL;

    /* OpenSSL's reason first: looking for a hint empties its queue. */
    vouch_error_clear(&plain);
    (void) vouch_error_set_openssl(&plain, VOUCH_E_FORMAT,
                                   "%s: not a certificate (neither PEM nor "
                                   "DER)",
                                   what);
    if (data[0] == DER_SEQUENCE)
        hint = der_hint(data, length);
    ERR_clear_error();
    if (hint != NULL)
        return vouch_error_set(err, VOUCH_E_FORMAT,
                               "%s: not a certificate: %s", what, hint);
    if (err != NULL && err->code == VOUCH_OK)
        *err = plain;
    return -1;
}

/* 1 decoded, 0 not a certificate (OpenSSL's queue says why), -1 error. */
static int
decode_der(const unsigned char *data, size_t length, const char *what,
           X509 **leaf_r, struct vouch_error *err)
{
    const unsigned char *at = data;
    X509 *cert = d2i_X509(NULL, &at, (long) length);

    if (cert == NULL)
        return 0;
    if (at != data + length) {
        X509_free(cert);
        return vouch_error_set(err, VOUCH_E_FORMAT,
                               "%s: not a certificate: %lu bytes follow the "
                               "DER certificate",
                               what, (unsigned long) (data + length - at));
    }
    *leaf_r = cert;
    return 1;
}

int
vouch_decode_certs(const unsigned char *data, size_t length, const char *what,
                   X509 **leaf_r, STACK_OF(X509) **rest_r,
                   struct vouch_error *err)
{
    int rv = 0;

    if (data == NULL || length == 0)
        return vouch_error_set(err, VOUCH_E_FORMAT, "%s: is empty", what);
    if (length > VOUCH_CERT_MAX)
        return vouch_error_set(err, VOUCH_E_LIMIT, "%s: larger than %d bytes",
                               what, VOUCH_CERT_MAX);
    ERR_clear_error();
    if (data[0] == DER_SEQUENCE)
        rv = decode_der(data, length, what, leaf_r, err);
    if (rv == 1 && rest_r != NULL)
        *rest_r = NULL;
    if (rv != 0)
        return rv == 1 ? 0 : -1;
    if (!vouch_decode_contains(data, length, "-----BEGIN ")) {
        if (ERR_peek_error() == 0)
            ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
        return refuse_der(data, length, what, err);
    }
    ERR_clear_error();
    return decode_pem(data, length, what, leaf_r, rest_r, err);
}
