/*
 * People with certificates of every kind, a callback that keeps a log, and a
 * server they call: for the tests of tls/verify.
 */
#ifndef VOUCH_TEST_TLS_PEOPLE_H
#define VOUCH_TEST_TLS_PEOPLE_H

#include "tls/verify.h"
#include "tls_pair.h"

#define CALLS_MAX 12
#define DAY 86400

static EVP_PKEY *key;
static X509 *root;
static X509 *middle;
static struct vouch_identity *alone;    /* self-signed */
static struct vouch_identity *leaf;     /* of the middle, sent with it */
static struct vouch_identity *orphan;   /* of the middle, sent alone */
static struct vouch_identity *expired;  /* self-signed */
static struct vouch_identity *future;   /* self-signed */
static struct vouch_identity *old_leaf; /* of the middle, expired */
static struct vouch_identity *host;     /* self-signed, for some hosts */

/* What the callback saw, and what it is to answer. */
struct log {
    int answer;
    int count;
    int calls[CALLS_MAX][3]; /* ok, error, depth */
    int clear;               /* set the store's error to 0 */
    char names[256];
    char error_text[80];
    X509 *last;
};

static inline int
note(const struct vouch_verify *verify, void *arg)
{
    struct log *log = arg;

    if (log->count < CALLS_MAX) {
        log->calls[log->count][0] = verify->ok;
        log->calls[log->count][1] = verify->error;
        log->calls[log->count][2] = verify->depth;
    }
    log->count++;
    (void) snprintf(log->names, sizeof(log->names), "%s", verify->names);
    (void) snprintf(log->error_text, sizeof(log->error_text), "%s",
                    verify->error_text);
    X509_free(log->last);
    log->last = vouch_cert_openssl(vouch_cert_ref(verify->cert));
    if (vouch_verify_store_error(verify->store) != verify->error)
        log->count = 1000;
    if (log->clear)
        vouch_verify_store_set_error(verify->store, X509_V_OK);
    return log->answer;
}

/* A certificate of this key: NULL for the issuer makes it self-signed. */
static inline X509 *
issue(const char *cn, X509 *issuer, int ca, long from, long to,
      const char *san)
{
    X509 *cert = pki_blank(key);
    X509_EXTENSION *extension;
    X509 *back;

    pki_name(cert, "CN", MBSTRING_UTF8, cn, -1);
    pki_need(X509_gmtime_adj(X509_getm_notBefore(cert), from) != NULL
                 && X509_gmtime_adj(X509_getm_notAfter(cert), to) != NULL
                 && X509_set_issuer_name(
                        cert, X509_get_subject_name(issuer ? issuer : cert))
                        == 1,
             "dates and issuer");
    extension = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                    ca ? "critical,CA:TRUE" : "CA:FALSE");
    pki_need(X509_add_ext(cert, extension, -1) == 1, "an extension");
    X509_EXTENSION_free(extension);
    if (san != NULL) {
        extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
        pki_need(X509_add_ext(cert, extension, -1) == 1, "names");
        X509_EXTENSION_free(extension);
    }
    pki_need(X509_sign(cert, key, EVP_sha256()) > 0, "a signature");
    back = X509_dup(cert);
    X509_free(cert);
    return back;
}

static inline struct vouch_identity *
identity_of(X509 *cert, X509 *with)
{
    struct vouch_identity *identity = NULL;
    void *chain[1];

    chain[0] = with;
    pki_need(vouch_identity_from_openssl(cert, key, chain, with != NULL,
                                         &identity, NULL)
                 == 0,
             "an identity");
    X509_free(cert);
    return identity;
}

static inline void
make_people(void)
{
    key = pki_key("EC", "prime256v1");
    root = issue("Root", NULL, 1, -DAY, DAY, NULL);
    middle = issue("Middle", root, 1, -DAY, DAY, NULL);
    alone = identity_of(issue("Alone", NULL, 0, -DAY, DAY, NULL), NULL);
    leaf = identity_of(issue("Leaf", middle, 0, -DAY, DAY, NULL), middle);
    orphan = identity_of(issue("Orphan", middle, 0, -DAY, DAY, NULL), NULL);
    expired = identity_of(issue("Old", NULL, 0, -2 * DAY, -DAY, NULL), NULL);
    future = identity_of(issue("New", NULL, 0, DAY, 2 * DAY, NULL), NULL);
    old_leaf =
        identity_of(issue("Old", middle, 0, -2 * DAY, -DAY, NULL), middle);
    host = identity_of(issue("cn.example", NULL, 0, -DAY, DAY,
                             "DNS:a.example,DNS:*.w.example,IP:127.0.0.1,"
                             "IP:::1"),
                       NULL);
}

static inline void
free_people(void)
{
    vouch_identity_free(alone);
    vouch_identity_free(leaf);
    vouch_identity_free(orphan);
    vouch_identity_free(expired);
    vouch_identity_free(future);
    vouch_identity_free(old_leaf);
    vouch_identity_free(host);
    X509_free(middle);
    X509_free(root);
    EVP_PKEY_free(key);
}

static inline void
trust_cert(struct vouch_config *config, X509 *cert)
{
    struct vouch_buf *pem = pki_buf();

    pki_cert_pem(pem, cert);
    pki_need(vouch_config_add_ca_mem(config, vouch_buf_data(pem),
                                     vouch_buf_length(pem), NULL)
                 == 0,
             "trust");
    vouch_buf_free(pem);
}

/* A server under this policy, with the callback if there is a log. */
static inline struct vouch_config *
server_that(int mode, X509 *trusted, struct log *log)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alone, mode);

    if (trusted != NULL)
        trust_cert(server, trusted);
    else
        pair_trust(server, NULL);
    if (log != NULL)
        pki_need(vouch_config_set_verify_callback(server, note, NULL) == 0,
                 "a callback");
    return server;
}

/* A client with this certificate (or none) calls.  1 if it is let in. */
static inline int
call(struct vouch_config *server, struct vouch_identity *who, int version,
     struct log *log, struct pair **pair_r)
{
    struct vouch_config *client = pair_config(VOUCH_CLIENT, who, 0);
    struct pair *pair;

    pki_need(vouch_config_set_protocols(client, version, version, NULL) == 0,
             "a TLS version");
    pair = pair_open(server, client);
    vouch_conn_set_arg(pair->server, log);
    vouch_config_free(client);
    (void) pair_shake(pair);
    *pair_r = pair;
    return pair->server_result == 0;
}

static inline void
clear_log(struct log *log, int answer)
{
    X509_free(log->last);
    memset(log, 0, sizeof(*log));
    log->answer = answer;
}

#define PEER VOUCH_VERIFY_PEER

#endif
