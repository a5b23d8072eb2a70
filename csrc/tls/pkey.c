/*
 * Private keys by themselves: made, read, written.
 *
 * How bytes become keys is key.c's.
 */
#include "tls/pkey.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "tls/certificate.h"
#include "tls/key.h"
#include "tls/private.h"

#define RSA_MIN 2048     /* what peers still accept */
#define RSA_MAX 8192     /* larger ones take minutes and are refused */
#define RSA_POSSIBLE 512 /* OpenSSL makes none below */
#define FILE_MAX 1048576 /* bytes of a key written */

/* The kinds of key a TLS peer understands, and OpenSSL's names for them. */
static const struct {
    const char *text;
    const char *type;
    const char *curve; /* or NULL */
} key_kinds[] = {
    {"ec", "EC", "prime256v1"},
    {"ec:prime256v1", "EC", "prime256v1"},
    {"ec:secp256r1", "EC", "prime256v1"},
    {"ec:P-256", "EC", "prime256v1"},
    {"ec:secp384r1", "EC", "secp384r1"},
    {"ec:P-384", "EC", "secp384r1"},
    {"ec:secp521r1", "EC", "secp521r1"},
    {"ec:P-521", "EC", "secp521r1"},
    {"ed25519", "ED25519", NULL},
    {"ed448", "ED448", NULL},
};

static EVP_PKEY *
make_safe_rsa(const char *digits, struct vouch_error *err)
{
    EVP_PKEY *key;
    char *end = NULL;
    unsigned long bits = 0;

    if (digits[0] >= '0' && digits[0] <= '9')
        bits = strtoul(digits, &end, 10);
    /* OpenSSL would make a shorter key than an odd size says. */
    if (end == NULL || *end != '\0' || bits > RSA_MAX || bits % 8 != 0) {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "key: \"rsa:%.40s\" is not an RSA key; it may "
                               "be rsa:%d to rsa:%d in steps of 8",
                               digits, RSA_MIN, RSA_MAX);
        return NULL;
    }
    if (bits < RSA_MIN) {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "key: rsa:%lu is too short to be safe and "
                               "peers refuse it; use rsa:%d or more",
                               bits, RSA_MIN);
        return NULL;
    }
    key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) bits);
    if (key == NULL)
        (void) vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "key: cannot make rsa:%lu", bits);
    return key;
}

static EVP_PKEY *
make_kind(const char *text, struct vouch_error *err)
{
    EVP_PKEY *key;
    size_t i;

    if (text == NULL)
        text = "ec:prime256v1";
    if (strncmp(text, "rsa:", 4) == 0)
        return make_safe_rsa(text + 4, err);
    for (i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++) {
        if (strcmp(text, key_kinds[i].text) != 0)
            continue;
        key = EVP_PKEY_Q_keygen(NULL, NULL, key_kinds[i].type,
                                key_kinds[i].curve);
        if (key == NULL)
            (void) vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                           "key: cannot make %s", text);
        return key;
    }
    (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                           "key: \"%.100s\" is not a kind of key; it may be "
                           "ec:prime256v1, ec:secp384r1, ec:secp521r1, "
                           "rsa:%d to rsa:%d, ed25519 or ed448",
                           text, RSA_MIN, RSA_MAX);
    return NULL;
}

/* A struct vouch_pkey * is an EVP_PKEY * by another name. */
static EVP_PKEY *
openssl_of(const struct vouch_pkey *key)
{
    union {
        const struct vouch_pkey *in;
        EVP_PKEY *out;
    } u;

    u.in = key;
    return u.out;
}

static struct vouch_pkey *
ours(EVP_PKEY *key)
{
    return (struct vouch_pkey *) (void *) key;
}

void
vouch_pkey_free(struct vouch_pkey *key)
{
    EVP_PKEY_free(openssl_of(key));
}

struct vouch_pkey *
vouch_pkey_ref(struct vouch_pkey *key)
{
    if (key != NULL)
        (void) EVP_PKEY_up_ref(openssl_of(key));
    return key;
}

void *
vouch_pkey_evp(const struct vouch_pkey *key)
{
    return openssl_of(key);
}

struct vouch_pkey *
vouch_pkey_of_evp(void *evp_pkey)
{
    return vouch_pkey_ref(ours(evp_pkey));
}

