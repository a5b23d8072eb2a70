/*
 * Load an identity from files or memory and check that it fits together.
 *
 * How bytes become keys is key.c's, how they become certificates decode.c's.
 */
#include "tls/identity.h"

#include <string.h>

#include <openssl/err.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "tls/certificate.h"
#include "tls/decode.h"
#include "tls/key.h"
#include "tls/private.h"

/* Read certificates, and the key where PKCS#12 brings it along. */
static int
read_certs(const struct vouch_source *source, struct vouch_password *password,
           struct vouch_parts *parts, struct vouch_error *err)
{
    int rv;

    if (vouch_key_check_size(source, err) != 0)
        return -1;
    rv = vouch_key_pkcs12(source, password, parts, err);
    if (rv != 0)
        return rv == 1 ? 0 : -1;
    return vouch_decode_certs(source->data, source->length, source->name,
                              &parts->cert, &parts->chain, err);
}

/* Which certificate of the chain is the key's: 2 for the second certificate
 * and so on, 0 for none. */
static int
find_owner(const struct vouch_parts *parts)
{
    int i;

    for (i = 0; i < sk_X509_num(parts->chain); i++) {
        if (X509_check_private_key(sk_X509_value(parts->chain, i), parts->key)
            == 1)
            return i + 2;
    }
    return 0;
}

/* Key and certificate must belong together; else say what to do. */
static int
check_match(const struct vouch_parts *parts, const char *cert_name,
            const char *key_name, struct vouch_error *err)
{
    int owner;

    if (X509_get0_pubkey(parts->cert) == NULL)
        return vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                       "%s: the certificate has a kind of "
                                       "key that cannot be used",
                                       cert_name);
    if (X509_check_private_key(parts->cert, parts->key) == 1)
        return 0;
    owner = find_owner(parts);
    ERR_clear_error();
    if (owner != 0)
        return vouch_error_set(err, VOUCH_E_MISMATCH,
                               "%s does not match the first certificate in "
                               "%s but number %d; put that one first",
                               key_name, cert_name, owner);
    if (strcmp(key_name, cert_name) == 0)
        return vouch_error_set(err, VOUCH_E_MISMATCH,
                               "%s: the key in it does not match the "
                               "certificate; use the pair that was made "
                               "together",
                               cert_name);
    return vouch_error_set(err, VOUCH_E_MISMATCH,
                           "%s does not match %s: the key belongs to another "
                           "certificate; use the pair that was made together",
                           key_name, cert_name);
}

/* Make the identity of what was read. */
static int
build(const struct vouch_parts *parts, struct vouch_identity **identity_r,
      struct vouch_error *err)
{
    int count = sk_X509_num(parts->chain);
    void **chain = NULL;
    int rv;
    int i;

    if (count > 0) {
        chain = OPENSSL_malloc((size_t) count * sizeof(*chain));
        if (chain == NULL)
            return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    for (i = 0; i < count; i++)
        chain[i] = sk_X509_value(parts->chain, i);
    rv = vouch_identity_from_openssl(parts->cert, parts->key, chain,
                                     count > 0 ? (size_t) count : 0,
                                     identity_r, err);
    OPENSSL_free(chain);
    return rv;
}

/* Read both sources (key may be NULL) into parts that fit together. */
static int
read_parts(const struct vouch_source *cert, const struct vouch_source *key,
           struct vouch_password *password, struct vouch_parts *parts,
           struct vouch_error *err)
{
    if (read_certs(cert, password, parts, err) != 0)
        return -1;
    if (key != NULL) {
        EVP_PKEY_free(parts->key);
        parts->key = NULL;
    }
    if (parts->key == NULL
        && vouch_key_read(key != NULL ? key : cert, password, &parts->key, err)
               != 0)
        return -1;
    return check_match(parts, cert->name, key != NULL ? key->name : cert->name,
                       err);
}

int
vouch_identity_from_mem(const void *cert, size_t cert_length,
                        const char *cert_name, const void *key,
                        size_t key_length, const char *key_name,
                        vouch_password_fn password, void *arg,
                        struct vouch_identity **identity_r,
                        struct vouch_error *err)
{
    struct vouch_source cert_source = {cert, cert_length, cert_name};
    struct vouch_source key_source = {key, key_length, key_name};
    struct vouch_parts parts = {NULL, NULL, NULL};
    struct vouch_password secret;
    int rv = -1;

    memset(&secret, 0, sizeof(secret));
    secret.ask = password;
    secret.arg = arg;
    ERR_clear_error();
    if (read_parts(&cert_source, key != NULL ? &key_source : NULL, &secret,
                   &parts, err)
        == 0)
        rv = build(&parts, identity_r, err);
    vouch_parts_release(&parts);
    OPENSSL_cleanse(&secret, sizeof(secret));
    ERR_clear_error();
    return rv;
}

int
vouch_identity_load(const char *cert_file, const char *key_file,
                    vouch_password_fn password, void *arg,
                    struct vouch_identity **identity_r,
                    struct vouch_error *err)
{
    struct vouch_buf *cert = vouch_buf_new(VOUCH_CERT_MAX);
    struct vouch_buf *key = vouch_buf_new(VOUCH_CERT_MAX);
    int two = key_file != NULL && strcmp(key_file, cert_file) != 0;
    int rv = -1;

    if (cert == NULL || key == NULL) {
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "%s: out of memory",
                               cert_file);
        goto out;
    }
    if (vouch_file_read(cert_file, cert, err) != 0
        || (two && vouch_file_read(key_file, key, err) != 0))
        goto out;
    rv = vouch_identity_from_mem(vouch_buf_data(cert), vouch_buf_length(cert),
                                 cert_file, two ? vouch_buf_data(key) : NULL,
                                 vouch_buf_length(key), key_file, password,
                                 arg, identity_r, err);

out:
    vouch_buf_free(key);
    vouch_buf_free(cert);
    return rv;
}

int
vouch_identity_load_with(const char *cert_file, const void *key,
                         size_t key_length, const char *key_name,
                         vouch_password_fn password, void *arg,
                         struct vouch_identity **identity_r,
                         struct vouch_error *err)
{
    struct vouch_buf *cert = vouch_buf_new(VOUCH_CERT_MAX);
    int rv = -1;

    if (cert == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "%s: out of memory",
                               cert_file);
    if (vouch_file_read(cert_file, cert, err) == 0)
        rv = vouch_identity_from_mem(
            vouch_buf_data(cert), vouch_buf_length(cert), cert_file, key,
            key_length, key_name, password, arg, identity_r, err);
    vouch_buf_free(cert);
    return rv;
}
