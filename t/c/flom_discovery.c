/*
 * flom/discovery: asking a daemon played by this program over loopback,
 * where a question to one host is as one to a group.  What answers say is in
 * flom_discovery_read.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/client.h"
#include "flom/discovery.h"
#include "flom/endpoint.h"
#include "flom/error_codes.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "net/address.h"
#include "net/datagram.h"
#include "net/socket.h"
#include "datagrams.h"
#include "tap.h"

#define LONG_MS 5000

static struct vouch_flom_settings settings;
static struct vouch_error err;

/* --- places and settings --------------------------------------------------*/

static void
test_place(void)
{
    struct vouch_flom_place place;
    char name[IF_NAMESIZE];

    memset(&place, 0, sizeof(place));
    (void) snprintf(place.host, sizeof(place.host), "10.0.0.1");
    place.port = 80;
    (void) vouch_flom_settings_set_text(&settings.network_interface, "lo",
                                        &err);
    is_int(vouch_flom_place_apply(&place, &settings, &err), 0,
           "a place into settings");
    is_text(settings.unicast_address, "10.0.0.1", "its host");
    is_int(settings.unicast_port, 80, "its port");
    ok(settings.network_interface == NULL, "without an interface");
    place.interface = if_nametoindex("lo");
    is_int(vouch_flom_place_apply(&place, &settings, &err), 0,
           "with an interface");
    is_text(settings.network_interface,
            place.interface == 0 ? NULL
                                 : if_indextoname(place.interface, name),
            "by its name");
    place.interface = 0x7fffffff;
    vouch_error_clear(&err);
    is_int(vouch_flom_place_apply(&place, &settings, &err), -1,
           "an interface that is not there");
}

static void
test_endpoints(void)
{
    struct vouch_address found[4];
    struct sockaddr_in6 in6;
    unsigned lo = if_nametoindex("lo");

    settings.unicast_address = strdup("fe80::1");
    settings.network_interface = strdup("lo");
    is_int(vouch_flom_tcp_addresses(&settings, found, 4, &err), 1,
           "a link-local address");
    memcpy(&in6, &found[0].storage, sizeof(in6));
    is_int(in6.sin6_scope_id, lo, "is on the interface");
    (void) vouch_flom_settings_set_text(&settings.unicast_address, "::1",
                                        &err);
    is_int(vouch_flom_tcp_addresses(&settings, found, 4, &err), 1,
           "an address that needs no interface");
    memcpy(&in6, &found[0].storage, sizeof(in6));
    is_int(in6.sin6_scope_id, 0, "gets none");
    (void) vouch_flom_settings_set_text(&settings.unicast_address, "127.0.0.1",
                                        &err);
    vouch_error_clear(&err);
    is_int(vouch_flom_tcp_addresses(&settings, found, 4, &err), -1,
           "an IPv4 address with an interface");
    is_text(err.text,
            "127.0.0.1 has no IPv6 address, and an interface (lo) is for such "
            "ones only",
            "says why");
    settings.multicast_address = strdup("239.1.1.1");
    is_int(vouch_flom_tcp_addresses(&settings, found, 4, &err), 1,
           "which is for the group, if there is one");
    is_int(vouch_flom_is_sought(&settings), 0, "that is not looked for");
    (void) vouch_flom_settings_set_text(&settings.unicast_address, NULL, &err);
    is_int(vouch_flom_is_sought(&settings), 1, "a group alone is");
    (void) vouch_flom_settings_set_text(&settings.network_interface, "nosuch",
                                        &err);
    vouch_error_clear(&err);
    is_int(vouch_flom_group(&settings, &found[0], &err), -1,
           "an interface that is not there");
    is_text(err.text, "there is no network interface nosuch", "says so");
    (void) vouch_flom_settings_set_text(&settings.network_interface, "lo",
                                        &err);
    (void) vouch_flom_settings_set_text(&settings.multicast_address, "ff02::7",
                                        &err);
    is_int(vouch_flom_group(&settings, &found[0], &err), 0, "an IPv6 group");
    memcpy(&in6, &found[0].storage, sizeof(in6));
    is_int(in6.sin6_scope_id, lo, "is on the interface");
    (void) vouch_flom_settings_set_text(&settings.multicast_address, "::1",
                                        &err);
    vouch_error_clear(&err);
    is_int(vouch_flom_group(&settings, &found[0], &err), 0, "no group");
    is_int(vouch_datagram_join(&found[0], NULL, &err), -1, "cannot be joined");
    is_text(err.text, "[::1]:28015: is not the address of a multicast group",
            "and says why");
}

/* --- a daemon played here -------------------------------------------------*/

static int daemon_fd = -1;
static int tcp_fd = -1;
static struct vouch_address asker;

/* What was told, one letter each. */
static char told[256];
static char last_text[VOUCH_FLOM_ANSWER_MAX + 1];