/* Hand a key out that may be NULL, and leave OpenSSL's queue empty. */
static int
give(EVP_PKEY *key, struct vouch_pkey **key_r)
{
    ERR_clear_error();
    if (key == NULL)
        return -1;
    *key_r = ours(key);
    return 0;
}

int
vouch_pkey_create(const char *kind, struct vouch_pkey **key_r,
                  struct vouch_error *err)
{
    ERR_clear_error();
    return give(make_kind(kind, err), key_r);
}

int
vouch_pkey_create_rsa(unsigned bits, struct vouch_pkey **key_r,
                      struct vouch_error *err)
{
    EVP_PKEY *key;

    ERR_clear_error();
    if (bits < RSA_POSSIBLE || bits > RSA_MAX || bits % 8 != 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "an RSA key has %d to %d bits, in steps of 8, "
                               "not %u",
                               RSA_POSSIBLE, RSA_MAX, bits);
    key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) bits);
    if (key == NULL)
        (void) vouch_error_set_openssl(
            err, VOUCH_E_CONFIG, "cannot make an RSA key of %u bits", bits);
    return give(key, key_r);
}

int
vouch_pkey_create_ec(const char *curve, struct vouch_pkey **key_r,
                     struct vouch_error *err)
{
    EVP_PKEY *key;

    ERR_clear_error();
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
    if (key == NULL)
        (void) vouch_error_set_openssl(err, VOUCH_E_ARGUMENT,
                                       "cannot make a key on the curve "
                                       "\"%.60s\"",
                                       curve);
    return give(key, key_r);
}

int
vouch_pkey_from_mem(const void *data, size_t length, const char *name,
                    vouch_password_fn password, void *arg,
                    struct vouch_pkey **key_r, struct vouch_error *err)
{
    struct vouch_source source = {data, length, name};
    struct vouch_password secret;
    EVP_PKEY *key = NULL;
    int rv;

    memset(&secret, 0, sizeof(secret));
    secret.ask = password;
    secret.arg = arg;
    ERR_clear_error();
    rv = vouch_key_read(&source, &secret, &key, err);
    OPENSSL_cleanse(&secret, sizeof(secret));
    return give(rv == 0 ? key : NULL, key_r);
}

int
vouch_pkey_from_file(const char *path, vouch_password_fn password, void *arg,
                     struct vouch_pkey **key_r, struct vouch_error *err)
{
    struct vouch_buf *buf = vouch_buf_new(VOUCH_CERT_MAX);
    int rv = -1;

    if (buf == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "%s: out of memory", path);
    if (vouch_file_read(path, buf, err) == 0)
        rv = vouch_pkey_from_mem(vouch_buf_data(buf), vouch_buf_length(buf),
                                 path, password, arg, key_r, err);
    vouch_buf_free(buf);
    return rv;
}

int
vouch_pkey_pem(const struct vouch_pkey *key, struct vouch_buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    long length;
    int rv = -1;

    if (bio == NULL)
        return -1;
    ERR_set_mark();
    if (PEM_write_bio_PKCS8PrivateKey(bio, openssl_of(key), NULL, NULL, 0,
                                      NULL, NULL)
        == 1) {
        length = BIO_get_mem_data(bio, &text);
        if (length > 0)
            rv = vouch_buf_append(out, text, (size_t) length);
    }
    ERR_pop_to_mark();
    BIO_free(bio);
    return rv;
}

int
vouch_pkey_save(const struct vouch_pkey *key, const char *path, int replace,
                struct vouch_error *err)
{
    int flags = VOUCH_FILE_PRIVATE | (replace ? VOUCH_FILE_REPLACE : 0);
    struct vouch_buf *buf = vouch_buf_new(FILE_MAX);
    int rv = -1;

    if (buf == NULL || vouch_pkey_pem(key, buf) != 0)
        (void) vouch_error_set(err, VOUCH_E_MEMORY,
                               "%s: OpenSSL cannot write this key", path);
    else
        rv = vouch_file_write(path, vouch_buf_data(buf), vouch_buf_length(buf),
                              flags, err);
    vouch_buf_free(buf);
    return rv;
}

const char *
vouch_pkey_type(const struct vouch_pkey *key)
{
    const char *name = EVP_PKEY_get0_type_name(openssl_of(key));

    return name != NULL ? name : "unknown";
}

int
vouch_pkey_bits(const struct vouch_pkey *key)
{
    int bits = EVP_PKEY_get_bits(openssl_of(key));

    return bits > 0 ? bits : 0;
}
