/*
 * net/poller: both kinds of set do the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/poller.h"
#include "net/socket.h"
#include "tap.h"

#define WATCHDOG 60 /* seconds for the whole program */
#define MANY 100    /* more than the events asked for at once */
#define SHORT 30    /* milliseconds that a wait takes on purpose */

static struct vouch_error err;

static int64_t
in_ms(int64_t ms)
{
    return vouch_clock_monotonic_ms() + ms;
}

static void
need(int good, const char *what)
{
    if (good)
        return;
    printf("Bail out! %s: %s\n", what, strerror(errno));
    fflush(stdout);
    _Exit(255);
}

static void
make_pair(int pair[2])
{
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
}

static struct vouch_poller *
make_poller(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = NULL;

    need(vouch_poller_new(kind, &poller, &err) == 0, "a poller");
    return poller;
}

static int
wait_now(struct vouch_poller *poller, struct vouch_poller_event *events)
{
    return vouch_poller_wait(poller, events, 4, in_ms(0));
}

static void
say(int fd)
{
    need(write(fd, "x", 1) == 1, "write");
}

static void
test_ready(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = make_poller(kind);
    struct vouch_poller_event events[4];
    char byte;
    int pair[2];

    make_pair(pair);
    is_int(wait_now(poller, events), 0, "an empty set has nothing");
    is_int(vouch_poller_add(poller, pair[0], VOUCH_SOCKET_READ, pair), 0,
           "a descriptor is added");
    is_int(wait_now(poller, events), 0, "it has nothing to read");
    say(pair[1]);
    is_int(wait_now(poller, events), 1, "then it has");
    ok(events[0].data == pair, "its data is handed out");
    is_int(events[0].events, VOUCH_SOCKET_READ, "with the event");
    is_int(wait_now(poller, events), 1, "it is told again, until it is read");
    need(read(pair[0], &byte, 1) == 1, "read");
    is_int(wait_now(poller, events), 0, "and not after that");

    is_int(vouch_poller_change(poller, pair[0], VOUCH_SOCKET_WRITE, poller), 0,
           "it may be watched for writing instead");
    is_int(wait_now(poller, events), 1, "which it is ready for");
    ok(events[0].data == poller, "the data has changed too");
    is_int(events[0].events, VOUCH_SOCKET_WRITE, "the event is the new one");
    is_int(vouch_poller_change(poller, pair[0], VOUCH_SOCKET_READ, pair), 0,
           "and back");
    is_int(wait_now(poller, events), 0, "nothing to read");
    is_int(vouch_poller_remove(poller, pair[0]), 0, "it is removed");
    say(pair[1]);
    is_int(wait_now(poller, events), 0, "and not told any more");
    close(pair[0]);
    close(pair[1]);
    vouch_poller_free(poller);
}

static void
test_end(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = make_poller(kind);
    struct vouch_poller_event events[4];
    int pair[2];

    make_pair(pair);
    need(vouch_poller_add(poller, pair[0], VOUCH_SOCKET_READ, pair) == 0,
         "add");
    close(pair[1]);
    is_int(wait_now(poller, events), 1, "a peer that has gone is an event");
    ok((events[0].events & VOUCH_SOCKET_READ) != 0, "for who reads");
    need(vouch_poller_change(poller, pair[0], VOUCH_SOCKET_WRITE, pair) == 0,
         "change");
    is_int(wait_now(poller, events), 1, "and an event");
    ok((events[0].events & VOUCH_SOCKET_WRITE) != 0, "for who writes");
    need(vouch_poller_remove(poller, pair[0]) == 0, "remove");
    close(pair[0]);
    vouch_poller_free(poller);
}

