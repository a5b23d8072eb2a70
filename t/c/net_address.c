/*
 * net/address: splitting, resolving digits, writing down.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"
#include "net/address.h"
#include "tap.h"

#define SOME 8

static struct vouch_error err;

static void
test_split(void)
{
    static const struct {
        const char *text;
        const char *port;
        const char *want_host;
        const char *want_port;
    } table[] = {
        {"example.org:1965", NULL, "example.org", "1965"},
        {"example.org:1965", "80", "example.org", "1965"},
        {"example.org", "1965", "example.org", "1965"},
        {"127.0.0.1:0", NULL, "127.0.0.1", "0"},
        {"a:65535", NULL, "a", "65535"},
        {"a_b-c.d.:https", NULL, "a_b-c.d.", "https"},
        {"[::1]:1965", NULL, "::1", "1965"},
        {"[::1]", "1965", "::1", "1965"},
        {"[::]:1", NULL, "::", "1"},
        {"[fe80::1%eth0]:1", NULL, "fe80::1%eth0", "1"},
        {"[fe80::1%2]", "1", "fe80::1%2", "1"},
        {"[::ffff:127.0.0.1]:1", NULL, "::ffff:127.0.0.1", "1"},
    };
    char host[VOUCH_HOST_SIZE];
    char port[VOUCH_PORT_SIZE];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        memset(host, 0, sizeof(host));
        memset(port, 0, sizeof(port));
        is_int(vouch_address_split(table[i].text, table[i].port, host, port,
                                   &err),
               0, table[i].text);
        is_text(host, table[i].want_host, "host");
        is_text(port, table[i].want_port, "port");
    }
}

static void
test_split_refused(void)
{
    static const struct {
        const char *text;
        const char *port;
        const char *want;
    } table[] = {
        {NULL, "1", "no host is given"},
        {"", "1", "the host is empty"},
        {":1", NULL, "the host is empty"},
        {"a", NULL, "a: the port is missing"},
        {"[::1]", NULL, "[::1]: the port is missing"},
        {"a:", "1", "the port is empty"},
        {"a", "", "the port is empty"},
        {"a:65536", NULL, "65536: ports end at 65535"},
        {"a:18446744073709551617", NULL,
         "18446744073709551617: ports end at 65535"},
        {"a:-1x y", NULL, "-1x y: is not a port"},
        {"a:+80", NULL, "+80: is not a port"},
        {"a:1/x", NULL, "1/x: is not a port"},
        {"a", "1 ", "1 : is not a port"},
        {"::1", "1",
         "::1: write an IPv6 address in brackets, as in [::1]:443"},
        {"a:1:2", NULL,
         "a:1:2: write an IPv6 address in brackets, as in [::1]:443"},
        {"[::1", "1", "[::1: the ']' is missing"},
        {"[]:1", NULL, "the host is empty"},
        {"[a]:1", NULL, "[a]:1: not an IPv6 address between brackets"},
        {"[127.0.0.1]:1", NULL,
         "[127.0.0.1]:1: not an IPv6 address between brackets"},
        {"[::1%]:1", NULL, "[::1%]:1: not an IPv6 address between brackets"},
        {"[::1%a b]:1", NULL,
         "[::1%a b]:1: not an IPv6 address between brackets"},
        {"[::1]1", NULL, "[::1]1: after ']' may only come a port"},
        {"a b:1", NULL, "a b:1: is not a host name"},
        {"a\nb", "1", "a?b: is not a host name"},
        {"gemini://a/", "1", "//a/: is not a port"},
        {"user@a:1", NULL, "user@a:1: is not a host name"},
        {"a]:1", NULL, "a]:1: is not a host name"},
        {"fe80%eth0", "1", "fe80%eth0: is not a host name"},
    };
    char host[VOUCH_HOST_SIZE] = "h";
    char port[VOUCH_PORT_SIZE] = "p";
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_address_split(table[i].text, table[i].port, host, port,
                                   &err),
               -1, table[i].want);
        is_int(err.code, VOUCH_E_ARGUMENT, "code");
        is_text(err.text, table[i].want, "text");
    }
    is_text(host, "h", "host is untouched");
    is_text(port, "p", "port is untouched");
    is_int(vouch_address_split("", NULL, host, port, NULL), -1,
           "without an error too");
}

static void
test_split_limits(void)
{
    char host[VOUCH_HOST_SIZE];
    char port[VOUCH_PORT_SIZE];
    char text[400];
    int length;

    for (length = VOUCH_HOST_SIZE - 2; length <= VOUCH_HOST_SIZE; length++) {
        memset(text, 'h', sizeof(text));
        text[length] = '\0';
        is_int(vouch_address_split(text, "1", host, port, NULL),
               length < VOUCH_HOST_SIZE ? 0 : -1, "length of a host");
        text[0] = '[';
        text[length + 1] = ']';
        text[length + 2] = '\0';
        memcpy(text + 1, "::1%", 4);
        memset(text + 5, 'e', (size_t) length - 4);
        is_int(vouch_address_split(text, "1", host, port, NULL),
               length < VOUCH_HOST_SIZE ? 0 : -1, "length in brackets");
    }
    for (length = VOUCH_PORT_SIZE - 2; length <= VOUCH_PORT_SIZE; length++) {
        memset(text, 'p', sizeof(text));
        text[length] = '\0';
        is_int(vouch_address_split("a", text, host, port, NULL),
               length < VOUCH_PORT_SIZE ? 0 : -1, "length of a port");
    }
}

/* Digits only: no name server is asked. */
static void
test_resolve(void)
{
    static const struct {
        const char *host;
        const char *port;
        const char *want;
    } table[] = {
        {"127.0.0.1", "0", "127.0.0.1:0"},
        {"127.0.0.1", "1965", "127.0.0.1:1965"},
        {"127.0.0.1", "65535", "127.0.0.1:65535"},
        {"::1", "1965", "[::1]:1965"},
        {"2001:DB8::5", "1", "[2001:db8::5]:1"},
    };
    struct vouch_address out[SOME];
    char text[80];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_address_resolve(table[i].host, table[i].port, out, SOME,
                                     &err),
               1, table[i].want);
        vouch_address_text(&out[0], text, sizeof(text));
        is_text(text, table[i].want, "text");
    }
    ok(vouch_address_resolve(NULL, "7", out, SOME, &err) >= 1, "any address");
    is_int(vouch_address_resolve(NULL, "7", out, 1, &err), 1, "at most one");
    vouch_address_text(&out[0], text, sizeof(text));
    ok(strcmp(text, "0.0.0.0:7") == 0 || strcmp(text, "[::]:7") == 0,
       "is the wildcard");
}

