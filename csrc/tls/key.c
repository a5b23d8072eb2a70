/*
 * Private keys and PKCS#12 out of bytes, with or without a password.
 *
 * The blocks are taken apart here and not by PEM_read_bio_PrivateKey(),
 * because that cannot tell a wrong password from a damaged key.  Nothing
 * ever asks the terminal.
 */
#include "tls/key.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/error.h"
#include "tls/certificate.h"
#include "tls/decode.h"

#define DER_SEQUENCE 0x30

void
vouch_parts_release(struct vouch_parts *parts)
{
    sk_X509_pop_free(parts->chain, X509_free);
    EVP_PKEY_free(parts->key);
    X509_free(parts->cert);
    memset(parts, 0, sizeof(*parts));
}

int
vouch_password_get(struct vouch_password *password)
{
    int length = -1;

    if (password->asked)
        return password->length;
    password->asked = 1;
    if (password->ask != NULL)
        length =
            password->ask(password->text, VOUCH_PASSWORD_MAX, password->arg);
    if (length < 0 || length > VOUCH_PASSWORD_MAX)
        length = -1;
    else
        password->text[length] = '\0';
    password->length = length;
    return length;
}

/* OpenSSL's pem_password_cb on top of that. */
static int
give_password(char *out, int size, int writing, void *arg)
{
    struct vouch_password *password = arg;
    int length = vouch_password_get(password);

    (void) writing;
    if (length < 0 || length > size)
        return -1;
    memcpy(out, password->text, (size_t) length);
    return length;
}

/* 1 if it was the kind of encryption that failed, not the password. */
static int
is_unsupported(void)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);

    if (reason == ERR_R_UNSUPPORTED)
        return 1;
    return ERR_GET_LIB(code) == ERR_LIB_EVP
           && (reason == EVP_R_UNSUPPORTED_ALGORITHM
               || reason == EVP_R_UNSUPPORTED_CIPHER
               || reason == EVP_R_UNKNOWN_CIPHER
               || reason == EVP_R_UNKNOWN_PBE_ALGORITHM);
}

/* Say why something encrypted could not be opened. */
static int
refuse_encrypted(const struct vouch_source *source,
                 struct vouch_password *password, struct vouch_error *err)
{
    if (is_unsupported())
        return vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                       "%s: encrypted in a way that this "
                                       "OpenSSL does not offer; encrypt it "
                                       "anew, with AES",
                                       source->name);
    ERR_clear_error();
    if (vouch_password_get(password) < 0)
        return vouch_error_set(err, VOUCH_E_PASSWORD,
                               "%s: the key is encrypted and no password was "
                               "given; set SSL_passwd_cb",
                               source->name);
    return vouch_error_set(err, VOUCH_E_PASSWORD, "%s: wrong password",
                           source->name);
}

static int
refuse_damaged(const struct vouch_source *source, struct vouch_error *err)
{
    return vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                   "%s: the private key in it cannot be read",
                                   source->name);
}

/* Decrypt PKCS#8.  0 or -1. */
static int
decrypt(const X509_SIG *sealed, const struct vouch_source *source,
        struct vouch_password *password, EVP_PKEY **key_r,
        struct vouch_error *err)
{
    int length = vouch_password_get(password);
    PKCS8_PRIV_KEY_INFO *info = NULL;
    int rv = -1;

    if (length >= 0)
        info = PKCS8_decrypt(sealed, password->text, length);
    if (info == NULL)
        return refuse_encrypted(source, password, err);
    *key_r = EVP_PKCS82PKEY(info);
    if (*key_r != NULL)
        rv = 0;
    else
        (void) refuse_damaged(source, err);
    PKCS8_PRIV_KEY_INFO_free(info);
    return rv;
}

