/*
 * flom/discovery: what answers say, from FLoM and from anybody.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/discovery.h"
#include "flom/message.h"
#include "net/address.h"
#include "datagrams.h"
#include "tap.h"

#define UNREACHABLE "an address that nobody can be connected to at"
#define NO_NAME "an address that is neither one nor a name"

static struct vouch_flom_parser *parser;
static struct vouch_error err;

static int
read_bytes(const void *data, size_t length, const char *from,
           unsigned interface, struct vouch_flom_place *place)
{
    struct vouch_address sender = address(from, "28015");
    struct sockaddr_in6 in6;

    /* As the system tells it: an interface with what is link-local. */
    if (sender.storage.ss_family == AF_INET6) {
        memcpy(&in6, &sender.storage, sizeof(in6));
        if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
            in6.sin6_scope_id = 7;
        memcpy(&sender.storage, &in6, sizeof(in6));
    }
    vouch_error_clear(&err);
    return vouch_flom_discovery_read(parser, data, length, &sender, interface,
                                     place, &err);
}

static void
test_samples(void)
{
    static const struct {
        const char *name;
        const char *from;
        const char *host;
        int port;
        unsigned interface;
        int is_loopback;
    } rows[] = {
        {"discover_16_explicit_address", "10.1.2.3", "127.0.0.1", 39805, 0, 1},
        {"discover_16_any_address", "10.1.2.3", "10.1.2.3", 37961, 0, 0},
        {"discover_16_any_address", "127.0.0.1", "127.0.0.1", 37961, 0, 1},
        {"discover_16_any_address", "2001:db8::1", "2001:db8::1", 37961, 0, 0},
        {"discover_16_any_address", "fe80::1", "fe80::1", 37961, 7, 0},
        {"discover_16_ipv6_linklocal", "fe80::1", "fe80::54a1:5eff:feaf:bec9",
         39802, 7, 0},
    };
    struct vouch_flom_place place;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vouch_buf *bytes = sample(rows[i].name);

        is_int(read_bytes(vouch_buf_data(bytes), vouch_buf_length(bytes),
                          rows[i].from, 0, &place),
               0, rows[i].name);
        is_text(place.host, rows[i].host, "its host");
        is_int(place.port, rows[i].port, "its port");
        is_int(place.interface, rows[i].interface, "its interface");
        is_int(place.is_loopback, rows[i].is_loopback, "loopback or not");
        vouch_buf_free(bytes);
    }
}

static void
test_good(void)
{
    static const struct {
        const char *text;
        const char *host;
        int port;
    } rows[] = {
        {NETWORK("10.0.0.1", "1"), "10.0.0.1", 1},
        {NETWORK("10.0.0.1", "65535"), "10.0.0.1", 65535},
        {NETWORK("lock_server-1.example.org", "80"),
         "lock_server-1.example.org", 80},
        {NETWORK("a", "80"), "a", 80},
        {NETWORK("1a.b2", "80"), "1a.b2", 80},
        {NETWORK("2001:db8::2", "80"), "2001:db8::2", 80},
        {NETWORK("fe80::2%eth9", "80"), "fe80::2", 80},
        {"<msg verb='4' step='16'><network port='80' address='b'/></msg>", "b",
         80},
        {"\n<msg verb='4' step='16' new='1'><session peerid='x'/>"
         "<network port='80' address='b'/></msg>",
         "b", 80},
    };
    struct vouch_flom_place place;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(read_bytes(rows[i].text, strlen(rows[i].text), "fe80::1", 0,
                          &place),
               0, rows[i].text);
        is_text(place.host, rows[i].host, "its host");
        is_int(place.port, rows[i].port, "its port");
    }
    is_int(read_bytes(NETWORK("fe80::2", "80"),
                      strlen(NETWORK("fe80::2", "80")), "10.1.2.3", 3, &place),
           0, "a link-local address over IPv4");
    is_int(place.interface, 3, "is on the interface of the settings");
}

