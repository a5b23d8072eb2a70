/*
 * Keys and PKCS#12 that mean harm: cut at every length, bits turned over.
 * Nothing may crash or leak; what loads must fit together.
 */
#include "tls/identity.h"

#include <openssl/pkcs12.h>

#include "pki.h"
#include "tap.h"

static struct vouch_buf *cert;

static int
no_password(char *password, size_t size, void *arg)
{
    (void) password;
    (void) size;
    (void) arg;
    return -1;
}

/* 1 if loading went well in either way: an identity that fits, or an error
 * with a code and a text. */
static int
survives(const void *data, size_t length, int alone)
{
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    int good;
    int rv;

    vouch_error_clear(&err);
    rv = vouch_identity_from_mem(alone ? data : vouch_buf_data(cert),
                                 alone ? length : vouch_buf_length(cert), "c",
                                 alone ? NULL : data, length, "k", no_password,
                                 NULL, &identity, &err);
    if (rv == 0)
        good = X509_check_private_key(vouch_identity_x509(identity),
                                      vouch_identity_pkey(identity))
               == 1;
    else
        good = rv == -1 && identity == NULL && err.code != VOUCH_OK
               && err.text[0] != '\0';
    vouch_identity_free(identity);
    return good && ERR_peek_error() == 0;
}

static void
test_cut(const struct vouch_buf *whole, int alone, const char *name)
{
    size_t length;
    unsigned char *copy;
    int wrong = 0;

    for (length = 1; length < vouch_buf_length(whole); length++) {
        /* A copy of this very size, so that reading on is noticed. */
        copy = malloc(length);
        pki_need(copy != NULL, "memory");
        memcpy(copy, vouch_buf_data(whole), length);
        wrong += !survives(copy, length, alone);
        free(copy);
    }
    is_int(wrong, 0, name);
}

/* Every step-th bit turned over; an odd step meets every place in a byte. */
static void
test_flipped(const struct vouch_buf *whole, int alone, size_t step,
             const char *name)
{
    size_t length = vouch_buf_length(whole);
    unsigned char *copy = malloc(length);
    size_t i;
    int wrong = 0;

    pki_need(copy != NULL, "memory");
    memcpy(copy, vouch_buf_data(whole), length);
    for (i = 0; i < length * 8; i += step) {
        copy[i / 8] ^= (unsigned char) (1u << (i % 8));
        wrong += !survives(copy, length, alone);
        copy[i / 8] ^= (unsigned char) (1u << (i % 8));
    }
    is_int(wrong, 0, name);
    free(copy);
}

/* PKCS#12 without encryption and MAC, as the number of rounds in these
 * could be turned into hours. */
static void
plain_pkcs12(struct vouch_buf *out, EVP_PKEY *key, X509 *x509)
{
    PKCS12 *p12 = PKCS12_create(NULL, "n", key, x509, NULL, -1, -1, 0, -1, 0);
    BIO *bio = BIO_new(BIO_s_mem());

    pki_need(p12 != NULL, "PKCS#12");
    pki_collect(out, bio, i2d_PKCS12_bio(bio, p12));
    PKCS12_free(p12);
}

int
main(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");
    EVP_PKEY *ed = pki_key("ED25519", NULL);
    X509 *x509 = pki_cert(key, "c");
    struct vouch_buf *buf = pki_buf();

    cert = pki_buf();
    pki_cert_pem(cert, x509);
    pki_key_pem(buf, key, NULL);
    test_cut(buf, 0, "a PEM key cut");
    test_flipped(buf, 0, 5, "a PEM key turned over");
    vouch_buf_clear(buf);
    pki_key_old_pem(buf, key, NULL);
    test_flipped(buf, 0, 7, "an old PEM key turned over");
    vouch_buf_clear(buf);
    pki_key_old_pem(buf, key, "secret");
    test_cut(buf, 0, "an old encrypted PEM key cut");
    test_flipped(buf, 0, 7, "an old encrypted PEM key turned over");
    vouch_buf_clear(buf);
    pki_key_der(buf, key, NULL);
    test_cut(buf, 0, "a DER key cut");
    test_flipped(buf, 0, 1, "a DER key turned over");
    vouch_buf_clear(buf);
    pki_key_der(buf, ed, NULL);
    test_flipped(buf, 0, 1, "a key of another kind turned over");
    vouch_buf_clear(buf);
    plain_pkcs12(buf, key, x509);
    ok(survives(vouch_buf_data(buf), vouch_buf_length(buf), 1),
       "PKCS#12 without encryption and MAC");
    test_cut(buf, 1, "PKCS#12 cut");
    test_flipped(buf, 1, 7, "PKCS#12 turned over");
    vouch_buf_free(buf);
    vouch_buf_free(cert);
    X509_free(x509);
    EVP_PKEY_free(ed);
    EVP_PKEY_free(key);
    return tap_done();
}
