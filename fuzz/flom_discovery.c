/*
 * Any datagram as an answer to a discovery: where it sends a client can be
 * an address or a name, and nothing else.  The first byte chooses a sender.
 */
#include "fuzz.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flom/discovery.h"
#include "flom/message.h"

static struct vouch_flom_parser *parser;

static struct vouch_address
sender(uint8_t choice)
{
    struct vouch_address from;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(&from, 0, sizeof(from));
    memset(&in, 0, sizeof(in));
    memset(&in6, 0, sizeof(in6));
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(choice & 1 ? INADDR_LOOPBACK : 0x0a000001);
    in6.sin6_family = AF_INET6;
    in6.sin6_addr.s6_addr[0] = 0xfe;
    in6.sin6_addr.s6_addr[1] = 0x80;
    in6.sin6_scope_id = choice & 2;
    from.length = choice & 4 ? sizeof(in6) : sizeof(in);
    if (choice & 4)
        memcpy(&from.storage, &in6, sizeof(in6));
    else
        memcpy(&from.storage, &in, sizeof(in));
    return from;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_flom_place place;
    struct vouch_address from;

    if (parser == NULL)
        parser = vouch_flom_parser_new();
    if (parser == NULL || size == 0)
        return 0;
    from = sender(*data);
    if (vouch_flom_discovery_read(parser, data + 1, size - 1, &from, *data & 8,
                                  &place, NULL)
        != 0)
        return 0;
    FUZZ_CHECK(place.port >= 1 && place.port <= 65535);
    FUZZ_CHECK(*place.host != '\0' && *place.host != '-');
    FUZZ_CHECK(strspn(place.host, "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.:-_")
               == strlen(place.host));
    FUZZ_CHECK(strncmp(place.host, "fe80:", 5) != 0 || place.interface != 0);
    return 0;
}