static void
test_deadline(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = make_poller(kind);
    struct vouch_poller_event events[4];
    int64_t deadline = in_ms(SHORT);
    int pair[2];

    make_pair(pair);
    need(vouch_poller_add(poller, pair[0], VOUCH_SOCKET_READ, pair) == 0,
         "add");
    is_int(vouch_poller_wait(poller, events, 4, deadline), 0,
           "a deadline ends the wait");
    ok(vouch_clock_monotonic_ms() >= deadline, "and not before its time");
    say(pair[1]);
    is_int(vouch_poller_wait(poller, events, 4, VOUCH_FOREVER), 1,
           "what is ready ends a wait without one");
    is_int(vouch_poller_wait(poller, events, 4, in_ms(-1000)), 1,
           "a deadline that has passed still looks");
    is_int(vouch_poller_wait(poller, events, 0, in_ms(0)), -1,
           "room for no event is refused");
    is_int(errno, EINVAL, "as an invalid argument");
    close(pair[0]);
    close(pair[1]);
    vouch_poller_free(poller);
}

/* More are ready than there is room for: each gets its turn. */
static void
test_many(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = make_poller(kind);
    struct vouch_poller_event events[7];
    int pairs[MANY][2];
    int seen[MANY];
    int found = 0;
    int turn;
    int count;
    int i;

    memset(seen, 0, sizeof(seen));
    for (i = 0; i < MANY; i++) {
        make_pair(pairs[i]);
        need(vouch_poller_add(poller, pairs[i][0], VOUCH_SOCKET_READ, &seen[i])
                 == 0,
             "add");
        say(pairs[i][1]);
    }
    for (turn = 0; turn < MANY && found < MANY; turn++) {
        count = vouch_poller_wait(poller, events, 7, in_ms(0));
        for (i = 0; i < count; i++) {
            found += *(int *) events[i].data == 0;
            *(int *) events[i].data = 1;
        }
    }
    is_int(found, MANY, "all that are ready are told, some at a time");
    for (i = 0; i < MANY; i += 2)
        need(vouch_poller_remove(poller, pairs[i][0]) == 0, "remove");
    memset(seen, 0, sizeof(seen));
    for (turn = 0, found = 0; turn < MANY; turn++) {
        count = vouch_poller_wait(poller, events, 7, in_ms(0));
        for (i = 0; i < count; i++)
            *(int *) events[i].data = 1;
    }
    for (i = 0; i < MANY; i++)
        found += seen[i] == i % 2;
    is_int(found, MANY, "and after half of them are gone, the other half");
    for (i = 0; i < MANY; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    vouch_poller_free(poller);
}

static void
test_mistakes(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = make_poller(kind);
    int pair[2];

    make_pair(pair);
    is_int(vouch_poller_add(poller, -1, VOUCH_SOCKET_READ, NULL), -1,
           "-1 is refused");
    is_int(errno, EBADF, "as a bad descriptor");
    is_int(vouch_poller_add(poller, pair[0], 0, NULL), -1,
           "no event is refused");
    is_int(errno, EINVAL, "as an invalid argument");
    need(vouch_poller_add(poller, pair[0], VOUCH_SOCKET_READ, NULL) == 0,
         "add");
#if defined(__linux__)
    is_int(vouch_poller_add(poller, pair[0], VOUCH_SOCKET_READ, NULL), -1,
           "the same a second time is refused");
    is_int(errno, EEXIST, "for it is there");
    is_int(vouch_poller_change(poller, pair[1], VOUCH_SOCKET_READ, NULL), -1,
           "changing what is not there is refused");
    is_int(errno, ENOENT, "for it is not there");
    is_int(vouch_poller_remove(poller, pair[1]), -1, "so is removing it");
#endif
    close(pair[0]);
    close(pair[1]);
    vouch_poller_free(poller);
}

static void
do_nothing(int number)
{
    (void) number;
}

static void
test_signal(enum vouch_poller_kind kind)
{
    struct vouch_poller *poller = make_poller(kind);
    struct vouch_poller_event events[4];
    struct itimerval soon = {{0, 0}, {0, 20000}};
    struct sigaction action;
    struct sigaction before;

    memset(&action, 0, sizeof(action));
    action.sa_handler = do_nothing;
    need(sigaction(SIGALRM, &action, &before) == 0, "sigaction");
    need(setitimer(ITIMER_REAL, &soon, NULL) == 0, "setitimer");
    is_int(vouch_poller_wait(poller, events, 4, in_ms(20000)), -1,
           "a signal ends the wait");
    is_int(errno, EINTR, "with EINTR");
    need(sigaction(SIGALRM, &before, NULL) == 0, "sigaction");
    (void) alarm(WATCHDOG);
    vouch_poller_free(poller);
}

static void
test_descriptor(void)
{
    struct vouch_poller *poller = make_poller(VOUCH_POLLER_BEST);
    int fd = vouch_poller_fd(poller);
    int pair[2];

#if defined(__linux__) || defined(VOUCH_USE_KQUEUE)
    ok(fd >= 0, "the system's set has a descriptor");
#endif
    if (fd >= 0) {
        ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "it is close-on-exec");
        make_pair(pair);
        need(vouch_poller_add(poller, pair[0], VOUCH_SOCKET_READ, NULL) == 0,
             "add");
        is_int(vouch_socket_wait(fd, VOUCH_SOCKET_READ, in_ms(0)), 0,
               "it is not readable while nothing is ready");
        say(pair[1]);
        is_int(vouch_socket_wait(fd, VOUCH_SOCKET_READ, in_ms(0)), 1,
               "and readable when something is");
        close(pair[0]);
        close(pair[1]);
    }
    vouch_poller_free(poller);
    if (fd >= 0)
        is_int(fcntl(fd, F_GETFD), -1, "freed, it is closed");
    poller = make_poller(VOUCH_POLLER_POLL);
    is_int(vouch_poller_fd(poller), -1, "poll(2) has none");
    vouch_poller_free(poller);
    vouch_poller_free(NULL);
}

