/*
 * Where the daemon's log goes: syslog, standard error or a file.
 */
#ifndef VOUCH_CMD_LOG_H
#define VOUCH_CMD_LOG_H

#include "lockd/lockd.h"

struct flom_extra;
struct vouch_error;
struct vouch_flom_settings;

/* Options of a daemon from the command line, with its log opened.  The log
 * is syslog unless --log says another; "stderr" is for the foreground.  0; -1
 * when the log's file cannot be opened, and it is syslog instead. */
int flom_log_open(const struct flom_extra *extra,
                  struct lockd_options *options,
                  const struct vouch_flom_settings *settings);

/* The number of a level's name, or -1. */
int flom_log_level(const char *name);

/* An error that ends the daemon. */
void flom_log_failure(const struct lockd_options *options,
                      const struct vouch_error *err);

#endif
