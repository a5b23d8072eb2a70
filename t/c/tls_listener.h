/*
 * A listener and clients of it, which take turns in one process: for the
 * tests of tls/listener.
 */
#ifndef VOUCH_TEST_TLS_LISTENER_H
#define VOUCH_TEST_TLS_LISTENER_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/address.h"
#include "net/socket.h"
#include "tls/listener_private.h"
#include "tls_pair.h"

#define WATCHDOG 60 /* seconds for the whole program */
#define SOON 10000  /* milliseconds that nothing here takes */

static struct vouch_config *server_config;
static struct vouch_config *client_config;
static struct vouch_address address;
static int listening = -1;
static struct vouch_listener *listener;
static struct vouch_listener_event event;

static inline int64_t
in_ms(int64_t ms)
{
    return vouch_clock_monotonic_ms() + ms;
}

static inline void
begin(size_t handshakes, size_t per_address, size_t connections,
      int64_t timeout_ms)
{
    struct vouch_listener_limits limits = {handshakes, per_address,
                                           connections, timeout_ms};
    struct vouch_error err;

    vouch_error_clear(&err);
    pki_need(vouch_address_resolve("127.0.0.1", "0", &address, 1, &err) == 1,
             err.text);
    listening = vouch_socket_listen(&address, 128, &err);
    address.length = sizeof(address.storage);
    pki_need(listening != -1
                 && getsockname(listening,
                                (struct sockaddr *) &address.storage,
                                &address.length)
                        == 0,
             "a listening socket");
    pki_need(vouch_listener_new(listening, &limits, NULL, &listener, &err)
                 == 0,
             err.text);
}

static inline void
end(void)
{
    vouch_listener_free(listener);
    (void) close(listening);
}

static inline int
connect_tcp(void)
{
    struct vouch_error err;
    int fd;

    vouch_error_clear(&err);
    fd = vouch_socket_connect(&address, in_ms(SOON), &err);
    pki_need(fd != -1, err.text);
    return fd;
}

static inline struct vouch_conn *
client_on(int fd)
{
    struct vouch_conn *conn = NULL;

    pki_need(vouch_conn_new(client_config, fd, &conn, &pair_err) == 0,
             pair_err.text);
    return conn;
}

/* Let the listener work until it tells something, or has nothing to do by
 * the deadline. */
static inline enum vouch_listener_outcome
next_by(int64_t deadline)
{
    enum vouch_listener_outcome outcome;
    int result = 1;

    for (;;) {
        do {
            outcome = vouch_listener_next(listener, server_config, &event);
        } while (outcome == VOUCH_LISTENER_WORKED);
        if (outcome != VOUCH_LISTENER_IDLE || result != 1)
            return outcome;
        result = vouch_listener_wait(listener, deadline);
    }
}

/* The same, while a client goes on with its handshake. */
static inline enum vouch_listener_outcome
next_with(struct vouch_conn *client)
{
    int64_t deadline = in_ms(SOON);
    enum vouch_listener_outcome outcome = VOUCH_LISTENER_IDLE;

    while (outcome == VOUCH_LISTENER_IDLE
           && vouch_clock_monotonic_ms() < deadline) {
        (void) vouch_conn_handshake(client);
        outcome = next_by(in_ms(5));
    }
    return outcome;
}

/* Free what was handed out. */
static inline void
drop_event(void)
{
    vouch_conn_free(event.conn);
    vouch_seat_free(event.seat);
    (void) close(event.fd);
}

/* A whole connection. */
static inline void
serve_one(const char *name)
{
    int fd = connect_tcp();
    struct vouch_conn *client = client_on(fd);

    is_int(next_with(client), VOUCH_LISTENER_READY, name);
    drop_event();
    vouch_conn_free(client);
    (void) close(fd);
}

/* Send a line, and read it at the other end: 1 if it arrived. */
static inline int
say(struct vouch_conn *from, struct vouch_conn *to, int fd)
{
    char got[8];
    ssize_t count;

    if (vouch_conn_write(from, "hello\n", 6) != 6)
        return 0;
    do {
        count = vouch_conn_read(to, got, sizeof(got));
    } while (count == VOUCH_WANT_READ
             && vouch_socket_wait(fd, VOUCH_SOCKET_READ, in_ms(SOON)) == 1);
    return count == 6 && memcmp(got, "hello\n", 6) == 0;
}

static inline struct vouch_listener_stats
stats(void)
{
    struct vouch_listener_stats now;

    vouch_listener_stats(listener, &now);
    return now;
}

/* Run a function in a child; what it returned. */
static inline int
in_child(int (*function)(void))
{
    int status = -1;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    pki_need(pid != -1, "a child");
    if (pid == 0) {
        (void) alarm(WATCHDOG);
        _Exit(function());
    }
    pki_need(waitpid(pid, &status, 0) == pid, "its status");
    return status;
}

static struct vouch_identity *server_identity;

static inline void
set_up(void)
{
    (void) alarm(WATCHDOG);
    (void) signal(SIGPIPE, SIG_IGN);
    server_identity = pair_identity("server", NULL);
    server_config =
        pair_config(VOUCH_SERVER, server_identity, VOUCH_VERIFY_NONE);
    client_config = pair_config(VOUCH_CLIENT, NULL, VOUCH_VERIFY_NONE);
}

static inline void
tear_down(void)
{
    vouch_config_free(server_config);
    vouch_config_free(client_config);
    vouch_identity_free(server_identity);
}

#endif
