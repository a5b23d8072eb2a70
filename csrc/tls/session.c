/*
 * Sessions of a client, and under which policy it made them.
 */
#include "tls/session.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"

#include "tls/private.h"

struct vouch_session {
    int references;
    SSL_SESSION *session;        /* NULL: none has come yet */
    struct vouch_config *config; /* that made it: our identity, our policy */
    char *host;                  /* that the peer was checked for, or NULL */
    int own_names;               /* the program's rules, told by host */
};

void
vouch_session_free(struct vouch_session *session)
{
    if (session == NULL || --session->references > 0)
        return;
    SSL_SESSION_free(session->session);
    vouch_config_free(session->config);
    OPENSSL_free(session->host);
    OPENSSL_free(session);
}

/* A check of the name that no other connection can have. */
static int
is_unique(const struct vouch_conn *conn)
{
    return conn->name_check != NULL && conn->verify_host == NULL;
}

/* What the connection would resume now, or NULL. */
static SSL_SESSION *
resumable(const struct vouch_conn *conn)
{
    SSL_SESSION *now;

    if (conn->state == VOUCH_CONN_NEW || conn->state == VOUCH_CONN_FAILED
        || is_unique(conn))
        return NULL;
    now = SSL_get1_session(conn->ssl);
    if (now != NULL && SSL_SESSION_is_resumable(now))
        return now;
    SSL_SESSION_free(now);
    return NULL;
}

/* Takes over the reference to now; NULL only when memory is out. */
static struct vouch_session *
session_new(const struct vouch_conn *conn, SSL_SESSION *now)
{
    struct vouch_session *session = OPENSSL_zalloc(sizeof(*session));

    if (session == NULL) {
        SSL_SESSION_free(now);
        return NULL;
    }
    session->references = 1;
    session->session = now;
    session->own_names = conn->name_check != NULL;
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

struct vouch_session *
vouch_session_from_conn(const struct vouch_conn *conn)
{
    SSL_SESSION *now = resumable(conn);

    return now == NULL ? NULL : session_new(conn, now);
}

struct vouch_session *
vouch_session_follow(struct vouch_conn *conn)
{
    struct vouch_session *session;

    if (conn->state != VOUCH_CONN_READY || conn->config->role != VOUCH_CLIENT
        || is_unique(conn))
        return NULL;
    session = session_new(conn, resumable(conn));
    if (session == NULL)
        return NULL;
    vouch_session_free(conn->follower);
    conn->follower = session;
    session->references++;
    return session;
}

int
vouch_session_detach(struct vouch_session *session)
{
    SSL_SESSION *copy;

    if (session->session == NULL)
        return 0;
    copy = SSL_SESSION_dup(session->session);
    if (copy == NULL)
        return -1;
    SSL_SESSION_free(session->session);
    session->session = copy;
    return 0;
}

int
vouch_session_arrived(SSL *ssl, SSL_SESSION *fresh)
{
    struct vouch_conn *conn = vouch_conn_of_ssl(ssl);

    if (conn == NULL || conn->follower == NULL)
        return 0;
    SSL_SESSION_free(conn->follower->session);
    conn->follower->session = fresh;
    return 1;
}

/* A session stands for the checks of its first handshake, so the checks
 * must be the same: the same configuration, the same host. */
static int
fits(const struct vouch_session *session, const struct vouch_conn *conn)
{
    if (conn->state != VOUCH_CONN_NEW || session->config != conn->config
        || session->own_names != (conn->name_check != NULL) || is_unique(conn))
        return 0;
    if (session->host == NULL || conn->verify_host == NULL)
        return session->host == conn->verify_host;
    return strcmp(session->host, conn->verify_host) == 0;
}

int
vouch_session_offer(const struct vouch_session *session,
                    struct vouch_conn *conn)
{
    SSL_SESSION *copy;
    int result;
    long age;

    if (session->session == NULL || !fits(session, conn)
        || conn->config->role != VOUCH_CLIENT
        || !vouch_verify_session(conn->config, session->session)
        || !SSL_in_before(conn->ssl)
        || !SSL_SESSION_is_resumable(session->session))
        return 0;
    age = (long) vouch_clock_epoch() - SSL_SESSION_get_time(session->session);
    if (age < 0 || age > SSL_SESSION_get_timeout(session->session))
        return 0;
    /* OpenSSL spoils what it has resumed; the program may offer it again. */
    copy = SSL_SESSION_dup(session->session);
    if (copy == NULL)
        return -1;
    result = SSL_set_session(conn->ssl, copy) == 1 ? 1 : -1;
    SSL_SESSION_free(copy);
    return result;
}
