/*
 * A child process, the signals for it, and the locks it runs under.
 */
#define _XOPEN_SOURCE 700 /* SA_SIGINFO's si_code, setenv() */

#include "cmd/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/apply.h"
#include "cmd/exit_status.h"
#include "cmd/locks.h"
#include "cmd/options.h"
#include "cmd/resume.h"
#include "flom/client.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "flom/trace.h"
#include "lock/mode.h"
#include "lock/name.h"
#include "net/socket.h"

#define KEPT_FD 64 /* the child's copies of connections begin here */
#define SIGNALED 128
#define RESUME_MS 100 /* a lost lock is asked for again so often */

/* What would end flom, and goes to the command instead. */
static const int FORWARDED[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                SIGALRM, SIGUSR1, SIGUSR2};
#define FORWARDED_COUNT (sizeof(FORWARDED) / sizeof(FORWARDED[0]))

#define SIGNALS 65 /* more than any system numbers these */
static volatile sig_atomic_t arrived[SIGNALS];

/* From the terminal it has gone to the command, too. */
static void
on_signal(int number, siginfo_t *info, void *context)
{
    (void) context;
    if (info->si_code <= 0 && number < SIGNALS)
        arrived[number] = 1;
}

static void
on_child(int number)
{
    (void) number; /* it ends pselect() */
}

struct run {
    const struct vouch_flom_settings *settings;
    const struct flom_extra *extra;
    struct flom_locks *locks;
    char **argv;
    pid_t child;
    sigset_t before; /* the mask that flom was started with */
};

/* --- the child ------------------------------------------------------------*/

static void
set_environment(const struct run *run)
{
    const struct flom_lock *lock = &run->locks->lock[0];
    const char *element = vouch_flom_client_element(lock->client);
    struct vouch_lock_name name;
    char token[VOUCH_FLOM_TOKEN_SIZE];

    (void) setenv("FLOM_RESOURCE", lock->name, 1);
    (void) vouch_lock_name_parse(lock->name, strlen(lock->name), &name);
    if (vouch_lock_type_has_mode(name.type))
        (void) setenv("FLOM_MODE",
                      vouch_lock_mode_name(run->settings->lock_mode), 1);
    else
        (void) unsetenv("FLOM_MODE");
    if (element != NULL)
        (void) setenv("FLOM_ELEMENT", element, 1);
    else
        (void) unsetenv("FLOM_ELEMENT");
    if (lock->has_token) {
        vouch_flom_token_text(lock->token_epoch, lock->token_counter, token);
        (void) setenv("FLOM_TOKEN", token, 1);
    } else
        (void) unsetenv("FLOM_TOKEN");
}

/* Should flom be killed, the locks last as long as the command. */
static void
keep_connections(const struct run *run)
{
    int i;

    for (i = 0; i < run->locks->count; i++) {
        int fd = vouch_flom_client_fd(run->locks->lock[i].client);

        if (fd != -1)
            (void) fcntl(fd, F_DUPFD, KEPT_FD);
    }
}

/* As GLib says it. */
static void
cannot_execute(const char *command)
{
    struct timeval now;
    struct tm day;
    char text[16] = "00:00:00";

    (void) gettimeofday(&now, NULL);
    if (localtime_r(&now.tv_sec, &day) != NULL)
        (void) strftime(text, sizeof(text), "%H:%M:%S", &day);
    (void) fprintf(stderr,
                   "\n** (flom:%ld): WARNING **: %s.%03d: Unable to execute "
                   "command '%s'\n\n",
                   (long) getpid(), text, (int) (now.tv_usec / 1000), command);
}

static void
be_child(const struct run *run)
{
    (void) sigprocmask(SIG_SETMASK, &run->before, NULL);
    set_environment(run);
    keep_connections(run);
    (void) execvp(run->argv[0], run->argv);
    cannot_execute(run->argv[0]);
    _exit(FLOM_EXIT_CANT_EXECUTE);
}

/* --- the parent -----------------------------------------------------------*/

/* The handlers are the parent's; what is ignored stays so in the child. */
static void
catch_signals(const struct run *run)
{
    struct sigaction action;
    struct sigaction old;
    size_t i;

    memset(&action, 0, sizeof(action));
    (void) sigemptyset(&action.sa_mask);
    action.sa_handler = on_child;
    (void) sigaction(SIGCHLD, &action, NULL);
    if (!run->extra->forward_signals)
        return;
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    for (i = 0; i < FORWARDED_COUNT; i++) {
        if (sigaction(FORWARDED[i], NULL, &old) == 0
            && old.sa_handler == SIG_IGN)
            continue;
        (void) sigaction(FORWARDED[i], &action, NULL);
    }
}

static void
ignore_signals(uint32_t signals)
{
    struct sigaction action;
    int number;

    memset(&action, 0, sizeof(action));
    (void) sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_IGN;
    for (number = 1; number < 32; number++) {
        if (signals >> number & 1 && sigaction(number, &action, NULL) != 0)
            (void) fprintf(stderr, "Warning: couldn't ignore signal %d:%s\n",
                           number, vouch_flom_signal_name(number));
    }
}

