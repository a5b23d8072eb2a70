/*
 * Certificates checked against a set of authorities, outside a handshake.
 */
#include "tls/authorities.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "base/file.h"
#include "tls/certificate.h"
#include "tls/private.h"

#define CA_MAX (16 * VOUCH_CERT_MAX) /* bytes of one file of authorities */

struct vouch_authorities {
    X509_STORE *store;
    int failed; /* one could not be added */
};

void
vouch_authorities_free(struct vouch_authorities *authorities)
{
    if (authorities == NULL)
        return;
    X509_STORE_free(authorities->store);
    OPENSSL_free(authorities);
}

static void
take(struct vouch_cert *cert, void *arg)
{
    struct vouch_authorities *self = arg;

    if (X509_STORE_add_cert(self->store, vouch_cert_openssl(cert)) != 1)
        self->failed = 1;
    vouch_cert_free(cert);
}

/* A set without anybody in it, or NULL. */
static struct vouch_authorities *
new_empty(void)
{
    struct vouch_authorities *self = OPENSSL_zalloc(sizeof(*self));

    if (self == NULL)
        return NULL;
    self->store = X509_STORE_new();
    if (self->store == NULL
        || X509_STORE_set_flags(self->store, X509_V_FLAG_PARTIAL_CHAIN) != 1
        || X509_STORE_set_purpose(self->store, X509_PURPOSE_SSL_CLIENT) != 1) {
        vouch_authorities_free(self);
        return NULL;
    }
    return self;
}

int
vouch_authorities_from_file(const char *path,
                            struct vouch_authorities **authorities_r,
                            struct vouch_error *err)
{
    struct vouch_authorities *self = new_empty();
    struct vouch_buf *text = vouch_buf_new(CA_MAX);
    int result = -1;

    if (self == NULL || text == NULL) {
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
        goto out;
    }
    if (vouch_file_read(path, text, err) != 0
        || vouch_cert_each_from_mem(vouch_buf_data(text),
                                    vouch_buf_length(text), path, take, self,
                                    err)
               != 0)
        goto out;
    if (self->failed) {
        (void) vouch_error_set_openssl(err, VOUCH_E_MEMORY,
                                       "%s: cannot use a certificate", path);
        goto out;
    }
    *authorities_r = self;
    self = NULL;
    result = 0;

out:
    vouch_buf_free(text);
    vouch_authorities_free(self);
    return result;
}

/* The others that came with it, as OpenSSL wants them; NULL for none. */
static STACK_OF(X509) *
untrusted(struct vouch_cert *const *chain, size_t count)
{
    STACK_OF(X509) *stack = NULL;
    size_t i;

    if (count == 0)
        return NULL;
    stack = sk_X509_new_null();
    for (i = 0; stack != NULL && i < count; i++) {
        if (sk_X509_push(stack, vouch_cert_openssl(chain[i])) == 0) {
            sk_X509_free(stack);
            return NULL;
        }
    }
    return stack;
}

int
vouch_authorities_check(struct vouch_authorities *authorities,
                        const struct vouch_cert *cert,
                        struct vouch_cert *const *chain, size_t count,
                        int64_t now, int *error_r)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    STACK_OF(X509) *others = untrusted(chain, count);
    int result = -1;

    if (check == NULL || (count > 0 && others == NULL)
        || X509_STORE_CTX_init(check, authorities->store,
                               vouch_cert_openssl(cert), others)
               != 1)
        goto out;
    X509_STORE_CTX_set_time(check, 0, (time_t) now);
    result = X509_verify_cert(check) == 1;
    if (!result)
        *error_r = X509_STORE_CTX_get_error(check);

out:
    ERR_clear_error();
    X509_STORE_CTX_free(check);
    sk_X509_free(others);
    return result;
}
