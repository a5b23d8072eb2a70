/*
 * libflom: locks of a FLoM daemon, in the functions that programs written
 * for FLoM 1.7.2 call.  Link with libflom.so.0, or with libvouch.a.
 *
 * The names, numbers, layout and rules are those of FLoM, so that a program
 * that was compiled with FLoM's own header runs unchanged.  New programs may
 * prefer vouch.h, which does not wait.
 *
 *   flom_handle_t *handle = flom_handle_new();
 *
 *   if (flom_handle_set_resource_name(handle, "backup") == FLOM_RC_OK
 *       && flom_handle_lock(handle) == FLOM_RC_OK) {
 *       ...
 *       (void) flom_handle_unlock(handle);
 *   }
 *   flom_handle_delete(handle);
 *
 * A daemon must be there: the library starts none.  A handle begins with
 * what the configuration files say, which are read once per process.  The
 * functions wait; a signal does not end the wait.  Several threads may use
 * the library at once, but a handle belongs to one at a time.  A child process
 * shares the locks of its parent: what one of them unlocks is unlocked.
 * Functions return FLOM_RC_OK (0) or another code of flom_errors.h.
 */
#ifndef FLOM_H
#define FLOM_H

#include "flom_errors.h"

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* When libflom.so.0 is built, what is declared here is what it shows. */
#ifdef FLOM_SHARED
#pragma GCC visibility push(default)
#endif

/* How a simple or hierarchical resource is locked. */
typedef enum {
    FLOM_LOCK_MODE_NL = 0, /* nothing but interest */
    FLOM_LOCK_MODE_CR = 1, /* read, others may write */
    FLOM_LOCK_MODE_CW = 2, /* write, others may, too */
    FLOM_LOCK_MODE_PR = 3, /* read, nobody writes */
    FLOM_LOCK_MODE_PW = 4, /* write, others may read without protection */
    FLOM_LOCK_MODE_EX = 5, /* nobody else */
    FLOM_LOCK_MODE_N = 6,  /* how many there are */
    FLOM_LOCK_MODE_INVALID = 7
} flom_lock_mode_t;

/* States of a handle. */
#define FLOM_HANDLE_STATE_INIT 22         /* nothing done yet */
#define FLOM_HANDLE_STATE_CONNECTED 23    /* a lock was not obtained */
#define FLOM_HANDLE_STATE_LOCKED 24       /* the lock is held */
#define FLOM_HANDLE_STATE_DISCONNECTED 25 /* unlocked */
#define FLOM_HANDLE_STATE_CLEANED 26      /* of no use any more */

/* Reserve the space; leave the fields to the functions. */
typedef struct {
    int state;
    void *conn;
    void *config;
    char *locked_element;
} flom_handle_t;

/*
 * Make a handle of this space, whatever is in it; what is a handle already
 * is to be cleaned before.  NULL: FLOM_RC_NULL_OBJECT; a configuration
 * file has a value that is none: FLOM_RC_INVALID_OPTION.
 */
int flom_handle_init(flom_handle_t *handle);

/*
 * Unlock if locked, and free what belongs to the handle, but not its space.
 * FLOM_RC_API_INVALID_SEQUENCE in state CONNECTED (unlock first) or of what
 * is no handle, and nothing is done.
 */
int flom_handle_clean(flom_handle_t *handle);

/* A handle with space of its own; NULL if that is not possible. */
flom_handle_t *flom_handle_new(void);

/* Clean it in whatever state it is, and free the space of
 * flom_handle_new().  NULL is allowed. */
void flom_handle_delete(flom_handle_t *handle);

/*
 * Connect and lock what the handle tells; wait as long as its
 * resource_timeout says.  In states INIT, CONNECTED and DISCONNECTED, else
 * FLOM_RC_API_INVALID_SEQUENCE.
 *
 *   FLOM_RC_OK             held: the state is LOCKED
 *   FLOM_RC_CONNECT_ERROR  no daemon; the state stays as it was
 *   FLOM_RC_LOCK_BUSY, FLOM_RC_LOCK_CANT_WAIT, FLOM_RC_LOCK_IMPOSSIBLE,
 *   FLOM_RC_NETWORK_TIMEOUT and others that a daemon was there for
 *                          the state is CONNECTED: unlock, or lock again
 */
int flom_handle_lock(flom_handle_t *handle);

/*
 * Unlock if the state is LOCKED, and disconnect: DISCONNECTED.  In other
 * states but CONNECTED: FLOM_RC_API_INVALID_SEQUENCE.  FLOM_RC_SEND_ERROR if
 * the daemon has gone, and the lock with it; FLOM_RC_LOCK_CANT_LOCK if it has
 * taken the lock back.
 */
int flom_handle_unlock(flom_handle_t *handle);

/*
 * The same, and a transactional sequence ("_S_name[N]") takes its number
 * back.  Of another resource FLOM_RC_RESOURCE_IS_NOT_TRANSACTIONAL: it has
 * been unlocked.
 */
int flom_handle_unlock_rollback(flom_handle_t *handle);

/* The code in words.  Static; never NULL. */
const char *flom_strerror(int ret_cod);

