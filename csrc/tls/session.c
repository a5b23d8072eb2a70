/*
 * Sessions of a client, and under which policy it made them.
 */
#include "tls/session.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"

#include "tls/private.h"

struct vouch_session {
    SSL_SESSION *session;
    struct vouch_config *config; /* that made it: our identity, our policy */
    char *host;                  /* that the peer was checked for, or NULL */
};

void
vouch_session_free(struct vouch_session *session)
{
    if (session == NULL)
        return;
    SSL_SESSION_free(session->session);
    vouch_config_free(session->config);
    OPENSSL_free(session->host);
    OPENSSL_free(session);
}

struct vouch_session *
vouch_session_from_conn(const struct vouch_conn *conn)
{
    struct vouch_session *session;
    SSL_SESSION *now;

    if (conn->state == VOUCH_CONN_NEW || conn->state == VOUCH_CONN_FAILED)
        return NULL;
    now = SSL_get1_session(conn->ssl);
    if (now == NULL || !SSL_SESSION_is_resumable(now)) {
        SSL_SESSION_free(now);
        return NULL;
    }
    session = OPENSSL_zalloc(sizeof(*session));
    if (session == NULL) {
        SSL_SESSION_free(now);
        return NULL;
    }
    session->session = now;
    session->config = vouch_config_ref(conn->config);
    if (conn->verify_host == NULL)
        return session;
    session->host = OPENSSL_strdup(conn->verify_host);
    if (session->host == NULL) {
        vouch_session_free(session);
        return NULL;
    }
    return session;
}

/* A session stands for the checks of its first handshake, so the checks
 * must be the same: the same configuration, the same host. */
static int
fits(const struct vouch_session *session, const struct vouch_conn *conn)
{
    if (conn->state != VOUCH_CONN_NEW || session->config != conn->config)
        return 0;
    if (session->host == NULL || conn->verify_host == NULL)
        return session->host == conn->verify_host;
    return strcmp(session->host, conn->verify_host) == 0;
}

int
vouch_session_offer(const struct vouch_session *session,
                    struct vouch_conn *conn)
{
    long age =
        (long) vouch_clock_epoch() - SSL_SESSION_get_time(session->session);

    if (!fits(session, conn) || conn->config->role != VOUCH_CLIENT
        || !vouch_verify_session(conn->config, session->session)
        || !SSL_in_before(conn->ssl)
        || !SSL_SESSION_is_resumable(session->session))
        return 0;
    if (age < 0 || age > SSL_SESSION_get_timeout(session->session))
        return 0;
    return SSL_set_session(conn->ssl, session->session) == 1 ? 1 : -1;
}
