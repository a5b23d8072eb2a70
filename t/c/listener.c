/*
 * tls/listener: many handshakes, slow peers, limits, fork.
 *
 * Clients and listener take turns in this one process.
 */
#include "tls_listener.h"

#define CROWD 50 /* silent clients */

static void
test_ready(void)
{
    struct vouch_address ours;
    char want[64];
    char got[64];
    struct vouch_conn *client;
    int fd;

    begin(10, 0, 0, SOON);
    ok((fcntl(listening, F_GETFL) & O_NONBLOCK) != 0,
       "the listening descriptor does not block");
    is_int(next_by(in_ms(0)), VOUCH_LISTENER_IDLE, "nobody is there");
    fd = connect_tcp();
    client = client_on(fd);
    ours.length = sizeof(ours.storage);
    (void) getsockname(fd, (struct sockaddr *) &ours.storage, &ours.length);
    is_int(next_with(client), VOUCH_LISTENER_READY, "a client becomes ready");
    vouch_address_text(&event.peer, got, sizeof(got));
    vouch_address_text(&ours, want, sizeof(want));
    is_text(got, want, "its address is told");
    ok((fcntl(event.fd, F_GETFD) & FD_CLOEXEC) != 0,
       "its descriptor is close-on-exec");
    ok((fcntl(event.fd, F_GETFL) & O_NONBLOCK) == 0, "and blocking");
    is_int(vouch_conn_is_ready(event.conn), 1, "the handshake is done");
    is_int(stats().accepted, 1, "accepted one");
    is_int(stats().ready, 1, "of which one is ready");
    is_int(stats().pending, 0, "none is under way");
    is_int(stats().open, 1, "and one is open");
    (void) vouch_conn_handshake(client);
    ok(say(event.conn, client, fd), "bytes go out");
    ok(say(client, event.conn, event.fd), "and come in");
    drop_event();
    is_int(stats().open, 0, "none is open when it is closed");
    vouch_conn_free(client);
    (void) close(fd);
    end();
}

static void
test_crowd(void)
{
    int fds[CROWD];
    int i;

    begin(CROWD + 10, 0, 0, SOON);
    for (i = 0; i < CROWD; i++)
        fds[i] = connect_tcp();
    serve_one("a client is served among silent ones");
    is_int(vouch_listener_pending(listener), CROWD, "who are all under way");
    for (i = 0; i < CROWD; i++)
        (void) close(fds[i]);
    for (i = 0; next_by(in_ms(100)) == VOUCH_LISTENER_FAILED; i++)
        ;
    is_int(i, CROWD, "each that goes is told as failed");
    is_int(stats().failed, CROWD, "and counted");
    is_int(vouch_listener_pending(listener), 0, "none is left");
    end();
}

static void
test_timeout(void)
{
    int64_t start = vouch_clock_monotonic_ms();
    int first;
    int second;

    begin(10, 0, 0, 40);
    is_int(vouch_listener_timeout(listener), -1, "no deadline to begin with");
    first = connect_tcp();
    is_int(next_by(in_ms(0)), VOUCH_LISTENER_IDLE, "a silent client");
    ok(vouch_listener_timeout(listener) >= 0
           && vouch_listener_timeout(listener) <= 40,
       "has a deadline");
    second = connect_tcp();
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "at it, it fails");
    is_int(event.what, VOUCH_FAILED_TIMEOUT, "for the time");
    is_int(event.error.code, VOUCH_E_TIMEOUT, "the error says so");
    is_text(event.error.text, "no handshake within 0.04 seconds",
            "and how long it was");
    ok(vouch_clock_monotonic_ms() - start >= 40, "not before its time");
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "another has its own");
    is_int(stats().timed_out, 2, "both are counted");
    is_int(vouch_socket_wait(first, VOUCH_SOCKET_READ, in_ms(SOON)), 1,
           "the client sees the end");
    (void) close(first);
    (void) close(second);
    end();
}

/* A caller that is busy elsewhere does not cost the clients their time. */
static void
test_excuse(void)
{
    int fd;

    begin(10, 0, 0, 60);
    fd = connect_tcp();
    is_int(next_by(in_ms(5)), VOUCH_LISTENER_IDLE, "a silent client");
    is_int(vouch_listener_pending(listener), 1, "is under way");
    (void) poll(NULL, 0, 80);
    vouch_listener_excuse(listener);
    is_int(next_by(in_ms(0)), VOUCH_LISTENER_IDLE,
           "the caller was away: the client still has time");
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "but not for ever");
    (void) close(fd);
    end();
}

static void
test_garbage(void)
{
    struct vouch_conn *client;
    int fd;

    begin(10, 0, 0, SOON);
    fd = connect_tcp();
    (void) vouch_socket_send(fd, "GET / HTTP/1.0\r\n\r\n", 18);
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "plain text fails");
    is_int(event.what, VOUCH_FAILED_HANDSHAKE, "as a handshake");
    ok(strstr(event.error.text, "http request") != NULL,
       "the error tells why");
    is_text(event.why.server_name, "", "no name was asked for");
    (void) close(fd);

    fd = connect_tcp();
    client = client_on(fd);
    (void) vouch_conn_set_server_name(client, "host.example");
    (void) vouch_conn_handshake(client);
    is_int(next_by(in_ms(50)), VOUCH_LISTENER_IDLE, "a client has begun");
    (void) close(fd);
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED, "and goes away");
    is_text(event.why.server_name, "host.example", "the name it asked for");
    is_text(vouch_cause_name(event.why.cause), "reset", "the cause");
    ok(event.peer.length > 0, "and its address are told");
    is_int(stats().failed, 2, "both are counted");
    vouch_conn_free(client);
    serve_one("others are served");
    end();
}

