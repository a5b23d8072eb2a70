/*
 * Deciding about the peer's certificate: pins, then the program, then
 * OpenSSL.  The chain is built only where the policy needs it.
 */
#include "tls/private.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "tls/certificate.h"
#include "tls/pins.h"

static struct vouch_conn *
conn_of_store(X509_STORE_CTX *store)
{
    int index = SSL_get_ex_data_X509_STORE_CTX_idx();
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, index);

    return ssl == NULL ? NULL : vouch_conn_of_ssl(ssl);
}

/* Keep what was decided where the connection's owner can read it. */
static int
decide(struct vouch_conn *conn, X509_STORE_CTX *store, int accepted,
       enum vouch_decided_by by)
{
    struct vouch_verdict *verdict = &conn->verdict;

    verdict->accepted = accepted;
    verdict->by = by;
    if (accepted && verdict->error == X509_V_OK)
        return accepted;
    verdict->error = X509_STORE_CTX_get_error(store);
    return accepted;
}

/*
 * What there is to say about a certificate nobody checks: its dates, and
 * whether it names itself as its issuer.
 */
static int
fault_of(X509 *leaf)
{
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) >= 0)
        return X509_V_ERR_CERT_NOT_YET_VALID;
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    if (X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_issuer_name(leaf))
        == 0)
        return X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}

static int
accept_any(struct vouch_conn *conn, X509_STORE_CTX *store, X509 *leaf)
{
    X509_STORE_CTX_set_error(store, fault_of(leaf));
    conn->verdict.error = X509_STORE_CTX_get_error(store);
    return decide(conn, store, 1, VOUCH_BY_ANY);
}

/* 1 if the policy accepts whatever is found: ANY, or a client's NONE. */
static int
accepts_all(const struct vouch_config *config)
{
    return (config->mode & VOUCH_VERIFY_ANY) == VOUCH_VERIFY_ANY
           || !(config->mode & VOUCH_VERIFY_PEER);
}

/* By the program's own rules; like OpenSSL's verdict on a name it is
 * final. */
static int
has_wrong_name(struct vouch_conn *conn, X509_STORE_CTX *store)
{
    X509 *leaf = X509_STORE_CTX_get0_cert(store);

    if (conn->name_check == NULL
        || conn->name_check(vouch_cert_borrow(leaf), conn->arg) == 1)
        return 0;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    conn->verdict.error = X509_V_ERR_HOSTNAME_MISMATCH;
    conn->verdict.depth = 0;
    return 1;
}

/* Build the chain and check it, asking the callback on the way. */
static int
check_chain(struct vouch_conn *conn, X509_STORE_CTX *store)
{
    int accepted = X509_verify_cert(store) > 0;

    if (accepts_all(conn->config))
        return decide(conn, store, 1, VOUCH_BY_ANY);
    if (accepted && has_wrong_name(conn, store))
        return decide(conn, store, 0, VOUCH_BY_CHAIN);
    if (conn->verdict.by != VOUCH_BY_CALLBACK)
        return decide(conn, store, accepted, VOUCH_BY_CHAIN);
    return decide(conn, store, accepted, VOUCH_BY_CALLBACK);
}

/* 1 if nothing in the policy needs a chain. */
static int
chain_unneeded(const struct vouch_config *config)
{
    return accepts_all(config) && config->callback == NULL
           && !config->trust_loaded;
}

int
vouch_verify_peer(X509_STORE_CTX *store, void *arg)
{
    struct vouch_conn *conn = conn_of_store(store);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    struct vouch_pins *pins;

    (void) arg;
    if (conn == NULL || leaf == NULL) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    pins = conn->config->pins;
    if (pins != NULL && vouch_pins_match(pins, vouch_cert_borrow(leaf)) == 1) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return decide(conn, store, 1, VOUCH_BY_PIN);
    }
    if (conn->config->pins_alone) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        return decide(conn, store, 0, VOUCH_BY_PIN);
    }
    if (chain_unneeded(conn->config))
        return accept_any(conn, store, leaf);
    return check_chain(conn, store);
}

