/*
 * Stream sockets that never block and never raise SIGPIPE.
 *
 * Not TLS, and not names: an address is resolved before it comes here.
 */

/* accept4, MSG_DONTWAIT and SO_NOSIGPIPE are hidden by _POSIX_C_SOURCE on
 * some systems; each has its own word to bring them back. */
#include "net/system.h"

#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"

#define MOVE_MAX ((size_t) 1 << 30) /* some systems refuse INT_MAX */
#define BUSY_PAUSE_MS 10            /* between tries at a full UNIX queue */
#define NAME_SIZE 320               /* an address as text */

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#else
#define SEND_FLAGS MSG_DONTWAIT
#endif

/* Milliseconds until the deadline, as poll(2) wants them. */
static int
time_left(int64_t deadline_ms)
{
    int64_t now;

    if (deadline_ms == VOUCH_FOREVER)
        return -1;
    now = vouch_clock_monotonic_ms();
    if (deadline_ms <= now)
        return 0;
    return deadline_ms - now < INT_MAX ? (int) (deadline_ms - now) : INT_MAX;
}

int
vouch_socket_wait(int fd, int events, int64_t deadline_ms)
{
    struct pollfd item;
    int timeout;
    int ready;

    memset(&item, 0, sizeof(item));
    item.fd = fd;
    if (events & VOUCH_SOCKET_READ)
        item.events |= POLLIN;
    if (events & VOUCH_SOCKET_WRITE)
        item.events |= POLLOUT;
    /* poll(2) passes over negative descriptors: it would wait for nothing. */
    if (fd < 0) {
        errno = EBADF;
        return -1;
    }
    do {
        timeout = time_left(deadline_ms);
        ready = poll(&item, 1, timeout);
    } while (ready == 0 && timeout != 0);
    if (ready > 0 && (item.revents & POLLNVAL)) {
        errno = EBADF;
        return -1;
    }
    return ready;
}

int
vouch_socket_delays(int fd)
{
    int off = 0;
    socklen_t length = sizeof(off);

    return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &off, &length) == 0
           && !off;
}

void
vouch_socket_set_delays(int fd, int on)
{
    int off = !on;

    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof(off));
}

void
vouch_socket_set_queue(int fd, int bytes)
{
#ifdef TCP_NOTSENT_LOWAT
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
                      sizeof(bytes));
#else
    (void) fd;
    (void) bytes;
#endif
}

void
vouch_socket_set_keepalive(int fd, int idle_s, int interval_s, int probes)
{
    int on = 1;

    (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
#ifdef TCP_KEEPIDLE
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
#endif
#ifdef TCP_KEEPINTVL
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s,
                      sizeof(interval_s));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
#endif
#ifdef TCP_USER_TIMEOUT
    {
        int64_t all_ms = ((int64_t) interval_s * probes + idle_s) * 1000;
        unsigned limit = all_ms > INT_MAX ? INT_MAX : (unsigned) all_ms;

        if (all_ms > 0)
            (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit,
                              sizeof(limit));
    }
#endif
}

ssize_t
vouch_socket_recv(int fd, void *data, size_t length)
{
    ssize_t count;

    if (length > MOVE_MAX)
        length = MOVE_MAX;
    do {
        count = recv(fd, data, length, MSG_DONTWAIT);
    } while (count == -1 && errno == EINTR);
    return count;
}