/*
 * What a handle is set to, and how to set it:
 *
 *   name                     default         setting it
 *   resource_name            _RESOURCE       C  a name that is invalid or
 *                                            reserved: FLOM_RC_INVALID_-
 *                                            RESOURCE_NAME, nothing changes
 *   resource_timeout         -1              C  ms; < 0 no limit, 0 no wait
 *   resource_quantity        1               C  sign dropped; 0 no change
 *   resource_idle_lifespan   0               C  ms; the same
 *   lock_mode                EX              C  looked at when locking
 *   resource_create          1
 *   socket_name              /tmp/flom-USER  clears both addresses; too
 *                                            long: FLOM_RC_BUFFER_OVERFLOW
 *   unicast_address          NULL            clears the other two
 *   multicast_address        NULL            clears the other two
 *   unicast_port             28015
 *   multicast_port           28015
 *   network_interface        NULL            unknown: FLOM_RC_INVALID_IPV6_-
 *                                            NETWORK_INTERFACE
 *   discovery_attempts       2               sign dropped; 0 means 1
 *   discovery_ttl            1               the same
 *   discovery_timeout        500             ms; sign dropped
 *   tls_certificate          NULL            a file that is not there:
 *   tls_private_key          NULL            FLOM_RC_REALPATH_ERROR; else
 *   tls_ca_certificate       NULL            its absolute path is kept
 *   tls_check_peer_id        0
 *   trace_filename           NULL            in every state; emptied and
 *                                            used at once by all handles;
 *                                            FLOM_RC_OPEN_ERROR
 *
 * Setting is for states INIT and DISCONNECTED (those with C: CONNECTED,
 * too); in others FLOM_RC_API_IMMUTABLE_HANDLE and nothing changes.  A NULL
 * handle: FLOM_RC_NULL_OBJECT, and 0 or NULL when getting.  Texts are
 * copied, NULL means "not set"; those returned are valid until the next
 * change of the handle.
 */
int flom_handle_get_discovery_attempts(const flom_handle_t *handle);
int flom_handle_set_discovery_attempts(flom_handle_t *handle, int value);
int flom_handle_get_discovery_timeout(const flom_handle_t *handle);
int flom_handle_set_discovery_timeout(flom_handle_t *handle, int value);
int flom_handle_get_discovery_ttl(const flom_handle_t *handle);
int flom_handle_set_discovery_ttl(flom_handle_t *handle, int value);
flom_lock_mode_t flom_handle_get_lock_mode(const flom_handle_t *handle);
int flom_handle_set_lock_mode(flom_handle_t *handle, flom_lock_mode_t value);
const char *flom_handle_get_multicast_address(const flom_handle_t *handle);
int flom_handle_set_multicast_address(flom_handle_t *handle,
                                      const char *value);
int flom_handle_get_multicast_port(const flom_handle_t *handle);
int flom_handle_set_multicast_port(flom_handle_t *handle, int value);
const char *flom_handle_get_network_interface(const flom_handle_t *handle);
int flom_handle_set_network_interface(flom_handle_t *handle,
                                      const char *value);
int flom_handle_get_resource_create(const flom_handle_t *handle);
int flom_handle_set_resource_create(flom_handle_t *handle, int value);
int flom_handle_get_resource_idle_lifespan(const flom_handle_t *handle);
int flom_handle_set_resource_idle_lifespan(flom_handle_t *handle, int value);
const char *flom_handle_get_resource_name(const flom_handle_t *handle);
int flom_handle_set_resource_name(flom_handle_t *handle, const char *value);
int flom_handle_get_resource_quantity(const flom_handle_t *handle);
int flom_handle_set_resource_quantity(flom_handle_t *handle, int value);
int flom_handle_get_resource_timeout(const flom_handle_t *handle);
int flom_handle_set_resource_timeout(flom_handle_t *handle, int value);
const char *flom_handle_get_socket_name(const flom_handle_t *handle);
int flom_handle_set_socket_name(flom_handle_t *handle, const char *value);
const char *flom_handle_get_tls_ca_certificate(const flom_handle_t *handle);
int flom_handle_set_tls_ca_certificate(flom_handle_t *handle,
                                       const char *value);
const char *flom_handle_get_tls_certificate(const flom_handle_t *handle);
int flom_handle_set_tls_certificate(flom_handle_t *handle, const char *value);
int flom_handle_get_tls_check_peer_id(const flom_handle_t *handle);
int flom_handle_set_tls_check_peer_id(flom_handle_t *handle, int value);
const char *flom_handle_get_tls_private_key(const flom_handle_t *handle);
int flom_handle_set_tls_private_key(flom_handle_t *handle, const char *value);
const char *flom_handle_get_trace_filename(const flom_handle_t *handle);
int flom_handle_set_trace_filename(flom_handle_t *handle, const char *value);
const char *flom_handle_get_unicast_address(const flom_handle_t *handle);
int flom_handle_set_unicast_address(flom_handle_t *handle, const char *value);
int flom_handle_get_unicast_port(const flom_handle_t *handle);
int flom_handle_set_unicast_port(flom_handle_t *handle, int value);

#ifdef FLOM_SHARED
#pragma GCC visibility pop
#endif

/*
 * The element, number or time that came with the lock; NULL if none did, or
 * nothing is locked.  Valid until unlocked.  It is no function of the
 * library: programs compiled with FLoM's header bring their own.
 */
static __inline__ const char *
flom_handle_get_locked_element(const flom_handle_t *handle)
{
    return handle == 0 ? 0 : handle->locked_element;
}

#ifdef __cplusplus
}
#endif

#endif
