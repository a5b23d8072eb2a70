/*
 * The OpenSSL library context of our connections.
 *
 * OpenSSL 3.0 and 3.1 look, for each certificate that comes, through all the
 * decoders of all providers for one that reads its public key: a tenth of a
 * handshake.  Our context has the default provider, with those decoders only
 * that read the public key of a certificate.  OpenSSL 3.2 remembers what it
 * has found, and a program or system that has chosen providers of its own
 * wants them used: both get the default context.
 */
#include "tls/private.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#define DECODERS_MAX 16 /* and the end; there are seven */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *context; /* as long as the process lives */

/* The default provider, in a context of its own behind ours. */
static OSSL_LIB_CTX *inner;
static OSSL_PROVIDER *provider;
static OSSL_ALGORITHM decoders[DECODERS_MAX];

/* Key types of certificates; DER takes the envelope off. */
static int
is_key_type(const char *names)
{
    static const char *const types[] = {"DER", "RSA",     "RSA-PSS", "EC",
                                        "DSA", "ED25519", "ED448"};
    size_t length = strcspn(names, ":");
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strlen(types[i]) == length && memcmp(types[i], names, length) == 0)
            return 1;
    return 0;
}

static int
reads_public_key(const OSSL_ALGORITHM *decoder)
{
    const char *what = decoder->property_definition;

    return is_key_type(decoder->algorithm_names)
           && strstr(what, "input=der") != NULL
           && strstr(what, "structure=SubjectPublicKeyInfo") != NULL;
}

/* Returns how many there are. */
static size_t
choose_decoders(void)
{
    int no_cache = 0;
    size_t count = 0;
    const OSSL_ALGORITHM *all =
        OSSL_PROVIDER_query_operation(provider, OSSL_OP_DECODER, &no_cache);

    for (; all != NULL && all->algorithm_names != NULL; all++)
        if (reads_public_key(all) && count < DECODERS_MAX - 1)
            decoders[count++] = *all;
    return count;
}

static const OSSL_ALGORITHM *
query(void *ctx, int operation, int *no_cache)
{
    (void) ctx;
    if (operation != OSSL_OP_DECODER)
        return OSSL_PROVIDER_query_operation(provider, operation, no_cache);
    *no_cache = 0;
    return decoders;
}

/* The groups of TLS. */
static int
get_capabilities(void *ctx, const char *capability, OSSL_CALLBACK *callback,
                 void *arg)
{
    (void) ctx;
    return OSSL_PROVIDER_get_capabilities(provider, capability, callback, arg);
}

static void
teardown(void *ctx)
{
    (void) ctx;
    OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(inner);
    provider = NULL;
    inner = NULL;
}

static int
init_provider(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *from_core,
              const OSSL_DISPATCH **functions_r, void **ctx_r)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void)) teardown},
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void)) query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
         (void (*)(void)) get_capabilities},
        {0, NULL}};

    (void) core;
    (void) from_core;
    inner = OSSL_LIB_CTX_new();
    provider = inner == NULL ? NULL : OSSL_PROVIDER_load(inner, "default");
    if (provider == NULL || choose_decoders() == 0) {
        teardown(NULL);
        return 0;
    }
    *ctx_r = OSSL_PROVIDER_get0_provider_ctx(provider);
    *functions_r = functions;
    return 1;
}

static void
make_context(void)
{
    context = OSSL_LIB_CTX_new();
    if (context == NULL)
        return;
    if (OSSL_PROVIDER_add_builtin(context, "vouch", init_provider) == 1
        && OSSL_PROVIDER_load(context, "vouch") != NULL)
        return;
    OSSL_LIB_CTX_free(context);
    context = NULL;
}

/* 0, which ends the search, if somebody has chosen this one. */
static int
is_ordinary(OSSL_PROVIDER *one, void *arg)
{
    const char *name = OSSL_PROVIDER_get0_name(one);

    (void) arg;
    return strcmp(name, "default") == 0 || strcmp(name, "legacy") == 0
           || strcmp(name, "base") == 0;
}

OSSL_LIB_CTX *
vouch_library_context(void)
{
    if (OPENSSL_version_major() != 3 || OPENSSL_version_minor() > 1
        || EVP_default_properties_is_fips_enabled(NULL)
        || !OSSL_PROVIDER_do_all(NULL, is_ordinary, NULL))
        return NULL;
    (void) pthread_once(&once, make_context);
    return context;
}
