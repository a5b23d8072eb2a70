/*
 * The daemon's side of discovery: questions to a multicast group, answered.
 */
#ifndef VOUCH_LOCKD_DISCOVERY_H
#define VOUCH_LOCKD_DISCOVERY_H

struct lockd;
struct vouch_error;

/* Join the group of the settings and prepare the answer; the TCP listeners
 * are there.  0, or -1 with *rc_r as lockd_new(). */
int discovery_open(struct lockd *daemon, int *rc_r, struct vouch_error *err);

/* Serve it in the loop, if there is one. */
void discovery_watch(struct lockd *daemon);

/* Leave the group; what libuv may still touch stays. */
void discovery_close(struct lockd *daemon);

/* Free it, when the loop is closed. */
void discovery_free(struct lockd *daemon);

#endif
