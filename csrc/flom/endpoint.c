/*
 * Names, addresses and interfaces into addresses to connect to.
 */
#include "flom/endpoint.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/error.h"
#include "flom/settings.h"
#include "net/address.h"

/* Keep what goes over the interface: how many of count. */
static int
keep_interface(struct vouch_address *list, int count, unsigned interface)
{
    int kept = 0;
    int i;

    for (i = 0; i < count; i++) {
        struct sockaddr_in6 *address =
            (struct sockaddr_in6 *) &list[i].storage;

        if (list[i].storage.ss_family != AF_INET6)
            continue;
        if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)
            && address->sin6_scope_id == 0)
            address->sin6_scope_id = interface;
        list[kept++] = list[i];
    }
    return kept;
}

int
vouch_flom_tcp_addresses(const struct vouch_flom_settings *settings,
                         struct vouch_address *out, size_t max,
                         struct vouch_error *err)
{
    const char *name = settings->network_interface;
    char port[VOUCH_PORT_SIZE];
    unsigned interface = 0;
    int count;

    if (name != NULL) {
        interface = if_nametoindex(name);
        if (interface == 0)
            return vouch_error_set(err, VOUCH_E_ARGUMENT,
                                   "there is no network interface '%s'", name);
    }
    (void) snprintf(port, sizeof(port), "%d", settings->unicast_port);
    count =
        vouch_address_resolve(settings->unicast_address, port, out, max, err);
    if (count < 1 || name == NULL)
        return count;
    count = keep_interface(out, count, interface);
    if (count > 0)
        return count;
    return vouch_error_set(err, VOUCH_E_ARGUMENT,
                           "%s has no IPv6 address, which a network interface "
                           "needs",
                           settings->unicast_address);
}
