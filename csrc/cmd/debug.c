/*
 * Which debug features there are.
 */
#include "cmd/debug.h"

#include <stddef.h>
#include <strings.h>

#include "cmd/debug_multicast.h"
#include "cmd/debug_tls.h"

static const struct feature {
    const char *name;
    int (*run)(const struct vouch_flom_settings *settings);
} FEATURES[] = {
    {"ipv6.multicast.client", flom_debug_multicast_client},
    {"ipv6.multicast.server", flom_debug_multicast_server},
    {"tls.client", flom_debug_tls_client},
    {"tls.server", flom_debug_tls_server},
};

int
flom_debug(const char *name, const struct vouch_flom_settings *settings)
{
    size_t i;

    for (i = 0; i < sizeof(FEATURES) / sizeof(FEATURES[0]); i++) {
        if (strcasecmp(name, FEATURES[i].name) == 0)
            return FEATURES[i].run(settings) == 0 ? 0 : 1;
    }
    return 1;
}
