/*
 * Locks for Perl: a connection to the lock daemon, and what it is set to.
 */
#ifndef VOUCH_XS_LOCK_H
#define VOUCH_XS_LOCK_H

#include "bridge.h"

#include "flom/client.h"
#include "flom/settings.h"

/* One connection: one lock at a time. */
struct vxs_link {
    struct vouch_flom_client *client;
    struct vxs_link *before; /* among all of this process */
    struct vxs_link *after;
    int given; /* the next child gets it */
    pid_t pid; /* whose it is */
#ifdef MULTIPLICITY
    tTHX perl;
#endif
};

extern const MGVTBL vxs_link_vtbl;
extern const MGVTBL vxs_settings_vtbl;

/* A new object around a copy of the settings. */
SV *vxs_link_new(pTHX_ const struct vouch_flom_settings *settings);

/* A new object with FLoM's defaults. */
SV *vxs_settings_new(pTHX);

/* A new object with a copy of these (NULL: FLoM's defaults). */
SV *vxs_settings_copy(pTHX_ const struct vouch_flom_settings *settings);

/* Push the facts of the settings that Perl needs: names and values. */
void vxs_push_settings(pTHX_ const struct vouch_flom_settings *self);

/*
 * What is asked for: a reference to an array of mode, quantity, whether to
 * wait, whether to create, idle life and lease in milliseconds.  And the
 * name, unless it is NULL.
 */
void vxs_link_prepare(pTHX_ struct vxs_link *self, SV *name, SV *request);

/* Begin to lock: 0, or -1 with the client's reason. */
int vxs_link_lock(pTHX_ struct vxs_link *self, SV *name, SV *request);

/* The same for one that was lost with its daemon. */
int vxs_link_resume(pTHX_ struct vxs_link *self, SV *name, SV *request,
                    SV *token, SV *element);

/* The outcome of a step, where 0 is a lock that is held now: 2 that it is
 * done, and there is none. */
int vxs_link_outcome(const struct vxs_link *self, int outcome);

/* Let go: 1 or 0 when it was held and the daemon has been told, 1 if that is
 * of Vouch; else -1.  The bytes that do not go at once are waited for, for a
 * moment. */
int vxs_link_unlock(struct vxs_link *self, int rollback);

/*
 * Close, and wait until the daemon has read all and closes, too, but not
 * longer than to the deadline: to close a socket at once that has something
 * unread would take back what was sent.
 */
void vxs_link_part(struct vxs_link *self, int64_t deadline_ms);

/*
 * Wait until what was begun is done or the monotonic deadline has come, as
 * vouch_flom_client_wait(), with the outcomes above; signal handlers run
 * here, and may die.
 */
int vxs_link_wait(pTHX_ struct vxs_link *self, int64_t deadline_ms);

/* Is the lock still held?  Asks the system, not the daemon. */
int vxs_link_is_held(struct vxs_link *self);

/*
 * Connections and forks.  A child's copies are closed right after the fork,
 * so that they do not keep locks of a parent that is gone; and of those that
 * are to be given away the parent's copies, without a word to the daemon.
 * What is given stays so until it is taken, for a child that forks again.
 */
void vxs_link_give(struct vxs_link *self, int given);
void vxs_links_before_fork(void);
void vxs_links_after_fork(int is_child, int runs_command);

/* lock_quick.c: a lock that is held now, or NULL where Vouch::Lock has more to
 * do; and its end, likewise 1 or 0. */
SV *vxs_lock_quickly(pTHX_ SV *class_name, SV *name, SV *server);
int vxs_lock_drop(pTHX_ SV *object);

/* At the end of this Perl: let go of all that it holds. */
void vxs_links_end(pTHX_ int rollback);

#endif
