/*
 * Host and port: split with care, resolved by getaddrinfo(3).
 *
 * Not a URL parser: a scheme or a path here is an error.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define PORT_MAX 65535UL
#define SERVICE_SIZE 8 /* a port number and NUL */

static int
is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
}

/* 1 if all of text is letters, digits and the other characters. */
static int
only_has(const char *text, size_t length, const char *others)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (!is_letter_or_digit(text[i])
            && (text[i] == '\0' || strchr(others, text[i]) == NULL))
            return 0;
    }
    return 1;
}

/* 1 if text is nothing but digits (then *value_r, capped). */
static int
is_number(const char *text, unsigned long *value_r)
{
    unsigned long value = 0;
    const char *c;

    for (c = text; *c >= '0' && *c <= '9'; c++) {
        if (value <= PORT_MAX)
            value = value * 10 + (unsigned long) (*c - '0');
    }
    if (c == text || *c != '\0')
        return 0;
    *value_r = value;
    return 1;
}

/* 0 if text is a port: some systems take 65537 for 1, or "+80" for 80. */
static int
check_port(const char *text, struct vouch_error *err)
{
    size_t length = strlen(text);
    unsigned long value = 0;

    if (length == 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "the port is empty");
    if (length >= VOUCH_PORT_SIZE || !only_has(text, length, "-_."))
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "%s: is not a port",
                               text);
    if (is_number(text, &value) && value > PORT_MAX)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "%s: ports end at 65535",
                               text);
    return 0;
}

/* 1 if text is an IPv6 address, possibly with "%" and an interface. */
static int
is_ipv6(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    size_t length = strcspn(text, "%");
    const char *zone = text + length;

    if (length >= sizeof(address))
        return 0;
    memcpy(address, text, length);
    address[length] = '\0';
    if (inet_pton(AF_INET6, address, &ignored) != 1)
        return 0;
    if (*zone == '\0')
        return 1;
    zone++;
    return *zone != '\0' && only_has(zone, strlen(zone), "-_.:");
}

/* Copy length bytes of text, which has no NUL in them, into host. */
static int
take_host(const char *text, size_t length, char host[VOUCH_HOST_SIZE],
          struct vouch_error *err)
{
    if (length == 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "the host is empty");
    if (length >= VOUCH_HOST_SIZE)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "the host is longer than %d characters",
                               VOUCH_HOST_SIZE - 1);
    memcpy(host, text, length);
    host[length] = '\0';
    return 0;
}

/* Take "[address]" from the front; *rest_r is what follows it. */
static int
split_brackets(const char *text, char host[VOUCH_HOST_SIZE],
               const char **rest_r, struct vouch_error *err)
{
    const char *end = strchr(text, ']');

    if (end == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "%s: the ']' is missing",
                               text);
    if (take_host(text + 1, (size_t) (end - text - 1), host, err) != 0)
        return -1;
    if (!is_ipv6(host))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "%s: not an IPv6 address between brackets",
                               text);
    *rest_r = end + 1;
    return 0;
}

/* Take a name or an IPv4 address from the front. */
static int
split_name(const char *text, char host[VOUCH_HOST_SIZE], const char **rest_r,
           struct vouch_error *err)
{
    size_t length = strcspn(text, ":");

    if (text[length] == ':' && strchr(text + length + 1, ':') != NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "%s: write an IPv6 address in brackets, as "
                               "in [::1]:443",
                               text);
    if (!only_has(text, length, "-_."))
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "%s: is not a host name",
                               text);
    if (take_host(text, length, host, err) != 0)
        return -1;
    *rest_r = text + length;
    return 0;
}

/* The port from ":port", or the default where nothing is left. */
static const char *
split_port(const char *text, const char *rest, const char *default_port,
           struct vouch_error *err)
{
    const char *port = default_port;

    if (*rest == ':') {
        port = rest + 1;
    } else if (*rest != '\0') {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "%s: after ']' may only come a port", text);
        return NULL;
    } else if (port == NULL) {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "%s: the port is missing", text);
        return NULL;
    }
    return check_port(port, err) == 0 ? port : NULL;
}

int
vouch_address_split(const char *text, const char *default_port,
                    char host_r[VOUCH_HOST_SIZE], char port_r[VOUCH_PORT_SIZE],
                    struct vouch_error *err)
{
    char host[VOUCH_HOST_SIZE];
    const char *rest = NULL;
    const char *port;
    int result;

    if (text == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "no host is given");
    if (text[0] == '[')
        result = split_brackets(text, host, &rest, err);
    else
        result = split_name(text, host, &rest, err);
    if (result != 0)
        return -1;
    port = split_port(text, rest, default_port, err);
    if (port == NULL)
        return -1;

    memcpy(host_r, host, strlen(host) + 1);
    memcpy(port_r, port, strlen(port) + 1);
    return 0;
}

/* 1 if an address of the same bytes is among the first count. */
static int
is_listed(const struct vouch_address *list, size_t count,
          const struct addrinfo *item)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (list[i].length == item->ai_addrlen
            && memcmp(&list[i].storage, item->ai_addr, item->ai_addrlen) == 0)
            return 1;
    }
    return 0;
}

/* Copy stream addresses, each once: /etc/hosts may name one twice, and
 * nobody can listen on it twice. */
static size_t
take_addresses(const struct addrinfo *item, struct vouch_address *out,
               size_t max)
{
    size_t count = 0;

    for (; item != NULL && count < max; item = item->ai_next) {
        if (item->ai_addrlen > sizeof(out->storage)
            || is_listed(out, count, item))
            continue;
        memset(&out[count], 0, sizeof(out[count]));
        memcpy(&out[count].storage, item->ai_addr, item->ai_addrlen);
        out[count].length = item->ai_addrlen;
        count++;
    }
    return count;
}