int
vouch_socket_has_input(int fd)
{
    char byte;
    ssize_t count;

    do {
        count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    } while (count == -1 && errno == EINTR);
    return count != -1 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Where send(2) has no flag against SIGPIPE, the socket has an option. */
static void
no_sigpipe(int fd)
{
#if !defined(MSG_NOSIGNAL) && defined(SO_NOSIGPIPE)
    int on = 1;

    (void) setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#else
    (void) fd;
#endif
}

ssize_t
vouch_socket_send(int fd, const void *data, size_t length)
{
    ssize_t count;

    if (length > MOVE_MAX)
        length = MOVE_MAX;
    no_sigpipe(fd);
    do {
        count = send(fd, data, length, SEND_FLAGS);
    } while (count == -1 && errno == EINTR);
    return count;
}

/* close(2) that leaves errno alone. */
static void
close_quietly(int fd)
{
    int saved = errno;

    (void) close(fd);
    errno = saved;
}

/* Close-on-exec and non-blocking.  0, or -1 with errno. */
static int
set_modes(int fd)
{
    int flags;

    flags = fcntl(fd, F_GETFD);
    if (flags == -1 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == -1)
        return -1;
    flags = fcntl(fd, F_GETFL);
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return -1;
    return 0;
}

int
vouch_socket_open(int family, int type)
{
    int fd;

    fd = socket(family, type, 0);
    if (fd == -1)
        return -1;
    if (set_modes(fd) != 0) {
        close_quietly(fd);
        return -1;
    }
    return fd;
}

/* A new stream socket for an address: descriptor, or -1 with errno. */
static int
open_socket(const struct vouch_address *address)
{
    return vouch_socket_open(address->storage.ss_family, SOCK_STREAM);
}

/* A server that starts again must get its port back at once, and "::" must
 * not take the port of "0.0.0.0", on which some systems differ. */
static int
set_listen_options(int fd, int family)
{
    int on = 1;

    if (family != AF_INET && family != AF_INET6)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return -1;
    if (family != AF_INET6)
        return 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
}

/* Record what could not be done with which address.  Returns -1. */
static int
cannot(const struct vouch_address *address, const char *verb, int sys_errno,
       struct vouch_error *err)
{
    char name[NAME_SIZE];

    vouch_address_text(address, name, sizeof(name));
    return vouch_error_set_sys(err, VOUCH_E_SYSTEM, sys_errno, "%s: cannot %s",
                               name, verb);
}

int
vouch_socket_listen(const struct vouch_address *address, int backlog,
                    struct vouch_error *err)
{
    const struct sockaddr *name = (const struct sockaddr *) &address->storage;
    int fd;

    fd = open_socket(address);
    if (fd == -1)
        return cannot(address, "listen", errno, err);
    if (set_listen_options(fd, address->storage.ss_family) != 0
        || bind(fd, name, address->length) != 0 || listen(fd, backlog) != 0) {
        (void) cannot(address, "listen", errno, err);
        (void) close(fd);
        return -1;
    }
    return fd;
}

int
vouch_socket_accept(int fd, struct vouch_address *peer_r)
{
    struct vouch_address peer;
    int conn;

    /* A peer that has gone while it queued is no reason to stop. */
    do {
        memset(&peer, 0, sizeof(peer));
        peer.length = sizeof(peer.storage);
        conn = accept(fd, (struct sockaddr *) &peer.storage, &peer.length);
    } while (conn == -1
             && (errno == EINTR || errno == ECONNABORTED || errno == EPROTO));
    if (conn == -1)
        return -1;
    if (set_modes(conn) != 0) {
        close_quietly(conn);
        return -1;
    }
    if (peer.length > sizeof(peer.storage))
        peer.length = sizeof(peer.storage);
    if (peer_r != NULL)
        *peer_r = peer;
    return conn;
}

/* accept(2) for a descriptor that is close-on-exec and blocking: in one call
 * where the system can. */
static int
take(int fd, struct sockaddr *peer, socklen_t *length)
{
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
    return accept4(fd, peer, length, SOCK_CLOEXEC);
#else
    int conn = accept(fd, peer, length);
    int flags;

    if (conn == -1)
        return -1;
    flags = fcntl(conn, F_GETFL); /* the BSDs hand on O_NONBLOCK */
    if (fcntl(conn, F_SETFD, FD_CLOEXEC) == -1 || flags == -1
        || fcntl(conn, F_SETFL, flags & ~O_NONBLOCK) == -1) {
        close_quietly(conn);
        return -1;
    }
    return conn;
#endif
}

int
vouch_socket_take(int fd, struct vouch_address *peer_r)
{
    struct vouch_address peer;
    int conn;

    do {
        memset(&peer, 0, sizeof(peer));
        peer.length = sizeof(peer.storage);
        conn = take(fd, (struct sockaddr *) &peer.storage, &peer.length);
    } while (conn == -1 && errno == EINTR);
    if (conn == -1)
        return -1;
    if (peer.length > sizeof(peer.storage))
        peer.length = sizeof(peer.storage);
    if (peer_r != NULL)
        *peer_r = peer;
    return conn;
}

/*
 * Start to connect.  1 connected, 0 under way, -1 with errno.  A full queue
 * of a UNIX listener says EAGAIN, and no event tells when it has room: the
 * only way is to try again.
 */
static int
start_connect(int fd, const struct vouch_address *address, int64_t deadline_ms)
{
    const struct sockaddr *name = (const struct sockaddr *) &address->storage;
    int pause;

    for (;;) {
        if (connect(fd, name, address->length) == 0)
            return 1;
        if (errno == EINPROGRESS || errno == EINTR)
            return 0;
        if (errno != EAGAIN || address->storage.ss_family != AF_UNIX)
            return -1;
        pause = time_left(deadline_ms);
        if (pause == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (pause < 0 || pause > BUSY_PAUSE_MS)
            pause = BUSY_PAUSE_MS;
        (void) poll(NULL, 0, pause);
    }
}

/* Wait for a connect under way.  0, or -1 with errno. */
static int
finish_connect(int fd, int64_t deadline_ms)
{
    int failure = 0;
    socklen_t length = sizeof(failure);
    int ready;

    do {
        ready = vouch_socket_wait(fd, VOUCH_SOCKET_WRITE, deadline_ms);
    } while (ready == -1 && errno == EINTR);
    if (ready == -1)
        return -1;
    if (ready == 0)
        failure = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0)
        return -1;
    errno = failure;
    return failure == 0 ? 0 : -1;
}

/* Record why a connect failed.  Returns -1. */
static int
not_connected(const struct vouch_address *address, int sys_errno,
              struct vouch_error *err)
{
    char name[NAME_SIZE];

    if (sys_errno != ETIMEDOUT)
        return cannot(address, "connect", sys_errno, err);
    vouch_address_text(address, name, sizeof(name));
    return vouch_error_set_sys(err, VOUCH_E_TIMEOUT, sys_errno,
                               "%s: cannot connect", name);
}

int
vouch_socket_begin_connect(const struct vouch_address *address,
                           int64_t deadline_ms, struct vouch_error *err)
{
    int fd;

    fd = open_socket(address);
    if (fd == -1)
        return cannot(address, "connect", errno, err);
    if (start_connect(fd, address, deadline_ms) == -1) {
        (void) not_connected(address, errno, err);
        (void) close(fd);
        return -1;
    }
    return fd;
}

int
vouch_socket_end_connect(int fd, const struct vouch_address *address,
                         struct vouch_error *err)
{
    int failure = 0;
    socklen_t length = sizeof(failure);
    int ready;

    ready = vouch_socket_wait(fd, VOUCH_SOCKET_WRITE, 0);
    if (ready == 0 || (ready == -1 && errno == EINTR))
        return 0;
    if (ready == -1
        || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0)
        failure = errno;
    return failure == 0 ? 1 : not_connected(address, failure, err);
}

int
vouch_socket_connect(const struct vouch_address *address, int64_t deadline_ms,
                     struct vouch_error *err)
{
    int fd;

    fd = vouch_socket_begin_connect(address, deadline_ms, err);
    if (fd == -1)
        return -1;
    if (finish_connect(fd, deadline_ms) != 0) {
        (void) not_connected(address, errno, err);
        (void) close(fd);
        return -1;
    }
    return fd;
}
