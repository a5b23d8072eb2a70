/*
 * One TLS connection over a descriptor, or over functions of the caller.
 *
 * It never waits, whatever the mode of the descriptor: each call ends in
 * done, VOUCH_WANT_READ, VOUCH_WANT_WRITE or an error.  Waiting, deadlines
 * and reading lines are the caller's.  After the handshake the facts about
 * the peer are copied; their getters ask no OpenSSL object.
 */
#ifndef VOUCH_TLS_CONNECTION_H
#define VOUCH_TLS_CONNECTION_H

#include <stddef.h>
#include <sys/types.h>

#include "tls/config.h"
#include "tls/verify.h"

struct vouch_cert;
struct vouch_conn;
struct vouch_error;

#define VOUCH_WANT_READ (-2)
#define VOUCH_WANT_WRITE (-3)

/*
 * How bytes travel, if not over a socket.  As recv(2) and send(2): a count,
 * 0 for the end, -1 with errno, EAGAIN meaning not now.
 */
struct vouch_transport {
    ssize_t (*receive)(void *arg, void *data, size_t length);
    ssize_t (*send)(void *arg, const void *data, size_t length);
    void *arg;
};

/* Free the connection.  No I/O, and the descriptor stays open.  NULL is
 * allowed. */
void vouch_conn_free(struct vouch_conn *conn);

/*
 * A connection over a socket (borrowed), or over functions (copied).  The
 * configuration is frozen and a reference taken; its role is ours.
 */
int vouch_conn_new(struct vouch_config *config, int fd,
                   struct vouch_conn **conn_r, struct vouch_error *err);
int vouch_conn_new_transport(struct vouch_config *config,
                             const struct vouch_transport *transport,
                             struct vouch_conn **conn_r,
                             struct vouch_error *err);

/* For a client, before the handshake: the name sent to the server (SNI),
 * and the host name or address its certificate must be for. */
int vouch_conn_set_server_name(struct vouch_conn *conn, const char *name);
int vouch_conn_set_verify_host(struct vouch_conn *conn, const char *host);

/*
 * The same by the program's own rules.  What tells this check from others
 * (host and rules): a session is resumed only where that is equal, or if it
 * is NULL, never.
 */
int vouch_conn_set_name_check(struct vouch_conn *conn, vouch_name_fn check,
                              const char *what);

/* What the verify callback is given as arg. */
void vouch_conn_set_arg(struct vouch_conn *conn, void *arg);

/* Go on with the handshake, in which the peer may send a megabyte: 0 done,
 * -1, or VOUCH_WANT_...  */
int vouch_conn_handshake(struct vouch_conn *conn);

/*
 * Read at most length bytes, of one record.  Count; 0 when the peer has
 * ended the connection properly; -1 (VOUCH_E_CLOSED: it was cut off between
 * two records; VOUCH_E_TLS: also in the middle of one; VOUCH_E_LIMIT: a
 * thousand messages of TLS came in a row and no data); VOUCH_WANT_...
 */
ssize_t vouch_conn_read(struct vouch_conn *conn, void *data, size_t length);

/*
 * Write at most length bytes; one record at most is taken.  After
 * VOUCH_WANT_... the call must be repeated with the same bytes (they may
 * have moved).
 */
ssize_t vouch_conn_write(struct vouch_conn *conn, const void *data,
                         size_t length);

/* Bytes that the next read yields without receiving any. */
size_t vouch_conn_pending(const struct vouch_conn *conn);

/* 1 if something was received that no read has taken yet, be it whole records
 * or not: read until VOUCH_WANT_READ; else 0. */
int vouch_conn_has_input(const struct vouch_conn *conn);

/*
 * Send close_notify, and throw away what has arrived unread, so that
 * closing the descriptor does not reset the connection under the peer.
 * 0 done (or nothing to do), -1, VOUCH_WANT_WRITE.
 */
int vouch_conn_close(struct vouch_conn *conn);

/* Give OpenSSL's two buffers of 16 KiB back, unless something is under way in
 * them.  Reading does so when there is nothing to read; this is for who knows
 * otherwise that nothing follows soon. */
void vouch_conn_rest(struct vouch_conn *conn);

/* The descriptor is not the connection's any more: no further I/O, every
 * call for it fails (EBADF).  The facts remain. */
void vouch_conn_abandon(struct vouch_conn *conn);

/*
 * End TLS and leave the descriptor in use: send close_notify, and read up to
 * the peer's; what came before that is thrown away, what comes after it is
 * left to be read in the clear.  0 done, -1 (VOUCH_E_LIMIT: it was more than
 * a megabyte), VOUCH_WANT_...
 */
int vouch_conn_shutdown(struct vouch_conn *conn);

/* 1 after the handshake, else 0. */
int vouch_conn_is_ready(const struct vouch_conn *conn);

/* What the last call has stopped for: VOUCH_WANT_..., 0 nothing. */
int vouch_conn_wants(const struct vouch_conn *conn);

/* 1 if the peer has sent close_notify, else 0. */
int vouch_conn_is_closed_by_peer(const struct vouch_conn *conn);

/* The first error; code VOUCH_OK if there was none. */
const struct vouch_error *vouch_conn_error(const struct vouch_conn *conn);

/* The same, in words ("" if there was none). */
const char *vouch_conn_error_text(const struct vouch_conn *conn);

/*
 * Facts, after the handshake; borrowed, valid as long as the connection.
 * The peer's certificate (NULL: it sent none), and the chain it sent, the
 * own one first: count, then each.
 */
struct vouch_cert *vouch_conn_peer_cert(const struct vouch_conn *conn);
size_t vouch_conn_peer_chain_count(const struct vouch_conn *conn);
struct vouch_cert *vouch_conn_peer_chain_cert(const struct vouch_conn *conn,
                                              size_t index);

/* Our own certificate as it was used, or NULL. */
struct vouch_cert *vouch_conn_own_cert(const struct vouch_conn *conn);

/* What was decided about the peer, and why. */
const struct vouch_verdict *vouch_conn_verdict(const struct vouch_conn *conn);

/* Protocol number (enum vouch_protocol) and name ("TLSv1_3"), cipher name,
 * the application protocol ("" if none), the server name asked for (NULL if
 * none), and 1 if a session was resumed. */
int vouch_conn_protocol(const struct vouch_conn *conn);
const char *vouch_conn_protocol_name(const struct vouch_conn *conn);
const char *vouch_conn_cipher(const struct vouch_conn *conn);
const char *vouch_conn_alpn(const struct vouch_conn *conn);
const char *vouch_conn_server_name(const struct vouch_conn *conn);
int vouch_conn_is_resumed(const struct vouch_conn *conn);

/* 1 if we are a client and the server has asked for a certificate so far;
 * also true of a handshake that has failed after that. */
int vouch_conn_is_asked(const struct vouch_conn *conn);

/*
 * The authorities whose certificates the server says it accepts: their
 * names, each in one line as OpenSSL prints it, in the server's order.
 * Count; the function returns 0 to go on.  -1 if memory is short.
 */
typedef int (*vouch_conn_authority_fn)(const char *name, void *arg);
int vouch_conn_authorities(const struct vouch_conn *conn,
                           vouch_conn_authority_fn fn, void *arg);

/* The OCSP staple that a server has sent: its DER, borrowed, unchecked
 * (see ocsp.h); its length, 0 if there is none. */
size_t vouch_conn_staple(const struct vouch_conn *conn,
                         const unsigned char **der_r);

/* OpenSSL's SSL *, borrowed, for callers that also use OpenSSL. */
void *vouch_conn_ssl(const struct vouch_conn *conn);

#endif