/* Decode a key in DER: encrypted PKCS#8, or any unencrypted form. */
static int
decode_der(const unsigned char *data, long length,
           const struct vouch_source *source, struct vouch_password *password,
           EVP_PKEY **key_r, struct vouch_error *err)
{
    const unsigned char *at = data;
    X509_SIG *sealed;
    EVP_PKEY *key;
    int rv;

    sealed = d2i_X509_SIG(NULL, &at, length);
    if (sealed != NULL) {
        rv = decrypt(sealed, source, password, key_r, err);
        X509_SIG_free(sealed);
        return rv;
    }
    ERR_clear_error();
    at = data;
    key = d2i_AutoPrivateKey(NULL, &at, length);
    if (key == NULL)
        return refuse_damaged(source, err);
    *key_r = key;
    return 0;
}

/* Undo the encryption of old PEM files, told in their header.  1 there was
 * some, 0 there was none, -1 error. */
static int
open_header(char *header, unsigned char *data, long *length,
            const struct vouch_source *source, struct vouch_password *password,
            struct vouch_error *err)
{
    EVP_CIPHER_INFO info;

    if (PEM_get_EVP_CIPHER_INFO(header, &info) != 1)
        return refuse_damaged(source, err);
    if (info.cipher == NULL)
        return 0;
    if (PEM_do_header(&info, data, length, give_password, password) != 1)
        return refuse_encrypted(source, password, err);
    return 1;
}

/* Decode one PEM block whose name says that it is a private key. */
static int
decode_block(char *header, unsigned char *data, long length,
             const struct vouch_source *source,
             struct vouch_password *password, EVP_PKEY **key_r,
             struct vouch_error *err)
{
    int sealed = open_header(header, data, &length, source, password, err);
    int rv;

    if (sealed < 0)
        return -1;
    /* One wrong password in 256 leaves a valid end, and then garbage. */
    rv =
        decode_der(data, length, source, password, key_r, sealed ? NULL : err);
    if (rv != 0 && sealed)
        return refuse_encrypted(source, password, err);
    return rv;
}

static int
is_key_name(const char *name)
{
    static const char ending[] = "PRIVATE KEY";
    size_t length = strlen(name);

    return length >= sizeof(ending) - 1
           && strcmp(name + length - (sizeof(ending) - 1), ending) == 0;
}

static int
refuse_pem(const struct vouch_source *source, struct vouch_error *err)
{
    const char *found = "no PRIVATE KEY block";

    if (!vouch_decode_at_end())
        return refuse_damaged(source, err);
    ERR_clear_error();
    if (vouch_decode_contains(source->data, source->length,
                              "CERTIFICATE-----"))
        found = "it holds certificates only";
    return vouch_error_set(err, VOUCH_E_FORMAT,
                           "%s: no private key in it: %s; give the key's "
                           "file (SSL_key_file)",
                           source->name, found);
}

static int
decode_pem(const struct vouch_source *source, struct vouch_password *password,
           EVP_PKEY **key_r, struct vouch_error *err)
{
    BIO *bio = vouch_decode_bio(source->data, source->length);
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long length = 0;
    int found = 0;
    int rv = -1;

    if (bio == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "%s: out of memory",
                               source->name);
    while (!found && PEM_read_bio(bio, &name, &header, &data, &length) == 1) {
        found = is_key_name(name);
        if (found)
            rv = decode_block(header, data, length, source, password, key_r,
                              err);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t) length);
    }
    if (!found)
        (void) refuse_pem(source, err);
    BIO_free(bio);
    return rv;
}

/* 1 if the bytes are a certificate, which people mix up with its key. */
static int
is_cert(const struct vouch_source *source)
{
    const unsigned char *at = source->data;
    X509 *cert = d2i_X509(NULL, &at, (long) source->length);

    ERR_clear_error();
    X509_free(cert);
    return cert != NULL;
}

int
vouch_key_decode(const struct vouch_source *source,
                 struct vouch_password *password, EVP_PKEY **key_r,
                 struct vouch_error *err)
{
    int rv = -1;

