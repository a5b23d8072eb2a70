/*
 * Handles: made, locked, unlocked, cleaned.
 *
 * Every lock has a connection of its own.  One that was not granted is
 * closed at once, although the state is CONNECTED then: so a request that
 * timed out is withdrawn, a late grant cannot be taken for another one's,
 * and a name set since is the one that is locked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "flom/client.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "flom/trace.h"
#include "libflom/handle.h"
#include "lock/name.h"
#include "net/socket.h"

#define CONNECT_MS 30000 /* for TCP and TLS; a daemon answers at once */
#define ANSWER_MS 30000  /* for who does not want to wait */
#define CLOSE_MS 1000    /* a daemon that does not close cannot keep us */

/* Of a handle that has been initialised, and not cleaned since. */
static struct vouch_libflom_conn *
conn_of(const flom_handle_t *handle)
{
    if (handle == NULL
        || (handle->state != VOUCH_LIBFLOM_WAITING
            && (handle->state < FLOM_HANDLE_STATE_INIT
                || handle->state > FLOM_HANDLE_STATE_DISCONNECTED)))
        return NULL;
    return handle->conn;
}

struct vouch_flom_settings *
vouch_libflom_settings(const flom_handle_t *handle)
{
    return conn_of(handle) == NULL ? NULL : handle->config;
}

int
flom_handle_init(flom_handle_t *handle)
{
    struct vouch_flom_settings settings;
    struct vouch_libflom_conn *conn;
    int rc;

    if (handle == NULL)
        return FLOM_RC_NULL_OBJECT;
    memset(handle, 0, sizeof(*handle));
    handle->state = FLOM_HANDLE_STATE_CLEANED;
    rc = vouch_libflom_defaults(&settings);
    if (rc != FLOM_RC_OK)
        return rc;
    conn = calloc(1, sizeof(*conn));
    if (conn == NULL
        || vouch_flom_client_new(&settings, &conn->client, NULL) != 0) {
        vouch_flom_settings_clear(&settings);
        free(conn);
        return FLOM_RC_MALLOC_ERROR;
    }
    vouch_flom_settings_clear(&settings);
    handle->conn = conn;
    handle->config = vouch_flom_client_settings(conn->client);
    handle->state = FLOM_HANDLE_STATE_INIT;
    return FLOM_RC_OK;
}

flom_handle_t *
flom_handle_new(void)
{
    flom_handle_t *handle = malloc(sizeof(*handle));

    if (handle == NULL || flom_handle_init(handle) == FLOM_RC_OK)
        return handle;
    free(handle);
    return NULL;
}

void
vouch_libflom_drop(flom_handle_t *handle)
{
    struct vouch_libflom_conn *conn = conn_of(handle);

    if (conn == NULL)
        return;
    vouch_flom_client_free(conn->client);
    free(conn);
    memset(handle, 0, sizeof(*handle));
    handle->state = FLOM_HANDLE_STATE_CLEANED;
}

int
flom_handle_clean(flom_handle_t *handle)
{
    int rc = FLOM_RC_OK;

    if (handle == NULL)
        return FLOM_RC_NULL_OBJECT;
    switch (handle->state) {
    case FLOM_HANDLE_STATE_LOCKED:
        rc = flom_handle_unlock(handle);
        break;
    case FLOM_HANDLE_STATE_INIT:
    case FLOM_HANDLE_STATE_DISCONNECTED:
        break;
    default:
        return FLOM_RC_API_INVALID_SEQUENCE;
    }
    vouch_libflom_drop(handle);
    return rc;
}

void
flom_handle_delete(flom_handle_t *handle)
{
    if (handle == NULL)
        return;
    if (handle->state == FLOM_HANDLE_STATE_LOCKED)
        (void) flom_handle_unlock(handle);
    vouch_libflom_drop(handle);
    free(handle);
}

/* --- locking --------------------------------------------------------------*/

/* What cannot be asked for, or not together. */
static int
check_request(const struct vouch_flom_settings *settings)
{
    struct vouch_lock_name name;

    switch (vouch_flom_settings_check(settings)) {
    case VOUCH_FLOM_SETTINGS_GOOD:
        break;
    case VOUCH_FLOM_LOCAL_AND_NETWORK:
        return FLOM_RC_INVALID_OPTION;
    case VOUCH_FLOM_PEER_ID_WITHOUT_TLS:
    case VOUCH_FLOM_TLS_INCOMPLETE:
        return FLOM_RC_NO_TLS_CONNECTION;
    }
    if (vouch_lock_name_parse(settings->resource_name,
                              strlen(settings->resource_name), &name)
        != 0)
        return FLOM_RC_INVALID_RESOURCE_NAME;
    if (vouch_lock_type_has_mode(name.type)
        && (settings->lock_mode < FLOM_LOCK_MODE_NL
            || settings->lock_mode > FLOM_LOCK_MODE_EX))
        return FLOM_RC_OUT_OF_RANGE;
    return FLOM_RC_OK;
}

