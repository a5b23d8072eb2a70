/*
 * net/datagram, and the parts of addresses that datagrams need: on loopback.
 * Groups are joined by t/77-flom-discovery.t, in a network of its own.
 */
#define _DEFAULT_SOURCE 1 /* IP_MULTICAST_TTL */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"
#include "net/datagram.h"
#include "net/socket.h"
#include "datagrams.h"
#include "tap.h"

static struct vouch_error err;

static const struct {
    const char *host;
    int is_multicast;
    const char *key; /* in hexadecimal */
} ADDRESSES[] = {
    {"0.0.0.0", 0, "00000000"},
    {"127.0.0.1", 0, "7f000001"},
    {"223.255.255.255", 0, "dfffffff"},
    {"224.0.0.1", 1, "e0000001"},
    {"239.255.7.7", 1, "efff0707"},
    {"240.0.0.0", 0, "f0000000"},
    {"::1", 0, "0000000000000000"},
    {"2001:db8:1:2:3:4:5:6", 0, "20010db800010002"},
    {"::ffff:10.1.2.3", 0, "0a010203"},
    {"fe80::1", 0, "fe800000000000000000000000000001"},
    {"febf::1", 0, "febf0000000000000000000000000001"},
    {"fec0::1", 0, "fec0000000000000"},
    {"ff02::7:7", 1, "ff02000000000000"},
};

static void
test_addresses(void)
{
    struct vouch_address one;
    unsigned char key[VOUCH_ADDRESS_KEY_SIZE];
    char text[2 * VOUCH_ADDRESS_KEY_SIZE + 1];
    char host[VOUCH_HOST_SIZE];
    size_t length;
    size_t i;
    size_t j;

    for (i = 0; i < sizeof(ADDRESSES) / sizeof(ADDRESSES[0]); i++) {
        one = address(ADDRESSES[i].host, "4711");
        vouch_address_host_text(&one, host, sizeof(host));
        is_text(host, ADDRESSES[i].host, "the host");
        is_int(vouch_address_port(&one), 4711, "the port");
        is_int(vouch_address_is_multicast(&one), ADDRESSES[i].is_multicast,
               "a group or not");
        length = vouch_address_key(&one, key);
        for (j = 0; j < length; j++)
            (void) snprintf(text + 2 * j, 3, "%02x", key[j]);
        is_text(text, ADDRESSES[i].key, "what it is counted by");
    }
    memset(&one, 0, sizeof(one));
    one.storage.ss_family = AF_UNIX;
    is_int(vouch_address_key(&one, key), 0, "a unix socket has no key");
    is_int(vouch_address_port(&one), 0, "and no port");
    is_int(vouch_address_is_multicast(&one), 0, "and is no group");
    vouch_address_host_text(&one, host, sizeof(host));
    is_text(host, "unknown", "nor has it a host");
    one = address("127.0.0.1", "1");
    vouch_address_host_text(&one, host, 5);
    is_text(host, "127.", "a text is cut");
}

static void
test_options(void)
{
    struct vouch_address group = address("239.255.7.7", "28015");
    struct vouch_address group6 = address("ff02::7:7", "28015");
    struct in_addr own;
    unsigned char ttl = 0;
    unsigned number = 0;
    int hops = 0;
    socklen_t length = sizeof(ttl);
    int fd;

    fd = vouch_datagram_open(&group, NULL, 7, &err);
    ok(fd != -1, "a socket for an IPv4 group");
    (void) getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, &length);
    is_int(ttl, 7, "has the TTL");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "closes itself for a command");
    ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "and does not block");
    (void) close(fd);
    fd = vouch_datagram_open(&group6, NULL, 255, &err);
    length = sizeof(hops);
    (void) getsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, &length);
    is_int(hops, 255, "a socket for an IPv6 group has the hops");
    (void) close(fd);
    fd = vouch_datagram_open(&group, "lo", 1, &err);
    length = sizeof(own);
    (void) getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &own, &length);
    is_int(ntohl(own.s_addr), INADDR_LOOPBACK, "an interface of IPv4");
    (void) close(fd);
    fd = vouch_datagram_open(&group6, "lo", 1, &err);
    length = sizeof(number);
    (void) getsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, &length);
    is_int(number, if_nametoindex("lo"), "and of IPv6");
    (void) close(fd);
}

