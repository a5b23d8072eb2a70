/*
 * The daemon in the foreground, for a service manager: flom --daemon.
 */
#ifndef VOUCH_CMD_FOREGROUND_H
#define VOUCH_CMD_FOREGROUND_H

struct flom_extra;
struct vouch_flom_settings;

/* Serve until the end; an exit status.  Takes listening sockets from
 * LISTEN_FDS, tells NOTIFY_SOCKET when it is ready, writes --pid-file. */
int flom_foreground(const struct vouch_flom_settings *settings,
                    const struct flom_extra *extra);

#endif
