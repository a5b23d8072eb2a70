/*
 * Many handshakes at once: accept, go on with whoever has sent something,
 * end who takes too long.
 *
 * Handshakes are in a list in the order they began in, which is that of
 * their deadlines too, as all have the same time.
 */
#include "tls/listener_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/socket.h"

/* The time by which handshakes are measured: it stands still while the
 * caller is away. */
int64_t
vouch_listener_clock(const struct vouch_listener *self)
{
    return vouch_clock_monotonic_ms() - self->excused;
}

void
vouch_listener_append(struct vouch_listener *self, struct pending *p)
{
    p->before = self->last;
    if (self->last != NULL)
        self->last->after = p;
    else
        self->first = p;
    self->last = p;
    self->count++;
}

/* Take it out of the list and out of what is still to be looked at. */
static void
unlink_pending(struct vouch_listener *self, struct pending *p)
{
    size_t i;

    if (p->before != NULL)
        p->before->after = p->after;
    else
        self->first = p->after;
    if (p->after != NULL)
        p->after->before = p->before;
    else
        self->last = p->before;
    self->count--;
    for (i = self->batch_next; i < self->batch_end; i++)
        if (self->batch[i].data == p)
            self->batch[i].data = NULL;
}

/* Close it without a word.  In the process that watches it, it has left the
 * poller before. */
static void
drop(struct vouch_listener *self, struct pending *p)
{
    unlink_pending(self, p);
    (void) close(p->fd);
    vouch_conn_free(p->conn);
    vouch_seat_free(p->seat);
    free(p);
}

static void
drop_all(struct vouch_listener *self)
{
    while (self->first != NULL)
        drop(self, self->first);
    self->batch_next = 0;
    self->batch_end = 0;
}

void
vouch_listener_free(struct vouch_listener *self)
{
    if (self == NULL)
        return;
    vouch_seats_free(self->seats);
    /* First: a child's copy of it must be changed by nobody. */
    vouch_poller_free(self->poller);
    drop_all(self);
    free(self);
}

/* 1 if there is a poller, and it is this process's. */
static int
is_ours(const struct vouch_listener *self)
{
    return self->poller != NULL && self->pid == getpid();
}

/*
 * Have a poller of this process.  What a child finds there is its parent's:
 * the descriptors are closed here, which the parent's poller and the peers
 * do not notice.  0, or -1 with errno.
 */
static int
settle(struct vouch_listener *self)
{
    if (is_ours(self))
        return 0;
    vouch_poller_free(self->poller);
    self->poller = NULL;
    self->watching = 0;
    self->paused = 0;
    self->pause_for = 0;
    drop_all(self);
    if (vouch_poller_new(VOUCH_POLLER_BEST, &self->poller, NULL) != 0
        && vouch_poller_new(VOUCH_POLLER_POLL, &self->poller, NULL) != 0) {
        errno = ENOMEM;
        return -1;
    }
    self->pid = getpid();
    return 0;
}

/* 1 if all places are taken. */
int
vouch_listener_is_full(const struct vouch_listener *self)
{
    return self->count >= self->limits.handshakes
           || vouch_seats_full(self->seats);
}

/* 1 if somebody has had time enough to give up the place. */
int
vouch_listener_can_displace(const struct vouch_listener *self)
{
    return self->first != NULL
           && vouch_listener_clock(self) - self->first->started
                  >= VOUCH_LISTENER_PATIENCE;
}

/* 1 if the next connection may be accepted. */
int
vouch_listener_may_accept(const struct vouch_listener *self)
{
    if (self->fd == -1)
        return 0;
    if (self->paused != 0 && vouch_clock_monotonic_ms() < self->paused)
        return 0;
    return !vouch_listener_is_full(self) || vouch_listener_can_displace(self);
}

/* Watch for new connections if they may be accepted, and only then: else
 * those that wait would wake us again and again. */
void
vouch_listener_watch(struct vouch_listener *self)
{
    int want = vouch_listener_may_accept(self);

    if (want == self->watching)
        return;
    if (!want)
        (void) vouch_poller_remove(self->poller, self->fd);
    else if (vouch_poller_add(self->poller, self->fd, VOUCH_SOCKET_READ, self)
             != 0) {
        self->paused = vouch_clock_monotonic_ms() + VOUCH_LISTENER_PAUSE;
        return;
    }
    self->watching = want;
}

