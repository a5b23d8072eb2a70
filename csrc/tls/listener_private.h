/*
 * What the two files of the listener share.
 */
#ifndef VOUCH_TLS_LISTENER_PRIVATE_H
#define VOUCH_TLS_LISTENER_PRIVATE_H

#include <sys/types.h>

#include "net/poller.h"
#include "tls/listener.h"
#include "tls/private.h"

#define VOUCH_LISTENER_BATCH 64  /* events asked for at once */
#define VOUCH_LISTENER_BURST 16  /* accepted before others get a turn */
#define VOUCH_LISTENER_PAUSE 500 /* ms, between tries at accept(2) at most */

/* A handshake under way. */
struct pending {
    struct pending *before; /* began earlier */
    struct pending *after;
    struct vouch_conn *conn; /* NULL until something has arrived */
    struct vouch_seat *seat;
    int fd;
    int wants;       /* what the poller waits for; 0: not in it */
    int64_t started; /* by the listener's clock */
    struct vouch_address peer;
};

struct vouch_listener {
    int fd; /* -1 once stopped */
    struct vouch_listener_limits limits;
    struct vouch_listener_stats stats;
    void *arg;
    struct vouch_seats *seats;
    struct vouch_poller *poller; /* NULL until it is needed */
    pid_t pid;                   /* whose the poller is */
    int watching;                /* the listening descriptor is in it */
    struct pending *first;
    struct pending *last;
    size_t count;
    struct vouch_poller_event batch[VOUCH_LISTENER_BATCH];
    size_t batch_next;
    size_t batch_end;
    int burst;         /* accepted since the others had their turn */
    int64_t seen;      /* when the caller was last here */
    int64_t excused;   /* time that the clients are not charged for */
    int64_t paused;    /* no accept(2) before that; 0: not paused */
    int64_t pause_for; /* how long the last pause was; 0: there was none */
};

/* The time by which handshakes are measured: it stands still while the
 * caller is away. */
int64_t vouch_listener_clock(const struct vouch_listener *self);

/* 1 if all places are taken; if somebody has had time enough to give one up;
 * if the next connection may be accepted; else 0. */
int vouch_listener_is_full(const struct vouch_listener *self);
int vouch_listener_can_displace(const struct vouch_listener *self);
int vouch_listener_may_accept(const struct vouch_listener *self);

/* Watch for new connections if they may be accepted, and only then: else
 * those that wait would wake us again and again. */
void vouch_listener_watch(struct vouch_listener *self);

/* Put a handshake at the end of the list. */
void vouch_listener_append(struct vouch_listener *self, struct pending *p);

/*
 * Begin with a handshake.  One that says nothing gets no TLS connection, which
 * costs forty times what it costs without.
 */
enum vouch_listener_outcome
vouch_listener_begin(struct vouch_listener *self, struct vouch_config *config,
                     struct pending *p, struct vouch_listener_event *event);

/* A failure, before it is known whose and why. */
void vouch_listener_begin_failure(struct vouch_listener *self,
                                  enum vouch_listener_failure what,
                                  struct vouch_listener_event *event);

/* End a handshake, and tell who it was. */
enum vouch_listener_outcome
vouch_listener_fail(struct vouch_listener *self, struct pending *p,
                    enum vouch_listener_failure what,
                    struct vouch_listener_event *event);

/* Accept one connection, and begin with it at once: its first message has
 * often come with it. */
enum vouch_listener_outcome
vouch_listener_accept(struct vouch_listener *self, struct vouch_config *config,
                      struct vouch_listener_event *event);

#endif
