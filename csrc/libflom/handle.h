/*
 * The inside of libflom: what a handle points to, and locking for those who
 * must look after signals in between (xs/flom.c).
 */
#ifndef VOUCH_LIBFLOM_HANDLE_H
#define VOUCH_LIBFLOM_HANDLE_H

#include <stdint.h>

#include "libflom/flom.h"

struct vouch_flom_client;
struct vouch_flom_settings;

/* The state of a handle that waits for a lock: one that the bytes of a
 * handle that was never initialised hardly happen to be. */
#define VOUCH_LIBFLOM_WAITING 0x57414954

/* No code of FLoM's: a signal came; look after it, and go on. */
#define VOUCH_LIBFLOM_INTERRUPTED 1000

/* What handle->conn points to; handle->config is the client's settings. */
struct vouch_libflom_conn {
    struct vouch_flom_client *client;
    int64_t deadline; /* of the step that is waited for */
    int before;       /* the state that the handle had */
    int is_asking;    /* the daemon, which so has been there */
};

/* The settings of a handle, or NULL: it is none, or has been cleaned. */
struct vouch_flom_settings *
vouch_libflom_settings(const flom_handle_t *handle);

/*
 * The settings that a new handle begins with: the defaults and the files,
 * read by the first who asks.  They are the caller's.  A code of FLoM.
 */
int vouch_libflom_defaults(struct vouch_flom_settings *settings_r);

/*
 * flom_handle_lock() which may return VOUCH_LIBFLOM_INTERRUPTED.  Then the
 * handle is in state WAITING, and is to be gone on with, or given up: that
 * leaves nothing held and the state DISCONNECTED.
 */
int vouch_libflom_lock(flom_handle_t *handle);
int vouch_libflom_lock_go_on(flom_handle_t *handle);
void vouch_libflom_give_up(flom_handle_t *handle);

/*
 * Free what belongs to the handle without a word to the daemon, which takes
 * the lock back if no other process has the connection, too.
 */
void vouch_libflom_drop(flom_handle_t *handle);

#endif
