/*
 * tls/listener: too many handshakes, connections, and descriptors.
 */
#include "tls_listener.h"

static void
test_handshake_limit(void)
{
    int fds[3];
    int i;

    begin(2, 0, 0, SOON);
    for (i = 0; i < 3; i++)
        fds[i] = connect_tcp();
    is_int(next_by(in_ms(50)), VOUCH_LISTENER_IDLE, "three silent clients");
    is_int(stats().accepted, 2, "two are let in, the third waits");
    ok(vouch_listener_timeout(listener) <= VOUCH_LISTENER_PATIENCE,
       "until the others have had their time");
    (void) close(fds[0]);
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "one goes");
    is_int(next_by(in_ms(50)), VOUCH_LISTENER_IDLE, "its place");
    is_int(stats().accepted, 3, "is taken by the third");
    fds[0] = connect_tcp();
    is_int(next_by(in_ms(20)), VOUCH_LISTENER_IDLE, "a fourth has to wait");
    listener->first->started -= VOUCH_LISTENER_PATIENCE;
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED,
           "who has had time enough makes room");
    is_int(event.what, VOUCH_FAILED_DISPLACED, "which is told");
    is_int(event.error.code, VOUCH_E_LIMIT, "as a limit");
    is_int(next_by(in_ms(20)), VOUCH_LISTENER_IDLE, "the fourth");
    is_int(stats().accepted, 4, "is let in");
    is_int(stats().displaced, 1, "for one");
    for (i = 0; i < 3; i++)
        (void) close(fds[i]);
    end();
}

static void
test_address_limit(void)
{
    int first;
    int second;

    begin(10, 1, 0, SOON);
    first = connect_tcp();
    second = connect_tcp();
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED,
           "a second client from one address");
    is_int(event.what, VOUCH_FAILED_REFUSED, "is refused");
    is_text(event.error.text, "this address has 1 connections already",
            "with the reason");
    is_int(stats().refused, 1, "and counted");
    (void) close(first);
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "the first goes");
    (void) close(second);
    serve_one("then another is served");
    serve_one("and another");
    end();
}

/* Whether an event loop that watches the listener is woken now; -1 where
 * there is nothing to watch. */
static int
is_woken(int64_t deadline)
{
    int fd = vouch_listener_fd(listener);

    return fd == -1 ? -1 : vouch_socket_wait(fd, VOUCH_SOCKET_READ, deadline);
}

static void
test_total_limit(void)
{
    struct vouch_conn *client;
    struct vouch_conn *next;
    struct vouch_listener_event one;
    int fd;
    int later;

    begin(10, 0, 1, SOON);
    fd = connect_tcp();
    client = client_on(fd);
    is_int(next_with(client), VOUCH_LISTENER_READY, "one connection is open");
    one = event;
    later = connect_tcp();
    next = client_on(later);
    (void) vouch_conn_handshake(next);
    is_int(next_by(in_ms(30)), VOUCH_LISTENER_IDLE, "a second has to wait");
    is_int(stats().accepted, 1, "outside");
    is_int(vouch_listener_timeout(listener), -1, "no timer is needed");
    ok(is_woken(in_ms(0)) <= 0, "an event loop does not spin");
    event = one;
    drop_event();
    ok(is_woken(in_ms(SOON)) != 0, "the end of the first wakes it");
    is_int(next_with(next), VOUCH_LISTENER_READY, "the second is served");
    vouch_listener_free(listener);
    drop_event();
    ok(1, "a seat may outlive its listener");
    vouch_conn_free(client);
    vouch_conn_free(next);
    (void) close(fd);
    (void) close(later);
    (void) close(listening);
}

/* In a child: no descriptor left, then one again. */
static int
exhaust(void)
{
    struct rlimit limit;
    int64_t start;
    int fd = connect_tcp();
    struct vouch_conn *client = client_on(fd);
    int first = dup(fd);
    int second = dup(fd);

    if (next_by(in_ms(0)) == VOUCH_LISTENER_READY)
        return 1;
    vouch_conn_free(client);
    if (second == -1 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 2;
    limit.rlim_cur = (rlim_t) second + 1;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 3;
    while (dup(fd) != -1)
        ;
    /* One is free: enough to connect, not enough to accept. */
    (void) close(first);
    fd = connect_tcp();
    if (next_by(in_ms(SOON)) != VOUCH_LISTENER_FAILED
        || event.what != VOUCH_FAILED_SYSTEM
        || event.error.sys_errno != EMFILE)
        return 4;
    start = vouch_clock_monotonic_ms();
    if (next_by(in_ms(60)) != VOUCH_LISTENER_IDLE)
        return 5;
    if (vouch_clock_monotonic_ms() - start < 60)
        return 6;
    if (stats().exhausted != 1)
        return 7;
    (void) close(second);
    client = client_on(fd);
    if (next_with(client) != VOUCH_LISTENER_READY)
        return 8;
    drop_event();
    vouch_conn_free(client);
    return 0;
}

static void
test_exhausted(void)
{
    const char *tool = getenv("VOUCH_TEST_TOOL");

    if (tool != NULL && strcmp(tool, "valgrind") == 0) {
        ok(1, "no descriptor left # skip: valgrind keeps some for itself");
        return;
    }
    begin(10, 0, 0, SOON);
    is_int(in_child(exhaust), 0,
           "no descriptor left is told once, and survived");
    end();
}

int
main(void)
{
    set_up();
    test_handshake_limit();
    test_address_limit();
    test_total_limit();
    test_exhausted();
    tear_down();
    return tap_done();
}
