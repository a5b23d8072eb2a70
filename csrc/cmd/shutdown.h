/*
 * Asking the daemon to end: --quiesce-exit and --immediate-exit.
 */
#ifndef VOUCH_CMD_SHUTDOWN_H
#define VOUCH_CMD_SHUTDOWN_H

struct vouch_flom_settings;

/* An exit status: 0 when the message was sent. */
int flom_shutdown(const struct vouch_flom_settings *settings, int immediate);

#endif
