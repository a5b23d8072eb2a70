/*
 * After a crash a daemon with a state file waits for those who held locks;
 * flom comes back with its token while the command runs.
 */
#include "cmd/resume.h"

#include <stdio.h>

#include "base/clock.h"
#include "cmd/locks.h"
#include "flom/client.h"
#include "flom/error_codes.h"

#define MOMENT_MS 200

int
flom_resume(struct flom_lock *lock)
{
    struct vouch_flom_client *client = lock->client;
    int64_t deadline = vouch_clock_monotonic_ms() + MOMENT_MS;

    if (!lock->has_token)
        return -1;
    if (vouch_flom_client_connect(client, deadline) != 0
        || vouch_flom_client_wait(client, deadline) != 0
        || vouch_flom_client_resume(client, lock->token_epoch,
                                    lock->token_counter,
                                    lock->element[0] ? lock->element : NULL)
               != 0
        || vouch_flom_client_wait(client, deadline) != 0) {
        vouch_flom_client_disconnect(client);
        return 0;
    }
    if (vouch_flom_client_state(client) == VOUCH_FLOM_CLIENT_LOCKED) {
        (void) fprintf(stderr, "flom: the lock on '%s' is held again\n",
                       lock->name);
        return 1;
    }
    (void) fprintf(stderr, "flom: the lock on '%s' was not given back: %s\n",
                   lock->name,
                   *vouch_flom_client_reason(client) != '\0'
                       ? vouch_flom_client_reason(client)
                       : vouch_flom_rc_text(vouch_flom_client_rc(client)));
    vouch_flom_client_disconnect(client);
    return -1;
}
