/*
 * UDP multicast, IPv4 and IPv6.
 *
 * An interface is told to IPv4 by one of its addresses, which every system
 * understands, and to IPv6 by its number.
 */
#include "net/system.h"

#include "net/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "net/address.h"
#include "net/socket.h"

#define HOPS_MAX 255
#define NAME_SIZE 320 /* an address as text */

/* IPv6 names the membership differently on the BSDs and on old Linux. */
#ifndef IPV6_JOIN_GROUP
#define IPV6_JOIN_GROUP IPV6_ADD_MEMBERSHIP
#endif

int
vouch_address_is_multicast(const struct vouch_address *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (address->storage.ss_family == AF_INET) {
        memcpy(&in, &address->storage, sizeof(in));
        return IN_MULTICAST(ntohl(in.sin_addr.s_addr));
    }
    if (address->storage.ss_family != AF_INET6)
        return 0;
    memcpy(&in6, &address->storage, sizeof(in6));
    return IN6_IS_ADDR_MULTICAST(&in6.sin6_addr);
}

/* The first IPv4 address of the interface (NULL: any).  0, or -1 and errno. */
static int
address_of(const char *interface, struct in_addr *address_r)
{
    struct ifaddrs *list = NULL;
    const struct ifaddrs *item;
    struct sockaddr_in in;
    int found = -1;

    address_r->s_addr = htonl(INADDR_ANY);
    if (interface == NULL)
        return 0;
    if (getifaddrs(&list) != 0)
        return -1;
    for (item = list; item != NULL && found != 0; item = item->ifa_next) {
        if (item->ifa_addr == NULL || item->ifa_addr->sa_family != AF_INET
            || strcmp(item->ifa_name, interface) != 0)
            continue;
        memcpy(&in, item->ifa_addr, sizeof(in));
        *address_r = in.sin_addr;
        found = 0;
    }
    freeifaddrs(list);
    errno = EADDRNOTAVAIL;
    return found;
}

/* The number of the interface (NULL: that of the address).  0, or -1. */
static int
number_of(const char *interface, const struct sockaddr_in6 *in6,
          unsigned *number_r)
{
    *number_r = in6->sin6_scope_id;
    if (interface == NULL)
        return 0;
    *number_r = if_nametoindex(interface);
    return *number_r == 0 ? -1 : 0;
}

/* Record what could not be done with which address.  Closes; returns -1. */
static int
cannot(int fd, const struct vouch_address *address, const char *verb,
       const char *interface, struct vouch_error *err)
{
    char name[NAME_SIZE];
    int sys_errno = errno;

    if (fd != -1)
        (void) close(fd);
    vouch_address_text(address, name, sizeof(name));
    return vouch_error_set_sys(
        err, VOUCH_E_SYSTEM, sys_errno, "%s: cannot %s on %s%s", name, verb,
        interface == NULL ? "the default interface" : "interface ",
        interface == NULL ? "" : interface);
}

static int
aim_ipv4(int fd, const char *interface, int hops)
{
    unsigned char count = (unsigned char) hops;
    struct in_addr own;

    if (address_of(interface, &own) != 0
        || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &count, sizeof(count))
               != 0)
        return -1;
    return interface == NULL ? 0
                             : setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF,
                                          &own, sizeof(own));
}

static int
aim_ipv6(int fd, const struct vouch_address *to, const char *interface,
         int hops)
{
    struct sockaddr_in6 in6;
    unsigned number;

    memcpy(&in6, &to->storage, sizeof(in6));
    if (number_of(interface, &in6, &number) != 0
        || setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops,
                      sizeof(hops))
               != 0)
        return -1;
    return number == 0 ? 0
                       : setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF,
                                    &number, sizeof(number));
}

int
vouch_datagram_open(const struct vouch_address *to, const char *interface,
                    int hops, struct vouch_error *err)
{
    int family = to->storage.ss_family;
    int fd;

    if (hops < 1 || hops > HOPS_MAX)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "a TTL of %d: it must be from 1 to %d", hops,
                               HOPS_MAX);
    fd = vouch_socket_open(family, SOCK_DGRAM);
    if (fd == -1
        || (family == AF_INET ? aim_ipv4(fd, interface, hops)
                              : aim_ipv6(fd, to, interface, hops))
               != 0)
        return cannot(fd, to, "send", interface, err);
    return fd;
}

