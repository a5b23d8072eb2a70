/*
 * Connect, lock, unlock: with the words and exit statuses of FLoM.
 */
#include "cmd/locks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/apply.h"
#include "cmd/exit_status.h"
#include "cmd/question.h"
#include "cmd/start.h"
#include "cmd/verbose.h"
#include "flom/client.h"
#include "flom/endpoint.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "flom/trace.h"
#include "net/socket.h"

#define CONNECT_MS 30000 /* for TCP and TLS; a daemon answers at once */
#define CLOSE_MS 1000    /* a daemon that does not close cannot keep us */

void
flom_locks_clear(struct flom_locks *locks)
{
    int i;

    for (i = 0; i < locks->count; i++) {
        vouch_flom_client_free(locks->lock[i].client);
        locks->lock[i].client = NULL;
    }
    locks->count = 0;
}

/* Reasons that FLoM has no words for; its own codes say the rest. */
static int
says_more(int rc)
{
    return rc <= VOUCH_FLOM_RC_SSL_CTX_CHECK_PRIVATE_KEY_ERROR
           || rc == VOUCH_FLOM_RC_PROTOCOL_ERROR
           || rc == VOUCH_FLOM_RC_LOCK_CANT_LOCK
           || rc == VOUCH_FLOM_RC_CONTAINER_FULL
           || (rc <= VOUCH_FLOM_RC_INVALID_IPV6_NETWORK_INTERFACE
               && rc >= VOUCH_FLOM_RC_NO_TLS_CONNECTION);
}

int
flom_locks_failed(const char *name, const struct vouch_flom_client *client)
{
    int rc = vouch_flom_client_rc(client);

    (void) fprintf(stderr, "%s: ret_cod=%d (%s)\n", name, rc,
                   vouch_flom_rc_text(rc));
    if ((says_more(rc) || vouch_flom_client_is_explained(client))
        && *vouch_flom_client_reason(client) != '\0')
        (void) fprintf(stderr, "flom: %s\n", vouch_flom_client_reason(client));
    return FLOM_EXIT_ERROR;
}

static int64_t
deadline_in(int milliseconds)
{
    return milliseconds < 0 ? VOUCH_FOREVER
                            : vouch_clock_monotonic_ms() + milliseconds;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    if (a == VOUCH_FOREVER)
        return b;
    return b == VOUCH_FOREVER || a < b ? a : b;
}

static int
timed_out(int milliseconds)
{
    (void) fprintf(stderr,
                   "The lock was not obtained because timeout (%d "
                   "milliseconds) expired\n",
                   milliseconds);
    return FLOM_EXIT_BUSY;
}

/* Neither yes nor no: a host that is away, or one that drops packets. */
static int
no_answer(void)
{
    (void) fprintf(stderr,
                   "flom_client_connect: ret_cod=%d (%s)\n"
                   "flom: the daemon has not answered for %d seconds\n",
                   VOUCH_FLOM_RC_CONNECT_ERROR,
                   vouch_flom_rc_text(VOUCH_FLOM_RC_CONNECT_ERROR),
                   CONNECT_MS / 1000);
    return FLOM_EXIT_ERROR;
}

/* With the time that a discovery takes when it finds nobody. */
static int64_t
connect_deadline(const struct vouch_flom_settings *settings)
{
    return vouch_clock_monotonic_ms() + CONNECT_MS
           + vouch_flom_discovery_ms(settings);
}

/* To the end of a step, through signals, until the deadline. */
static int
finish(struct vouch_flom_client *client, int64_t deadline)
{
    int outcome;

    do
        outcome = vouch_flom_client_wait(client, deadline);
    while (outcome == -1
           && vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_IDLE
           && vouch_flom_client_errno(client) == EINTR);
    return outcome;
}

/* 0 connected, -1 not (the client says why), 1 not in time. */
static int
try_to_connect(struct vouch_flom_client *client, int64_t deadline)
{
    if (vouch_flom_client_connect(client, deadline) != 0)
        return -1;
    return finish(client, deadline);
}

/* Nobody is there who could answer, and somebody may be. */
static int
may_start(const struct vouch_flom_client *client,
          const struct vouch_flom_settings *settings)
{
    int reason = vouch_flom_client_errno(client);

    return settings->daemon_lifespan != 0
           && vouch_flom_client_rc(client) == VOUCH_FLOM_RC_CONNECT_ERROR
           && (reason == ECONNREFUSED || reason == ENOENT);
}