/* In a child: without a descriptor left, the second kind still works. */
static int
exhausted(void)
{
    struct rlimit limit = {0, 0};
    struct vouch_poller *poller = NULL;

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    if (vouch_poller_new(VOUCH_POLLER_BEST, &poller, &err) == 0
        && vouch_poller_fd(poller) != -1)
        return 2;
    if (poller == NULL && err.code != VOUCH_E_SYSTEM)
        return 3;
    vouch_poller_free(poller);
    poller = NULL;
    if (vouch_poller_new(VOUCH_POLLER_POLL, &poller, &err) != 0)
        return 4;
    vouch_poller_free(poller);
    return 0;
}

static void
test_exhausted(void)
{
    const char *tool = getenv("VOUCH_TEST_TOOL");
    int status = -1;
    pid_t pid;

    if (tool != NULL && strcmp(tool, "valgrind") == 0) {
        ok(1, "no descriptor left # skip: valgrind keeps some for itself");
        return;
    }
    fflush(stdout);
    pid = fork();
    need(pid != -1, "fork");
    if (pid == 0)
        _Exit(exhausted());
    need(waitpid(pid, &status, 0) == pid, "waitpid");
    is_int(status, 0, "no descriptor left: an error, and poll(2) works");
}

int
main(void)
{
    static const enum vouch_poller_kind kinds[] = {VOUCH_POLLER_BEST,
                                                   VOUCH_POLLER_POLL};
    size_t i;

    (void) alarm(WATCHDOG);
    for (i = 0; i < 2; i++) {
        printf("# %s\n", i == 0 ? "the best there is" : "poll(2)");
        test_ready(kinds[i]);
        test_end(kinds[i]);
        test_deadline(kinds[i]);
        test_many(kinds[i]);
        test_mistakes(kinds[i]);
        test_signal(kinds[i]);
    }
    test_descriptor();
    test_exhausted();
    return tap_done();
}
