/*
 * An identity: the object, its parts, and saving it.
 *
 * Making one is identity_create.c's, loading one identity_load.c's.
 */
#include "tls/identity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/refcount.h"
#include "tls/certificate.h"
#include "tls/pkey.h"
#include "tls/private.h"

struct vouch_identity {
    int refs;
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) *chain; /* NULL where there is none */
};

void
vouch_identity_free(struct vouch_identity *identity)
{
    if (identity == NULL || !vouch_refcount_down(&identity->refs))
        return;
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    X509_free(identity->cert);
    free(identity);
}

struct vouch_identity *
vouch_identity_ref(struct vouch_identity *identity)
{
    if (identity != NULL)
        vouch_refcount_up(&identity->refs);
    return identity;
}

X509 *
vouch_identity_x509(const struct vouch_identity *identity)
{
    return identity->cert;
}

EVP_PKEY *
vouch_identity_pkey(const struct vouch_identity *identity)
{
    return identity->key;
}

STACK_OF(X509) *
vouch_identity_chain(const struct vouch_identity *identity)
{
    return identity->chain;
}

struct vouch_cert *
vouch_identity_cert(const struct vouch_identity *identity)
{
    return vouch_cert_borrow(identity->cert);
}

/* Put references to the certificates into a new chain.  0 or -1. */
static int
fill_chain(struct vouch_identity *identity, void **chain, size_t count)
{
    size_t i;

    if (count == 0)
        return 0;
    identity->chain = sk_X509_new_null();
    if (identity->chain == NULL)
        return -1;
    for (i = 0; i < count; i++) {
        if (sk_X509_push(identity->chain, chain[i]) <= 0)
            return -1;
        (void) X509_up_ref(chain[i]);
    }
    return 0;
}

int
vouch_identity_from_openssl(void *x509, void *pkey, void **chain, size_t count,
                            struct vouch_identity **identity_r,
                            struct vouch_error *err)
{
    struct vouch_identity *identity;

    if (x509 == NULL || pkey == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "an identity needs a certificate and a key");
    ERR_clear_error();
    if (X509_check_private_key(x509, pkey) != 1)
        return vouch_error_set_openssl(err, VOUCH_E_MISMATCH,
                                       "the key does not match the "
                                       "certificate");
    identity = calloc(1, sizeof(*identity));
    if (identity == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    identity->refs = 1;
    (void) X509_up_ref(x509);
    identity->cert = x509;
    (void) EVP_PKEY_up_ref(pkey);
    identity->key = pkey;
    if (fill_chain(identity, chain, count) != 0) {
        vouch_identity_free(identity);
        ERR_clear_error();
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    *identity_r = identity;
    return 0;
}

int
vouch_identity_cert_pem(const struct vouch_identity *identity,
                        struct vouch_buf *out)
{
    int i;

    if (vouch_cert_pem(vouch_identity_cert(identity), out) != 0)
        return -1;
    for (i = 0; i < sk_X509_num(identity->chain); i++) {
        if (vouch_cert_pem(
                vouch_cert_borrow(sk_X509_value(identity->chain, i)), out)
            != 0)
            return -1;
    }
    return 0;
}

int
vouch_identity_key_pem(const struct vouch_identity *identity,
                       struct vouch_buf *out)
{
    struct vouch_pkey *key = vouch_pkey_of_evp(identity->key);
    int rv = vouch_pkey_pem(key, out);

    vouch_pkey_free(key);
    return rv;
}

/* Neither file may be touched if either is there, be it a dangling link. */
static int
check_absent(const char *path, struct vouch_error *err)
{
    struct stat facts;

    if (lstat(path, &facts) != 0)
        return 0;
    return vouch_error_set(err, VOUCH_E_EXISTS,
                           "%s: exists already and was not replaced", path);
}

/*
 * Write the certificate.  The key is in its place by then, and whoever reads
 * of the failure must know.
 */
static int
write_cert(const char *cert_file, const char *key_file,
           const struct vouch_buf *pem, int flags, struct vouch_error *err)
{
    struct vouch_error inner;

    vouch_error_clear(&inner);
    if (vouch_file_write(cert_file, vouch_buf_data(pem), vouch_buf_length(pem),
                         flags, &inner)
        == 0)
        return 0;
    if (err == NULL || err->code != VOUCH_OK)
        return -1;
    (void) vouch_error_set(err, inner.code,
                           "%s; its new key was already written to %s",
                           inner.text, key_file);
    err->sys_errno = inner.sys_errno;
    return -1;
}

int
vouch_identity_save(const struct vouch_identity *identity,
                    const char *cert_file, const char *key_file, int replace,
                    struct vouch_error *err)
{
    int flags = replace ? VOUCH_FILE_REPLACE : 0;
    struct vouch_buf *cert = vouch_buf_new(VOUCH_CERT_MAX);
    struct vouch_buf *key = vouch_buf_new(VOUCH_CERT_MAX);
    int rv = -1;

    if (strcmp(cert_file, key_file) == 0) {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "%s: certificate and key need a file each",
                               cert_file);
        goto out;
    }
    if (cert == NULL || key == NULL
        || vouch_identity_cert_pem(identity, cert) != 0
        || vouch_identity_key_pem(identity, key) != 0) {
        (void) vouch_error_set(err, VOUCH_E_MEMORY,
                               "%s: out of memory or larger than %d bytes",
                               cert_file, VOUCH_CERT_MAX);
        goto out;
    }
    if (!replace
        && (check_absent(key_file, err) != 0
            || check_absent(cert_file, err) != 0))
        goto out;
    if (vouch_file_write(key_file, vouch_buf_data(key), vouch_buf_length(key),
                         flags | VOUCH_FILE_PRIVATE, err)
        != 0)
        goto out;
    rv = write_cert(cert_file, key_file, cert, flags, err);

out:
    vouch_buf_free(key);
    vouch_buf_free(cert);
    return rv;
}
