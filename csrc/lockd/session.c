/*
 * Sessions: what travels to and from one client.
 *
 * Whatever a client does costs its own session only: a message has a
 * maximum and a deadline, so has the handshake; what a client does not read
 * stops it from being heard; nothing here waits.
 */
#include "lockd/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"
#include "flom/error_codes.h"
#include "lockd/secure.h"
#include "net/credentials.h"
#include "net/socket.h"
#include "tls/connection.h"

#define OUT_MAX (1024 * 1024)

static void on_ready(uv_poll_t *poll, int status, int events);

/* --- begin and end --------------------------------------------------------*/

struct session *
session_find(struct lockd *daemon, uint64_t id)
{
    void *found = NULL;

    return vouch_map_get(daemon->by_id, &id, sizeof(id), &found) == 1 ? found
                                                                      : NULL;
}

static void
unlink_session(struct session *session)
{
    struct lockd *daemon = session->daemon;

    if (session->before != NULL)
        session->before->after = session->after;
    else
        daemon->first = session->after;
    if (session->after != NULL)
        session->after->before = session->before;
    else
        daemon->last = session->before;
    daemon->session_count--;
    (void) vouch_map_remove(daemon->by_id, &session->id, sizeof(session->id),
                            NULL);
}

static void
free_session(struct session *session)
{
    access_forget(session);
    vouch_conn_free(session->conn);
    vouch_buf_free(session->in);
    vouch_buf_free(session->out);
    vouch_buf_free(session->report);
    free(session->bound);
    if (session->fd != -1)
        (void) close(session->fd);
    free(session);
}

void
session_release(struct session *session)
{
    if (session->is_closed && !session->is_working)
        free_session(session);
}

static void
on_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;

    session->is_closed = 1;
    session_release(session);
}

void
session_close(struct session *session)
{
    if (session->state == SESSION_DEAD)
        return;
    session->state = SESSION_DEAD;
    session_untime(session);
    secure_forget(session);
    if (session->conn != NULL && !session->is_working)
        (void) vouch_conn_close(session->conn);
    /* The peer must not wait for libuv to come round, and sees the end of its
     * locks before others get them. */
    (void) uv_poll_stop(&session->poll);
    (void) shutdown(session->fd, SHUT_RDWR);
    dispatch_drop(session);
    unlink_session(session);
    uv_close((uv_handle_t *) &session->poll, on_closed);
    session->daemon->idle_since = -1;
    lockd_set_timer(session->daemon);
}

void
session_goodbye(struct session *session)
{
    if (session->state >= SESSION_GOODBYE)
        return;
    session->state = SESSION_GOODBYE;
    session_time(session, &session->daemon->in_goodbye);
    session_update(session);
}

static void
link_session(struct session *session)
{
    struct lockd *daemon = session->daemon;

    session->before = daemon->last;
    if (daemon->last != NULL)
        daemon->last->after = session;
    else
        daemon->first = session;
    daemon->last = session;
    daemon->session_count++;
}

const char *
session_peer(const struct session *session)
{
    static char text[LOCKD_ADDRESS_SIZE + 64];

    if (!session->is_unix)
        return session->address;
    (void) snprintf(text, sizeof(text), "%s (uid %ld, pid %ld)",
                    session->address, session->uid, session->pid);
    return text;
}

static void
describe(struct session *session, const struct vouch_address *peer)
{
    struct vouch_credentials who = {-1, -1, -1};

    vouch_address_text(peer, session->address, sizeof(session->address));
    if (session->is_unix) {
        (void) vouch_credentials_of(session->fd, &who);
        session->is_local = 1;
    } else
        session->is_local = vouch_address_is_local(peer, session->fd);
    session->pid = who.pid;
    session->uid = who.uid;
    lockd_say(session->daemon, LOCKD_DEBUG, "FLM031I", "session %llu: %s",
              (unsigned long long) session->id, session_peer(session));
}

void
session_open(struct lockd *daemon, int fd, int is_unix,
             const struct vouch_address *peer)
{
    struct session *session = calloc(1, sizeof(*session));

    if (session == NULL
        || uv_poll_init(&daemon->loop, &session->poll, fd) != 0) {
        free(session);
        (void) close(fd);
        return;
    }
    session->daemon = daemon;
    session->fd = fd;
    session->is_unix = is_unix;
    session->id = ++daemon->next_id;
    session->poll.data = session;
    session->since_ms = vouch_clock_monotonic_ms();
    session->over_limit = daemon->session_count >= daemon->max_connections;
    describe(session, peer);
    link_session(session);
    daemon->idle_since = -1;
    if (vouch_map_put(daemon->by_id, &session->id, sizeof(session->id),
                      session, NULL)
            == -1
        || secure_start(session) != 0) {
        session_close(session);
        return;
    }
    session_update(session);
}

/* --- bytes ----------------------------------------------------------------*/

static ssize_t
receive(struct session *session, void *data, size_t length)
{
    ssize_t count;

    if (session->conn != NULL)
        return vouch_conn_read(session->conn, data, length);
    count = vouch_socket_recv(session->fd, data, length);
    return count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)
               ? VOUCH_WANT_READ
               : count;
}

