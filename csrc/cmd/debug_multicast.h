/*
 * --debug-feature=ipv6.multicast.server and .client: do multicast datagrams
 * get from here to there, and answers back?  Nothing of the lock protocol is
 * used.
 */
#ifndef VOUCH_CMD_DEBUG_MULTICAST_H
#define VOUCH_CMD_DEBUG_MULTICAST_H

struct vouch_flom_settings;

/* Join the group, wait for a datagram, answer it.  0, or -1 with the reason
 * on standard error. */
int flom_debug_multicast_server(const struct vouch_flom_settings *settings);

/* Send a datagram to the group, wait for an answer.  The same. */
int flom_debug_multicast_client(const struct vouch_flom_settings *settings);

#endif