    ERR_clear_error();
    if (source->length == 0)
        (void) vouch_error_set(err, VOUCH_E_FORMAT, "%s: is empty",
                               source->name);
    else if (vouch_decode_contains(source->data, source->length,
                                   "-----BEGIN "))
        rv = decode_pem(source, password, key_r, err);
    else if (source->data[0] != DER_SEQUENCE)
        (void) vouch_error_set(err, VOUCH_E_FORMAT,
                               "%s: not a private key (neither PEM nor DER)",
                               source->name);
    else if (is_cert(source))
        (void) vouch_error_set(err, VOUCH_E_FORMAT,
                               "%s: no private key in it: it holds a "
                               "certificate only; give the key's file "
                               "(SSL_key_file)",
                               source->name);
    else
        rv = decode_der(source->data, (long) source->length, source, password,
                        key_r, err);
    ERR_clear_error();
    return rv;
}

/* Take over what PKCS#12 holds.  Without the key's own certificate, the
 * first one is the leaf: the key comes from elsewhere then. */
static int
take_parts(EVP_PKEY *key, X509 *cert, STACK_OF(X509) *chain,
           const struct vouch_source *source, struct vouch_parts *parts,
           struct vouch_error *err)
{
    if (cert == NULL && sk_X509_num(chain) > 0)
        cert = sk_X509_shift(chain);
    parts->key = key;
    parts->cert = cert;
    parts->chain = chain;
    if (cert != NULL)
        return 1;
    vouch_parts_release(parts);
    return vouch_error_set(err, VOUCH_E_FORMAT,
                           "%s: no certificate in this PKCS#12 file",
                           source->name);
}

int
vouch_key_pkcs12(const struct vouch_source *source,
                 struct vouch_password *password, struct vouch_parts *parts,
                 struct vouch_error *err)
{
    const unsigned char *at = source->data;
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    STACK_OF(X509) *chain = NULL;
    PKCS12 *p12 = NULL;
    int good;
    int rv;

    if (source->length == 0 || at[0] != DER_SEQUENCE)
        return 0;
    p12 = d2i_PKCS12(NULL, &at, (long) source->length);
    ERR_clear_error();
    if (p12 == NULL)
        return 0;
    /* The empty text stands for no password, too.  It is tried before
     * anybody is asked. */
    good = PKCS12_parse(p12, "", &key, &cert, &chain);
    if (!good && !is_unsupported() && vouch_password_get(password) >= 0) {
        ERR_clear_error();
        good = PKCS12_parse(p12, password->text, &key, &cert, &chain);
    }
    if (good)
        rv = take_parts(key, cert, chain, source, parts, err);
    else
        rv = refuse_encrypted(source, password, err);
    PKCS12_free(p12);
    ERR_clear_error();
    return rv;
}

int
vouch_key_check_size(const struct vouch_source *source,
                     struct vouch_error *err)
{
    if (source->length <= VOUCH_CERT_MAX)
        return 0;
    return vouch_error_set(err, VOUCH_E_LIMIT, "%s: larger than %d bytes",
                           source->name, VOUCH_CERT_MAX);
}

int
vouch_key_read(const struct vouch_source *source,
               struct vouch_password *password, EVP_PKEY **key_r,
               struct vouch_error *err)
{
    struct vouch_parts parts = {NULL, NULL, NULL};
    int rv;

    if (vouch_key_check_size(source, err) != 0)
        return -1;
    rv = vouch_key_pkcs12(source, password, &parts, err);
    if (rv == 0)
        return vouch_key_decode(source, password, key_r, err);
    if (rv == 1 && parts.key == NULL)
        rv = vouch_error_set(err, VOUCH_E_FORMAT,
                             "%s: no private key in this PKCS#12 file",
                             source->name);
    if (rv == 1) {
        *key_r = parts.key;
        parts.key = NULL;
    }
    vouch_parts_release(&parts);
    return rv == 1 ? 0 : -1;
}
