/*
 * Keys and certificates made in memory for the unit tests, by OpenSSL
 * itself and not by the code under test.
 *
 * What cannot be made ends the test: every helper returns something usable.
 */
#ifndef VOUCH_TEST_PKI_H
#define VOUCH_TEST_PKI_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "base/error.h"
#include "tls/certificate.h"
#include "tls/private.h"

#define PKI_BIG 2097152 /* room enough for what no limit may let through */

/* Leave the test: without its material it would prove nothing. */
static inline void
pki_need(int good, const char *what)
{
    if (good)
        return;
    printf("Bail out! cannot make %s\n", what);
    fflush(stdout);
    _Exit(255);
}

/* A key by OpenSSL's names: ("EC", "prime256v1"), ("ED25519", NULL). */
static inline EVP_PKEY *
pki_key(const char *type, const char *curve)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, type, curve);

    pki_need(key != NULL, "a key");
    return key;
}

/* "RSA" or "RSA-PSS". */
static inline EVP_PKEY *
pki_rsa(const char *type, int bits)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    pki_need(context != NULL && EVP_PKEY_keygen_init(context) == 1
                 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1
                 && EVP_PKEY_generate(context, &key) == 1,
             "an RSA key");
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Add a part to the subject, of an ASN.1 type or of MBSTRING_UTF8. */
static inline void
pki_name(X509 *cert, const char *field, int type, const void *value,
         int length)
{
    pki_need(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), field,
                                        type, value, length, -1, 0)
                 == 1,
             field);
}

/* An unsigned certificate without names: serial 1, the year 2000. */
static inline X509 *
pki_blank(EVP_PKEY *key)
{
    X509 *cert = X509_new();

    pki_need(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1
                 && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1
                 && ASN1_TIME_set_string(X509_getm_notBefore(cert),
                                         "20000101000000Z")
                        == 1
                 && ASN1_TIME_set_string(X509_getm_notAfter(cert),
                                         "20010101000000Z")
                        == 1
                 && (key == NULL || X509_set_pubkey(cert, key) == 1),
             "a certificate");
    return cert;
}

/* Make the subject the issuer, sign, and read back, as a peer would. */
static inline X509 *
pki_sign(X509 *cert, EVP_PKEY *key)
{
    int plain = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
    X509 *back;

    pki_need(X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1
                 && X509_sign(cert, key, plain ? NULL : EVP_sha256()) > 0,
             "a signature");
    back = X509_dup(cert);
    pki_need(back != NULL, "a copy");
    X509_free(cert);
    return back;
}

/* A self-signed certificate with a common name. */
static inline X509 *
pki_cert(EVP_PKEY *key, const char *cn)
{
    X509 *cert = pki_blank(key);

    pki_name(cert, "CN", MBSTRING_UTF8, cn, -1);
    return pki_sign(cert, key);
}

static inline struct vouch_buf *
pki_buf(void)
{
    struct vouch_buf *buf = vouch_buf_new(PKI_BIG);

    pki_need(buf != NULL, "a buffer");
    return buf;
}

/* Append what has been written to a BIO, and free that. */
static inline void
pki_collect(struct vouch_buf *out, BIO *bio, int good)
{
    char *text = NULL;
    long length;

    pki_need(good, "PEM or DER");
    length = BIO_get_mem_data(bio, &text);
    pki_need(vouch_buf_append(out, text, (size_t) length) == 0, "a copy");
    BIO_free(bio);
}

static inline void
pki_cert_pem(struct vouch_buf *out, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());

    pki_collect(out, bio, PEM_write_bio_X509(bio, cert));
}

static inline void
pki_cert_der(struct vouch_buf *out, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());

    pki_collect(out, bio, i2d_X509_bio(bio, cert));
}

/* The key in PKCS#8 PEM, encrypted if there is a password. */
static inline void
pki_key_pem(struct vouch_buf *out, EVP_PKEY *key, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());

    pki_collect(out, bio,
                PEM_write_bio_PKCS8PrivateKey(
                    bio, key, password != NULL ? EVP_aes_256_cbc() : NULL,
                    password, password != NULL ? (int) strlen(password) : 0,
                    NULL, NULL));
}

/* The key in OpenSSL's old PEM form, encrypted if there is a password. */
static inline void
pki_key_old_pem(struct vouch_buf *out, EVP_PKEY *key, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());

    pki_collect(out, bio,
                PEM_write_bio_PrivateKey_traditional(
                    bio, key, password != NULL ? EVP_aes_128_cbc() : NULL,
                    (const unsigned char *) password,
                    password != NULL ? (int) strlen(password) : 0, NULL,
                    NULL));
}

/* The key in DER: PKCS#8, encrypted if there is a password. */
static inline void
pki_key_der(struct vouch_buf *out, EVP_PKEY *key, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());

    pki_collect(out, bio,
                i2d_PKCS8PrivateKey_bio(
                    bio, key, password != NULL ? EVP_aes_256_cbc() : NULL,
                    password, password != NULL ? (int) strlen(password) : 0,
                    NULL, NULL));
}

/* Replace each text of equal or shorter length; the rest moves up. */
static inline void
pki_replace(struct vouch_buf *out, const struct vouch_buf *in,
            const char *from, const char *to)
{
    const char *at = vouch_buf_text(in);
    const char *found;

    while ((found = strstr(at, from)) != NULL) {
        (void) vouch_buf_append(out, at, (size_t) (found - at));
        (void) vouch_buf_append_text(out, to);
        at = found + strlen(from);
    }
    pki_need(vouch_buf_append_text(out, at) == 0, "a copy");
}

#endif