/* A connection has ended somewhere: there may be a place again. */
static void
seat_returned(void *arg)
{
    struct vouch_listener *self = arg;

    if (!self->watching && self->fd != -1 && is_ours(self))
        vouch_listener_watch(self);
}

int
vouch_listener_new(int fd, const struct vouch_listener_limits *limits,
                   void *arg, struct vouch_listener **listener_r,
                   struct vouch_error *err)
{
    struct vouch_listener *self;
    int flags = fcntl(fd, F_GETFL);

    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return vouch_error_set_sys(err, VOUCH_E_ARGUMENT, errno,
                                   "%d is not a listening descriptor", fd);
    if (limits->handshakes == 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "at least one handshake must be possible");
    self = calloc(1, sizeof(*self));
    if (self == NULL
        || vouch_seats_new(limits->connections, limits->per_address,
                           &self->seats, err)
               != 0) {
        free(self);
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    self->fd = fd;
    self->limits = *limits;
    self->arg = arg;
    self->seen = vouch_clock_monotonic_ms();
    vouch_seats_on_return(self->seats, seat_returned, self);
    *listener_r = self;
    return 0;
}

/* A failure, before it is known whose and why. */
void
vouch_listener_begin_failure(struct vouch_listener *self,
                             enum vouch_listener_failure what,
                             struct vouch_listener_event *event)
{
    event->what = what;
    event->peer.length = 0;
    event->conn = NULL;
    event->seat = NULL;
    event->fd = -1;
    memset(&event->why, 0, sizeof(event->why));
    event->why.role = VOUCH_SERVER;
    event->why.alert = -1;
    vouch_error_clear(&event->error);
    self->seen = vouch_clock_monotonic_ms();
}

/* What is to be said about a handshake that ends. */
static void
explain(const struct vouch_listener *self, const struct pending *p,
        struct vouch_listener_event *event)
{
    int64_t age = vouch_listener_clock(self) - p->started;

    event->peer = p->peer;
    if (p->conn != NULL) {
        vouch_conn_failure(p->conn, &event->why);
    } else {
        event->why.cause = VOUCH_CAUSE_TIMEOUT;
        vouch_address_text(&p->peer, event->why.peer, VOUCH_PEER_SIZE);
    }
    if (event->what == VOUCH_FAILED_TIMEOUT)
        (void) vouch_error_set(&event->error, VOUCH_E_TIMEOUT,
                               "no handshake within %g seconds",
                               (double) self->limits.timeout_ms / 1000);
    else if (event->what == VOUCH_FAILED_DISPLACED)
        (void) vouch_error_set(
            &event->error, VOUCH_E_LIMIT,
            "no handshake after %g seconds, and its place was needed",
            (double) (age / 100) / 10);
    else if (p->conn != NULL)
        event->error = *vouch_conn_error(p->conn);
}

/*
 * End a handshake and tell who it was.  A process that was forked since has
 * the descriptor too: shutdown(2) ends the connection all the same.
 */
enum vouch_listener_outcome
vouch_listener_fail(struct vouch_listener *self, struct pending *p,
                    enum vouch_listener_failure what,
                    struct vouch_listener_event *event)
{
    vouch_listener_begin_failure(self, what, event);
    explain(self, p, event);
    if (p->wants != 0)
        (void) vouch_poller_remove(self->poller, p->fd);
    (void) shutdown(p->fd, SHUT_RDWR);
    drop(self, p);
    self->paused = 0;
    return VOUCH_LISTENER_FAILED;
}

/* The handshake is done: hand it out. */
static enum vouch_listener_outcome
hand_out(struct vouch_listener *self, struct pending *p,
         struct vouch_listener_event *event)
{
    if (p->wants != 0)
        (void) vouch_poller_remove(self->poller, p->fd);
    unlink_pending(self, p);
    event->peer = p->peer;
    event->conn = p->conn;
    event->seat = p->seat;
    event->fd = p->fd;
    free(p);
    self->stats.ready++;
    self->seen = vouch_clock_monotonic_ms();
    return VOUCH_LISTENER_READY;
}

/* Have the poller wait for what the handshake wants.  0, or -1 with errno. */
static int
wait_for(struct vouch_listener *self, struct pending *p, int events)
{
    int result;

    if (p->wants == events)
        return 0;
    result = p->wants == 0
                 ? vouch_poller_add(self->poller, p->fd, events, p)
                 : vouch_poller_change(self->poller, p->fd, events, p);
    if (result == 0)
        p->wants = events;
    return result;
}

/* It cannot go on, for a reason that is not the connection's. */
static enum vouch_listener_outcome
give_up(struct vouch_listener *self, struct pending *p,
        const struct vouch_error *err, struct vouch_listener_event *event)
{
    self->stats.failed++;
    (void) vouch_listener_fail(self, p, VOUCH_FAILED_HANDSHAKE, event);
    event->error = *err;
    event->why.cause = VOUCH_CAUSE_UNKNOWN;
    return VOUCH_LISTENER_FAILED;
}

/* Come back when the connection is ready. */
static enum vouch_listener_outcome
come_back(struct vouch_listener *self, struct pending *p, int events,
          struct vouch_listener_event *event)
{
    struct vouch_error err;

