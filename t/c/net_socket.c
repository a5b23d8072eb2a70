/*
 * net/socket: modes, deadlines, closed peers, full queues, signals.
 *
 * SIGPIPE is left as it is: a send that raised it would end this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"
#include "net/socket.h"
#include "tap.h"

#define WATCHDOG 60   /* seconds for the whole program */
#define SOON 5000     /* milliseconds that nothing here takes */
#define QUEUE_MAX 300 /* more connections than any queue of one holds */

static struct vouch_error err;

static int64_t
in_ms(int64_t ms)
{
    return vouch_clock_monotonic_ms() + ms;
}

static void
check_modes(int fd, const char *name)
{
    ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, name);
    ok((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, "and non-blocking");
}

/* Listen on port 0; *address_r is then where. */
static int
listen_on(const char *host, int backlog, struct vouch_address *address_r)
{
    int fd;

    vouch_error_clear(&err);
    if (vouch_address_resolve(host, "0", address_r, 1, &err) != 1)
        return -1;
    fd = vouch_socket_listen(address_r, backlog, &err);
    if (fd == -1)
        return -1;
    address_r->length = sizeof(address_r->storage);
    if (getsockname(fd, (struct sockaddr *) &address_r->storage,
                    &address_r->length)
        != 0) {
        (void) close(fd);
        return -1;
    }
    return fd;
}

static void
check_talk(int fd, int conn)
{
    char data[8];

    is_int(vouch_socket_recv(conn, data, sizeof(data)), -1, "nothing yet");
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "is EAGAIN");
    is_int(vouch_socket_has_input(conn), 0, "and no input");
    is_int(vouch_socket_send(fd, "hello", 5), 5, "send");
    is_int(vouch_socket_wait(conn, VOUCH_SOCKET_READ, in_ms(SOON)), 1,
           "wait to read");
    is_int(vouch_socket_has_input(conn), 1, "there is input");
    is_int(vouch_socket_recv(conn, data, sizeof(data)), 5, "recv");
    is_bytes(data, "hello", 5, "the same bytes");
    is_int(vouch_socket_wait(conn, VOUCH_SOCKET_WRITE, in_ms(SOON)), 1,
           "wait to write");
}

/* What a peer that does not read is sent before a write would have to wait. */
static size_t
fill(int fd)
{
    static char data[65536];
    size_t all = 0;
    ssize_t count;

    while ((count = vouch_socket_send(fd, data, sizeof(data))) > 0)
        all += (size_t) count;
    return all;
}

static void
check_queue(int server, const struct vouch_address *address)
{
#ifdef __linux__
    size_t filled[2];
    struct vouch_address peer;
    int fd;
    int conn;
    int i;

    for (i = 0; i < 2; i++) {
        vouch_error_clear(&err);
        fd = vouch_socket_connect(address, in_ms(SOON), &err);
        (void) vouch_socket_wait(server, VOUCH_SOCKET_READ, in_ms(SOON));
        conn = vouch_socket_accept(server, &peer);
        if (i == 1)
            vouch_socket_set_queue(conn, 65536);
        filled[i] = fill(conn);
        (void) close(fd);
        (void) close(conn);
    }
    ok(filled[1] < filled[0] / 2, "a short queue holds less");
#else
    (void) server;
    (void) address;
#endif
}

static void
test_tcp(const char *host)
{
    struct vouch_address address;
    struct vouch_address peer;
    int server = listen_on(host, 5, &address);
    int fd;
    int conn;

    if (server == -1) {
        ok(strcmp(host, "::1") == 0, "listen (or no IPv6 here)");
        return;
    }
    check_modes(server, "the listener is close-on-exec");
    is_int(vouch_socket_accept(server, &peer), -1, "nobody to accept");
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "is EAGAIN");
    fd = vouch_socket_connect(&address, in_ms(SOON), &err);
    ok(fd != -1, host);
    check_modes(fd, "a connection out is close-on-exec");
    is_int(vouch_socket_wait(server, VOUCH_SOCKET_READ, in_ms(SOON)), 1,
           "wait to accept");
    conn = vouch_socket_accept(server, &peer);
    check_modes(conn, "a connection in is close-on-exec");
    is_int(peer.storage.ss_family, address.storage.ss_family, "peer");
    check_talk(fd, conn);
    check_talk(conn, fd);
    is_int(vouch_socket_delays(fd), 1, "TCP holds small pieces back");
    vouch_socket_set_delays(fd, 0);
    is_int(vouch_socket_delays(fd), 0, "unless told");
    vouch_socket_set_delays(fd, 1);
    is_int(vouch_socket_delays(fd), 1, "and again");
    check_queue(server, &address);
    (void) close(fd);
    (void) close(conn);

    fd = vouch_socket_listen(&address, 5, &err);
    is_int(fd, -1, "the port is taken");
    is_int(err.sys_errno, EADDRINUSE, "sys_errno");
    (void) close(server);
    vouch_error_clear(&err);
    fd = vouch_socket_listen(&address, 5, &err);
    ok(fd != -1, "and free again at once");
    (void) close(fd);
}

