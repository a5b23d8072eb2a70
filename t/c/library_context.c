/*
 * tls/library_context: certificates with every kind of key are read and used
 * in it, and who has chosen providers is left with the default one.
 */
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/provider.h>
#include <openssl/rand.h>

#include "tls_pair.h"

/* Of each kind that OpenSSL takes in a certificate. */
static EVP_PKEY *
dsa_key(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *params = NULL;
    EVP_PKEY *key = NULL;

    pki_need(EVP_PKEY_paramgen_init(ctx) == 1
                 && EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 1024) == 1
                 && EVP_PKEY_paramgen(ctx, &params) == 1,
             "DSA parameters");
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL);
    pki_need(EVP_PKEY_keygen_init(ctx) == 1
                 && EVP_PKEY_generate(ctx, &key) == 1,
             "a DSA key");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(params);
    return key;
}

/* The certificate as a handshake reads it. */
static X509 *
read_back(X509 *cert)
{
    X509 *read = X509_new_ex(vouch_library_context(), NULL);
    struct vouch_buf *der = pki_buf();
    const unsigned char *at;

    pki_cert_der(der, cert);
    at = vouch_buf_data(der);
    if (d2i_X509(&read, &at, (long) vouch_buf_length(der)) == NULL)
        read = NULL;
    vouch_buf_free(der);
    return read;
}

static void
check_read(X509 *cert, EVP_PKEY *key, const char *name)
{
    X509 *read = read_back(cert);
    EVP_PKEY *found = read == NULL ? NULL : X509_get0_pubkey(read);

    ok(found != NULL && EVP_PKEY_eq(found, key) == 1, name);
    ok(found != NULL && X509_verify(read, found) == 1, "and it verifies");
    X509_free(read);
}

/* A server and a client with this certificate know each other. */
static void
check_handshake(X509 *cert, EVP_PKEY *key, int version)
{
    struct vouch_identity *who = NULL;
    struct vouch_config *server;
    struct vouch_config *client;
    struct pair *pair;

    pki_need(vouch_identity_from_openssl(cert, key, NULL, 0, &who, NULL) == 0,
             "an identity");
    server = pair_config(VOUCH_SERVER, who, VOUCH_VERIFY_PEER);
    client = pair_config(VOUCH_CLIENT, who, VOUCH_VERIFY_PEER);
    pair_trust(server, who);
    pair_trust(client, who);
    pki_need(vouch_config_set_protocols(client, version, version, NULL) == 0,
             "a TLS version");
    pair = pair_open(server, client);
    ok(pair_shake(pair), "a handshake of two");
    ok(vouch_conn_peer_cert(pair->server) != NULL, "the client is known");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
    vouch_identity_free(who);
}

static void
check_key(EVP_PKEY *key, const char *name)
{
    X509 *cert = pki_blank(key);

    pki_name(cert, "CN", MBSTRING_UTF8, name, -1);
    pki_need(X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL, "dates");
    cert = pki_sign(cert, key);
    check_read(cert, key, name);
    /* DSA is not for TLS any more, RSA-PSS keys are for both. */
    if (!EVP_PKEY_is_a(key, "DSA")) {
        check_handshake(cert, key, VOUCH_TLS1_2);
        check_handshake(cert, key, VOUCH_TLS1_3);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
test_keys(void)
{
    check_key(pki_key("EC", "prime256v1"), "P-256");
    check_key(pki_key("EC", "secp384r1"), "P-384");
    check_key(pki_key("ED25519", NULL), "Ed25519");
    check_key(pki_key("ED448", NULL), "Ed448");
    check_key(pki_rsa("RSA", 2048), "RSA");
    check_key(pki_rsa("RSA-PSS", 2048), "RSA-PSS");
    check_key(dsa_key(), "DSA");
}

static void
test_choice(void)
{
    int slow = OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2;
    /* Named, or it would go with the first other one. */
    OSSL_PROVIDER *usual = OSSL_PROVIDER_load(NULL, "default");
    OSSL_PROVIDER *null;

    pki_need(usual != NULL, "the default provider");
    is_int(vouch_library_context() != NULL, slow, "where OpenSSL is slow");
    ok(vouch_library_context() == vouch_library_context(), "always the same");
    null = OSSL_PROVIDER_load(NULL, "null");
    pki_need(null != NULL, "another provider");
    ok(vouch_library_context() == NULL, "another provider is respected");
    OSSL_PROVIDER_unload(null);
    is_int(vouch_library_context() != NULL, slow, "as long as it is there");
    OSSL_PROVIDER_unload(usual);
}

/* Processes that share our context by fork do not share its numbers. */
static void
test_fork(void)
{
    unsigned char mine[32];
    unsigned char theirs[32] = {0};
    int ends[2];
    pid_t pid;

    pki_need(RAND_bytes_ex(vouch_library_context(), mine, 32, 0) == 1
                 && pipe(ends) == 0,
             "random numbers, and a pipe");
    pid = fork();
    if (pid == 0) {
        int good = RAND_bytes_ex(vouch_library_context(), mine, 32, 0) == 1;

        _exit(good && write(ends[1], mine, 32) == 32 ? 0 : 1);
    }
    pki_need(pid > 0 && read(ends[0], theirs, 32) == 32
                 && waitpid(pid, NULL, 0) == pid,
             "a child");
    pki_need(RAND_bytes_ex(vouch_library_context(), mine, 32, 0) == 1,
             "random numbers");
    ok(memcmp(mine, theirs, 32) != 0, "a child has random numbers of its own");
    (void) close(ends[0]);
    (void) close(ends[1]);
}

int
main(void)
{
    test_keys();
    test_fork();
    test_choice();
    return tap_done();
}
