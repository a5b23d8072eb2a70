/*
 * What an answer to a discovery says, byte by byte from a stranger.
 */
#include "flom/discovery.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "flom/message.h"

#define PORT_MAX 65535

static int
wrong(struct vouch_error *err, const char *what)
{
    return vouch_error_set(err, VOUCH_E_FORMAT, "%s", what);
}

/* --- addresses in digits --------------------------------------------------*/

static int
take_ipv4(const struct in_addr *in, struct vouch_flom_place *place,
          struct vouch_error *err)
{
    uint32_t number = ntohl(in->s_addr);

    if (number == INADDR_ANY || number == INADDR_BROADCAST
        || IN_MULTICAST(number))
        return wrong(err, "an address that nobody can be connected to at");
    place->is_loopback = number >> 24 == 127;
    return 0;
}

static int
take_ipv6(const struct in6_addr *in6, unsigned interface,
          struct vouch_flom_place *place, struct vouch_error *err)
{
    if (IN6_IS_ADDR_UNSPECIFIED(in6) || IN6_IS_ADDR_MULTICAST(in6)
        || IN6_IS_ADDR_V4MAPPED(in6))
        return wrong(err, "an address that nobody can be connected to at");
    place->is_loopback = IN6_IS_ADDR_LOOPBACK(in6);
    if (!IN6_IS_ADDR_LINKLOCAL(in6))
        return 0;
    place->interface = interface;
    return interface != 0
               ? 0
               : wrong(err, "a link-local address without an interface");
}

/* --- names ----------------------------------------------------------------*/

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * A name of letters, digits, "-", "_" and dots.  Its last part does not
 * begin with a digit: resolvers take "127.1" and "0x7f000001" for addresses.
 */
static int
take_name(const char *name, struct vouch_error *err)
{
    const char *part = name;
    const char *at;

    for (at = name; *at != '\0'; at++) {
        if (*at == '.')
            part = at + 1;
        else if (!is_digit(*at) && (*at < 'a' || *at > 'z')
                 && (*at < 'A' || *at > 'Z') && *at != '-' && *at != '_')
            return wrong(err, "an address that is neither one nor a name");
    }
    if (*name == '-' || *name == '.' || *part == '\0' || is_digit(*part))
        return wrong(err, "an address that is neither one nor a name");
    return 0;
}

/* The interface is one of the sender's host, and means nothing here. */
static int
take_address(const char *text, unsigned interface,
             struct vouch_flom_place *place, struct vouch_error *err)
{
    size_t length = strcspn(text, "%");
    struct in_addr in;
    struct in6_addr in6;

    if (length == 0 || length >= sizeof(place->host))
        return wrong(err, "an address that is neither one nor a name");
    memcpy(place->host, text, length);
    place->host[length] = '\0';
    if (inet_pton(AF_INET6, place->host, &in6) == 1)
        return take_ipv6(&in6, interface, place, err);
    if (text[length] != '\0')
        return wrong(err, "an address that is neither one nor a name");
    if (inet_pton(AF_INET, place->host, &in) == 1)
        return take_ipv4(&in, place, err);
    return take_name(place->host, err);
}

/* Whoever has sent it. */
static int
take_sender(const struct vouch_address *from, unsigned interface,
            struct vouch_flom_place *place, struct vouch_error *err)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (from->storage.ss_family == AF_INET) {
        memcpy(&in, &from->storage, sizeof(in));
        if (inet_ntop(AF_INET, &in.sin_addr, place->host, sizeof(place->host))
            != NULL)
            return take_ipv4(&in.sin_addr, place, err);
    }
    if (from->storage.ss_family == AF_INET6) {
        memcpy(&in6, &from->storage, sizeof(in6));
        if (inet_ntop(AF_INET6, &in6.sin6_addr, place->host,
                      sizeof(place->host))
            != NULL)
            return take_ipv6(&in6.sin6_addr, interface, place, err);
    }
    return wrong(err, "no address, and none of the sender");
}

/* --- the message ----------------------------------------------------------*/

static int
check_message(const struct vouch_flom_message *message,
              struct vouch_error *err)
{
    if (message->level != VOUCH_FLOM_LEVEL)
        return wrong(err, "another protocol level");
    if (message->verb != VOUCH_FLOM_DISCOVER
        || message->step != VOUCH_FLOM_ANSWER)
        return wrong(err, "a message that is no answer to a discovery");
    if (!(message->has & VOUCH_FLOM_HAS_NETWORK))
        return wrong(err, "no address and no port");
    if (message->port < 1 || message->port > PORT_MAX)
        return wrong(err, "a port that is none");
    return 0;
}

static unsigned
interface_of(const struct vouch_address *from, unsigned otherwise)
{
    struct sockaddr_in6 in6;

    if (from->storage.ss_family != AF_INET6)
        return otherwise;
    memcpy(&in6, &from->storage, sizeof(in6));
    return in6.sin6_scope_id != 0 ? in6.sin6_scope_id : otherwise;
}

int
vouch_flom_discovery_read(struct vouch_flom_parser *parser,
                          const unsigned char *data, size_t length,
                          const struct vouch_address *from, unsigned interface,
                          struct vouch_flom_place *place_r,
                          struct vouch_error *err)
{
    struct vouch_flom_message message;
    struct vouch_flom_place place;

    if (length > VOUCH_FLOM_ANSWER_MAX)
        return wrong(err, "a datagram that is too long");
    if (length == 0
        || vouch_flom_frame(data, length, VOUCH_FLOM_MESSAGE_MAX)
               != (long) length)
        return wrong(err, "a datagram that is not one message");
    if (vouch_flom_parse(parser, data, length, &message, err) != 0
        || check_message(&message, err) != 0)
        return -1;
    memset(&place, 0, sizeof(place));
    place.port = (int) message.port;
    interface = interface_of(from, interface);
    if ((*message.address == '\0'
             ? take_sender(from, interface, &place, err)
             : take_address(message.address, interface, &place, err))
        != 0)
        return -1;
    *place_r = place;
    return 0;
}