static int
tell_code(int rc)
{
    (void) fprintf(stderr, "flom_client_connect: ret_cod=%d (%s)\n", rc,
                   vouch_flom_rc_text(rc));
    return FLOM_EXIT_ERROR;
}

/* FLoM has codes of its own for nobody who answers even then: it is another
 * host's address, or nothing gets through to the group. */
static int
still_nobody(const struct vouch_flom_client *client,
             const struct vouch_flom_settings *settings)
{
    int status =
        tell_code(vouch_flom_is_sought(settings)
                          && vouch_flom_client_found(client, NULL, NULL) == 0
                      ? VOUCH_FLOM_RC_CONNECTION_REFUSED
                      : VOUCH_FLOM_RC_DAEMON_NOT_STARTED);

    (void) fprintf(stderr, "flom: %s\n", vouch_flom_client_reason(client));
    return status;
}

static int
connect_or_start(struct vouch_flom_client *client,
                 const struct vouch_flom_settings *settings,
                 const struct flom_extra *extra, int64_t until)
{
    int64_t deadline = earlier(connect_deadline(settings), until);
    int outcome = try_to_connect(client, deadline);
    struct vouch_error err;
    int rc;

    if (outcome == -1 && may_start(client, settings)) {
        vouch_error_clear(&err);
        rc = flom_start(settings, extra, &err);
        if (rc != 0) {
            (void) tell_code(rc);
            if (*err.text != '\0')
                (void) fprintf(stderr,
                               "flom: the daemon was not started: %s\n",
                               err.text);
            return FLOM_EXIT_ERROR;
        }
        deadline = earlier(connect_deadline(settings), until);
        outcome = flom_start_connect(client, deadline, try_to_connect);
        if (outcome == -1
            && vouch_flom_client_rc(client) == VOUCH_FLOM_RC_CONNECT_ERROR)
            return still_nobody(client, settings);
    }
    if (outcome == 1)
        return until == VOUCH_FOREVER || deadline != until
                   ? no_answer()
                   : timed_out(extra->timeout_total);
    return outcome == 0 ? 0 : flom_locks_failed("flom_client_connect", client);
}

static int
not_locked(const struct vouch_flom_client *client)
{
    switch (vouch_flom_client_rc(client)) {
    case VOUCH_FLOM_RC_LOCK_BUSY:
        (void) fputs("Resource already locked, the lock cannot be obtained\n",
                     stderr);
        return FLOM_EXIT_BUSY;
    case VOUCH_FLOM_RC_LOCK_CANT_WAIT:
        (void) fputs("The resource could be available in the future, but the "
                     "requester can't wait\n",
                     stderr);
        return FLOM_EXIT_CANT_WAIT;
    case VOUCH_FLOM_RC_LOCK_IMPOSSIBLE:
        (void) fputs("Resource will never satisfy the request, the lock "
                     "cannot be obtained\n",
                     stderr);
        if (*vouch_flom_client_reason(client) != '\0')
            (void) fprintf(stderr, "flom: %s\n",
                           vouch_flom_client_reason(client));
        return FLOM_EXIT_ERROR;
    default:
        return flom_locks_failed("flom_client_lock", client);
    }
}

/* Wait for the lock: -o starts anew with each answer, --timeout-total does
 * not. */
static int
wait_for_lock(struct vouch_flom_client *client,
              const struct vouch_flom_settings *settings,
              const struct flom_extra *extra, int64_t until)
{
    int each =
        settings->resource_timeout > 0 ? settings->resource_timeout : -1;
    int64_t deadline;
    int outcome;

    do {
        deadline = earlier(deadline_in(each), until);
        outcome = finish(client, deadline);
    } while (outcome == VOUCH_FLOM_WANT_READ);
    if (outcome == 1)
        return timed_out(deadline == until ? extra->timeout_total : each);
    if (outcome == 0
        && vouch_flom_client_state(client) == VOUCH_FLOM_CLIENT_LOCKED)
        return 0;
    return not_locked(client);
}