static ssize_t
transmit(struct session *session, const void *data, size_t length)
{
    ssize_t count;

    if (session->conn != NULL)
        return vouch_conn_write(session->conn, data, length);
    count = vouch_socket_send(session->fd, data, length);
    return count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)
               ? VOUCH_WANT_WRITE
               : count;
}

static size_t
unsent(const struct session *session)
{
    return session->out == NULL ? 0 : vouch_buf_length(session->out);
}

static void
release_if_empty(struct vouch_buf **buf)
{
    if (*buf == NULL || vouch_buf_length(*buf) > 0)
        return;
    vouch_buf_free(*buf);
    *buf = NULL;
}

/* 0, or -1 when the session has failed. */
static int
flush(struct session *session)
{
    ssize_t count;

    while (unsent(session) > 0) {
        count =
            transmit(session, vouch_buf_data(session->out), unsent(session));
        if (count == VOUCH_WANT_WRITE || count == VOUCH_WANT_READ)
            return 0;
        if (count <= 0)
            return -1;
        vouch_buf_consume(session->out, (size_t) count);
        if (session->report != NULL && unsent(session) < LOCKD_OUT_PAUSE)
            admin_continue(session);
    }
    release_if_empty(&session->out);
    return 0;
}

/* What does not go out at once. */
static int
keep_unsent(struct session *session, const unsigned char *data, size_t length)
{
    if (session->out == NULL)
        session->out = vouch_buf_new(OUT_MAX);
    return session->out == NULL ? -1
                                : vouch_buf_append(session->out, data, length);
}

void
session_send(struct session *session, const struct vouch_flom_message *message)
{
    struct vouch_buf *out = session->daemon->out;
    ssize_t count = 0;

    if (session->state == SESSION_DEAD)
        return;
    vouch_buf_clear(out);
    if (vouch_flom_encode(message, out) == 0) {
        /* A write now saves a turn of the loop; a failure is found later. */
        if (session->out == NULL && session->state == SESSION_OPEN)
            count =
                transmit(session, vouch_buf_data(out), vouch_buf_length(out));
        if (count < 0)
            count = 0;
        vouch_buf_consume(out, (size_t) count);
        if (vouch_buf_length(out) == 0)
            return;
        if (keep_unsent(session, vouch_buf_data(out), vouch_buf_length(out))
            == 0) {
            session_update(session);
            return;
        }
    }
    lockd_say(session->daemon, LOCKD_WARNING, "FLM033W",
              "session %llu from %s closed: its answers do not fit",
              (unsigned long long) session->id, session_peer(session));
    session_close(session);
}

/* --- what to wait for -----------------------------------------------------*/

static int
wanted_events(struct session *session)
{
    size_t waiting = unsent(session);
    int events = waiting > 0 ? UV_WRITABLE : 0;

    if (session->state == SESSION_HANDSHAKE)
        return session->wants_write ? UV_WRITABLE : UV_READABLE;
    if (session->state == SESSION_GOODBYE)
        return events != 0 ? events : UV_READABLE;
    if (waiting < LOCKD_OUT_PAUSE)
        events |= UV_READABLE;
    return events;
}

static void
set_deadline(struct session *session)
{
    struct lockd *daemon = session->daemon;

    if (session->state == SESSION_HANDSHAKE
        || session->state == SESSION_GOODBYE)
        return;
    if (unsent(session) >= LOCKD_OUT_PAUSE)
        session_time(session, &daemon->in_drain);
    else if (session->in != NULL)
        session_time(session, &daemon->in_message);
    else if (session->conn != NULL)
        session_time(session, &daemon->awake);
    else
        session_untime(session);
}

void
session_update(struct session *session)
{
    int events;

    if (session->state == SESSION_DEAD)
        return;
    if (session->state == SESSION_GOODBYE && unsent(session) == 0) {
        /* Half-close, as FLoM does; the client closes. */
        if (session->conn != NULL)
            (void) vouch_conn_close(session->conn);
        (void) shutdown(session->fd, SHUT_WR);
    }
    set_deadline(session);
    events = wanted_events(session);
    if (events == session->polled)
        return;
    session->polled = events;
    if (uv_poll_start(&session->poll, events, on_ready) != 0)
        session_close(session);
}

/* --- messages -------------------------------------------------------------*/

static void
bad_message(struct session *session, const char *what)
{
    lockd_say(session->daemon, LOCKD_WARNING, "FLM034W",
              "session %llu from %s closed: %s",
              (unsigned long long) session->id, session_peer(session), what);
    session_close(session);
}

/* 1 if this second's share is used up: it is heard again in the next. */
static int
is_too_fast(struct session *session)
{
    unsigned limit = session->daemon->options.messages_a_second;
    int64_t second = uv_now(&session->daemon->loop) / 1000;

    if (limit == 0)
        return 0;
    if (second != session->second) {
        session->second = second;
        session->messages = 0;
    }
    return ++session->messages > limit;
}