/* Issuer and subject in one line each, one after the other; free it. */
static char *
names_of(X509 *cert)
{
    char *issuer = NULL;
    char *subject = NULL;
    char *names = NULL;
    size_t issuer_length;
    size_t subject_length;

    if (cert == NULL)
        return OPENSSL_strdup("");
    issuer = X509_NAME_oneline(X509_get_issuer_name(cert), NULL, 0);
    subject = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);
    if (issuer == NULL || subject == NULL)
        goto out;
    issuer_length = strlen(issuer);
    subject_length = strlen(subject);
    names = OPENSSL_malloc(issuer_length + subject_length + 1);
    if (names == NULL)
        goto out;
    memcpy(names, issuer, issuer_length);
    memcpy(names + issuer_length, subject, subject_length + 1);

out:
    OPENSSL_free(subject);
    OPENSSL_free(issuer);
    return names;
}

static int
ask_program(struct vouch_conn *conn, X509_STORE_CTX *store, int ok)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    int error = X509_STORE_CTX_get_error(store);
    char error_text[80] = "";
    char *names = names_of(cert);
    struct vouch_verify verify;
    int answer;

    if (names == NULL)
        return 0;
    if (error != X509_V_OK)
        ERR_error_string_n((unsigned long) error, error_text,
                           sizeof(error_text));
    verify.ok = ok;
    verify.error = error;
    verify.depth = X509_STORE_CTX_get_error_depth(store);
    verify.names = names;
    verify.error_text = error_text;
    verify.cert = vouch_cert_borrow(cert);
    verify.store = store;
    conn->verdict.by = VOUCH_BY_CALLBACK;
    answer = conn->config->callback(&verify, conn->arg) > 0;
    OPENSSL_free(names);
    /* Without a fault, OpenSSL would tell the peer of an internal error. */
    if (!answer && X509_STORE_CTX_get_error(store) == X509_V_OK)
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return answer;
}

/* A wrong name is final: a callback that says yes to all must not hide
 * that this is another host. */
static int
is_final(int error)
{
    return error == X509_V_ERR_HOSTNAME_MISMATCH
           || error == X509_V_ERR_IP_ADDRESS_MISMATCH
           || error == X509_V_ERR_EMAIL_MISMATCH;
}

int
vouch_verify_certificate(int ok, X509_STORE_CTX *store)
{
    struct vouch_conn *conn = conn_of_store(store);
    int error = X509_STORE_CTX_get_error(store);

    if (conn == NULL)
        return 0;
    if (!ok) {
        conn->verdict.error = error;
        conn->verdict.depth = X509_STORE_CTX_get_error_depth(store);
    }
    if (!ok && is_final(error) && !accepts_all(conn->config)) {
        conn->verdict.by = VOUCH_BY_CHAIN;
        return 0;
    }
    if (conn->config->callback == NULL)
        return ok || accepts_all(conn->config);
    return ask_program(conn, store, ok);
}

int
vouch_verify_missing(const struct vouch_conn *conn)
{
    const struct vouch_config *config = conn->config;

    if (accepts_all(config) || conn->verdict.accepted)
        return 0;
    return conn->peer != NULL || config->role == VOUCH_CLIENT
           || (config->mode & VOUCH_VERIFY_REQUIRED);
}

/*
 * A session carries the decision of its first handshake.  It still stands
 * if the certificate is inside its dates and, where there are pins, is among
 * them: what let it in may have been one that is gone.
 */
int
vouch_verify_session(const struct vouch_config *config,
                     const SSL_SESSION *session)
{
    X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *) session);
    const struct vouch_cert *cert = vouch_cert_borrow(peer);

    if (!(config->mode & VOUCH_VERIFY_PEER))
        return 1;
    if (peer == NULL)
        return !(config->mode & VOUCH_VERIFY_REQUIRED);
    if (vouch_cert_is_expired(cert, vouch_clock_epoch()))
        return 0;
    if (config->pins == NULL)
        return 1;
    return vouch_pins_match(config->pins, cert) == 1;
}

const char *
vouch_verify_error_text(int error)
{
    return X509_verify_cert_error_string(error);
}

const char *
vouch_decided_by_text(enum vouch_decided_by by)
{
    static const char *const words[] = {"nobody", "pin", "callback",
                                        "chain",  "any", "session"};

    if ((size_t) by >= sizeof(words) / sizeof(words[0]))
        return "nobody";
    return words[by];
}

int
vouch_verify_store_error(void *store)
{
    return X509_STORE_CTX_get_error(store);
}

void
vouch_verify_store_set_error(void *store, int error)
{
    X509_STORE_CTX_set_error(store, error);
}