static int
take_one(struct flom_lock *lock, const struct vouch_flom_settings *settings,
         const struct flom_extra *extra, int64_t until)
{
    struct vouch_error err;
    int status;

    vouch_error_clear(&err);
    if (vouch_flom_client_new(settings, &lock->client, &err) != 0
        || vouch_flom_settings_set_text(
               &vouch_flom_client_settings(lock->client)->resource_name,
               lock->name, &err)
               != 0) {
        (void) fprintf(stderr, "flom: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    vouch_flom_client_want_lease(lock->client, extra->lease);
    flom_verbose_discovery(lock->client, settings);
    status = connect_or_start(lock->client, settings, extra, until);
    if (status != 0)
        return status;
    vouch_flom_trace(VOUCH_FLOM_TRACE_CLIENT, "asking for '%s'", lock->name);
    if (vouch_flom_client_lock(lock->client) != 0)
        return flom_locks_failed("flom_client_lock", lock->client);
    status = wait_for_lock(lock->client, settings, extra, until);
    vouch_flom_trace(VOUCH_FLOM_TRACE_CLIENT, "'%s': code %d, status %d",
                     lock->name, vouch_flom_client_rc(lock->client), status);
    if (status == 0) {
        const char *element = vouch_flom_client_element(lock->client);

        if (element != NULL)
            (void) snprintf(lock->element, sizeof(lock->element), "%s",
                            element);
        flom_question_token(lock);
    }
    return status;
}

/* The indexes of the locks, in the order of their names.  0, or -1 when one
 * is there twice. */
static int
sort_names(const struct flom_locks *locks, int order[FLOM_LOCKS_MAX])
{
    int i;
    int j;
    int difference;

    for (i = 0; i < locks->count; i++) {
        for (j = i; j > 0; j--) {
            difference =
                strcmp(locks->lock[order[j - 1]].name, locks->lock[i].name);
            if (difference == 0) {
                (void) fprintf(stderr, "also: '%s' is there twice\n",
                               locks->lock[i].name);
                return -1;
            }
            if (difference < 0)
                break;
            order[j] = order[j - 1];
        }
        order[j] = i;
    }
    return 0;
}

/* All locks of a command are of one daemon: the one that the first has
 * found. */
static int
take_in_order(struct flom_locks *locks, const int order[FLOM_LOCKS_MAX],
              const struct vouch_flom_settings *settings,
              const struct flom_extra *extra, int64_t until)
{
    struct vouch_flom_settings mine;
    struct vouch_error err;
    int status = 0;
    int i;

    vouch_error_clear(&err);
    if (vouch_flom_settings_copy(settings, &mine, &err) != 0) {
        (void) fprintf(stderr, "flom: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    for (i = 0; status == 0 && i < locks->count; i++) {
        status = take_one(&locks->lock[order[i]], &mine, extra, until);
        if (status == 0
            && vouch_flom_client_found(locks->lock[order[i]].client, &mine,
                                       &err)
                   == -1) {
            (void) fprintf(stderr, "flom: %s\n", err.text);
            status = FLOM_EXIT_ERROR;
        }
    }
    vouch_flom_settings_clear(&mine);
    return status;
}

int
flom_locks_take(const struct vouch_flom_settings *settings,
                const struct flom_extra *extra, struct flom_locks *locks)
{
    int64_t until = deadline_in(extra->timeout_total);
    int order[FLOM_LOCKS_MAX];
    int status;
    int i;

    memset(locks, 0, sizeof(*locks));
    locks->count = 1 + extra->also_count;
    locks->lock[0].name = settings->resource_name;
    for (i = 0; i < extra->also_count; i++)
        locks->lock[i + 1].name = extra->also[i];
    if (sort_names(locks, order) != 0)
        return FLOM_EXIT_ERROR;
    status = take_in_order(locks, order, settings, extra, until);
    if (status != 0)
        flom_locks_clear(locks);
    return status;
}

void
flom_locks_print(const struct vouch_flom_settings *settings,
                 const struct flom_locks *locks)
{
    const char *element;
    int i;

    if (!settings->verbose)
        return;
    for (i = 0; i < locks->count; i++) {
        element = vouch_flom_client_element(locks->lock[i].client);
        if (element != NULL)
            (void) printf("Locked element is '%s'\n", element);
    }
    (void) fflush(stdout);
}

static int
release_one(struct vouch_flom_client *client, int rollback)
{
    int64_t deadline = deadline_in(CLOSE_MS);

    if (vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_LOCKED)
        return FLOM_EXIT_ERROR; /* lost, and that has been told */
    if (vouch_flom_client_unlock(client, rollback) != 0
        || finish(client, deadline) != 0)
        return flom_locks_failed("flom_client_unlock", client);
    (void) vouch_flom_client_close(client);
    (void) finish(client, deadline);
    return 0;
}

int
flom_locks_release(struct flom_locks *locks, int rollback)
{
    int status = 0;
    int i;

    for (i = locks->count - 1; i >= 0; i--) {
        if (release_one(locks->lock[i].client, rollback) != 0)
            status = FLOM_EXIT_ERROR;
    }
    return status;
}
