/*
 * Leases: a daemon that has granted one hears of us three times in it, and
 * what it has surely heard of is all that we rely on.
 */
#include "flom/client_private.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "flom/error_codes.h"
#include "net/socket.h"

#define LEASE_PARTS 3
#define MARGIN_PARTS 8 /* for who must stop before another may begin */

/* Until when the daemon keeps the lock of who was heard of then. */
static int64_t
sure_until(const struct vouch_flom_client *client, int64_t heard_ms)
{
    return heard_ms + client->lease_ms - client->lease_ms / MARGIN_PARTS;
}

static int
has_lease(const struct vouch_flom_client *client)
{
    return client->lease_ms > 0
           && (client->state == VOUCH_FLOM_CLIENT_WAITING
               || client->state == VOUCH_FLOM_CLIENT_LOCKED);
}

int64_t
vouch_flom_client_next_ping(const struct vouch_flom_client *client)
{
    if (client->discovery != NULL)
        return vouch_flom_discovery_due(client->discovery);
    if (client->state == VOUCH_FLOM_CLIENT_CONNECTING && client->conn != NULL)
        return client->tls_deadline;
    if (!has_lease(client))
        return VOUCH_FOREVER;
    return client->ping_due < client->lease_until ? client->ping_due
                                                  : client->lease_until;
}

void
vouch_flom_client_send_ping(struct vouch_flom_client *client)
{
    struct vouch_flom_message message;
    int64_t now_ms;

    if (!has_lease(client))
        return;
    now_ms = vouch_clock_monotonic_ms();
    if (now_ms < client->ping_due)
        return;
    client->ping_due = now_ms + client->lease_ms / LEASE_PARTS + 1;
    if (client->ping_count == CLIENT_PINGS)
        return;
    client->pings[client->ping_count++] = now_ms;
    vouch_flom_message_init(&message, VOUCH_FLOM_PING, VOUCH_FLOM_REQUEST);
    (void) vouch_flom_encode(&message, client->out);
}

/* The first that was not answered yet is answered now. */
static void
take_pong(struct vouch_flom_client *client)
{
    int i;

    if (client->ping_count == 0)
        return;
    client->lease_until = sure_until(client, client->pings[0]);
    client->ping_count--;
    for (i = 0; i < client->ping_count; i++)
        client->pings[i] = client->pings[i + 1];
}

int
vouch_flom_client_take_lease(struct vouch_flom_client *client)
{
    const struct vouch_flom_message *answer = &client->answer;
    int is_first = client->lease_ms == 0;

    if (answer->verb == VOUCH_FLOM_PING) {
        if (is_first || answer->step != VOUCH_FLOM_ANSWER)
            return 0;
        take_pong(client);
        return 1;
    }
    if (answer->lease <= 0 || client->lease_wanted <= 0)
        return 0;
    client->lease_ms = answer->lease;
    if (!is_first)
        return 0;
    client->lease_until = sure_until(client, client->asked_ms);
    client->ping_due =
        vouch_clock_monotonic_ms() + client->lease_ms / LEASE_PARTS;
    client->ping_count = 0;
    return 0;
}

int
vouch_flom_client_check_lease(struct vouch_flom_client *client)
{
    if (!has_lease(client) || vouch_clock_monotonic_ms() < client->lease_until)
        return 0;
    return vouch_flom_client_fail(
        client, VOUCH_FLOM_RC_NETWORK_TIMEOUT,
        "no sign of life from the daemon, and the lease of %lld ms is almost "
        "over: it will take the lock back",
        (long long) client->lease_ms);
}
