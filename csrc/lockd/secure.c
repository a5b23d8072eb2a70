/*
 * TLS of the daemon: its files, handshakes, and who is at the other end.
 *
 * A handshake costs a hundred times what a message does.  One alone goes on
 * in the loop, between two turns.  When more come, threads do it, so that
 * clients that hold locks do not wait behind a crowd of new ones.  A thread
 * has the connection of a session and nothing else, and nobody else has that
 * until it is done; all else of the daemon is the loop's.
 */
#include "lockd/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "flom/error_codes.h"
#include "flom/peer_id.h"
#include "flom/settings.h"
#include "flom/tls_files.h"
#include "flom/tls_words.h"
#include "lockd/secure.h"
#include "net/socket.h"
#include "tls/connection.h"

#define LOOK_MS 1000 /* between looks at the files */
#define AT_ONCE 2    /* handshakes in threads */

/* --- files ----------------------------------------------------------------*/

/* Clients refuse such a certificate, and their users should not be the first
 * to hear of it. */
static void
look_at_dates(struct lockd *daemon)
{
    char words[64];

    if (vouch_flom_tls_is_dated(daemon->tls, vouch_clock_epoch(), words,
                                sizeof(words)))
        lockd_say(daemon, LOCKD_WARNING, "FLM050W",
                  "the certificate of this daemon %s", words);
}

int
secure_load(struct lockd *daemon, struct vouch_error *err)
{
    const struct vouch_flom_settings *settings = daemon->options.settings;
    int rc;

    if (!vouch_flom_settings_use_tls(settings))
        return 0;
    daemon->tls_looked_ms = vouch_clock_monotonic_ms();
    if (vouch_flom_tls_new(settings, VOUCH_SERVER, &daemon->tls, &rc, err)
        != 0)
        return -1;
    look_at_dates(daemon);
    return 0;
}

static void
refresh(struct lockd *daemon, int force)
{
    struct vouch_error err;
    int outcome;
    int rc;

    vouch_error_clear(&err);
    daemon->tls_looked_ms = vouch_clock_monotonic_ms();
    outcome = vouch_flom_tls_refresh(daemon->tls, daemon->options.settings,
                                     force, &rc, &err);
    if (outcome == 1) {
        lockd_say(daemon, LOCKD_NOTICE, "FLM037I", "certificates read again");
        look_at_dates(daemon);
    } else if (outcome == -1)
        lockd_say(daemon, LOCKD_ERROR, "FLM018E",
                  "certificates stay as they were: %s", err.text);
}

void
secure_reload(struct lockd *daemon)
{
    if (daemon->tls != NULL)
        refresh(daemon, 1);
    else
        lockd_say(daemon, LOCKD_NOTICE, "FLM037I",
                  "without TLS there are no certificates to read again");
}

/* --- handshakes -----------------------------------------------------------*/

int
secure_start(struct session *session)
{
    struct lockd *daemon = session->daemon;
    struct vouch_error err;

    if (daemon->tls == NULL) {
        session->state = SESSION_OPEN;
        return 0;
    }
    if (vouch_clock_monotonic_ms() >= daemon->tls_looked_ms + LOOK_MS)
        refresh(daemon, 0);
    vouch_error_clear(&err);
    session->state = SESSION_HANDSHAKE;
    if (vouch_conn_new(vouch_flom_tls_config(daemon->tls), session->fd,
                       &session->conn, &err)
        == 0) {
        session_time(session, &daemon->in_handshake);
        return 0;
    }
    lockd_say(daemon, LOCKD_ERROR, "FLM032E", "%s", err.text);
    return -1;
}

/* The log has the reason; who speaks in the clear is told by an alert, which
 * a client of 1.7.2 takes for the end. */
static void
handshake_failed(struct session *session)
{
    struct vouch_failure failure;
    char text[VOUCH_ERROR_TEXT];

    vouch_conn_failure(session->conn, &failure);
    vouch_flom_tls_explain(session->conn, text, sizeof(text));
    lockd_say(session->daemon, LOCKD_WARNING, "FLM017W",
              "session %llu from %s closed: %s",
              (unsigned long long) session->id, session_peer(session), text);
    if (failure.cause == VOUCH_CAUSE_NOT_TLS)
        (void) vouch_socket_send(session->fd, VOUCH_FLOM_NO_TLS_ALERT,
                                 sizeof(VOUCH_FLOM_NO_TLS_ALERT) - 1);
    session_close(session);
}

static void
handshake_done(struct session *session)
{
    const struct vouch_conn *conn = session->conn;
    char name[VOUCH_FLOM_CN_MAX + 1] = "";

    (void) vouch_flom_common_name(vouch_conn_peer_cert(conn), name, NULL);
    session->is_modern = strcmp(vouch_conn_alpn(conn), VOUCH_FLOM_ALPN) == 0;
    lockd_say(session->daemon, LOCKD_INFO, "FLM014I",
              "session %llu from %s: %s, certificate for '%s'%s",
              (unsigned long long) session->id, session_peer(session),
              vouch_conn_protocol_name(conn), name,
              vouch_conn_is_resumed(conn) ? ", resumed" : "");
    session_begin(session);
}

