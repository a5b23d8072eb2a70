/*
 * A TLS connection: handshake, bytes in and out, close.
 *
 * The facts it keeps about the peer are in connection_facts.c.
 */
#include "tls/private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include "net/socket.h"
#include "tls/session.h"

#define DRAIN_MAX 65536      /* bytes thrown away at close; then we give up */
#define TALK_WRITES 16       /* in a row, the most that an answer is made of */
#define SHUTDOWN_MAX 1048576 /* the same on the way back to plain text */

/* OpenSSL numbers the alerts it received from here on. */
#define ALERT_REASON 1000

void
vouch_conn_free(struct vouch_conn *conn)
{
    if (conn == NULL)
        return;
    /* OpenSSL would forget the session that the peer comes back with. */
    if (conn->config != NULL && conn->config->tickets == VOUCH_TICKETS_ALPN
        && conn->protocol != 0)
        SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(conn->ssl);
    X509_free(conn->peer);
    X509_free(conn->own);
    sk_X509_pop_free(conn->chain, X509_free);
    OPENSSL_free(conn->alpn);
    OPENSSL_free(conn->server_name);
    OPENSSL_free(conn->verify_host);
    vouch_session_free(conn->follower);
    vouch_config_free(conn->config);
    OPENSSL_free(conn);
}

static int
conn_start(struct vouch_conn *conn, struct vouch_config *config,
           struct vouch_error *err)
{
    BIO *bio;

    if (vouch_config_freeze(config, err) != 0)
        return -1;
    conn->config = vouch_config_ref(config);
    conn->ssl = SSL_new(config->ctx);
    bio = conn->ssl == NULL ? NULL : vouch_bio_new(conn);
    if (bio == NULL)
        return vouch_error_set_openssl(err, VOUCH_E_MEMORY,
                                       "cannot make a TLS connection");
    SSL_set_bio(conn->ssl, bio, bio);
    if (config->role == VOUCH_CLIENT)
        SSL_set_connect_state(conn->ssl);
    else
        SSL_set_accept_state(conn->ssl);
    return 0;
}

static int
conn_new(struct vouch_config *config, int fd,
         const struct vouch_transport *transport, struct vouch_conn **conn_r,
         struct vouch_error *err)
{
    struct vouch_conn *conn = OPENSSL_zalloc(sizeof(*conn));