/* One message: 0, or -1 when the session is at its end. */
static int
take_message(struct session *session, const unsigned char *data, size_t length)
{
    struct lockd *daemon = session->daemon;
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_flom_parse(daemon->parser, data, length, &daemon->message, &err)
        != 0)
        bad_message(session, err.text);
    else if (is_too_fast(session)) {
        dispatch_answer(session, VOUCH_FLOM_ANSWER,
                        VOUCH_FLOM_RC_CONTAINER_FULL,
                        "too many messages a second");
        session_goodbye(session);
    } else
        dispatch_message(session, &daemon->message);
    return session->state == SESSION_OPEN ? 0 : -1;
}

/* Every whole message of the bytes, unless the client must first read what
 * it has been told: how many bytes were taken. */
static size_t
take_messages(struct session *session, const unsigned char *data,
              size_t length)
{
    size_t taken = 0;
    long end;

    while (session->state == SESSION_OPEN
           && unsent(session) < LOCKD_OUT_PAUSE) {
        end = vouch_flom_frame(data + taken, length - taken,
                               VOUCH_FLOM_MESSAGE_MAX);
        if (end == 0)
            break;
        if (end < 0) {
            bad_message(session, "a message that is too long");
            break;
        }
        if (take_message(session, data + taken, (size_t) end) != 0)
            break;
        taken += (size_t) end;
    }
    return taken;
}

/* The bytes that were left, now that there is room for answers again. */
static void
take_rest(struct session *session)
{
    size_t taken;

    if (session->in == NULL)
        return;
    taken = take_messages(session, vouch_buf_data(session->in),
                          vouch_buf_length(session->in));
    if (session->state == SESSION_DEAD)
        return;
    vouch_buf_consume(session->in, taken);
    release_if_empty(&session->in);
    if (taken > 0)
        session_untime(session);
}

/* Read once, behind what was left: bytes read, 0 none for now, -1 the end. */
static ssize_t
fill(struct session *session, struct vouch_buf *in)
{
    unsigned char *room = vouch_buf_reserve(in, LOCKD_CHUNK);
    ssize_t count;

    if (room == NULL)
        return -1;
    count = receive(session, room, LOCKD_CHUNK);
    (void) vouch_buf_commit(in, count > 0 ? (size_t) count : 0);
    if (count == VOUCH_WANT_READ || count == VOUCH_WANT_WRITE)
        return 0;
    return count > 0 ? count : -1;
}

/* What is no whole message yet is kept with the session. */
static void
keep_rest(struct session *session, struct vouch_buf *in)
{
    if (session->state != SESSION_OPEN || vouch_buf_length(in) == 0)
        return;
    session->in = vouch_buf_new(LOCKD_IN_MAX);
    if (session->in == NULL
        || vouch_buf_append(session->in, vouch_buf_data(in),
                            vouch_buf_length(in))
               != 0)
        session_close(session);
}

/* Read once and use it: bytes read, 0 none for now, -1 the end. */
static ssize_t
hear_once(struct session *session)
{
    struct vouch_buf *in = session->daemon->in;
    ssize_t count;

    if (session->in != NULL) {
        count = fill(session, session->in);
        if (count > 0)
            take_rest(session);
        return count;
    }
    vouch_buf_clear(in);
    count = fill(session, in);
    if (count <= 0
        || secure_is_misplaced(session, vouch_buf_data(in),
                               vouch_buf_length(in)))
        return count;
    vouch_buf_consume(
        in, take_messages(session, vouch_buf_data(in), vouch_buf_length(in)));
    keep_rest(session, in);
    return count;
}

/* TLS may hold bytes that no event will tell of. */
static int
holds_more(const struct session *session)
{
    return session->conn != NULL && vouch_conn_has_input(session->conn);
}

static void
hear(struct session *session)
{
    ssize_t count;

    do
        count = hear_once(session);
    while (count > 0 && session->state == SESSION_OPEN && holds_more(session)
           && unsent(session) < LOCKD_OUT_PAUSE);
    if (count == -1)
        session_close(session);
}

/* The client was told to go: throw away what it says, until it goes. */
static void
see_off(struct session *session)
{
    unsigned char waste[LOCKD_CHUNK];
    ssize_t count = receive(session, waste, sizeof(waste));

    if (count == 0 || count == -1)
        session_close(session);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct session *session = poll->data;

    if (status < 0) {
        session_close(session);
        return;
    }
    if (session->state == SESSION_HANDSHAKE) {
        secure_continue(session);
        return;
    }
    if (session->state == SESSION_OPEN || session->state == SESSION_GOODBYE) {
        if (events & UV_WRITABLE && flush(session) != 0)
            session_close(session);
    }
    if (session->state == SESSION_GOODBYE && unsent(session) == 0)
        see_off(session);
    if (session->state == SESSION_OPEN) {
        take_rest(session);
        if (session->state == SESSION_OPEN
            && (events & UV_READABLE || holds_more(session))
            && unsent(session) < LOCKD_OUT_PAUSE)
            hear(session);
    }
    session_update(session);
}

void
session_begin(struct session *session)
{
    session->state = SESSION_OPEN;
    session_untime(session);
    hear(session);
    session_update(session);
}