/* What came of a piece of a handshake. */
static void
go_on(struct session *session, int outcome)
{
    if (outcome == -1)
        handshake_failed(session);
    else if (outcome == 0)
        handshake_done(session);
    else {
        session->wants_write = outcome == VOUCH_WANT_WRITE;
        session_update(session);
    }
}

static struct session *
take_next(struct lockd *daemon)
{
    struct session *session = daemon->shaking_first;

    if (session == NULL)
        return NULL;
    daemon->shaking_first = session->shaking_next;
    if (daemon->shaking_first == NULL)
        daemon->shaking_last = NULL;
    session->shaking_next = NULL;
    session->is_shaking = 0;
    return session;
}

/* In a thread: nothing but the connection. */
static void
work(uv_work_t *request)
{
    struct session *session = request->data;

    session->outcome = vouch_conn_handshake(session->conn);
}

static void on_turn(uv_idle_t *idle);

/* Back in the loop.  The session may have been closed meanwhile. */
static void
on_worked(uv_work_t *request, int status)
{
    struct session *session = request->data;
    struct lockd *daemon = session->daemon;

    (void) status;
    daemon->working--;
    session->is_working = 0;
    if (session->state == SESSION_HANDSHAKE)
        go_on(session, session->outcome);
    else
        session_release(session);
    if (daemon->shaking_first != NULL)
        (void) uv_idle_start(&daemon->shaking, on_turn);
}

static void
begin_work(struct session *session)
{
    struct lockd *daemon = session->daemon;

    session->work.data = session;
    session->is_working = 1;
    daemon->working++;
    if (uv_queue_work(&daemon->loop, &session->work, work, on_worked) == 0)
        return;
    daemon->working--;
    session->is_working = 0;
    go_on(session, vouch_conn_handshake(session->conn));
}

static void
on_turn(uv_idle_t *idle)
{
    struct lockd *daemon = idle->data;
    struct session *session = daemon->shaking_first;

    if (session != NULL && session->shaking_next == NULL
        && daemon->working == 0) {
        session = take_next(daemon);
        go_on(session, vouch_conn_handshake(session->conn));
    } else {
        while (daemon->working < AT_ONCE && daemon->shaking_first != NULL)
            begin_work(take_next(daemon));
    }
    if (daemon->shaking_first == NULL || daemon->working == AT_ONCE)
        (void) uv_idle_stop(idle);
}

void
secure_continue(struct session *session)
{
    struct lockd *daemon = session->daemon;

    if (session->is_shaking)
        return;
    session->is_shaking = 1;
    (void) uv_poll_stop(&session->poll);
    session->polled = 0;
    if (daemon->shaking_last != NULL)
        daemon->shaking_last->shaking_next = session;
    else
        daemon->shaking_first = session;
    daemon->shaking_last = session;
    (void) uv_idle_start(&daemon->shaking, on_turn);
}

void
secure_forget(struct session *session)
{
    struct lockd *daemon = session->daemon;
    struct session **at = &daemon->shaking_first;
    struct session *before = NULL;

    if (!session->is_shaking)
        return;
    while (*at != session) {
        before = *at;
        at = &before->shaking_next;
    }
    *at = session->shaking_next;
    if (daemon->shaking_last == session)
        daemon->shaking_last = before;
    session->is_shaking = 0;
}

/* --- who is at the other end ----------------------------------------------*/

int
secure_is_misplaced(struct session *session, const unsigned char *data,
                    size_t length)
{
    if (session->conn != NULL || session->is_introduced
        || !vouch_flom_is_tls(data, length))
        return 0;
    lockd_say(session->daemon, LOCKD_WARNING, "FLM017W",
              "session %llu from %s closed: the client speaks TLS, this "
              "daemon does not: start it with the --tls options",
              (unsigned long long) session->id, session_peer(session));
    dispatch_answer(session, VOUCH_FLOM_ANSWER,
                    VOUCH_FLOM_RC_NO_TLS_CONNECTION,
                    "this daemon speaks no TLS");
    session_goodbye(session);
    return 1;
}

int
secure_check_peer(struct session *session,
                  const struct vouch_flom_message *message)
{
    struct vouch_error err;
    int rc;

    if (!session->daemon->options.settings->tls_check_peer_id)
        return 0;
    vouch_error_clear(&err);
    rc = vouch_flom_check_peer_id(
        session->conn == NULL ? NULL : vouch_conn_peer_cert(session->conn),
        message->has & VOUCH_FLOM_HAS_PEER_ID ? message->peer_id : NULL, &err);
    if (rc == 0)
        return 0;
    lockd_say(session->daemon, LOCKD_WARNING, "FLM013W",
              "session %llu from %s closed: %s",
              (unsigned long long) session->id, session_peer(session),
              err.text);
    if (session->is_modern) {
        dispatch_answer(session, VOUCH_FLOM_ANSWER,
                        VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH, err.text);
        session_goodbye(session);
    } else
        session_close(session);
    return -1;
}