static void
test_bad(void)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"", "a datagram that is not one message"},
        {"x", "a datagram that is not one message"},
        {"</msg>", "message is not XML"},
        {NETWORK("a", "80") "x", "a datagram that is not one message"},
        {NETWORK("a", "80") NETWORK("a", "80"),
         "a datagram that is not one message"},
        {NETWORK("a", "80") "\n", "a datagram that is not one message"},
        {ANSWER(""), "no address and no port"},
        {ANSWER("<answer rc=\"0\"/>"), "no address and no port"},
        {ANSWER("<network address=\"a\"/>"), "a port that is none"},
        {ANSWER("<network port=\"80\" more=\"a\"/>"),
         "message with an unknown attribute of network"},
        {ANSWER("<network port=\"80\"/><network port=\"81\"/>"),
         "message with an element that is there twice"},
        {H "<msg level=\"2\" verb=\"4\" step=\"16\"><network address=\"a\" "
           "port=\"80\"/></msg>",
         "another protocol level"},
        {H "<msg level=\"3\" verb=\"4\" step=\"8\"></msg>",
         "a message that is no answer to a discovery"},
        {H "<msg level=\"3\" verb=\"4\" step=\"24\"><network address=\"a\" "
           "port=\"80\"/></msg>",
         "a message that is no answer to a discovery"},
        {H "<msg level=\"3\" verb=\"1\" step=\"16\"><answer rc=\"0\"/></msg>",
         "a message that is no answer to a discovery"},
        {NETWORK("a", "0"), "a port that is none"},
        {NETWORK("a", "65536"), "a port that is none"},
        {NETWORK("a", "-1"), "a port that is none"},
        {NETWORK("a", "4294967376"), "a port that is none"},
        {NETWORK("a", "80x"), "message with a number"},
        {NETWORK("0.0.0.0", "80"), UNREACHABLE},
        {NETWORK("255.255.255.255", "80"), UNREACHABLE},
        {NETWORK("239.1.1.1", "80"), UNREACHABLE},
        {NETWORK("::", "80"), UNREACHABLE},
        {NETWORK("ff02::1", "80"), UNREACHABLE},
        {NETWORK("::ffff:127.0.0.1", "80"), UNREACHABLE},
        {NETWORK("fe80::2", "80"),
         "a link-local address without an interface"},
        {NETWORK("%eth0", "80"), NO_NAME},
        {NETWORK("name%eth0", "80"), NO_NAME},
        {NETWORK("10.0.0.1%eth0", "80"), NO_NAME},
        {NETWORK("/tmp/socket", "80"), NO_NAME},
        {NETWORK("a b", "80"), NO_NAME},
        {NETWORK("a&#10;b", "80"), NO_NAME},
        {NETWORK("[::1]", "80"), NO_NAME},
        {NETWORK("-a", "80"), NO_NAME},
        {NETWORK(".a", "80"), NO_NAME},
        {NETWORK("a.", "80"), NO_NAME},
        {NETWORK(".", "80"), NO_NAME},
        {NETWORK("127.1", "80"), NO_NAME},
        {NETWORK("2130706433", "80"), NO_NAME},
        {NETWORK("0x7f000001", "80"), NO_NAME},
        {NETWORK("a.0x1", "80"), NO_NAME},
        {NETWORK("b\xC3\xBC"
                 "cher",
                 "80"),
         NO_NAME},
    };
    struct vouch_flom_place place;
    size_t i;

    memset(&place, 'x', sizeof(place));
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(read_bytes(rows[i].text, strlen(rows[i].text), "10.1.2.3", 0,
                          &place),
               -1, rows[i].text);
        ok(strncmp(err.text, rows[i].why, strlen(rows[i].why)) == 0, err.text);
    }
    is_int(place.port, *(const int *) (const void *) "xxxx",
           "nothing was written for any of them");
}

/* An answer of exactly so many bytes: blanks are allowed inside. */
static void
test_lengths(void)
{
    struct vouch_flom_place place;
    char text[VOUCH_FLOM_ANSWER_MAX + 2];
    size_t length;
    const size_t head = strlen(H "<msg level=\"3\" verb=\"4\" step=\"16\">");
    const char *good = NETWORK("a", "80");

    for (length = VOUCH_FLOM_ANSWER_MAX - 1;
         length <= VOUCH_FLOM_ANSWER_MAX + 1; length++) {
        memset(text, ' ', sizeof(text));
        memcpy(text, good, head);
        memcpy(text + length - (strlen(good) - head), good + head,
               strlen(good) - head);
        is_int(read_bytes(text, length, "10.1.2.3", 0, &place),
               length <= VOUCH_FLOM_ANSWER_MAX ? 0 : -1, "bytes at the limit");
    }
    for (length = 0; length < strlen(good); length++) {
        if (read_bytes(good, length, "10.1.2.3", 0, &place) != -1)
            break;
    }
    is_int(length, strlen(good), "no shorter piece of an answer is one");
}

int
main(void)
{
    parser = vouch_flom_parser_new();
    test_samples();
    test_good();
    test_bad();
    test_lengths();
    vouch_flom_parser_free(parser);
    return tap_done();
}
