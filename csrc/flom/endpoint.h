/*
 * Where settings say that the daemon is, as addresses.
 *
 * Both sides ask here, so that a client connects to what a daemon with the
 * same settings listens on.  The unix socket is in socket_name.
 */
#ifndef VOUCH_FLOM_ENDPOINT_H
#define VOUCH_FLOM_ENDPOINT_H

#include <stddef.h>

struct vouch_address;
struct vouch_error;
struct vouch_flom_settings;

/* 1 if the daemon is to be looked for by multicast: there is a group, and
 * neither a socket name nor a unicast address; else 0. */
int vouch_flom_is_sought(const struct vouch_flom_settings *settings);

/*
 * The addresses of unicast_address and unicast_port, at most max: a number,
 * or -1.  With network_interface only those of IPv6, and link-local ones on
 * that interface; IPv4 ones are an error then, unless the interface can be
 * meant for the multicast group.  This may ask name servers.
 */
int vouch_flom_tcp_addresses(const struct vouch_flom_settings *settings,
                             struct vouch_address *out, size_t max,
                             struct vouch_error *err);

/* The address of multicast_address and multicast_port, on network_interface
 * where it is one of IPv6.  0, or -1.  This may ask name servers. */
int vouch_flom_group(const struct vouch_flom_settings *settings,
                     struct vouch_address *group_r, struct vouch_error *err);

#endif