/* The end of a call that did not get the lock. */
static int
not_locked(flom_handle_t *handle, int rc)
{
    struct vouch_libflom_conn *conn = handle->conn;

    vouch_flom_trace(VOUCH_FLOM_TRACE_API, "lock: code %d %s", rc,
                     vouch_flom_client_reason(conn->client));
    vouch_flom_client_disconnect(conn->client);
    handle->state =
        conn->is_asking ? FLOM_HANDLE_STATE_CONNECTED : conn->before;
    return rc;
}

/* A failed step.  That we have no descriptors left is not for connect(2) to
 * say. */
static int
failed(flom_handle_t *handle)
{
    const struct vouch_libflom_conn *conn = handle->conn;
    int rc = vouch_flom_client_rc(conn->client);
    int reason = vouch_flom_client_errno(conn->client);

    if (rc == FLOM_RC_CONNECT_ERROR && (reason == EMFILE || reason == ENFILE))
        rc = FLOM_RC_SOCKET_ERROR;
    if (rc == FLOM_RC_OK) /* the waiting failed, not the client */
        rc = FLOM_RC_POLL_ERROR;
    return not_locked(handle, rc);
}

static int
locked(flom_handle_t *handle)
{
    const struct vouch_libflom_conn *conn = handle->conn;

    /* The program reads it there, and has promised not to write. */
    handle->locked_element = (char *) vouch_flom_client_element(conn->client);
    handle->state = FLOM_HANDLE_STATE_LOCKED;
    vouch_flom_trace(VOUCH_FLOM_TRACE_API, "lock: held");
    return FLOM_RC_OK;
}

/* The time starts anew with every message. */
static void
await_answer(flom_handle_t *handle)
{
    const struct vouch_flom_settings *settings = handle->config;
    struct vouch_libflom_conn *conn = handle->conn;
    int timeout = settings->resource_timeout;

    conn->deadline = VOUCH_FOREVER;
    if (timeout >= 0)
        conn->deadline =
            vouch_clock_monotonic_ms() + (timeout == 0 ? ANSWER_MS : timeout);
}

static int
was_interrupted(const struct vouch_flom_client *client)
{
    return vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_IDLE
           && vouch_flom_client_errno(client) == EINTR;
}

/* A step is done.  1: go on waiting; else 0 and the outcome. */
static int
next_step(flom_handle_t *handle, int *rc_r)
{
    struct vouch_libflom_conn *conn = handle->conn;

    if (vouch_flom_client_state(conn->client) == VOUCH_FLOM_CLIENT_LOCKED) {
        *rc_r = locked(handle);
        return 0;
    }
    if (conn->is_asking) {
        *rc_r = not_locked(handle, vouch_flom_client_rc(conn->client));
        return 0;
    }
    conn->is_asking = 1;
    await_answer(handle);
    if (vouch_flom_client_lock(conn->client) == 0)
        return 1;
    *rc_r = failed(handle);
    return 0;
}

int
vouch_libflom_lock_go_on(flom_handle_t *handle)
{
    struct vouch_libflom_conn *conn = conn_of(handle);
    int rc = FLOM_RC_OK;

    if (conn == NULL || handle->state != VOUCH_LIBFLOM_WAITING)
        return FLOM_RC_API_INVALID_SEQUENCE;
    for (;;) {
        switch (vouch_flom_client_wait(conn->client, conn->deadline)) {
        case 0:
            if (!next_step(handle, &rc))
                return rc;
            break;
        case 1:
            return not_locked(handle, conn->is_asking ? FLOM_RC_NETWORK_TIMEOUT
                                                      : FLOM_RC_CONNECT_ERROR);
        case -1:
            if (was_interrupted(conn->client))
                return VOUCH_LIBFLOM_INTERRUPTED;
            return failed(handle);
        default:
            await_answer(handle);
        }
    }
}

