/*
 * Accepting TLS connections with many handshakes under way, on one thread:
 * nobody waits for a slow client but the client itself.
 *
 * It owns the connections whose handshake is not done, and hands out those
 * that are.  It waits in vouch_listener_wait() only; what there is to do is
 * done by vouch_listener_next(), a little with each call.  Limits keep
 * strangers from using up the process: over them a new TCP connection waits
 * in the kernel's queue, or is closed.
 *
 * After fork(2) parent and child may both go on: each process has its own
 * set of descriptors, and the handshakes under way belong to the parent.
 */
#ifndef VOUCH_TLS_LISTENER_H
#define VOUCH_TLS_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"
#include "net/seats.h"
#include "tls/failure.h"

struct vouch_config;
struct vouch_conn;
struct vouch_listener;

/*
 * A handshake that has had this long (milliseconds) gives its place to a
 * newcomer when all places, or all descriptors of the process, are taken.
 */
#define VOUCH_LISTENER_PATIENCE 5000

/* Numbers of connections; 0 is no limit. */
struct vouch_listener_limits {
    size_t handshakes;  /* under way at once; at least 1 */
    size_t per_address; /* under way or open, from one address: a further
                           one is closed.  IPv6 counts by its first 64 bits,
                           a UNIX socket not at all */
    size_t connections; /* under way or open, in all */
    int64_t timeout_ms; /* for one handshake; -1 is no limit */
};

/* Since the beginning, but for the last two. */
struct vouch_listener_stats {
    uint64_t accepted;  /* by TCP */
    uint64_t ready;     /* handshakes done */
    uint64_t failed;    /* by TLS, by the peer, by a refused certificate */
    uint64_t timed_out; /* past their deadline */
    uint64_t refused;   /* too many from one address */
    uint64_t displaced; /* gave their place to a newcomer */
    uint64_t exhausted; /* times that accept(2) found no descriptor left */
    size_t pending;     /* under way now */
    size_t open;        /* under way, or handed out and not yet freed */
};

enum vouch_listener_outcome {
    VOUCH_LISTENER_IDLE,   /* nothing is left to do: wait */
    VOUCH_LISTENER_WORKED, /* something was done: call again */
    VOUCH_LISTENER_READY,  /* a connection is ready */
    VOUCH_LISTENER_FAILED  /* one has failed and is closed */
};

enum vouch_listener_failure {
    VOUCH_FAILED_HANDSHAKE, /* TLS, or the peer has gone */
    VOUCH_FAILED_TIMEOUT,
    VOUCH_FAILED_REFUSED,   /* too many from its address */
    VOUCH_FAILED_DISPLACED, /* gave its place to a newcomer */
    VOUCH_FAILED_SYSTEM     /* accept(2): nobody in particular */
};

/* What vouch_listener_next() tells. */
struct vouch_listener_event {
    struct vouch_address peer; /* length 0: nobody in particular */
    /* READY: all three are the caller's from now on. */
    struct vouch_conn *conn;
    struct vouch_seat *seat; /* to be freed when the connection ends */
    int fd;                  /* close-on-exec, blocking */
    /* FAILED: */
    enum vouch_listener_failure what;
    struct vouch_error error;
    struct vouch_failure why; /* who, which side, the usual cause */
};

/* Free the listener and close the handshakes under way, without a word to
 * the peers; the listening descriptor stays open.  NULL is allowed. */
void vouch_listener_free(struct vouch_listener *listener);

/*
 * A listener on a listening descriptor (borrowed), which is made
 * non-blocking.  arg is handed to the verify callback of every connection,
 * until it is set anew.  0, or -1.
 */
int vouch_listener_new(int fd, const struct vouch_listener_limits *limits,
                       void *arg, struct vouch_listener **listener_r,
                       struct vouch_error *err);

/*
 * Do the next thing there is to do: go on with a handshake for which
 * something has arrived, accept a connection, end what is past its
 * deadline.  New connections get the configuration.  event_r is filled for
 * READY and FAILED.  Does not wait, except for the verify callback, which
 * may call vouch_listener_stop(), and nothing else of this listener.
 */
enum vouch_listener_outcome
vouch_listener_next(struct vouch_listener *listener,
                    struct vouch_config *config,
                    struct vouch_listener_event *event_r);

/*
 * Wait until there is something to do, or until the monotonic clock reaches
 * deadline_ms.  1 there may be, 0 the deadline has passed, -1 with errno
 * (EINTR; EBADF after vouch_listener_stop()).
 */
int vouch_listener_wait(struct vouch_listener *listener, int64_t deadline_ms);

/*
 * The time since the caller was last here is not the clients' fault: move
 * their deadlines by it.  For a caller that waits in vouch_listener_wait(),
 * not for one whose event loop has waited.
 */
void vouch_listener_excuse(struct vouch_listener *listener);

/* A descriptor that is readable when there is something to do, borrowed; it
 * is another one after fork(2).  -1 if the system has no such thing. */
int vouch_listener_fd(struct vouch_listener *listener);

/* Milliseconds until there is something to do although nothing arrives: 0
 * for now, -1 for never. */
int64_t vouch_listener_timeout(struct vouch_listener *listener);

/* The listening descriptor is not ours any more: it is not touched again.
 * What is under way is closed at the next call of another function. */
void vouch_listener_stop(struct vouch_listener *listener);

/* How many handshakes are under way; all that is counted. */
size_t vouch_listener_pending(struct vouch_listener *listener);
void vouch_listener_stats(struct vouch_listener *listener,
                          struct vouch_listener_stats *stats_r);

/* "handshake", "timeout", "refused", "displaced", "system". */
const char *vouch_listener_failure_name(enum vouch_listener_failure what);

#endif