static void
test_stop(void)
{
    int pair[2];
    int fd;

    begin(10, 0, 0, SOON);
    fd = connect_tcp();
    (void) next_by(in_ms(20));
    vouch_listener_stop(listener);
    is_int(vouch_listener_wait(listener, in_ms(SOON)), -1,
           "a stopped listener does not wait");
    is_int(errno, EBADF, "but says why");
    is_int(vouch_listener_fd(listener), -1, "it has no descriptor");
    is_int(vouch_listener_timeout(listener), -1, "and no deadline");
    is_int(vouch_listener_next(listener, server_config, &event),
           VOUCH_LISTENER_IDLE, "nothing to do");
    is_int(vouch_socket_wait(fd, VOUCH_SOCKET_READ, in_ms(SOON)), 1,
           "who was under way sees the end");
    is_int(fcntl(listening, F_GETFD) != -1, 1,
           "the descriptor is the owner's");
    (void) close(fd);
    end();

    begin(10, 0, 0, SOON);
    (void) close(listening);
    pki_need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    pki_need(dup2(pair[0], listening) == listening, "dup2");
    pki_need(write(pair[1], "x", 1) == 1, "write");
    is_int(next_by(in_ms(SOON)), VOUCH_LISTENER_FAILED,
           "what is no listening socket");
    is_int(event.what, VOUCH_FAILED_SYSTEM, "is told");
    is_int(vouch_listener_wait(listener, in_ms(SOON)), -1, "and stops");
    (void) close(pair[0]);
    (void) close(pair[1]);
    end();
}

/* In a child: the parent's listener works, and its handshakes are not
 * ours. */
static int
use_in_child(void)
{
    struct vouch_conn *client;
    int fd;
    int i;

    if (vouch_listener_pending(listener) != 0)
        return 1;
    for (i = 0; i < 3; i++) {
        fd = connect_tcp();
        client = client_on(fd);
        if (next_with(client) != VOUCH_LISTENER_READY)
            return 2;
        drop_event();
        vouch_conn_free(client);
        (void) close(fd);
    }
    vouch_listener_free(listener);
    return 0;
}

static int
free_in_child(void)
{
    vouch_listener_free(listener);
    return 0;
}

static void
test_fork(void)
{
    int fd;
    struct vouch_conn *client;

    begin(10, 0, 0, SOON);
    fd = connect_tcp();
    client = client_on(fd);
    (void) vouch_conn_handshake(client);
    (void) next_by(in_ms(50));
    is_int(vouch_listener_pending(listener), 1, "a handshake is under way");
    is_int(in_child(use_in_child), 0, "a child accepts by itself");
    is_int(in_child(free_in_child), 0, "another frees its copy");
    is_int(vouch_listener_pending(listener), 1, "the parent's goes on");
    is_int(next_with(client), VOUCH_LISTENER_READY, "and is done");
    drop_event();
    vouch_conn_free(client);
    (void) close(fd);
    serve_one("the parent accepts others");
    end();
}

/* A callback that stops the listener it runs for. */
static int
stop_it(const struct vouch_verify *verify, void *arg)
{
    (void) verify;
    (void) arg;
    vouch_listener_stop(listener);
    return 1;
}

static void
test_stop_in_callback(void)
{
    struct vouch_identity *identity = pair_identity("server", NULL);
    struct vouch_config *asking =
        pair_config(VOUCH_SERVER, identity, VOUCH_VERIFY_PEER);
    struct vouch_config *showing =
        pair_config(VOUCH_CLIENT, identity, VOUCH_VERIFY_NONE);
    struct vouch_config *before[2];
    struct vouch_conn *client;
    int fd;

    pki_need(vouch_config_set_verify_callback(asking, stop_it, &pair_err) == 0,
             pair_err.text);
    before[0] = server_config;
    before[1] = client_config;
    server_config = asking;
    client_config = showing;
    begin(10, 0, 0, SOON);
    fd = connect_tcp();
    client = client_on(fd);
    is_int(next_with(client), VOUCH_LISTENER_READY,
           "a callback may stop the listener: its connection is done");
    drop_event();
    is_int(vouch_listener_wait(listener, in_ms(SOON)), -1, "it has stopped");
    vouch_conn_free(client);
    (void) close(fd);
    end();
    server_config = before[0];
    client_config = before[1];
    vouch_config_free(asking);
    vouch_config_free(showing);
    vouch_identity_free(identity);
}

static void
test_arguments(void)
{
    struct vouch_listener_limits limits = {0, 0, 0, SOON};
    struct vouch_listener *none = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    is_int(vouch_listener_new(-1, &limits, NULL, &none, &err), -1,
           "-1 is no descriptor");
    is_int(err.code, VOUCH_E_ARGUMENT, "which is the argument's fault");
    begin(1, 0, 0, SOON);
    vouch_error_clear(&err);
    is_int(vouch_listener_new(listening, &limits, NULL, &none, &err), -1,
           "no handshake at all is refused");
    ok(none == NULL, "nothing is made");
    end();
    vouch_listener_free(NULL);
    vouch_seat_free(NULL);
    is_text(vouch_listener_failure_name(VOUCH_FAILED_DISPLACED), "displaced",
            "failures have names");
    is_text(vouch_listener_failure_name((enum vouch_listener_failure) 99),
            "unknown", "numbers that are none too");
}

int
main(void)
{
    set_up();
    test_ready();
    test_crowd();
    test_timeout();
    test_excuse();
    test_garbage();
    test_stop();
    test_stop_in_callback();
    test_fork();
    test_arguments();
    tear_down();
    return tap_done();
}