static void
tell(enum vouch_flom_discovery_event event, const char *host, int port,
     const char *text, void *arg)
{
    size_t length = strlen(told);

    (void) host;
    (void) port;
    is_text(arg, "arg", "the argument comes back");
    if (length + 1 < sizeof(told))
        told[length] = "QSAP"[event];
    (void) snprintf(last_text, sizeof(last_text), "%s", text);
}

/* UDP and TCP of the daemon, on the same loopback address. */
static void
begin(const char *host)
{
    struct vouch_address own = address(host, "0");
    struct vouch_address tcp = own;
    char port[16];

    memset(told, 0, sizeof(told));
    vouch_flom_settings_clear(&settings);
    (void) vouch_flom_settings_init(&settings, &err);
    daemon_fd = vouch_socket_open(own.storage.ss_family, SOCK_DGRAM);
    is_int(bind(daemon_fd, (struct sockaddr *) &own.storage, own.length), 0,
           "a daemon on loopback");
    (void) getsockname(daemon_fd, (struct sockaddr *) &own.storage,
                       &own.length);
    (void) snprintf(port, sizeof(port), "%d", vouch_address_port(&own));
    tcp_fd = vouch_socket_listen(&tcp, 5, &err);
    (void) vouch_flom_settings_set(&settings, "Daemon", "MulticastAddress",
                                   host, &err);
    (void) vouch_flom_settings_set(&settings, "Daemon", "MulticastPort", port,
                                   &err);
    settings.discovery_timeout = LONG_MS;
}

static void
end(void)
{
    (void) close(daemon_fd);
    (void) close(tcp_fd);
}

/* The question has come; its bytes are those of FLoM. */
static void
hear(void)
{
    struct vouch_buf *want = sample("discover_8");
    char got[1024] = "";
    ssize_t count;

    (void) vouch_socket_wait(daemon_fd, VOUCH_SOCKET_READ,
                             vouch_clock_monotonic_ms() + LONG_MS);
    count = vouch_datagram_receive(daemon_fd, got, sizeof(got) - 1, &asker);
    got[count > 0 ? count : 0] = '\0';
    is_text(got, vouch_buf_text(want), "the question, byte for byte");
    vouch_buf_free(want);
}

static void
say(const char *bytes, size_t length)
{
    is_int(vouch_datagram_send(daemon_fd, bytes, length, &asker), 0,
           "something is said");
}

static void
say_where(void)
{
    struct vouch_address own;
    char text[256];

    memset(&own, 0, sizeof(own));
    own.length = sizeof(own.storage);
    (void) getsockname(tcp_fd, (struct sockaddr *) &own.storage, &own.length);
    (void) snprintf(text, sizeof(text), NETWORK("", "%d"),
                    vouch_address_port(&own));
    say(text, strlen(text));
}

/* A client that only knows the group finds the daemon and connects. */
static void
test_client(const char *host)
{
    struct vouch_flom_settings other;
    struct vouch_flom_client *client = NULL;
    static const char junk[] = "<msg verb='4' step='16'></msg>";
    char large[2000];
    int peer;

    begin(host);
    is_int(vouch_flom_client_new(&settings, &client, &err), 0, "a client");
    vouch_flom_client_tell_discovery(client, tell, (void *) "arg");
    is_int(vouch_flom_client_found(client, NULL, &err), 0, "has found none");
    is_int(vouch_flom_client_connect(client,
                                     vouch_clock_monotonic_ms() + LONG_MS),
           0, "begins to look");
    ok(vouch_flom_client_fd(client) != -1,
       "there is a descriptor to wait for");
    ok(vouch_flom_client_next_ping(client) > vouch_clock_monotonic_ms(),
       "and a time when to ask again");
    hear();
    is_int(vouch_flom_client_advance(client), VOUCH_FLOM_WANT_READ, "waits");
    say("", 0);
    say(junk, sizeof(junk) - 1);
    say("\0\xFF\x01", 3);
    memset(large, 'x', sizeof(large));
    say(large, sizeof(large));
    is_int(vouch_flom_client_advance(client), VOUCH_FLOM_WANT_READ,
           "goes on waiting after junk");
    is_text(told, "QPPPP", "and has told it");
    is_text(last_text, "a datagram that is too long", "with reasons");
    say_where();
    is_int(
        vouch_flom_client_wait(client, vouch_clock_monotonic_ms() + LONG_MS),
        0, "finds and connects");
    is_text(told, "QPPPPA", "the answer is told");
    peer = vouch_socket_accept(tcp_fd, NULL);
    ok(peer != -1, "the daemon has a client");
    (void) close(peer);
    (void) vouch_flom_settings_copy(&settings, &other, &err);
    is_int(vouch_flom_client_found(client, &other, &err), 1, "it was found");
    is_text(other.unicast_address, host, "there");
    is_int(vouch_flom_is_sought(&other), 0, "another need not look");
    ok(settings.unicast_address == NULL, "our own settings are as they were");
    vouch_flom_settings_clear(&other);

    vouch_flom_client_disconnect(client);
    is_int(vouch_flom_client_connect(client,
                                     vouch_clock_monotonic_ms() + LONG_MS),
           0, "a second time");
    is_int(vouch_flom_client_found(client, NULL, &err), 0, "looks anew");
    hear();
    vouch_flom_client_free(client);
    end();
}

