/*
 * A command traces to standard error unless it is given a file; a daemon,
 * which has none, to a file or not at all.
 */
#include "cmd/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flom/settings.h"
#include "flom/trace.h"

int
flom_trace_open(const struct vouch_flom_settings *settings, int is_daemon)
{
    const char *path =
        is_daemon ? settings->daemon_trace_file : settings->command_trace_file;

    if (is_daemon && path == NULL) {
        vouch_flom_trace_off();
        return 0;
    }
    if (vouch_flom_trace_open(path, settings->append_trace_file) == 0)
        return 0;
    (void) fprintf(stderr, "flom: trace file %s: %s\n", path, strerror(errno));
    return -1;
}