int
vouch_libflom_lock(flom_handle_t *handle)
{
    struct vouch_libflom_conn *conn = conn_of(handle);
    int rc;

    if (handle == NULL)
        return FLOM_RC_NULL_OBJECT;
    if (conn == NULL || handle->state == VOUCH_LIBFLOM_WAITING
        || handle->state == FLOM_HANDLE_STATE_LOCKED)
        return FLOM_RC_API_INVALID_SEQUENCE;
    rc = check_request(handle->config);
    if (rc != FLOM_RC_OK)
        return rc;
    conn->before = handle->state;
    conn->is_asking = 0;
    conn->deadline = vouch_clock_monotonic_ms() + CONNECT_MS
                     + vouch_flom_discovery_ms(handle->config);
    handle->state = VOUCH_LIBFLOM_WAITING;
    if (vouch_flom_client_connect(conn->client, conn->deadline) != 0)
        return failed(handle);
    return vouch_libflom_lock_go_on(handle);
}

void
vouch_libflom_give_up(flom_handle_t *handle)
{
    struct vouch_libflom_conn *conn = conn_of(handle);

    if (conn == NULL || handle->state != VOUCH_LIBFLOM_WAITING)
        return;
    vouch_flom_client_disconnect(conn->client);
    handle->state = FLOM_HANDLE_STATE_DISCONNECTED;
}

int
flom_handle_lock(flom_handle_t *handle)
{
    int rc = vouch_libflom_lock(handle);

    while (rc == VOUCH_LIBFLOM_INTERRUPTED)
        rc = vouch_libflom_lock_go_on(handle);
    return rc;
}

/* --- unlocking ------------------------------------------------------------*/

/* To the end of a step, through signals.  0, or -1. */
static int
finish(struct vouch_flom_client *client, int64_t deadline)
{
    int outcome;

    do
        outcome = vouch_flom_client_wait(client, deadline);
    while (outcome == VOUCH_FLOM_WANT_READ
           || (outcome == -1 && was_interrupted(client)));
    return outcome;
}

/* FLoM finds a daemon that has gone when it sends. */
static int
lost(const struct vouch_flom_client *client)
{
    int rc = vouch_flom_client_rc(client);

    return rc == FLOM_RC_CONNECTION_CLOSED_BY_SERVER ? FLOM_RC_SEND_ERROR : rc;
}

/* When it returns, the daemon has taken the lock back. */
static int
release(struct vouch_flom_client *client, int rollback)
{
    int64_t deadline = vouch_clock_monotonic_ms() + CLOSE_MS;
    int outcome;

    if (vouch_flom_client_advance(client) == -1)
        return lost(client);
    if (vouch_flom_client_unlock(client, rollback) != 0)
        return lost(client);
    outcome = finish(client, deadline);
    if (outcome != 0)
        return outcome == 1 ? FLOM_RC_NETWORK_TIMEOUT : lost(client);
    (void) vouch_flom_client_close(client);
    (void) finish(client, deadline);
    return FLOM_RC_OK;
}

static int
unlock(flom_handle_t *handle, int rollback)
{
    struct vouch_libflom_conn *conn = conn_of(handle);
    int rc = FLOM_RC_OK;

    if (handle == NULL)
        return FLOM_RC_NULL_OBJECT;
    if (conn == NULL
        || (handle->state != FLOM_HANDLE_STATE_LOCKED
            && handle->state != FLOM_HANDLE_STATE_CONNECTED))
        return FLOM_RC_API_INVALID_SEQUENCE;
    if (handle->state == FLOM_HANDLE_STATE_LOCKED)
        rc = release(conn->client, rollback);
    vouch_flom_client_disconnect(conn->client);
    handle->locked_element = NULL;
    handle->state = FLOM_HANDLE_STATE_DISCONNECTED;
    vouch_flom_trace(VOUCH_FLOM_TRACE_API, "unlock: code %d", rc);
    return rc;
}

int
flom_handle_unlock(flom_handle_t *handle)
{
    return unlock(handle, 0);
}

static int
is_transactional(const struct vouch_flom_settings *settings)
{
    struct vouch_lock_name name;

    return settings != NULL
           && vouch_lock_name_parse(settings->resource_name,
                                    strlen(settings->resource_name), &name)
                  == 0
           && name.transactional;
}

int
flom_handle_unlock_rollback(flom_handle_t *handle)
{
    int rollback = is_transactional(vouch_libflom_settings(handle));
    int rc = unlock(handle, rollback);

    if (rc == FLOM_RC_OK && !rollback)
        return FLOM_RC_RESOURCE_IS_NOT_TRANSACTIONAL;
    return rc;
}

const char *
flom_strerror(int ret_cod)
{
    return vouch_flom_rc_text(ret_cod);
}