/* Nobody answers: so many questions, then it is over. */
static void
test_silence(void)
{
    struct vouch_flom_client *client = NULL;
    int64_t before;
    int64_t passed;

    begin("127.0.0.1");
    settings.discovery_timeout = 30;
    settings.discovery_attempts = 3;
    is_int(vouch_flom_discovery_ms(&settings), 90, "it would take 90 ms");
    is_int(vouch_flom_client_new(&settings, &client, &err), 0, "a client");
    vouch_flom_client_tell_discovery(client, tell, (void *) "arg");
    before = vouch_clock_monotonic_ms();
    is_int(vouch_flom_client_connect(client, before + LONG_MS), 0, "looks");
    is_int(vouch_flom_client_wait(client, before + LONG_MS), -1, "in vain");
    passed = vouch_clock_monotonic_ms() - before;
    ok(passed >= 90, "not shorter than that");
    is_text(told, "QSQSQS", "three questions");
    is_int(vouch_flom_client_rc(client), VOUCH_FLOM_RC_CONNECT_ERROR,
           "as if nobody listened");
    is_int(vouch_flom_client_errno(client), ECONNREFUSED, "a refusal");
    is_int(vouch_flom_client_state(client), VOUCH_FLOM_CLIENT_IDLE, "idle");
    is_int(vouch_flom_client_fd(client), -1, "without a descriptor");
    hear();
    hear();
    hear();
    vouch_flom_client_free(client);

    is_int(vouch_flom_client_new(&settings, &client, &err), 0, "another");
    before = vouch_clock_monotonic_ms();
    is_int(vouch_flom_client_connect(client, before + 10), 0, "looks");
    is_int(vouch_flom_client_wait(client, before + 10), 1,
           "no longer than to its deadline");
    vouch_flom_client_free(client);
    end();
}

/* Wrong answers without end: the time is over all the same. */
static void
test_flood(void)
{
    struct vouch_flom_discovery *discovery = NULL;
    int outcome;
    int advances = 0;
    int rc = 0;
    int i;

    begin("127.0.0.1");
    settings.discovery_timeout = 100;
    settings.discovery_attempts = 1;
    (void) vouch_flom_discovery_new(&settings, NULL, NULL, &discovery, &err);
    is_int(vouch_flom_discovery_advance(discovery, &rc, &err),
           VOUCH_FLOM_WANT_READ, "asks");
    hear();
    do {
        for (i = 0; i < 100; i++)
            (void) vouch_datagram_send(daemon_fd, "junk", 4, &asker);
        outcome = vouch_flom_discovery_advance(discovery, &rc, &err);
        advances++;
    } while (outcome == VOUCH_FLOM_WANT_READ);
    is_int(outcome, 1, "nobody has answered");
    ok(advances > 1, "and each step was short");
    vouch_flom_discovery_free(discovery);
    end();
}

static void
test_failures(void)
{
    struct vouch_flom_settings copy;
    int rc = 0;

    begin("127.0.0.1");
    settings.discovery_ttl = 256;
    vouch_error_clear(&err);
    is_int(vouch_flom_discover(&settings, NULL, NULL, &rc, &err), -1,
           "too large a TTL");
    is_int(rc, VOUCH_FLOM_RC_SETSOCKOPT_ERROR, "its code");
    is_text(err.text, "a TTL of 256: it must be from 1 to 255", "its text");
    settings.discovery_ttl = 1;
    settings.multicast_port = 70000;
    vouch_error_clear(&err);
    is_int(vouch_flom_discover(&settings, NULL, NULL, &rc, &err), -1,
           "a port that is none");
    is_int(rc, VOUCH_FLOM_RC_GETADDRINFO_ERROR, "its code");
    end();

    begin("127.0.0.1");
    settings.discovery_timeout = 0;
    settings.discovery_attempts = 1;
    is_int(vouch_flom_discover(&settings, NULL, NULL, &rc, &err), 1,
           "a time of 0 ends at once, not never");
    (void) vouch_flom_settings_copy(&settings, &copy, &err);
    copy.discovery_timeout = 2000000000;
    copy.discovery_attempts = 2000000000;
    ok(vouch_flom_discovery_ms(&copy) == INT64_C(4000000000000000000),
       "the longest time is a number");
    vouch_flom_settings_clear(&copy);
    end();
}

int
main(void)
{
    vouch_error_clear(&err);
    (void) vouch_flom_settings_init(&settings, &err);
    test_place();
    vouch_flom_settings_clear(&settings);
    (void) vouch_flom_settings_init(&settings, &err);
    test_endpoints();
    test_client("127.0.0.1");
    test_client("::1");
    test_silence();
    test_flood();
    test_failures();
    vouch_flom_settings_clear(&settings);
    vouch_flom_discovery_free(NULL);
    return tap_done();
}