/* Record why getaddrinfo(3) failed.  Returns -1. */
static int
not_resolved(const char *host, const char *port, int failure, int sys_errno,
             struct vouch_error *err)
{
    const char *name = host != NULL ? host : "*";

    if (failure == EAI_SYSTEM)
        return vouch_error_set_sys(err, VOUCH_E_SYSTEM, sys_errno,
                                   "%s:%s: cannot resolve", name, port);
    return vouch_error_set(
        err, failure == EAI_MEMORY ? VOUCH_E_MEMORY : VOUCH_E_SYSTEM,
        "%s:%s: cannot resolve: %s", name, port, gai_strerror(failure));
}

int
vouch_address_resolve(const char *host, const char *port,
                      struct vouch_address *out, size_t max,
                      struct vouch_error *err)
{
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    unsigned long number;
    size_t count;
    int failure;

    if (port == NULL || max == 0 || max > INT_MAX)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "no port or no room to resolve to");
    if (check_port(port, err) != 0)
        return -1;
    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (host == NULL)
        hints.ai_flags |= AI_PASSIVE;
    if (is_number(port, &number))
        hints.ai_flags |= AI_NUMERICSERV;
    failure = getaddrinfo(host, port, &hints, &list);
    if (failure != 0)
        return not_resolved(host, port, failure, errno, err);
    count = take_addresses(list, out, max);
    freeaddrinfo(list);
    if (count == 0)
        return vouch_error_set(err, VOUCH_E_SYSTEM, "%s: has no address",
                               host != NULL ? host : "*");
    return (int) count;
}

void
vouch_address_text(const struct vouch_address *address, char *text,
                   size_t size)
{
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    char port[SERVICE_SIZE];
    int family = address->storage.ss_family;

    if (size == 0)
        return;
    if (family == AF_UNIX) {
        (void) snprintf(text, size, "unix");
        return;
    }
    if ((family != AF_INET && family != AF_INET6)
        || getnameinfo((const struct sockaddr *) &address->storage,
                       address->length, host, sizeof(host), port, sizeof(port),
                       NI_NUMERICHOST | NI_NUMERICSERV)
               != 0) {
        (void) snprintf(text, size, "unknown");
        return;
    }
    (void) snprintf(text, size, family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                    port);
}

void
vouch_address_host_text(const struct vouch_address *address, char *text,
                        size_t size)
{
    int family = address->storage.ss_family;
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];

    if ((family != AF_INET && family != AF_INET6)
        || getnameinfo((const struct sockaddr *) &address->storage,
                       address->length, host, sizeof(host), NULL, 0,
                       NI_NUMERICHOST)
               != 0)
        (void) snprintf(host, sizeof(host), "unknown");
    if (size > 0)
        (void) snprintf(text, size, "%s", host);
}

int
vouch_address_port(const struct vouch_address *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (address->storage.ss_family == AF_INET) {
        memcpy(&in, &address->storage, sizeof(in));
        return ntohs(in.sin_port);
    }
    if (address->storage.ss_family != AF_INET6)
        return 0;
    memcpy(&in6, &address->storage, sizeof(in6));
    return ntohs(in6.sin6_port);
}

int
vouch_address_is_any(const struct vouch_address *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (address->storage.ss_family == AF_INET) {
        memcpy(&in, &address->storage, sizeof(in));
        return in.sin_addr.s_addr == htonl(INADDR_ANY);
    }
    if (address->storage.ss_family != AF_INET6)
        return 0;
    memcpy(&in6, &address->storage, sizeof(in6));
    return IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
}

/* The bytes of an IP address, without port; NULL for another family.  IPv4
 * inside IPv6 is IPv4. */
static const unsigned char *
ip_bytes(const struct sockaddr_storage *storage, size_t *length_r)
{
    const unsigned char *bytes;

    if (storage->ss_family == AF_INET) {
        *length_r = 4;
        return (const unsigned char *) &((const struct sockaddr_in *) storage)
            ->sin_addr;
    }
    if (storage->ss_family != AF_INET6)
        return NULL;
    bytes = ((const struct sockaddr_in6 *) storage)->sin6_addr.s6_addr;
    *length_r = 16;
    if (!IN6_IS_ADDR_V4MAPPED(
            &((const struct sockaddr_in6 *) storage)->sin6_addr))
        return bytes;
    *length_r = 4;
    return bytes + 12;
}

size_t
vouch_address_key(const struct vouch_address *address,
                  unsigned char key_r[VOUCH_ADDRESS_KEY_SIZE])
{
    size_t length = 0;
    const unsigned char *bytes = ip_bytes(&address->storage, &length);

    if (bytes == NULL)
        return 0;
    if (length == 16 && !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80))
        length = 8;
    memcpy(key_r, bytes, length);
    return length;
}

int
vouch_address_is_local(const struct vouch_address *peer, int fd)
{
    static const unsigned char loopback6[16] = {0, 0, 0, 0, 0, 0, 0, 0,
                                                0, 0, 0, 0, 0, 0, 0, 1};
    struct sockaddr_storage own;
    socklen_t own_length = sizeof(own);
    const unsigned char *there;
    const unsigned char *here;
    size_t length = 0;
    size_t here_length = 0;

    if (peer->storage.ss_family == AF_UNIX)
        return 1;
    there = ip_bytes(&peer->storage, &length);
    if (there == NULL)
        return 0;
    if ((length == 4 && there[0] == 127)
        || (length == 16 && memcmp(there, loopback6, 16) == 0))
        return 1;
    if (getsockname(fd, (struct sockaddr *) &own, &own_length) != 0)
        return 0;
    here = ip_bytes(&own, &here_length);
    return here != NULL && here_length == length
           && memcmp(here, there, length) == 0;
}