/* What is handed on: it blocks, as its next owner expects. */
static void
test_take(void)
{
    struct vouch_address address;
    struct vouch_address peer;
    int server = listen_on("127.0.0.1", 5, &address);
    int fd;
    int conn;

    is_int(vouch_socket_take(server, NULL), -1, "nobody to take");
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "is EAGAIN");
    fd = vouch_socket_connect(&address, in_ms(SOON), &err);
    is_int(vouch_socket_wait(server, VOUCH_SOCKET_READ, in_ms(SOON)), 1,
           "wait to take");
    conn = vouch_socket_take(server, &peer);
    ok(conn != -1, "a connection is taken");
    ok((fcntl(conn, F_GETFD) & FD_CLOEXEC) != 0, "it is close-on-exec");
    ok((fcntl(conn, F_GETFL) & O_NONBLOCK) == 0, "and blocking");
    is_int(peer.storage.ss_family, AF_INET, "its peer is told");
    check_talk(fd, conn);
    (void) close(fd);
    (void) close(conn);
    (void) close(server);
    is_int(vouch_socket_take(server, NULL), -1, "nothing from a closed one");
    is_int(errno, EBADF, "with the reason");
}

static void
test_refused(void)
{
    struct vouch_address address;
    char name[64];
    char want[128];
    int server = listen_on("127.0.0.1", 1, &address);

    (void) close(server);
    vouch_error_clear(&err);
    is_int(vouch_socket_connect(&address, in_ms(SOON), &err), -1,
           "nobody listens");
    is_int(err.code, VOUCH_E_SYSTEM, "code");
    is_int(err.sys_errno, ECONNREFUSED, "sys_errno");
    vouch_address_text(&address, name, sizeof(name));
    (void) snprintf(want, sizeof(want),
                    "%s: cannot connect: Connection refused", name);
    is_text(err.text, want, "text");

    memset(&address, 0, sizeof(address));
    address.storage.ss_family = 250;
    vouch_error_clear(&err);
    is_int(vouch_socket_connect(&address, in_ms(SOON), &err), -1,
           "no such family");
    is_int(vouch_socket_listen(&address, 1, NULL), -1, "nor to listen");
    ok(strncmp(err.text, "unknown: cannot connect: ", 25) == 0, "text");
}

static void
test_wait(void)
{
    int pair[2];
    int64_t before = vouch_clock_monotonic_ms();

    is_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "socketpair");
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_READ, 0), 0,
           "a deadline long past");
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_READ, -2), 0,
           "a deadline before the clock began");
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_READ, before + 30), 0,
           "a deadline soon");
    ok(vouch_clock_monotonic_ms() >= before + 30, "is kept");
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_WRITE, VOUCH_FOREVER), 1,
           "ready is ready, without a deadline");
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_READ | VOUCH_SOCKET_WRITE,
                             INT64_MAX),
           1, "either, with a deadline far off");
    (void) close(pair[1]);
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_READ, VOUCH_FOREVER), 1,
           "a closed peer is ready");
    (void) close(pair[0]);
    is_int(vouch_socket_wait(pair[0], VOUCH_SOCKET_READ, VOUCH_FOREVER), -1,
           "a closed descriptor");
    is_int(errno, EBADF, "is EBADF");
    is_int(vouch_socket_wait(-1, VOUCH_SOCKET_READ, VOUCH_FOREVER), -1,
           "no descriptor");
    is_int(errno, EBADF, "is EBADF");
}

/* The descriptors of a pair block; the functions must not. */
static void
test_never_waits(void)
{
    static char bulk[65536];
    int pair[2];
    ssize_t count = 0;
    ssize_t sum = 0;
    ssize_t got = 0;

    is_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "socketpair");
    is_int(vouch_socket_recv(pair[0], bulk, sizeof(bulk)), -1, "recv");
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "is EAGAIN");
    while ((count = vouch_socket_send(pair[0], bulk, sizeof(bulk))) > 0)
        sum += count;
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "send until EAGAIN");
    (void) close(pair[0]);
    while ((count = vouch_socket_recv(pair[1], bulk, sizeof(bulk))) > 0)
        got += count;
    is_int(count, 0, "then the end of the stream");
    is_int(got, sum, "after all that was sent");
    is_int(vouch_socket_send(pair[1], "x", 1), -1, "send to nobody");
    is_int(errno, EPIPE, "is EPIPE, and no signal");
    (void) close(pair[1]);
    is_int(vouch_socket_send(pair[1], "x", 1), -1, "send on nothing");
    is_int(vouch_socket_recv(pair[1], bulk, 1), -1, "recv on nothing");
    is_int(errno, EBADF, "is EBADF");
}

static volatile sig_atomic_t signals;

static void
count_signal(int number)
{
    (void) number;
    signals++;
}

/* A child that signals us every 5 ms until it is killed. */
static pid_t
start_nagging(void)
{
    struct sigaction action;
    pid_t parent = getpid();
    pid_t child;

    memset(&action, 0, sizeof(action));
    action.sa_handler = count_signal;
    (void) sigemptyset(&action.sa_mask);
    (void) sigaction(SIGUSR1, &action, NULL);
    signals = 0;
    child = fork();
    if (child != 0)
        return child;
    (void) alarm(WATCHDOG);
    while (getppid() == parent) {
        (void) kill(parent, SIGUSR1);
        (void) poll(NULL, 0, 5);
    }
    _exit(0);
}

