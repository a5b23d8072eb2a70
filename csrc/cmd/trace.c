/*
 * Trace lines: date and time, process, text.
 */
#include "cmd/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "flom/settings.h"

static struct {
    unsigned long mask;
    FILE *file;
} trace;

static FILE *
open_file(const char *path, int append)
{
    int fd = open(path,
                  O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND
                      | (append ? 0 : O_TRUNC),
                  0600);

    return fd == -1 ? NULL : fdopen(fd, "a");
}

int
flom_trace_open(const struct vouch_flom_settings *settings, int is_daemon)
{
    const char *mask = getenv("FLOM_TRACE_MASK");
    const char *path =
        is_daemon ? settings->daemon_trace_file : settings->command_trace_file;

    trace.mask = mask == NULL ? 0 : strtoul(mask, NULL, 0);
    trace.file = is_daemon ? NULL : stderr;
    if (path == NULL)
        return 0;
    trace.file = open_file(path, settings->append_trace_file);
    if (trace.file != NULL)
        return 0;
    (void) fprintf(stderr, "flom: trace file %s: %s\n", path, strerror(errno));
    return -1;
}

void
flom_trace(enum flom_trace_module module, const char *format, ...)
{
    int kept = errno;
    char text[32] = "";
    struct timeval now;
    struct tm day;
    va_list args;

    if (!(trace.mask & (unsigned long) module) || trace.file == NULL)
        return;
    (void) gettimeofday(&now, NULL);
    if (localtime_r(&now.tv_sec, &day) != NULL)
        (void) strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &day);
    (void) fprintf(trace.file, "%s.%06ld [%ld/0x0] ", text, (long) now.tv_usec,
                   (long) getpid());
    va_start(args, format);
    (void) vfprintf(trace.file, format, args);
    va_end(args);
    (void) fputc('\n', trace.file);
    (void) fflush(trace.file);
    errno = kept;
}
