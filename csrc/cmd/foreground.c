/*
 * What surrounds a daemon in the foreground: systemd's two variables, the
 * file with the process number.
 */
#include "cmd/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "cmd/apply.h"
#include "cmd/exit_status.h"
#include "cmd/log.h"
#include "cmd/trace.h"
#include "flom/settings.h"
#include "lockd/lockd.h"

#define FIRST_INHERITED 3
#define INHERITED_MAX 16

/* The sockets that a service manager has opened for this process. */
static size_t
inherited(int fds[INHERITED_MAX])
{
    const char *count_text = getenv("LISTEN_FDS");
    const char *pid_text = getenv("LISTEN_PID");
    long count = count_text == NULL ? 0 : strtol(count_text, NULL, 10);
    long i;

    if (pid_text == NULL || strtol(pid_text, NULL, 10) != (long) getpid())
        return 0;
    if (count < 0 || count > INHERITED_MAX)
        return 0;
    for (i = 0; i < count; i++) {
        fds[i] = FIRST_INHERITED + (int) i;
        (void) fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    }
    return (size_t) count;
}

/* A datagram to the service manager; nobody listening is no error. */
static void
notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un name;
    size_t length;
    int fd;

    if (path == NULL || (*path != '/' && *path != '@'))
        return;
    length = strlen(path);
    if (length >= sizeof(name.sun_path))
        return;
    memset(&name, 0, sizeof(name));
    name.sun_family = AF_UNIX;
    memcpy(name.sun_path, path, length);
    if (*path == '@')
        name.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd == -1)
        return;
    (void) sendto(
        fd, text, strlen(text), 0, (struct sockaddr *) &name,
        (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length));
    (void) close(fd);
}

static int
write_pid(const char *path, struct vouch_error *err)
{
    char text[32];
    int length;

    if (path == NULL)
        return 0;
    length = snprintf(text, sizeof(text), "%ld\n", (long) getpid());
    return vouch_file_write(path, text, (size_t) length, VOUCH_FILE_REPLACE,
                            err);
}

static int
serve(const struct lockd_options *options, const struct flom_extra *extra,
      struct vouch_error *err)
{
    struct lockd *daemon = NULL;
    int rc = 0;
    int status = -1;

    if (lockd_new(options, &daemon, &rc, err) == 0
        && write_pid(extra->pid_file, err) == 0) {
        notify("READY=1");
        status = lockd_run(daemon, err);
        notify("STOPPING=1");
        if (extra->pid_file != NULL)
            (void) unlink(extra->pid_file);
    }
    lockd_free(daemon);
    return status;
}

int
flom_foreground(const struct vouch_flom_settings *settings,
                const struct flom_extra *extra)
{
    struct flom_extra mine = *extra;
    struct lockd_options options;
    struct vouch_error err;
    int fds[INHERITED_MAX];

    if (mine.log == NULL)
        mine.log = "stderr";
    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGXFSZ, SIG_IGN); /* a full state file is an error */
    if (flom_trace_open(settings, 1) != 0)
        return FLOM_EXIT_ERROR;
    vouch_error_clear(&err);
    if (flom_log_open(&mine, &options, settings) != 0) {
        (void) fprintf(stderr, "log: '%s' cannot be opened: %s\n", mine.log,
                       strerror(errno));
        return FLOM_EXIT_ERROR;
    }
    options.inherited_count = inherited(fds);
    options.inherited = fds;
    if (serve(&options, extra, &err) == 0)
        return FLOM_EXIT_OK;
    flom_log_failure(&options, &err);
    return FLOM_EXIT_ERROR;
}