    if (conn == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    conn->fd = fd;
    conn->alert_sent = -1;
    conn->alert_received = -1;
    vouch_conn_note_peer(conn);
    if (transport != NULL)
        conn->transport = *transport;
    if (conn_start(conn, config, err) != 0) {
        vouch_conn_free(conn);
        return -1;
    }
    *conn_r = conn;
    return 0;
}

/*
 * Each call sends a record of its own.  TCP would hold the second of two
 * small ones back until the peer has acknowledged the first, and a peer that
 * waits for the rest does so after 40 ms: the first line behind a handshake,
 * or the text behind a header.  Who sends many in a row, and reads nothing,
 * is better off with fewer and larger packets.
 */
static void
set_pace(struct vouch_conn *conn, enum vouch_pace pace)
{
    conn->pace = pace;
    conn->writes = 0;
    vouch_socket_set_delays(conn->fd, pace == VOUCH_PACE_STREAM);
}

int
vouch_conn_new(struct vouch_config *config, int fd, struct vouch_conn **conn_r,
               struct vouch_error *err)
{
    if (fd < 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "%d is not a descriptor",
                               fd);
    if (conn_new(config, fd, NULL, conn_r, err) != 0)
        return -1;
    if (vouch_socket_delays(fd))
        set_pace(*conn_r, VOUCH_PACE_TALK);
    return 0;
}

int
vouch_conn_new_transport(struct vouch_config *config,
                         const struct vouch_transport *transport,
                         struct vouch_conn **conn_r, struct vouch_error *err)
{
    return conn_new(config, -1, transport, conn_r, err);
}

void
vouch_conn_set_arg(struct vouch_conn *conn, void *arg)
{
    conn->arg = arg;
}

static int
names_differ(const struct vouch_verdict *verdict)
{
    return verdict->by == VOUCH_BY_CHAIN
           && (verdict->error == X509_V_ERR_HOSTNAME_MISMATCH
               || verdict->error == X509_V_ERR_IP_ADDRESS_MISMATCH);
}

/* The peer's certificate was refused: by whom, and for what. */
static void
explain_refusal(const struct vouch_conn *conn, char *text, size_t size)
{
    const struct vouch_verdict *verdict = &conn->verdict;
    const char *reason = vouch_verify_error_text(verdict->error);

    if (conn->staple != VOUCH_STAPLE_NONE
        || verdict->error == X509_V_ERR_OCSP_VERIFY_FAILED)
        reason = vouch_staple_text(conn->staple);
    else if (verdict->by == VOUCH_BY_PIN)
        reason = "it is not among the pinned ones";
    else if (verdict->by == VOUCH_BY_CALLBACK)
        reason = "the verify callback said no";
    BIO_snprintf(text, size, "%s%s", reason,
                 names_differ(verdict) ? "; hostname verification failed"
                                       : "");
}

/* The peer has ended the handshake or the connection with an alert. */
static int
fail_alert(struct vouch_conn *conn, unsigned long code, const char *openssl)
{
    int alert = ERR_GET_REASON(code) - ALERT_REASON;
    const char *words = SSL_alert_desc_string_long(alert);

    if (strcmp(words, "unknown") == 0) /* those of TLS 1.3 */
        words = vouch_alert_name(alert);
    conn->alert_received = alert;
    vouch_error_set(&conn->error, VOUCH_E_ALERT, "%s (the peer's alert: %s)",
                    openssl, words);
    conn->error.lib_code = code;
    return -1;
}

/* What TLS says went wrong, else the first that any part of OpenSSL says:
 * behind "bad record mac" the queue begins with the cipher's own words. */
static unsigned long
take_reason(void)
{
    unsigned long first = ERR_get_error();
    unsigned long code = first;

    while (code != 0
           && (ERR_GET_LIB(code) != ERR_LIB_SSL
               || ERR_GET_RFLAGS(code) & ERR_RFLAG_COMMON))
        code = ERR_get_error();
    ERR_clear_error();
    return code != 0 ? code : first;
}

/* 1 if a record has begun to arrive and is not yet whole. */
static int
inside_record(const SSL *ssl)
{
    return SSL_has_pending(ssl) || strcmp(SSL_rstate_string(ssl), "RB") == 0;
}

static int
fail_system(struct vouch_conn *conn)
{
    ERR_clear_error();
    if (conn->io_errno != 0)
        return vouch_error_set_sys(&conn->error, VOUCH_E_SYSTEM,
                                   conn->io_errno, "the connection failed");
    return vouch_error_set(&conn->error, VOUCH_E_CLOSED,
                           "the peer closed the connection");
}

/* OpenSSL judges a result by its queue, so the queue must be empty before.
 * Looking costs a tenth of what clearing does. */
static void
forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* OpenSSL has put its reason in the queue. */
static int
fail_ssl(struct vouch_conn *conn)
{
    unsigned long code = take_reason();
    int reason = ERR_GET_REASON(code);
    char openssl[160];
    char why[160];

    ERR_error_string_n(code, openssl, sizeof(openssl));
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        /* OpenSSL ignores it when sending a ticket fails; then the reset
         * has been told, and reading finds an end. */
        if (conn->io_errno == ECONNRESET)
            return fail_system(conn);
        if (conn->protocol != 0 && inside_record(conn->ssl))
            return vouch_error_set(&conn->error, VOUCH_E_TLS,
                                   "%s (cut off in the middle of a record)",
                                   openssl);
        return vouch_error_set(&conn->error, VOUCH_E_CLOSED,
                               "%s (cut off without close_notify)", openssl);
    }
    if (reason > ALERT_REASON && ERR_GET_LIB(code) == ERR_LIB_SSL)
        return fail_alert(conn, code, openssl);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED
        || reason == SSL_R_INVALID_STATUS_RESPONSE) {
        explain_refusal(conn, why, sizeof(why));
        vouch_error_set(&conn->error, VOUCH_E_VERIFY,
                        "%s (the peer's certificate was refused: %s)", openssl,
                        why);
    } else {
        vouch_error_set(&conn->error, VOUCH_E_TLS, "%s", openssl);
    }
    conn->error.lib_code = code;
    return -1;
}

