/*
 * The listener's new connections: accepted, turned away, or left in the
 * kernel's queue until there is a place for them.
 */
#include "tls/listener_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/socket.h"

#define PAUSE_MIN_MS 20 /* after the first accept(2) without a descriptor */

/* Somebody has had time enough: out, for a newcomer. */
static enum vouch_listener_outcome
displace(struct vouch_listener *self, struct vouch_listener_event *event)
{
    self->stats.displaced++;
    return vouch_listener_fail(self, self->first, VOUCH_FAILED_DISPLACED,
                               event);
}

/* accept(2) has failed for a reason of ours, not of the peer that wanted to
 * connect: try again later, and say so once. */
static enum vouch_listener_outcome
pause_accepting(struct vouch_listener *self, int sys_errno,
                struct vouch_listener_event *event)
{
    int first = self->pause_for == 0;

    if (first)
        self->stats.exhausted++;
    self->pause_for = first ? PAUSE_MIN_MS : self->pause_for * 2;
    if (self->pause_for > VOUCH_LISTENER_PAUSE)
        self->pause_for = VOUCH_LISTENER_PAUSE;
    if (vouch_listener_can_displace(self))
        return displace(self, event);
    self->paused = vouch_clock_monotonic_ms() + self->pause_for;
    vouch_listener_watch(self);
    if (!first)
        return VOUCH_LISTENER_WORKED;
    vouch_listener_begin_failure(self, VOUCH_FAILED_SYSTEM, event);
    (void) vouch_error_set_sys(&event->error, VOUCH_E_SYSTEM, sys_errno,
                               "cannot accept a connection for now");
    return VOUCH_LISTENER_FAILED;
}

/* No connection: nobody is there any more, or something is wrong. */
static enum vouch_listener_outcome
not_accepted(struct vouch_listener *self, struct vouch_listener_event *event)
{
    int why = errno;
    int first;

    switch (why) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        /* Linux says so before it looks whether anybody waits: only the
         * first try after an event proves that somebody does. */
        first = self->burst == 1;
        self->burst = VOUCH_LISTENER_BURST;
        if (!first)
            return VOUCH_LISTENER_WORKED;
        return pause_accepting(self, why, event);
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
        /* It listens no more, and will not again. */
        vouch_listener_stop(self);
        vouch_listener_begin_failure(self, VOUCH_FAILED_SYSTEM, event);
        (void) vouch_error_set_sys(&event->error, VOUCH_E_SYSTEM, why,
                                   "cannot accept connections any more");
        return VOUCH_LISTENER_FAILED;
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        self->burst = VOUCH_LISTENER_BURST;
        return VOUCH_LISTENER_WORKED;
    default:
        /* ECONNABORTED, EPROTO, the network's own: the next may be well. */
        return VOUCH_LISTENER_WORKED;
    }
}

/* Turn away a connection that cannot even begin. */
static enum vouch_listener_outcome
turn_away(struct vouch_listener *self, int fd,
          const struct vouch_address *peer, enum vouch_code code,
          const char *text, struct vouch_listener_event *event)
{
    int refused = code == VOUCH_E_LIMIT;

    (void) close(fd);
    vouch_listener_begin_failure(
        self, refused ? VOUCH_FAILED_REFUSED : VOUCH_FAILED_HANDSHAKE, event);
    event->peer = *peer;
    vouch_address_text(peer, event->why.peer, VOUCH_PEER_SIZE);
    (void) vouch_error_set(&event->error, code, "%s", text);
    if (refused)
        self->stats.refused++;
    else
        self->stats.failed++;
    return VOUCH_LISTENER_FAILED;
}

/* A connection that was accepted, in the list; NULL with the reason. */
static struct pending *
admit(struct vouch_listener *self, int fd, const struct vouch_address *peer,
      struct vouch_error *err)
{
    struct pending *p = calloc(1, sizeof(*p));
    int seated;

    if (p == NULL) {
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
        return NULL;
    }
    seated = vouch_seats_take(self->seats, peer, &p->seat);
    if (seated == 0)
        (void) vouch_error_set(err, VOUCH_E_LIMIT,
                               "this address has %zu connections already",
                               self->limits.per_address);
    else if (seated == -1)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    if (seated != 1) {
        free(p);
        return NULL;
    }
    p->fd = fd;
    p->peer = *peer;
    p->started = vouch_listener_clock(self);
    vouch_listener_append(self, p);
    return p;
}

/* Accept one connection, and begin with it at once: its first message has
 * often come with it. */
enum vouch_listener_outcome
vouch_listener_accept(struct vouch_listener *self, struct vouch_config *config,
                      struct vouch_listener_event *event)
{
    struct vouch_address peer;
    struct vouch_error err;
    struct pending *p;
    int fd;

    if (!vouch_listener_may_accept(self)) {
        self->burst = VOUCH_LISTENER_BURST;
        return VOUCH_LISTENER_WORKED;
    }
    if (vouch_listener_is_full(self))
        return displace(self, event);
    fd = vouch_socket_take(self->fd, &peer);
    if (fd == -1)
        return not_accepted(self, event);
    self->stats.accepted++;
    self->paused = 0;
    self->pause_for = 0;
    vouch_error_clear(&err);
    p = admit(self, fd, &peer, &err);
    if (p == NULL)
        return turn_away(self, fd, &peer, err.code, err.text, event);
    return vouch_listener_begin(self, config, p, event);
}