    if (wait_for(self, p, events) == 0)
        return VOUCH_LISTENER_WORKED;
    vouch_error_clear(&err);
    (void) vouch_error_set_sys(&err, VOUCH_E_SYSTEM, errno,
                               "cannot wait for the connection");
    return give_up(self, p, &err, event);
}

/* Go on with a handshake. */
static enum vouch_listener_outcome
step(struct vouch_listener *self, struct vouch_config *config,
     struct pending *p, struct vouch_listener_event *event)
{
    struct vouch_error err;
    int result;

    vouch_error_clear(&err);
    if (p->conn == NULL) {
        if (vouch_conn_new(config, p->fd, &p->conn, &err) != 0)
            return give_up(self, p, &err, event);
        vouch_conn_set_arg(p->conn, self->arg);
    }
    result = vouch_conn_handshake(p->conn);
    if (p->conn->config->callback != NULL && !is_ours(self))
        return VOUCH_LISTENER_WORKED; /* the callback has forked */
    if (result == 0)
        return hand_out(self, p, event);
    if (result == VOUCH_WANT_READ)
        return come_back(self, p, VOUCH_SOCKET_READ, event);
    if (result == VOUCH_WANT_WRITE)
        return come_back(self, p, VOUCH_SOCKET_WRITE, event);
    self->stats.failed++;
    return vouch_listener_fail(self, p, VOUCH_FAILED_HANDSHAKE, event);
}

enum vouch_listener_outcome
vouch_listener_begin(struct vouch_listener *self, struct vouch_config *config,
                     struct pending *p, struct vouch_listener_event *event)
{
    if (vouch_socket_has_input(p->fd))
        return step(self, config, p, event);
    return come_back(self, p, VOUCH_SOCKET_READ, event);
}

/* 1 if the oldest handshake is past its deadline. */
static int
is_late(const struct vouch_listener *self)
{
    return self->first != NULL && self->limits.timeout_ms >= 0
           && vouch_listener_clock(self) - self->first->started
                  >= self->limits.timeout_ms;
}

/* Look at one of those that were found ready. */
static enum vouch_listener_outcome
take_event(struct vouch_listener *self, struct vouch_config *config,
           struct vouch_listener_event *event)
{
    void *data = self->batch[self->batch_next].data;