/* The one place where OpenSSL's results become ours. */
static int
outcome(struct vouch_conn *conn, int result)
{
    switch (SSL_get_error(conn->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return VOUCH_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return VOUCH_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        conn->peer_closed = 1;
        return 0;
    case SSL_ERROR_SSL:
        conn->state = VOUCH_CONN_FAILED;
        return fail_ssl(conn);
    case SSL_ERROR_SYSCALL:
        conn->state = VOUCH_CONN_FAILED;
        return fail_system(conn);
    default:
        conn->state = VOUCH_CONN_FAILED;
        return vouch_error_set(&conn->error, VOUCH_E_TLS,
                               "OpenSSL wants what Vouch does not offer");
    }
}

/*
 * A descriptor closed with unread bytes makes the kernel reset the
 * connection, and the peer loses what it had not read yet: a server that
 * refuses a certificate its alert, for the rest of the client's flight is
 * unread; a client that never read its session tickets its last words.
 */
static void
drain(const struct vouch_conn *conn)
{
    char bytes[4096];
    size_t total = 0;
    ssize_t got;

    if (conn->fd < 0)
        return;
    while (total < DRAIN_MAX) {
        got = vouch_socket_recv(conn->fd, bytes, sizeof(bytes));
        if (got <= 0)
            return;
        total += (size_t) got;
    }
}

/*
 * Nothing to do until the peer speaks: OpenSSL's two buffers of 16 KiB are
 * given back.  SSL_MODE_RELEASE_BUFFERS does so after every record, which
 * costs a busy connection a fifth of its speed.  Not inside a record:
 * OpenSSL before 3.0.14 would use them after that (CVE-2024-4741).
 */
void
vouch_conn_rest(struct vouch_conn *conn)
{
    if (!inside_record(conn->ssl))
        (void) SSL_free_buffers(conn->ssl);
}

int
vouch_conn_handshake(struct vouch_conn *conn)
{
    int result;

    if (conn->state == VOUCH_CONN_READY)
        return 0;
    if (conn->state != VOUCH_CONN_NEW)
        return vouch_error_set(&conn->error, VOUCH_E_CLOSED,
                               "the connection is closed");
    forget_errors();
    result = SSL_do_handshake(conn->ssl);
    if (result != 1) {
        result = outcome(conn, result);
        if (result == 0)
            return vouch_error_set(&conn->error, VOUCH_E_CLOSED,
                                   "the peer closed the connection during "
                                   "the handshake");
        if (result == -1)
            drain(conn);
        else if (result == VOUCH_WANT_READ)
            vouch_conn_rest(conn);
        return result;
    }
    if (vouch_conn_copy_facts(conn) != 0) {
        conn->state = VOUCH_CONN_FAILED;
        return vouch_error_set(&conn->error, VOUCH_E_MEMORY, "out of memory");
    }
    if (vouch_verify_missing(conn)) {
        conn->state = VOUCH_CONN_FAILED;
        return vouch_error_set(&conn->error, VOUCH_E_VERIFY,
                               "the peer has shown no certificate");
    }
    if (conn->resumed && conn->config->role == VOUCH_SERVER
        && !vouch_verify_session(conn->config, SSL_get_session(conn->ssl))) {
        conn->state = VOUCH_CONN_FAILED;
        return vouch_error_set(&conn->error, VOUCH_E_VERIFY,
                               "the certificate of the session that the peer "
                               "resumes is not accepted any more");
    }
    conn->state = VOUCH_CONN_READY;
    vouch_conn_rest(conn);
    return 0;
}

/* 0 if bytes may flow, else -1 with the reason. */
static int
check_ready(struct vouch_conn *conn)
{
    if (conn->state == VOUCH_CONN_READY)
        return 0;
    if (conn->state == VOUCH_CONN_NEW)
        return vouch_error_set(&conn->error, VOUCH_E_ARGUMENT,
                               "the handshake is not done");
    return vouch_error_set(&conn->error, VOUCH_E_CLOSED,
                           "the connection is closed");
}

ssize_t
vouch_conn_read(struct vouch_conn *conn, void *data, size_t length)
{
    size_t count = 0;
    int result;

    if (check_ready(conn) != 0)
        return -1;
    if (length == 0 || conn->peer_closed)
        return 0;
    if (length > INT_MAX)
        length = INT_MAX;
    conn->writes = 0;
    if (conn->pace == VOUCH_PACE_STREAM)
        set_pace(conn, VOUCH_PACE_TALK);
    forget_errors();
    if (SSL_read_ex(conn->ssl, data, length, &count) == 1) {
        conn->idle_records = 0;
        return (ssize_t) count;
    }
    result = outcome(conn, 0);
    if (result == VOUCH_WANT_READ)
        vouch_conn_rest(conn);
    return result;
}

ssize_t
vouch_conn_write(struct vouch_conn *conn, const void *data, size_t length)
{
    size_t count = 0;
    int result;

    if (check_ready(conn) != 0)
        return -1;
    if (length == 0)
        return 0;
    if (length > INT_MAX)
        length = INT_MAX;
    forget_errors();
    if (SSL_write_ex(conn->ssl, data, length, &count) == 1) {
        if (++conn->writes > TALK_WRITES && conn->pace == VOUCH_PACE_TALK)
            set_pace(conn, VOUCH_PACE_STREAM);
        return (ssize_t) count;
    }
    result = outcome(conn, 0);
    if (result == 0)
        return vouch_error_set(&conn->error, VOUCH_E_CLOSED,
                               "the connection is closed");
    return result;
}

size_t
vouch_conn_pending(const struct vouch_conn *conn)
{
    if (conn->state != VOUCH_CONN_READY)
        return 0;
    return (size_t) SSL_pending(conn->ssl);
}

int
vouch_conn_has_input(const struct vouch_conn *conn)
{
    return conn->state == VOUCH_CONN_READY && SSL_has_pending(conn->ssl);
}

/* Send close_notify, once: 0, -1 or VOUCH_WANT_WRITE. */
static int
say_goodbye(struct vouch_conn *conn)
{
    int result;

    forget_errors();
    result = SSL_shutdown(conn->ssl);
    if (result < 0) {
        result = outcome(conn, result);
        if (result == VOUCH_WANT_WRITE || result == -1)
            return result;
    }
    conn->state = VOUCH_CONN_CLOSED;
    return 0;
}

int
vouch_conn_close(struct vouch_conn *conn)
{
    int result;

    if (conn->state != VOUCH_CONN_READY)
        return 0;
    if (conn->pace == VOUCH_PACE_TALK)
        set_pace(conn, VOUCH_PACE_STREAM); /* one packet with TCP's end */
    result = say_goodbye(conn);
    if (result == 0)
        drain(conn);
    return result;
}

int
vouch_conn_shutdown(struct vouch_conn *conn)
{
    char bytes[4096];
    size_t count;
    int result;

    if (conn->state == VOUCH_CONN_READY) {
        result = say_goodbye(conn);
        if (result != 0)
            return result;
    }
    if (conn->state != VOUCH_CONN_CLOSED)
        return 0;
    while (!conn->peer_closed) {
        forget_errors();
        if (SSL_read_ex(conn->ssl, bytes, sizeof(bytes), &count) == 1) {
            conn->idle_records = 0;
            conn->dropped += count;
            if (conn->dropped <= SHUTDOWN_MAX)
                continue;
            return vouch_error_set(&conn->error, VOUCH_E_LIMIT,
                                   "the peer goes on sending and does not say "
                                   "goodbye");
        }
        result = outcome(conn, 0);
        if (result != 0)
            return result;
    }
    return 0;
}

void
vouch_conn_abandon(struct vouch_conn *conn)
{
    if (conn->state == VOUCH_CONN_FAILED)
        return;
    conn->state = VOUCH_CONN_FAILED; /* CLOSED may read to its end yet */
    (void) vouch_error_set_sys(&conn->error, VOUCH_E_SYSTEM, EBADF,
                               "the socket has been closed meanwhile");
}
