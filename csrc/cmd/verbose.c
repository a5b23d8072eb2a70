/*
 * The lines about datagrams.
 */
#include "cmd/verbose.h"

#include <stdio.h>

#include "flom/client.h"
#include "flom/settings.h"

static void
tell(enum vouch_flom_discovery_event event, const char *address, int port,
     const char *text, void *arg)
{
    (void) arg;
    switch (event) {
    case VOUCH_FLOM_DISCOVERY_ASKS:
        (void) printf("sending UDP multicast datagram to %s/%d ('%s')\n",
                      address, port, text);
        break;
    case VOUCH_FLOM_DISCOVERY_SILENCE:
        (void) printf("no reply from %s/%d\n", address, port);
        break;
    case VOUCH_FLOM_DISCOVERY_ANSWER:
        (void) printf("reply from %s/%d is '%s'\n", address, port, text);
        break;
    case VOUCH_FLOM_DISCOVERY_PASSES:
        (void) fprintf(stderr, "flom: a reply from %s/%d is ignored: %s\n",
                       address, port, text);
        break;
    }
    (void) fflush(stdout);
}

void
flom_verbose_discovery(struct vouch_flom_client *client,
                       const struct vouch_flom_settings *settings)
{
    if (settings->verbose)
        vouch_flom_client_tell_discovery(client, tell, NULL);
}
