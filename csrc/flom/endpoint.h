/*
 * The TCP addresses that settings name, for who connects and who listens.
 */
#ifndef VOUCH_FLOM_ENDPOINT_H
#define VOUCH_FLOM_ENDPOINT_H

#include <stddef.h>

struct vouch_address;
struct vouch_error;
struct vouch_flom_settings;

/*
 * Look the unicast address and port up: a name or an address, IPv4 or IPv6,
 * with "%INTERFACE" at its end or not.  With a network interface in the
 * settings only IPv6 addresses count, and link-local ones are of that
 * interface.  How many, at most max; or -1.  It may take its time.
 */
int vouch_flom_tcp_addresses(const struct vouch_flom_settings *settings,
                             struct vouch_address *out, size_t max,
                             struct vouch_error *err);

#endif