    if (data == self && self->burst < VOUCH_LISTENER_BURST) {
        self->burst++;
        return vouch_listener_accept(self, config, event);
    }
    self->batch_next++;
    if (data == NULL || data == self)
        return VOUCH_LISTENER_WORKED;
    return step(self, config, data, event);
}

enum vouch_listener_outcome
vouch_listener_next(struct vouch_listener *self, struct vouch_config *config,
                    struct vouch_listener_event *event_r)
{
    if (settle(self) != 0)
        return VOUCH_LISTENER_IDLE;
    if (self->fd == -1)
        drop_all(self);
    if (self->batch_next < self->batch_end)
        return take_event(self, config, event_r);
    if (is_late(self)) {
        self->stats.timed_out++;
        return vouch_listener_fail(self, self->first, VOUCH_FAILED_TIMEOUT,
                                   event_r);
    }
    vouch_listener_watch(self);
    return VOUCH_LISTENER_IDLE;
}

/* The earlier of two times; -1 is never. */
static int64_t
earlier(int64_t a, int64_t b)
{
    if (a == VOUCH_FOREVER || (b != VOUCH_FOREVER && b < a))
        return b;
    return a;
}

/* When accepting, which is stopped, may go on; VOUCH_FOREVER: not before
 * something else happens. */
static int64_t
next_try(const struct vouch_listener *self, int64_t began)
{
    if (!vouch_listener_is_full(self))
        return self->paused;
    if (self->first == NULL)
        return VOUCH_FOREVER;
    began += VOUCH_LISTENER_PATIENCE;
    return began > self->paused ? began : self->paused;
}

/* When there is something to do although nothing arrives; VOUCH_FOREVER. */
static int64_t
next_deadline(const struct vouch_listener *self)
{
    int64_t began =
        self->first == NULL ? 0 : self->first->started + self->excused;
    int64_t when = VOUCH_FOREVER;

    if (self->first != NULL && self->limits.timeout_ms >= 0)
        when = began + self->limits.timeout_ms;
    if (self->fd == -1 || self->watching)
        return when;
    return earlier(when, next_try(self, began));
}

int
vouch_listener_wait(struct vouch_listener *self, int64_t deadline_ms)
{
    int64_t when;
    int count;

    if (settle(self) != 0)
        return -1;
    if (self->fd == -1) {
        errno = EBADF;
        return -1;
    }
    if (self->batch_next < self->batch_end)
        return 1;
    vouch_listener_watch(self);
    when = next_deadline(self);
    count = vouch_poller_wait(self->poller, self->batch, VOUCH_LISTENER_BATCH,
                              earlier(deadline_ms, when));
    self->seen = vouch_clock_monotonic_ms();
    if (count == -1)
        return -1;
    self->batch_next = 0;
    self->batch_end = (size_t) count;
    self->burst = 0;
    return count > 0 || (when != VOUCH_FOREVER && when <= self->seen);
}

void
vouch_listener_excuse(struct vouch_listener *self)
{
    int64_t now = vouch_clock_monotonic_ms();

    if (now > self->seen)
        self->excused += now - self->seen;
    self->seen = now;
}

int
vouch_listener_fd(struct vouch_listener *self)
{
    if (settle(self) != 0 || self->fd == -1)
        return -1;
    vouch_listener_watch(self);
    return vouch_poller_fd(self->poller);
}

int64_t
vouch_listener_timeout(struct vouch_listener *self)
{
    int64_t when;
    int64_t now;

    if (settle(self) != 0 || self->fd == -1)
        return -1;
    if (self->batch_next < self->batch_end)
        return 0;
    vouch_listener_watch(self);
    when = next_deadline(self);
    if (when == VOUCH_FOREVER)
        return -1;
    now = vouch_clock_monotonic_ms();
    return when > now ? when - now : 0;
}

void
vouch_listener_stop(struct vouch_listener *self)
{
    if (self->watching && is_ours(self))
        (void) vouch_poller_remove(self->poller, self->fd);
    self->watching = 0;
    self->fd = -1;
}

size_t
vouch_listener_pending(struct vouch_listener *self)
{
    return is_ours(self) ? self->count : 0;
}

void
vouch_listener_stats(struct vouch_listener *self,
                     struct vouch_listener_stats *stats_r)
{
    *stats_r = self->stats;
    stats_r->pending = vouch_listener_pending(self);
    stats_r->open = vouch_seats_taken(self->seats);
}

const char *
vouch_listener_failure_name(enum vouch_listener_failure what)
{
    static const char *const names[] = {"handshake", "timeout", "refused",
                                        "displaced", "system"};

    return (size_t) what < sizeof(names) / sizeof(names[0]) ? names[what]
                                                            : "unknown";
}