/* Bind to every address of the family, at the group's port, with others. */
static int
bind_any(int fd, const struct vouch_address *group)
{
    struct vouch_address any = *group;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return -1;
    if (group->storage.ss_family == AF_INET) {
        memcpy(&in, &group->storage, sizeof(in));
        in.sin_addr.s_addr = htonl(INADDR_ANY);
        memcpy(&any.storage, &in, sizeof(in));
    } else {
        memcpy(&in6, &group->storage, sizeof(in6));
        in6.sin6_addr = in6addr_any;
        in6.sin6_scope_id = 0;
        memcpy(&any.storage, &in6, sizeof(in6));
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
            return -1;
    }
    return bind(fd, (const struct sockaddr *) &any.storage, any.length);
}

/* Linux would hand over what came for groups of other sockets, too. */
static void
this_group_only(int fd, int family)
{
    int off = 0;

#ifdef IP_MULTICAST_ALL
    if (family == AF_INET)
        (void) setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off));
#endif
#ifdef IPV6_MULTICAST_ALL
    if (family == AF_INET6)
        (void) setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off,
                          sizeof(off));
#endif
    (void) fd;
    (void) family;
    (void) off;
}

static int
join(int fd, const struct vouch_address *group, const char *interface)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct ip_mreq wish;
    struct ipv6_mreq wish6;

    if (group->storage.ss_family == AF_INET) {
        memcpy(&in, &group->storage, sizeof(in));
        wish.imr_multiaddr = in.sin_addr;
        if (address_of(interface, &wish.imr_interface) != 0)
            return -1;
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &wish,
                          sizeof(wish));
    }
    memcpy(&in6, &group->storage, sizeof(in6));
    memset(&wish6, 0, sizeof(wish6));
    wish6.ipv6mr_multiaddr = in6.sin6_addr;
    if (number_of(interface, &in6, &wish6.ipv6mr_interface) != 0)
        return -1;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &wish6,
                      sizeof(wish6));
}

int
vouch_datagram_join(const struct vouch_address *group, const char *interface,
                    struct vouch_error *err)
{
    char name[NAME_SIZE];
    int fd;

    if (!vouch_address_is_multicast(group)) {
        vouch_address_text(group, name, sizeof(name));
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "%s: is not the address of a multicast group",
                               name);
    }
    fd = vouch_socket_open(group->storage.ss_family, SOCK_DGRAM);
    if (fd == -1)
        return cannot(fd, group, "join the group", interface, err);
    this_group_only(fd, group->storage.ss_family);
    if (bind_any(fd, group) != 0)
        return cannot(fd, group, "listen", interface, err);
    if (join(fd, group, interface) != 0)
        return cannot(fd, group, "join the group", interface, err);
    return fd;
}

ssize_t
vouch_datagram_receive(int fd, void *data, size_t size,
                       struct vouch_address *from_r)
{
    struct vouch_address from;
    ssize_t count;

    do {
        memset(&from, 0, sizeof(from));
        from.length = sizeof(from.storage);
        count = recvfrom(fd, data, size, MSG_DONTWAIT,
                         (struct sockaddr *) &from.storage, &from.length);
    } while (count == -1 && errno == EINTR);
    if (count != -1)
        *from_r = from;
    return count;
}

/* From where would one go there?  Connecting a datagram socket sends nothing. */
int
vouch_datagram_is_from_here(const struct vouch_address *from)
{
    int fd = vouch_socket_open(from->storage.ss_family, SOCK_DGRAM);
    int here = 0;

    if (fd == -1)
        return 0;
    if (connect(fd, (const struct sockaddr *) &from->storage, from->length)
        == 0)
        here = vouch_address_is_local(from, fd);
    (void) close(fd);
    return here;
}

int
vouch_datagram_send(int fd, const void *data, size_t length,
                    const struct vouch_address *to)
{
    ssize_t count;

    do {
        count = sendto(fd, data, length, MSG_DONTWAIT,
                       (const struct sockaddr *) &to->storage, to->length);
    } while (count == -1 && errno == EINTR);
    return count == -1 ? -1 : 0;
}
