/*
 * --debug-feature=tls.server and tls.client: a handshake, both unique ids,
 * and no lock.
 */
#ifndef VOUCH_CMD_DEBUG_TLS_H
#define VOUCH_CMD_DEBUG_TLS_H

struct vouch_flom_settings;

/* Serve one client at the unicast address: take its id, check it if the
 * settings say so, and tell ours.  0; -1, told on standard error. */
int flom_debug_tls_server(const struct vouch_flom_settings *settings);

/* The other end. */
int flom_debug_tls_client(const struct vouch_flom_settings *settings);

#endif