static void
test_refused(void)
{
    static const struct {
        const char *host;
        const char *interface;
        int hops;
        const char *text;
    } rows[] = {
        {"239.255.7.7", NULL, 0, "a TTL of 0: it must be from 1 to 255"},
        {"239.255.7.7", NULL, 256, "a TTL of 256: it must be from 1 to 255"},
        {"239.255.7.7", "nosuch", 1,
         "239.255.7.7:28015: cannot send on interface nosuch: "},
        {"ff02::7:7", "nosuch", 1,
         "[ff02::7:7]:28015: cannot send on interface nosuch: "},
    };
    struct vouch_address to;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        to = address(rows[i].host, "28015");
        vouch_error_clear(&err);
        is_int(vouch_datagram_open(&to, rows[i].interface, rows[i].hops, &err),
               -1, rows[i].text);
        ok(strncmp(err.text, rows[i].text, strlen(rows[i].text)) == 0,
           err.text);
    }
    to = address("127.0.0.1", "28015");
    vouch_error_clear(&err);
    is_int(vouch_datagram_join(&to, NULL, &err), -1, "no group");
    is_int(err.code, VOUCH_E_ARGUMENT, "is no argument");
    to = address("239.255.7.7", "28015");
    vouch_error_clear(&err);
    is_int(vouch_datagram_join(&to, "nosuch", &err), -1,
           "a group on an interface that is not there");
    ok(strstr(err.text, "cannot join the group on interface nosuch") != NULL,
       err.text);
}

static void
wait_for(int fd)
{
    (void) vouch_socket_wait(fd, VOUCH_SOCKET_READ,
                             vouch_clock_monotonic_ms() + 5000);
}

static void
test_moving(const char *host)
{
    struct vouch_address to = address(host, "0");
    struct vouch_address from;
    char data[8];
    int there;
    int here;

    there = vouch_socket_open(to.storage.ss_family, SOCK_DGRAM);
    (void) bind(there, (struct sockaddr *) &to.storage, to.length);
    (void) getsockname(there, (struct sockaddr *) &to.storage, &to.length);
    here = vouch_datagram_open(&to, NULL, 1, &err);
    errno = 0;
    is_int(vouch_datagram_receive(there, data, sizeof(data), &from), -1,
           "nothing is there");
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "which does not wait");
    is_int(vouch_datagram_send(here, "hello", 5, &to), 0, "one is sent");
    wait_for(there);
    is_int(vouch_datagram_receive(there, data, sizeof(data), &from), 5,
           "and received");
    is_bytes(data, "hello", 5, "as it was");
    is_int(vouch_datagram_is_from_here(&from), 1, "from this host");
    is_int(vouch_datagram_send(there, "", 0, &from), 0, "an empty answer");
    wait_for(here);
    is_int(vouch_datagram_receive(here, data, sizeof(data), &from), 0,
           "is one, too");
    is_int(vouch_address_port(&from), vouch_address_port(&to),
           "from where it came");
    is_int(vouch_datagram_send(here, "123456789", 9, &to), 0, "a long one");
    wait_for(there);
    is_int(vouch_datagram_receive(there, data, sizeof(data), &from),
           sizeof(data), "is cut");
    (void) close(here);
    (void) close(there);
    errno = 0;
    is_int(vouch_datagram_send(here, "x", 1, &to), -1, "a closed socket");
    is_int(errno, EBADF, "is told");
}

int
main(void)
{
    struct vouch_address other = address("192.0.2.1", "1");

    test_addresses();
    test_options();
    test_refused();
    test_moving("127.0.0.1");
    test_moving("::1");
    is_int(vouch_datagram_is_from_here(&other), 0, "another host is not here");
    return tap_done();
}
