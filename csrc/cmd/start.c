/*
 * Forking a daemon.
 */
#include "cmd/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/apply.h"
#include "cmd/log.h"
#include "cmd/trace.h"
#include "flom/client.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "flom/trace.h"
#include "lockd/lockd.h"

#define RETRY_MS 1000
#define PAUSE_MS 10

/* No descriptor of the command may stay open in the daemon, and nothing of
 * ours may take the place of 0, 1 and 2. */
static void
close_all(int keep)
{
    long most = sysconf(_SC_OPEN_MAX);
    int null = open("/dev/null", O_RDWR);
    int fd;

    for (fd = 0; fd < 3; fd++)
        (void) dup2(null, fd);
    if (most < 0 || most > 65536)
        most = 65536;
    for (fd = 3; fd < most; fd++) {
        if (fd != keep)
            (void) close(fd);
    }
}

/* What a daemon tells of its beginning; small enough to go through a pipe in
 * one piece. */
struct beginning {
    int rc;
    char why[VOUCH_ERROR_TEXT];
};

static void
tell(int pipe_fd, int rc, const char *why)
{
    struct beginning beginning;
    ssize_t count;

    memset(&beginning, 0, sizeof(beginning));
    beginning.rc = rc;
    (void) snprintf(beginning.why, sizeof(beginning.why), "%s", why);
    do
        count = write(pipe_fd, &beginning, sizeof(beginning));
    while (count == -1 && errno == EINTR);
    (void) close(pipe_fd);
}

/* The daemon: never returns. */
static void
be_daemon(const struct vouch_flom_settings *settings,
          const struct flom_extra *extra, int pipe_fd)
{
    struct lockd_options options;
    struct vouch_error err;
    struct lockd *daemon = NULL;
    int rc = VOUCH_FLOM_RC_DAEMON_NOT_STARTED;
    int status = EXIT_FAILURE;

    (void) signal(SIGHUP, SIG_IGN);
    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGXFSZ, SIG_IGN);
    (void) umask(077);
    vouch_flom_trace_off(); /* the command's */
    close_all(pipe_fd);
    vouch_error_clear(&err);
    (void) flom_trace_open(settings, 1);
    (void) flom_log_open(extra, &options, settings);
    if (lockd_new(&options, &daemon, &rc, &err) != 0) {
        flom_log_failure(&options, &err);
        tell(pipe_fd, rc, err.text);
        _exit(status);
    }
    /* Away from where it was started, unless its socket is named from there. */
    if (settings->socket_name == NULL || *settings->socket_name == '/')
        (void) chdir("/");
    tell(pipe_fd, 0, "");
    if (lockd_run(daemon, &err) == 0)
        status = EXIT_SUCCESS;
    else
        flom_log_failure(&options, &err);
    lockd_free(daemon);
    _exit(status);
}

/* The daemon is nobody's child, and no terminal's. */
static void
be_intermediate(const struct vouch_flom_settings *settings,
                const struct flom_extra *extra, int pipe_fd)
{
    pid_t child;

    if (setsid() == -1)
        _exit(EXIT_FAILURE);
    child = fork();
    if (child == 0)
        be_daemon(settings, extra, pipe_fd);
    _exit(child == -1 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* A code, and the reason if there is one. */
static int
hear(int pipe_fd, struct vouch_error *err)
{
    struct beginning beginning;
    ssize_t count;

    do
        count = read(pipe_fd, &beginning, sizeof(beginning));
    while (count == -1 && errno == EINTR);
    if (count != (ssize_t) sizeof(beginning))
        return VOUCH_FLOM_RC_DAEMON_NOT_STARTED;
    beginning.why[sizeof(beginning.why) - 1] = '\0';
    if (*beginning.why != '\0')
        (void) vouch_error_set(err, VOUCH_E_SYSTEM, "%s", beginning.why);
    return beginning.rc;
}

int
flom_start(const struct vouch_flom_settings *settings,
           const struct flom_extra *extra, struct vouch_error *err)
{
    int ends[2];
    pid_t child;
    int rc;

    if (pipe(ends) != 0)
        return VOUCH_FLOM_RC_PIPE_ERROR;
    (void) fflush(NULL);
    child = fork();
    if (child == -1) {
        (void) close(ends[0]);
        (void) close(ends[1]);
        return VOUCH_FLOM_RC_FORK_ERROR;
    }
    if (child == 0) {
        (void) close(ends[0]);
        be_intermediate(settings, extra, ends[1]);
    }
    (void) close(ends[1]);
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
        continue;
    rc = hear(ends[0], err);
    (void) close(ends[0]);
    /* Somebody else is starting one, or has. */
    if (rc == VOUCH_FLOM_RC_FLOCK_ERROR || rc == VOUCH_FLOM_RC_BIND_ERROR)
        return 0;
    return rc;
}

int
flom_start_connect(struct vouch_flom_client *client, int64_t deadline,
                   int (*try_to_connect)(struct vouch_flom_client *client,
                                         int64_t deadline))
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    int64_t until = vouch_clock_monotonic_ms() + RETRY_MS;
    int outcome;

    for (;;) {
        outcome = try_to_connect(client, deadline);
        if (outcome != -1
            || vouch_flom_client_rc(client) != VOUCH_FLOM_RC_CONNECT_ERROR
            || vouch_clock_monotonic_ms() >= until)
            return outcome;
        (void) nanosleep(&pause, NULL);
    }
}
