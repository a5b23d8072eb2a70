/*
 * Stream sockets: listen, connect, wait, send, receive.
 *
 * Descriptors made here are close-on-exec, and non-blocking unless told
 * otherwise.  Nothing here raises SIGPIPE.  Only vouch_socket_wait() and vouch_socket_connect() wait,
 * and both have a deadline.
 */
#ifndef VOUCH_NET_SOCKET_H
#define VOUCH_NET_SOCKET_H

#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

struct vouch_address;
struct vouch_error;

enum vouch_socket_event { VOUCH_SOCKET_READ = 1, VOUCH_SOCKET_WRITE = 2 };

/* No deadline. */
#define VOUCH_FOREVER INT64_C(-1)

/*
 * Wait until the descriptor is ready for one of the events (it also is when
 * it has failed or was closed by the peer), or until the monotonic clock
 * reaches deadline_ms.  1 ready, 0 the deadline has passed, -1 with errno;
 * EINTR is handed to the caller, who may have signals to look after.
 */
int vouch_socket_wait(int fd, int events, int64_t deadline_ms);

/*
 * Whether TCP holds a small piece back until the one before it has been
 * acknowledged, which may take 40 ms: 1 or 0, and 0 for a socket of another
 * kind.  And switch it.
 */
int vouch_socket_delays(int fd);
void vouch_socket_set_delays(int fd, int on);

/*
 * Take no more for sending while so many bytes have not left yet, where the
 * system can: else megabytes may wait for a slow peer, and whether it takes
 * any shows only when a good part of them has gone.  No harm to a socket of
 * another kind.
 */
void vouch_socket_set_queue(int fd, int bytes);

/*
 * Let TCP find out that the peer has vanished: it is asked after so many
 * seconds of silence, then every interval seconds, so many times; where the
 * system can, what was sent gets no longer than that to arrive either.  No
 * harm to a socket of another kind.
 */
void vouch_socket_set_keepalive(int fd, int idle_s, int interval_s,
                                int probes);

/*
 * recv(2) and send(2) that never wait, whatever the mode of the descriptor,
 * and never raise SIGPIPE; interrupted calls are repeated.  As recv and
 * send: count, 0 for end of stream, -1 with errno (EAGAIN: not now).
 */
ssize_t vouch_socket_recv(int fd, void *data, size_t length);
ssize_t vouch_socket_send(int fd, const void *data, size_t length);

/* 1 if a read would not have to wait: bytes, the end, or an error; else 0. */
int vouch_socket_has_input(int fd);

/* A new socket of this family and type, close-on-exec and non-blocking:
 * descriptor, or -1 with errno. */
int vouch_socket_open(int family, int type);

/*
 * Listen on an address; backlog as in listen(2).  An IPv6 address takes IPv6
 * connections only, so "::" and "0.0.0.0" can be listened on side by side.
 * Descriptor or -1.
 */
int vouch_socket_listen(const struct vouch_address *address, int backlog,
                        struct vouch_error *err);

/* Accept one connection: descriptor, or -1 with errno (EAGAIN: none).
 * *peer_r is set unless NULL. */
int vouch_socket_accept(int fd, struct vouch_address *peer_r);

/*
 * The same for a caller that minds each failure (ECONNABORTED, EMFILE) and
 * hands the descriptor on: it is close-on-exec and in blocking mode.  Does
 * not wait if fd is non-blocking.
 */
int vouch_socket_take(int fd, struct vouch_address *peer_r);

/*
 * Connect by the monotonic deadline; signals do not end the wait.
 * Descriptor, or -1 with VOUCH_E_TIMEOUT or VOUCH_E_SYSTEM.
 */
int vouch_socket_connect(const struct vouch_address *address,
                         int64_t deadline_ms, struct vouch_error *err);

/*
 * The same without waiting.  A descriptor, or -1 with VOUCH_E_SYSTEM; when
 * it is writable, vouch_socket_end_connect() says how it went: 1 connected,
 * 0 not yet, -1.  Only a unix listener whose queue is full is waited for, up
 * to the monotonic deadline, as no event tells when it has room.
 */
int vouch_socket_begin_connect(const struct vouch_address *address,
                               int64_t deadline_ms, struct vouch_error *err);
int vouch_socket_end_connect(int fd, const struct vouch_address *address,
                             struct vouch_error *err);

#endif
