/*
 * Host and port as text, and what they resolve to.
 *
 * Not a cache and not a resolver: getaddrinfo(3) does that.
 */
#ifndef VOUCH_NET_ADDRESS_H
#define VOUCH_NET_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

struct vouch_error;

#define VOUCH_HOST_SIZE 256 /* a DNS name, or an address with interface */
#define VOUCH_PORT_SIZE 33  /* a number or a service name */

struct vouch_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/*
 * Split "host:port", "[::1]:port", "[fe80::1%eth0]:port", "host" or
 * "[::1]" into its parts; a missing port is taken from default_port (NULL:
 * that is an error).  A bare IPv6 address without brackets is refused with
 * a hint.  0, or -1 with VOUCH_E_ARGUMENT.
 */
int vouch_address_split(const char *text, const char *default_port,
                        char host_r[VOUCH_HOST_SIZE],
                        char port_r[VOUCH_PORT_SIZE], struct vouch_error *err);

/*
 * Resolve to stream addresses, at most max of them, each once, in the order
 * in which they should be tried.  host NULL means any address (to listen
 * on).  Returns the number (at least 1), or -1.  This asks the name servers
 * and waits for them; only addresses in digits are quick for sure.
 */
int vouch_address_resolve(const char *host, const char *port,
                          struct vouch_address *out, size_t max,
                          struct vouch_error *err);

/* "127.0.0.1:1965", "[::1]:1965", "unix" (or "unknown") into text; cut to
 * size. */
void vouch_address_text(const struct vouch_address *address, char *text,
                        size_t size);

/* The host alone, in digits, "fe80::1%eth0" ("unknown" for other families
 * than IP); and the port, 0 for those.  Cut to size. */
void vouch_address_host_text(const struct vouch_address *address, char *text,
                             size_t size);
int vouch_address_port(const struct vouch_address *address);

/* 1 for "0.0.0.0" and "::", which mean every address of this host; else 0. */
int vouch_address_is_any(const struct vouch_address *address);

/*
 * What of an address tells one peer from another, to count it by: IPv4 whole
 * (also inside IPv6), IPv6 the network, as a peer has all addresses of its
 * network; but link-local ones, whose network is everybody's, whole.  Its
 * length, at most VOUCH_ADDRESS_KEY_SIZE; 0 for other families.
 */
#define VOUCH_ADDRESS_KEY_SIZE 16
size_t vouch_address_key(const struct vouch_address *address,
                         unsigned char key_r[VOUCH_ADDRESS_KEY_SIZE]);

/* 1 if the peer of a connected socket is on this host: over a unix socket,
 * from a loopback address, or from the address it has reached; else 0. */
int vouch_address_is_local(const struct vouch_address *peer, int fd);

#endif
