/*
 * One line for each message, to the place that --log names.
 */
#define _XOPEN_SOURCE 700 /* realpath() */

#include "cmd/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/apply.h"
#include "flom/trace.h"

static const int PRIORITIES[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO,
                                 LOG_DEBUG};
static const char *const NAMES[] = {"error", "warning", "notice", "info",
                                    "debug"};
#define LEVELS 5

static struct {
    enum lockd_log_level highest;
    FILE *file; /* NULL: syslog */
    char *path; /* of the file, absolute; NULL where it is none */
} sink;

static void
write_line(enum lockd_log_level level, const char *id, const char *text)
{
    char time_text[VOUCH_ISO8601_SIZE] = "";

    (void) vouch_text_iso8601(vouch_clock_epoch(), time_text);
    (void) fprintf(sink.file, "%s flom[%ld] %s %s: %s\n", time_text,
                   (long) getpid(), NAMES[level], id, text);
    (void) fflush(sink.file);
}

static void
take(enum lockd_log_level level, const char *id, const char *text, void *arg)
{
    (void) arg;
    vouch_flom_trace(VOUCH_FLOM_TRACE_DAEMON, "%s %s", id, text);
    if (level > sink.highest)
        return;
    if (sink.file != NULL)
        write_line(level, id, text);
    else
        syslog(PRIORITIES[level], "%s %s", id, text);
}

/* A log that was moved away is begun anew. */
static int
reopen(void *arg)
{
    FILE *file;

    (void) arg;
    if (sink.path == NULL)
        return 0;
    file = fopen(sink.path, "a");
    if (file == NULL)
        return -1;
    (void) fclose(sink.file);
    sink.file = file;
    return 0;
}

int
flom_log_level(const char *name)
{
    int level;

    for (level = 0; level < LEVELS; level++) {
        if (strcmp(name, NAMES[level]) == 0)
            return level;
    }
    return -1;
}

int
flom_log_open(const struct flom_extra *extra, struct lockd_options *options,
              const struct vouch_flom_settings *settings)
{
    lockd_options_init(options);
    options->settings = settings;
    options->socket_mode = extra->socket_mode;
    options->remote_admin = extra->remote_admin;
    options->fairness_ms = extra->fairness;
    options->grace_ms = extra->grace;
    options->state_file = extra->state;
    options->max_connections = (size_t) extra->max_connections;
    options->max_resources = (size_t) extra->max_resources;
    options->max_queue = (size_t) extra->max_queue;
    options->messages_a_second = (unsigned) extra->max_messages;
    options->log = take;
    options->reopen_log = reopen;
    sink.highest = LOCKD_NOTICE;
    if (extra->log_level != NULL && flom_log_level(extra->log_level) != -1)
        sink.highest = (enum lockd_log_level) flom_log_level(extra->log_level);
    sink.file = NULL;
    if (extra->log != NULL && strcmp(extra->log, "stderr") == 0)
        sink.file = stderr;
    else if (extra->log != NULL && strcmp(extra->log, "syslog") != 0)
        sink.file = fopen(extra->log, "a");
    if (sink.file != NULL && sink.file != stderr)
        sink.path = realpath(extra->log, NULL);
    if (sink.file != NULL)
        return 0;
    openlog("flom", LOG_PID, LOG_DAEMON);
    return extra->log == NULL || strcmp(extra->log, "syslog") == 0 ? 0 : -1;
}

void
flom_log_failure(const struct lockd_options *options,
                 const struct vouch_error *err)
{
    options->log(LOCKD_ERROR, "FLM000E", err->text, options->log_arg);
}
