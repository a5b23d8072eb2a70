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

/* What a lock request says besides the name. */
struct vxs_request {
    IV mode;
    IV quantity;
    int wait;
    int create;
    IV idle_ms;
    IV lease_ms;
};

/* Begin to lock: 0, or -1 with the client's reason. */
int vxs_link_lock(pTHX_ struct vxs_link *self, SV *name,
                  const struct vxs_request *request);

/* The same for one that was lost with its daemon. */
int vxs_link_resume(pTHX_ struct vxs_link *self, SV *name,
                    const struct vxs_request *request, SV *token, SV *element);

/* What the lock that is held is to become; otherwise the same. */
int vxs_link_convert(struct vxs_link *self, IV mode, IV quantity, int wait);
int vxs_link_stay(struct vxs_link *self, IV mode, IV quantity);

/* Let go: 0 when it was held and the daemon has been told, else -1.  The
 * bytes that do not go at once are waited for, for a moment. */
int vxs_link_unlock(struct vxs_link *self, int rollback);

/*
 * Wait until what was begun is done or the monotonic deadline has come, as
 * vouch_flom_client_wait(); signal handlers run here, and may die.
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

#endif
