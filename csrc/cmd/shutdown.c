/*
 * The message that ends a daemon.  No answer to it exists; a daemon of Vouch
 * that refuses says why.
 */
#include "cmd/shutdown.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/exit_status.h"
#include "cmd/locks.h"
#include "cmd/verbose.h"
#include "flom/client.h"
#include "flom/error_codes.h"
#include "flom/settings.h"

#define CONNECT_MS 10000
#define ANSWER_MS 1000 /* FLoM waits so long for its daemon to close */

/* What the daemon has to say against it, or against us: a code, 0 for
 * nothing. */
static int
hear_the_end(struct vouch_flom_client *client)
{
    int64_t deadline = vouch_clock_monotonic_ms() + ANSWER_MS;
    int outcome;

    /* TLS ends in both directions at once; 1.7.2 waits for our end. */
    if (vouch_flom_settings_use_tls(vouch_flom_client_settings(client)))
        (void) vouch_flom_client_await_end(client);
    else
        (void) vouch_flom_client_close(client);
    outcome = vouch_flom_client_wait(client, deadline);
    if (outcome == 0
        || (outcome == -1 && vouch_flom_client_is_explained(client)))
        return vouch_flom_client_rc(client);
    (void) vouch_flom_client_close(client);
    return VOUCH_FLOM_RC_OK;
}

static int
send_shutdown(struct vouch_flom_client *client,
              const struct vouch_flom_settings *settings, int immediate)
{
    int64_t deadline = vouch_clock_monotonic_ms() + CONNECT_MS
                       + vouch_flom_discovery_ms(settings);

    if (vouch_flom_client_connect(client, deadline) != 0
        || vouch_flom_client_wait(client, deadline) != 0
        || vouch_flom_client_shutdown(client, immediate) != 0
        || vouch_flom_client_wait(client, deadline) != 0)
        return flom_locks_failed("flom_client_connect", client);
    if (hear_the_end(client) == VOUCH_FLOM_RC_OK)
        return FLOM_EXIT_OK;
    (void) fprintf(stderr, "flom: %s: %s\n",
                   immediate ? "--immediate-exit" : "--quiesce-exit",
                   vouch_flom_client_reason(client));
    return FLOM_EXIT_ERROR;
}

int
flom_shutdown(const struct vouch_flom_settings *settings, int immediate)
{
    struct vouch_flom_client *client = NULL;
    struct vouch_error err;
    int status;

    (void) printf("Starting FLoM daemon %s shutdown...\n",
                  immediate ? "immediate" : "quiesce");
    (void) fflush(stdout);
    vouch_error_clear(&err);
    if (vouch_flom_client_new(settings, &client, &err) != 0) {
        (void) fprintf(stderr, "flom: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    flom_verbose_discovery(client, settings);
    status = send_shutdown(client, settings, immediate);
    vouch_flom_client_free(client);
    return status;
}
