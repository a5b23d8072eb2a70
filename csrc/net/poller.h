/*
 * Which of many descriptors are ready: epoll or kqueue where the system has
 * one of them, else poll(2).
 *
 * Not an event loop: no timers, no callbacks.  What is ready is told again
 * and again until somebody does something about it (level-triggered).
 */
#ifndef VOUCH_NET_POLLER_H
#define VOUCH_NET_POLLER_H

#include <stddef.h>
#include <stdint.h>

struct vouch_error;
struct vouch_poller;

enum vouch_poller_kind {
    VOUCH_POLLER_BEST, /* what the system has */
    VOUCH_POLLER_POLL  /* poll(2): needs no descriptor of its own */
};

/* What is ready, and for what: enum vouch_socket_event.  A descriptor that
 * has failed or was closed by the peer is ready for what was asked. */
struct vouch_poller_event {
    void *data;
    int events;
};

/* Free the poller; the descriptors in it are left alone, also in a process
 * that shares the system's set with its parent.  NULL is allowed. */
void vouch_poller_free(struct vouch_poller *poller);

/*
 * A new empty poller.  After fork(2) it must be used by one of the two
 * processes only; the other may free it.  0, or -1 with VOUCH_E_MEMORY or
 * VOUCH_E_SYSTEM (no descriptor left: VOUCH_POLLER_POLL needs none).
 */
int vouch_poller_new(enum vouch_poller_kind kind,
                     struct vouch_poller **poller_r, struct vouch_error *err);

/* A descriptor that is readable while any of those inside is ready, to put
 * into an event loop; borrowed.  -1: poll(2) has none. */
int vouch_poller_fd(const struct vouch_poller *poller);

/*
 * Watch a descriptor for events (a set of enum vouch_socket_event, not
 * empty), with what is to be handed out when it is ready; change that; stop
 * watching.  A descriptor must be removed before it is closed.  0, or -1
 * with errno (EINVAL, ENOMEM, EBADF; EEXIST and ENOENT, which kqueue lets
 * pass).
 */
int vouch_poller_add(struct vouch_poller *poller, int fd, int events,
                     void *data);
int vouch_poller_change(struct vouch_poller *poller, int fd, int events,
                        void *data);
int vouch_poller_remove(struct vouch_poller *poller, int fd);

/*
 * Wait until something is ready, or until the monotonic clock reaches
 * deadline_ms (VOUCH_FOREVER: no deadline; one that has passed: do not
 * wait).  The number of events stored, at most max; 0 the deadline has
 * passed; -1 with errno, EINTR among them.  Those left out for want of room
 * come next time.  With kqueue a descriptor that is ready for both events
 * comes twice.
 */
int vouch_poller_wait(struct vouch_poller *poller,
                      struct vouch_poller_event *events_r, size_t max,
                      int64_t deadline_ms);

#endif