static void
block_signals(struct run *run)
{
    sigset_t set;
    size_t i;

    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGCHLD);
    for (i = 0; i < FORWARDED_COUNT; i++)
        (void) sigaddset(&set, FORWARDED[i]);
    (void) sigprocmask(SIG_BLOCK, &set, &run->before);
}

static void
forward(const struct run *run)
{
    size_t i;

    for (i = 0; i < FORWARDED_COUNT; i++) {
        if (!arrived[FORWARDED[i]])
            continue;
        arrived[FORWARDED[i]] = 0;
        (void) kill(run->child, FORWARDED[i]);
    }
}

/* Tell at once that a lock is gone, and stop the command if so asked. */
static void
lost(const struct run *run, struct flom_lock *lock)
{
    (void) fprintf(stderr,
                   "flom: the lock on '%s' is lost while the command runs: "
                   "%s\n",
                   lock->name, vouch_flom_client_reason(lock->client));
    if (run->extra->on_loss != 0)
        (void) kill(run->child, run->extra->on_loss);
    else
        lock->is_lost = lock->has_token;
}

static void
look_after_locks(const struct run *run)
{
    int i;

    for (i = 0; i < run->locks->count; i++) {
        struct flom_lock *lock = &run->locks->lock[i];

        if (vouch_flom_client_state(lock->client) == VOUCH_FLOM_CLIENT_LOCKED
            && vouch_flom_client_advance(lock->client) == -1)
            lost(run, lock);
        else if (lock->is_lost && flom_resume(lock) != 0)
            lock->is_lost = 0;
    }
}

/* Until the child ends, a signal arrives or a daemon says something. */
static void
wait_for_something(const struct run *run)
{
    struct timespec wait = {0, 0};
    int64_t next = VOUCH_FOREVER;
    fd_set readable;
    int highest = -1;
    int i;

    FD_ZERO(&readable);
    for (i = 0; i < run->locks->count; i++) {
        int fd = vouch_flom_client_fd(run->locks->lock[i].client);
        int64_t ping = vouch_flom_client_next_ping(run->locks->lock[i].client);

        if (run->locks->lock[i].is_lost)
            ping = vouch_clock_monotonic_ms() + RESUME_MS;

        if (ping != VOUCH_FOREVER && (next == VOUCH_FOREVER || ping < next))
            next = ping;

        if (fd == -1 || fd >= FD_SETSIZE)
            continue;
        FD_SET(fd, &readable);
        if (fd > highest)
            highest = fd;
    }
    if (next != VOUCH_FOREVER) {
        next -= vouch_clock_monotonic_ms();
        if (next > 0) {
            wait.tv_sec = next / 1000;
            wait.tv_nsec = next % 1000 * 1000000;
        }
        (void) pselect(highest + 1, &readable, NULL, NULL, &wait,
                       &run->before);
    } else
        (void) pselect(highest + 1, &readable, NULL, NULL, NULL, &run->before);
}

static int
wait_for_child(const struct run *run)
{
    int status = 0;
    pid_t ended;

    for (;;) {
        ended = waitpid(run->child, &status, WNOHANG);
        if (ended == run->child)
            return status;
        if (ended == -1 && errno != EINTR)
            return FLOM_EXIT_ERROR << 8;
        forward(run);
        look_after_locks(run);
        wait_for_something(run);
    }
}

static int
run_child(struct run *run, int *rollback_r)
{
    int status;

    block_signals(run);
    run->child = fork();
    if (run->child == 0)
        be_child(run);
    if (run->child == -1) {
        perror("flom: cannot start the command");
        *rollback_r = 1;
        return FLOM_EXIT_ERROR;
    }
    catch_signals(run);
    ignore_signals(run->settings->ignored_signals);
    vouch_flom_trace(VOUCH_FLOM_TRACE_EXEC, "process %ld runs '%s'",
                     (long) run->child, run->argv[0]);
    status = wait_for_child(run);
    vouch_flom_trace(VOUCH_FLOM_TRACE_EXEC, "process %ld ended with 0x%x",
                     (long) run->child, (unsigned) status);
    *rollback_r = status != 0;
    if (WIFSIGNALED(status))
        return SIGNALED + WTERMSIG(status);
    return WEXITSTATUS(status);
}

int
flom_run(const struct flom_command_line *line,
         const struct vouch_flom_settings *settings,
         const struct flom_extra *extra, struct flom_locks *locks,
         int *rollback_r)
{
    struct run run;
    const char *element;
    int count = line->command_count;
    int status;
    int i;

    memset(&run, 0, sizeof(run));
    run.settings = settings;
    run.extra = extra;
    run.locks = locks;
    run.argv = calloc((size_t) (count + locks->count) + 1, sizeof(char *));
    *rollback_r = 1;
    if (run.argv == NULL) {
        (void) fputs("flom: out of memory\n", stderr);
        return FLOM_EXIT_ERROR;
    }
    for (i = 0; i < count; i++)
        run.argv[i] = line->command[i];
    for (i = 0; i < locks->count; i++) {
        element = vouch_flom_client_element(locks->lock[i].client);
        if (element != NULL)
            run.argv[count++] = (char *) element;
    }
    status = run_child(&run, rollback_r);
    free(run.argv);
    return status;
}
