/*
 * Addresses of settings, with the interface that is named.
 */
#include "flom/endpoint.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "flom/settings.h"
#include "net/address.h"

int
vouch_flom_is_sought(const struct vouch_flom_settings *settings)
{
    return settings->multicast_address != NULL
           && settings->unicast_address == NULL
           && settings->socket_name == NULL;
}

/* Addresses that mean nothing without an interface get this one. */
static void
set_interface(struct vouch_address *address, unsigned number)
{
    struct sockaddr_in6 in6;

    if (address->storage.ss_family != AF_INET6)
        return;
    memcpy(&in6, &address->storage, sizeof(in6));
    if (in6.sin6_scope_id != 0
        || (!IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr)
            && !IN6_IS_ADDR_MC_LINKLOCAL(&in6.sin6_addr)
            && !IN6_IS_ADDR_MC_NODELOCAL(&in6.sin6_addr)))
        return;
    in6.sin6_scope_id = number;
    memcpy(&address->storage, &in6, sizeof(in6));
}

/* Those of IPv6 come first, and get the interface; their number. */
static int
keep_ipv6(struct vouch_address *out, int count, unsigned number)
{
    int kept = 0;
    int i;

    for (i = 0; i < count; i++) {
        if (out[i].storage.ss_family != AF_INET6)
            continue;
        set_interface(&out[i], number);
        if (i != kept)
            out[kept] = out[i];
        kept++;
    }
    return kept;
}

static int
find_interface(const char *interface, unsigned *number_r,
               struct vouch_error *err)
{
    *number_r = if_nametoindex(interface);
    return *number_r != 0 ? 0
                          : vouch_error_set(err, VOUCH_E_ARGUMENT,
                                            "there is no network interface %s",
                                            interface);
}

static int
resolve(const char *host, int port_number, struct vouch_address *out,
        size_t max, struct vouch_error *err)
{
    char port[VOUCH_PORT_SIZE];

    if (strlen(host) >= VOUCH_HOST_SIZE)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "the address is too long");
    (void) snprintf(port, sizeof(port), "%d", port_number);
    return vouch_address_resolve(host, port, out, max, err);
}

int
vouch_flom_tcp_addresses(const struct vouch_flom_settings *settings,
                         struct vouch_address *out, size_t max,
                         struct vouch_error *err)
{
    const char *interface = settings->network_interface;
    unsigned number;
    int count;
    int kept;

    count = resolve(settings->unicast_address, settings->unicast_port, out,
                    max, err);
    if (count < 1 || interface == NULL)
        return count;
    if (find_interface(interface, &number, err) != 0)
        return -1;
    kept = keep_ipv6(out, count, number);
    if (kept > 0)
        return kept;
    if (settings->multicast_address != NULL)
        return count;
    return vouch_error_set(err, VOUCH_E_ARGUMENT,
                           "%s has no IPv6 address, and an interface (%s) is "
                           "for such ones only",
                           settings->unicast_address, interface);
}

int
vouch_flom_group(const struct vouch_flom_settings *settings,
                 struct vouch_address *group_r, struct vouch_error *err)
{
    const char *interface = settings->network_interface;
    struct vouch_address group;
    unsigned number;

    if (resolve(settings->multicast_address, settings->multicast_port, &group,
                1, err)
        != 1)
        return -1;
    if (interface != NULL) {
        if (find_interface(interface, &number, err) != 0)
            return -1;
        set_interface(&group, number);
    }
    *group_r = group;
    return 0;
}
