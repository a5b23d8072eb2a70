/*
 * Trace lines: date and time, process, text.
 */
#include "flom/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t mutex;
    unsigned long mask;
    FILE *file; /* NULL: nowhere */
} trace = {PTHREAD_MUTEX_INITIALIZER, 0, NULL};

static FILE *
open_file(const char *path, int append)
{
    int fd = open(path,
                  O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND
                      | (append ? 0 : O_TRUNC),
                  0600);

    return fd == -1 ? NULL : fdopen(fd, "a");
}

static void
write_to(FILE *file, unsigned long mask)
{
    (void) pthread_mutex_lock(&trace.mutex);
    if (trace.file != NULL && trace.file != stderr)
        (void) fclose(trace.file);
    trace.file = file;
    trace.mask = mask;
    (void) pthread_mutex_unlock(&trace.mutex);
}

int
vouch_flom_trace_open(const char *path, int append)
{
    const char *mask = getenv("FLOM_TRACE_MASK");
    FILE *file = path == NULL ? stderr : open_file(path, append);

    if (file == NULL)
        return -1;
    write_to(file, mask == NULL ? 0 : strtoul(mask, NULL, 0));
    return 0;
}

void
vouch_flom_trace_off(void)
{
    write_to(NULL, 0);
}

static void
write_line(FILE *file, const char *format, va_list args)
{
    char text[32] = "";
    struct timeval now;
    struct tm day;

    (void) gettimeofday(&now, NULL);
    if (localtime_r(&now.tv_sec, &day) != NULL)
        (void) strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &day);
    (void) fprintf(file, "%s.%06ld [%ld/0x0] ", text, (long) now.tv_usec,
                   (long) getpid());
    (void) vfprintf(file, format, args);
    (void) fputc('\n', file);
    (void) fflush(file);
}

void
vouch_flom_trace(enum vouch_flom_trace_module module, const char *format, ...)
{
    int kept = errno;
    va_list args;

    (void) pthread_mutex_lock(&trace.mutex);
    if (trace.mask & (unsigned long) module && trace.file != NULL) {
        va_start(args, format);
        write_line(trace.file, format, args);
        va_end(args);
    }
    (void) pthread_mutex_unlock(&trace.mutex);
    errno = kept;
}
