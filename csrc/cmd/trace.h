/*
 * Where the command and the daemon write their traces.
 */
#ifndef VOUCH_CMD_TRACE_H
#define VOUCH_CMD_TRACE_H

struct vouch_flom_settings;

/* Begin the trace of a command, or of a daemon, by its settings.  0, or -1
 * when the file cannot be written: that has been printed. */
int flom_trace_open(const struct vouch_flom_settings *settings, int is_daemon);

#endif