static void
reap(pid_t child)
{
    (void) kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
        continue;
}

static void
test_interrupted_wait(void)
{
    int pair[2];
    pid_t child;
    int result;
    int failure;

    is_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "socketpair");
    child = start_nagging();
    result = vouch_socket_wait(pair[0], VOUCH_SOCKET_READ, VOUCH_FOREVER);
    failure = errno;
    reap(child);
    is_int(result, -1, "a signal ends the wait");
    is_int(failure, EINTR, "with EINTR");
    (void) close(pair[0]);
    (void) close(pair[1]);
}

/* Connect until the queue is full; returns how many did, all in fds. */
static int
fill_queue(const struct vouch_address *address, int fds[QUEUE_MAX])
{
    int count;

    for (count = 0; count < QUEUE_MAX; count++) {
        vouch_error_clear(&err);
        fds[count] = vouch_socket_connect(address, in_ms(150), &err);
        if (fds[count] == -1)
            break;
    }
    return count;
}

static void
close_all(const int *fds, int count)
{
    while (count-- > 0)
        (void) close(fds[count]);
}

static void
test_full_tcp(void)
{
    static int fds[QUEUE_MAX];
    struct vouch_address address;
    int server = listen_on("127.0.0.1", 1, &address);
    int count = fill_queue(&address, fds);
    int64_t before;
    pid_t child;

    ok(count < QUEUE_MAX, "a queue that nobody empties gets full");
#ifdef __linux__
    is_int(err.code, VOUCH_E_TIMEOUT, "and the deadline passes");
    is_int(err.sys_errno, ETIMEDOUT, "sys_errno");
#endif
    child = start_nagging();
    vouch_error_clear(&err);
    before = vouch_clock_monotonic_ms();
    is_int(vouch_socket_connect(&address, before + 100, &err), -1,
           "again, among signals");
    ok(vouch_clock_monotonic_ms() < before + SOON, "not for ever");
#ifdef __linux__
    ok(vouch_clock_monotonic_ms() >= before + 100, "and not too early");
    ok(signals > 0, "there were signals");
#endif
    reap(child);
    close_all(fds, count);
    (void) close(server);
}

static void
unix_address(struct vouch_address *address, const char *path)
{
    struct sockaddr_un name;

    memset(&name, 0, sizeof(name));
    name.sun_family = AF_UNIX;
    (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    memset(address, 0, sizeof(*address));
    memcpy(&address->storage, &name, sizeof(name));
    address->length = sizeof(name);
}

/* A child that accepts for ever, but not at once. */
static pid_t
start_late_server(int server)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    (void) alarm(WATCHDOG);
    (void) poll(NULL, 0, 40);
    for (;;) {
        if (vouch_socket_accept(server, NULL) == -1)
            (void) vouch_socket_wait(server, VOUCH_SOCKET_READ, VOUCH_FOREVER);
    }
}

static void
test_unix(const char *folder)
{
    static int fds[QUEUE_MAX];
    struct vouch_address address;
    char path[100];
    int server;
    int count;
    int fd;
    pid_t child;

    (void) snprintf(path, sizeof(path), "%s/socket", folder);
    unix_address(&address, path);
    vouch_error_clear(&err);
    is_int(vouch_socket_connect(&address, in_ms(SOON), &err), -1,
           "no socket file");
    is_text(err.text, "unix: cannot connect: No such file or directory",
            "text");
    vouch_error_clear(&err);
    server = vouch_socket_listen(&address, 1, &err);
    ok(server != -1, "listen on a UNIX address");
    check_modes(server, "it is close-on-exec");
    is_int(vouch_socket_delays(server), 0, "it holds nothing back");
    vouch_socket_set_delays(server, 0);
    count = fill_queue(&address, fds);
    ok(count > 0 && count < QUEUE_MAX, "its queue gets full");
#ifdef __linux__
    is_int(err.code, VOUCH_E_TIMEOUT, "and the deadline passes");
    child = start_late_server(server);
    vouch_error_clear(&err);
    fd = vouch_socket_connect(&address, in_ms(SOON), &err);
    ok(fd != -1, "a queue that gets room within the deadline");
    (void) close(fd);
    reap(child);
#else
    (void) child;
    (void) fd;
#endif
    close_all(fds, count);
    (void) close(server);
    is_int(unlink(path), 0, "unlink");
}

int
main(void)
{
    char folder[] = "/tmp/vouch-net-XXXXXX";

    (void) alarm(WATCHDOG);
    if (mkdtemp(folder) == NULL)
        return 1;
    test_tcp("127.0.0.1");
    test_tcp("::1");
    test_take();
    test_refused();
    test_wait();
    test_never_waits();
    test_interrupted_wait();
    test_full_tcp();
    test_unix(folder);
    is_int(rmdir(folder), 0, "nothing is left");
    return tap_done();
}