static void
test_resolve_refused(void)
{
    static const struct {
        const char *host;
        const char *port;
        int code;
        const char *want;
    } table[] = {
        {"127.0.0.1", NULL, VOUCH_E_ARGUMENT, "no port"},
        {"127.0.0.1", "", VOUCH_E_ARGUMENT, "the port is empty"},
        {"127.0.0.1", "65537", VOUCH_E_ARGUMENT, "65537: ports end"},
        {"127.0.0.1", " 80", VOUCH_E_ARGUMENT, " 80: is not a port"},
        {"127.0.0.1", "no-such-service", VOUCH_E_SYSTEM,
         "127.0.0.1:no-such-service: cannot resolve: "},
        {"::1::", "1", VOUCH_E_SYSTEM, "::1:::1: cannot resolve: "},
    };
    struct vouch_address out[SOME];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_address_resolve(table[i].host, table[i].port, out, SOME,
                                     &err),
               -1, table[i].want);
        is_int(err.code, table[i].code, "code");
        ok(strncmp(err.text, table[i].want, strlen(table[i].want)) == 0,
           "text");
    }
    is_int(vouch_address_resolve("127.0.0.1", "1", out, 0, NULL), -1,
           "no room");
}

static void
test_text(void)
{
    struct vouch_address address;
    struct sockaddr_un name;
    char text[16];

    memset(&address, 0, sizeof(address));
    memset(&name, 0, sizeof(name));
    memset(text, 'x', sizeof(text));
    vouch_address_text(&address, text, sizeof(text));
    is_text(text, "unknown", "no family");
    name.sun_family = AF_UNIX;
    memcpy(&address.storage, &name, sizeof(name));
    address.length = sizeof(name);
    vouch_address_text(&address, text, sizeof(text));
    is_text(text, "unix", "a UNIX address");
    address.storage.ss_family = AF_INET;
    address.length = 1;
    vouch_address_text(&address, text, sizeof(text));
    is_text(text, "unknown", "a length too short");

    is_int(vouch_address_resolve("127.0.0.1", "80", &address, 1, NULL), 1,
           "resolve");
    vouch_address_text(&address, text, 13);
    is_text(text, "127.0.0.1:80", "a size of N + 1");
    vouch_address_text(&address, text, 12);
    is_text(text, "127.0.0.1:8", "is cut at N");
    vouch_address_text(&address, text, 1);
    is_text(text, "", "is cut to nothing");
    text[0] = 'k';
    vouch_address_text(&address, text, 0);
    is_int(text[0], 'k', "size 0 writes nothing");
}

static void
test_any(void)
{
    static const struct {
        const char *host;
        int is_any;
    } rows[] = {{"0.0.0.0", 1}, {"::", 1},        {"0.0.0.1", 0},
                {"::1", 0},     {"127.0.0.1", 0}, {"::ffff:0.0.0.0", 0}};
    struct vouch_address address;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(vouch_address_resolve(rows[i].host, "80", &address, 1, NULL), 1,
               rows[i].host);
        is_int(vouch_address_is_any(&address), rows[i].is_any,
               "every address, or not");
    }
    memset(&address, 0, sizeof(address));
    is_int(vouch_address_is_any(&address), 0, "no family");
}

int
main(void)
{
    test_split();
    test_split_refused();
    test_split_limits();
    test_resolve();
    test_resolve_refused();
    test_text();
    test_any();
    return tap_done();
}
