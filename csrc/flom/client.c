/*
 * A client: bytes to and from the daemon, and what its answers mean.
 *
 * How the connection is made is in client_connect.c, what is asked in
 * client_request.c.
 */
#include "flom/client_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "flom/error_codes.h"
#include "flom/machine_id.h"
#include "net/socket.h"
#include "flom/tls_words.h"
#include "tls/connection.h"
#include "tls/session.h"

#define CHUNK 4096

/* The session outlives a connection that ends in any way. */
static void
end_session(struct vouch_flom_client *client)
{
    struct vouch_session *last =
        client->renewed != NULL ? client->renewed : client->session;

    if (client->conn != NULL && last != NULL)
        (void) vouch_session_detach(last);
}

void
vouch_flom_client_disconnect(struct vouch_flom_client *client)
{
    end_session(client);
    vouch_flom_discovery_free(client->discovery);
    client->discovery = NULL;
    vouch_conn_free(client->conn);
    client->conn = NULL;
    if (client->fd != -1)
        (void) close(client->fd);
    client->fd = -1;
    client->is_held = 0;
    client->state = VOUCH_FLOM_CLIENT_IDLE;
}

void
vouch_flom_client_free(struct vouch_flom_client *client)
{
    if (client == NULL)
        return;
    vouch_flom_client_disconnect(client);
    vouch_flom_client_end_tls(client);
    vouch_flom_parser_free(client->parser);
    vouch_buf_free(client->in);
    vouch_buf_free(client->out);
    vouch_flom_settings_clear(&client->settings);
    free(client);
}

