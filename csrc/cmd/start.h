/*
 * Starting a daemon in the background, for a command that finds none.
 */
#ifndef VOUCH_CMD_START_H
#define VOUCH_CMD_START_H

#include <stdint.h>

struct flom_extra;
struct vouch_error;
struct vouch_flom_client;
struct vouch_flom_settings;

/* Start one, and wait until it listens or could not.  0 (it listens, or
 * another one is being started), or a code of FLoM, with the daemon's reason in
 * *err if it gave one. */
int flom_start(const struct vouch_flom_settings *settings,
               const struct flom_extra *extra, struct vouch_error *err);

/* Connect to what was just started, by the function given: again and again
 * for a second, as another starter's daemon may not listen yet. */
int flom_start_connect(struct vouch_flom_client *client, int64_t deadline,
                       int (*try_to_connect)(struct vouch_flom_client *client,
                                             int64_t deadline));

#endif