int
vouch_flom_client_new(const struct vouch_flom_settings *settings,
                      struct vouch_flom_client **client_r,
                      struct vouch_error *err)
{
    struct vouch_flom_client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    client->fd = -1;
    client->in = vouch_buf_new(VOUCH_FLOM_MESSAGE_MAX + CHUNK);
    client->out = vouch_buf_new(VOUCH_FLOM_MESSAGE_MAX);
    client->parser = vouch_flom_parser_new();
    if (client->in == NULL || client->out == NULL || client->parser == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    else if (vouch_flom_settings_copy(settings, &client->settings, err) == 0) {
        /* A host without an id says nothing about it. */
        if (vouch_flom_machine_id(client->peer_id, NULL) != 0)
            client->peer_id[0] = '\0';
        *client_r = client;
        return 0;
    }
    vouch_flom_client_free(client);
    return -1;
}

int
vouch_flom_client_fail(struct vouch_flom_client *client, int rc,
                       const char *format, ...)
{
    char text[VOUCH_ERROR_TEXT];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    client->rc = rc;
    client->is_explained = 0;
    vouch_error_clear(&client->error);
    (void) vouch_error_set(&client->error, VOUCH_E_SYSTEM, "%s", text);
    vouch_flom_client_disconnect(client);
    return -1;
}

/* --- bytes ----------------------------------------------------------------*/

/* The daemon's end, proper or not: with what we have sent unread, the system
 * resets the connection of one that was told to end. */
static int
is_end(const struct vouch_flom_client *client)
{
    struct vouch_failure failure;

    if (vouch_conn_error(client->conn)->code == VOUCH_E_CLOSED)
        return 1;
    vouch_conn_failure(client->conn, &failure);
    return client->state == VOUCH_FLOM_CLIENT_CLOSING
           && failure.cause == VOUCH_CAUSE_RESET;
}

ssize_t
vouch_flom_client_receive(struct vouch_flom_client *client, void *data,
                          size_t length)
{
    ssize_t count;

    if (client->conn != NULL) {
        count = vouch_conn_read(client->conn, data, length);
        if (count == -1 && is_end(client))
            return 0;
        if (count == -1)
            return vouch_flom_client_tls_failed(client,
                                                VOUCH_FLOM_RC_SSL_READ_ERROR);
        return count;
    }
    count = vouch_socket_recv(client->fd, data, length);
    if (count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return VOUCH_FLOM_WANT_READ;
    if (count == -1)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_RECV_ERROR, "%s",
                                      strerror(errno));
    return count;
}

ssize_t
vouch_flom_client_send(struct vouch_flom_client *client, const void *data,
                       size_t length)
{
    ssize_t count;

    if (client->conn != NULL) {
        count = vouch_conn_write(client->conn, data, length);
        if (count == -1)
            return vouch_flom_client_tls_failed(client,
                                                VOUCH_FLOM_RC_SSL_WRITE_ERROR);
        return count;
    }
    count = vouch_socket_send(client->fd, data, length);
    if (count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return VOUCH_FLOM_WANT_WRITE;
    if (count == -1)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_SEND_ERROR, "%s",
                                      strerror(errno));
    return count;
}

/* What is still to go: 0 all gone, -1, VOUCH_FLOM_WANT_... */
static int
flush(struct vouch_flom_client *client)
{
    ssize_t count;

    while (vouch_buf_length(client->out) > 0) {
        count = vouch_flom_client_send(client, vouch_buf_data(client->out),
                                       vouch_buf_length(client->out));
        if (count < 0)
            return (int) count;
        vouch_buf_consume(client->out, (size_t) count);
    }
    return 0;
}

/* --- answers --------------------------------------------------------------*/

/* The daemon did not say what the protocol lets it. */
static int
odd(struct vouch_flom_client *client, int rc, const char *what)
{
    return vouch_flom_client_fail(client, rc, "the daemon's answer: %s", what);
}

static int
refused(struct vouch_flom_client *client, int rc)
{
    client->rc = rc;
    vouch_error_clear(&client->error);
    if (client->answer.reason[0] != '\0')
        (void) vouch_error_set(&client->error, VOUCH_E_SYSTEM, "%s",
                               client->answer.reason);
    client->state = client->is_held ? VOUCH_FLOM_CLIENT_LOCKED
                                    : VOUCH_FLOM_CLIENT_CONNECTED;
    return 0;
}

static int
granted(struct vouch_flom_client *client)
{
    const struct vouch_flom_message *answer = &client->answer;

    client->is_held = 1;
    client->was_held = 1;
    client->has_element = (answer->has & VOUCH_FLOM_HAS_ELEMENT) != 0;
    memcpy(client->element, answer->element, strlen(answer->element) + 1);
    client->has_token = (answer->has & VOUCH_FLOM_HAS_TOKEN) != 0;
    client->token_epoch = answer->token_epoch;
    client->token_counter = answer->token_counter;
    client->state = VOUCH_FLOM_CLIENT_LOCKED;
    return 0;
}

static int
take_first(struct vouch_flom_client *client)
{
    const struct vouch_flom_message *answer = &client->answer;

    client->first_answer = 0;
    if (answer->verb != VOUCH_FLOM_LOCK || answer->step != VOUCH_FLOM_ANSWER
        || !(answer->has & VOUCH_FLOM_HAS_RC))
        return odd(client, VOUCH_FLOM_RC_PROTOCOL_ERROR,
                   "not one to this request");
    if (vouch_flom_client_check_peer(client) != 0)
        return -1;
    switch (answer->rc) {
    case VOUCH_FLOM_RC_OK:
        return granted(client);
    case VOUCH_FLOM_RC_LOCK_ENQUEUED:
    case VOUCH_FLOM_RC_LOCK_WAIT_RESOURCE:
        client->state = VOUCH_FLOM_CLIENT_WAITING;
        return VOUCH_FLOM_WANT_READ;
    case VOUCH_FLOM_RC_LOCK_BUSY:
    case VOUCH_FLOM_RC_LOCK_CANT_WAIT:
    case VOUCH_FLOM_RC_LOCK_IMPOSSIBLE:
        return refused(client, (int) answer->rc);
    case VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH:
    case VOUCH_FLOM_RC_NULL_OBJECT:
        return vouch_flom_client_not_believed(client);
    default:
        return odd(client, VOUCH_FLOM_RC_PROTOCOL_ERROR,
                   answer->reason[0] != '\0' ? answer->reason
                                             : "an unknown code");
    }
}

/* Only 0 is a grant, whatever 1.7.2's own client takes for one. */
static int
take_later(struct vouch_flom_client *client)
{
    const struct vouch_flom_message *answer = &client->answer;

    if (answer->verb != VOUCH_FLOM_LOCK || answer->step == VOUCH_FLOM_ANSWER
        || answer->step == VOUCH_FLOM_REQUEST
        || !(answer->has & VOUCH_FLOM_HAS_RC))
        return odd(client, VOUCH_FLOM_RC_PROTOCOL_ERROR,
                   "not one to a waiting request");
    if (answer->rc == VOUCH_FLOM_RC_OK)
        return granted(client);
    if (answer->rc == VOUCH_FLOM_RC_LOCK_ENQUEUED)
        return VOUCH_FLOM_WANT_READ;
    if (answer->rc >= VOUCH_FLOM_RC_LOCK_CANT_LOCK
        && answer->rc <= VOUCH_FLOM_RC_LOCK_IMPOSSIBLE)
        return refused(client, (int) answer->rc);
    return refused(client, VOUCH_FLOM_RC_LOCK_CANT_LOCK);
}

/* An answer after a conversion was given up: the last of them says how it
 * is now. */
static int
take_staying(struct vouch_flom_client *client)
{
    int is_converted = client->is_staying > 1;

    if (client->answer.step != VOUCH_FLOM_ANSWER || client->to_skip > 0) {
        if (client->answer.step == VOUCH_FLOM_ANSWER)
            client->to_skip--;
        if (client->answer.rc == VOUCH_FLOM_RC_OK) {
            (void) granted(client);
            client->is_staying = 2;
        }
        client->state = VOUCH_FLOM_CLIENT_ASKING;
        return VOUCH_FLOM_WANT_READ;
    }
    client->is_staying = 0;
    if (client->answer.rc == VOUCH_FLOM_RC_OK)
        (void) granted(client);
    if (!is_converted)
        client->rc = VOUCH_FLOM_RC_NETWORK_TIMEOUT;
    else if (client->answer.rc == VOUCH_FLOM_RC_OK)
        client->rc = VOUCH_FLOM_RC_LOCK_CANT_LOCK;
    else
        client->rc = VOUCH_FLOM_RC_OK;
    client->state = VOUCH_FLOM_CLIENT_LOCKED;
    return 0;
}

static int
take_answer(struct vouch_flom_client *client)
{
    client->rc = VOUCH_FLOM_RC_OK;
    if (client->answer.verb != VOUCH_FLOM_PING)
        client->answers++;
    if (client->answer.level != VOUCH_FLOM_LEVEL)
        return odd(client, VOUCH_FLOM_RC_PROTOCOL_LEVEL_MISMATCH,
                   "of another protocol level");
    if (vouch_flom_client_take_lease(client))
        return VOUCH_FLOM_WANT_READ;
    if (client->is_question && client->answer.ask[0] != '\0') {
        client->state = VOUCH_FLOM_CLIENT_CONNECTED;
        return vouch_flom_client_check_peer(client);
    }
    if (client->is_staying)
        return take_staying(client);
    return client->first_answer ? take_first(client) : take_later(client);
}

/* A message from the buffer: 1, 0 if none is whole, -1. */
static int
next_message(struct vouch_flom_client *client)
{
    struct vouch_error err;
    long end;

    end =
        vouch_flom_frame(vouch_buf_data(client->in),
                         vouch_buf_length(client->in), VOUCH_FLOM_MESSAGE_MAX);
    if (end == 0)
        return 0;
    if (end == -1)
        return odd(client, VOUCH_FLOM_RC_BUFFER_OVERFLOW, "too long");
    vouch_error_clear(&err);
    if (vouch_flom_parse(client->parser, vouch_buf_data(client->in),
                         (size_t) end, &client->answer, &err)
        != 0)
        return odd(client, VOUCH_FLOM_RC_MSG_DESERIALIZE_ERROR, err.text);
    vouch_buf_consume(client->in, (size_t) end);
    return 1;
}

/* Bytes into the buffer: 1 some, 0 the end, -1, VOUCH_FLOM_WANT_... */
static int
fill(struct vouch_flom_client *client)
{
    unsigned char *room = vouch_buf_reserve(client->in, CHUNK);
    ssize_t count;

    if (room == NULL)
        return odd(client, VOUCH_FLOM_RC_BUFFER_OVERFLOW, "too long");
    count = vouch_flom_client_receive(client, room, CHUNK);
    (void) vouch_buf_commit(client->in, count > 0 ? (size_t) count : 0);
    if (count > 0 && client->conn == NULL
        && vouch_flom_is_tls(vouch_buf_data(client->in),
                             vouch_buf_length(client->in)))
        return vouch_flom_client_explain(
            client, VOUCH_FLOM_RC_RECV_ERROR,
            "the daemon speaks TLS: give --tls-certificate, "
            "--tls-private-key and --tls-ca-certificate");
    return count > 0 ? 1 : (int) count;
}

static int
read_answer(struct vouch_flom_client *client)
{
    int outcome;

    for (;;) {
        outcome = next_message(client);
        if (outcome == -1)
            return -1;
        if (outcome == 1) {
            outcome = take_answer(client);
            if (outcome != VOUCH_FLOM_WANT_READ)
                return outcome;
            continue;
        }
        outcome = fill(client);
        if (outcome == 0)
            return vouch_flom_client_closed(client);
        if (outcome != 1)
            return outcome;
    }
}

/* While locked nothing is to come, but the end of the daemon, or its word
 * that the lock is lost. */
static int
watch_lock(struct vouch_flom_client *client)
{
    int outcome = next_message(client);

    while (outcome == 0) {
        outcome = fill(client);
        if (outcome == 0)
            (void) vouch_flom_client_closed(client);
        if (outcome == 0 || outcome == -1) {
            client->rc = VOUCH_FLOM_RC_CONNECTION_CLOSED_BY_SERVER;
            return -1;
        }
        if (outcome != 1)
            return outcome;
        outcome = next_message(client);
    }
    if (outcome == -1)
        return -1;
    if (vouch_flom_client_take_lease(client))
        return VOUCH_FLOM_WANT_READ;
    return vouch_flom_client_fail(client, VOUCH_FLOM_RC_LOCK_CANT_LOCK, "%s",
                                  client->answer.reason[0] != '\0'
                                      ? client->answer.reason
                                      : "the daemon took the lock back");
}

/* What has no answer may still be refused in words. */
static void
take_last_words(struct vouch_flom_client *client)
{
    const struct vouch_flom_message *answer = &client->answer;

    if (answer->rc == VOUCH_FLOM_RC_OK || answer->reason[0] == '\0')
        return;
    client->rc = (int) answer->rc;
    vouch_error_clear(&client->error);
    (void) vouch_error_set(&client->error, VOUCH_E_SYSTEM, "%s",
                           answer->reason);
}

static int
watch_close(struct vouch_flom_client *client)
{
    int outcome;

    for (;;) {
        outcome = next_message(client);
        if (outcome == 0)
            outcome = fill(client);
        else if (outcome == 1)
            take_last_words(client);
        if (outcome == 0) {
            vouch_flom_client_disconnect(client);
            return 0;
        }
        if (outcome != 1)
            return outcome;
    }
}

int
vouch_flom_client_advance(struct vouch_flom_client *client)
{
    int outcome = 0;

    if (client->state == VOUCH_FLOM_CLIENT_CONNECTING) {
        outcome = vouch_flom_client_go_on_connecting(client);
        if (outcome == 0)
            client->state = VOUCH_FLOM_CLIENT_CONNECTED;
        return outcome;
    }
    if (vouch_flom_client_check_lease(client) != 0)
        return -1;
    vouch_flom_client_send_ping(client);
    if (vouch_buf_length(client->out) > 0) {
        outcome = flush(client);
        /* No answer can be there yet: to look for it would cost a call. */
        if (outcome == 0 && client->state == VOUCH_FLOM_CLIENT_ASKING)
            return VOUCH_FLOM_WANT_READ;
    }
    if (outcome != 0)
        return outcome;
    switch (client->state) {
    case VOUCH_FLOM_CLIENT_ASKING:
    case VOUCH_FLOM_CLIENT_WAITING:
        return read_answer(client);
    case VOUCH_FLOM_CLIENT_SENDING:
        client->state = VOUCH_FLOM_CLIENT_CONNECTED;
        return 0;
    case VOUCH_FLOM_CLIENT_LOCKED:
        return watch_lock(client);
    case VOUCH_FLOM_CLIENT_CLOSING:
        return watch_close(client);
    default:
        return 0;
    }
}

int
vouch_flom_client_wait(struct vouch_flom_client *client, int64_t deadline_ms)
{
    unsigned long before = client->answers;
    int64_t until;
    int outcome;
    int ready;

    for (;;) {
        outcome = vouch_flom_client_advance(client);
        if (outcome == 0 || outcome == -1)
            return outcome;
        if (client->answers != before)
            return outcome;
        until = vouch_flom_client_next_ping(client);
        if (until == VOUCH_FOREVER
            || (deadline_ms != VOUCH_FOREVER && deadline_ms < until))
            until = deadline_ms;
        ready = vouch_socket_wait(vouch_flom_client_fd(client),
                                  outcome == VOUCH_FLOM_WANT_READ
                                      ? VOUCH_SOCKET_READ
                                      : VOUCH_SOCKET_WRITE,
                                  until);
        if (ready == 0 && until == deadline_ms)
            return 1;
        if (ready == -1) {
            vouch_error_clear(&client->error);
            return vouch_error_set_sys(&client->error, VOUCH_E_SYSTEM, errno,
                                       "interrupted");
        }
    }
}
