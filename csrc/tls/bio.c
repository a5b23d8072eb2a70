/*
 * The BIO that carries a connection's bytes, and our index into an SSL.
 *
 * It calls the transport, which never waits and never raises SIGPIPE, so a
 * connection is non-blocking on any descriptor.
 */
#include "tls/private.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include <openssl/bio.h>

#include "net/socket.h"

#define RECORD_HEADER 5
#define IDLE_RECORDS_MAX 1000 /* key updates, tickets, alerts in a row */
#define HANDSHAKE_MAX 1048576 /* bytes; certificates have 100 kB at most */

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static int conn_index = -1;
static BIO_METHOD *bio_method;

static int
again(int code)
{
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

/*
 * OpenSSL goes on reading while there are messages that carry no data of the
 * peer's program: one that sends nothing else would keep us busy for ever.
 */
static int
is_flood(struct vouch_conn *conn)
{
    if (conn->handshake_bytes > HANDSHAKE_MAX)
        (void) vouch_error_set(&conn->error, VOUCH_E_LIMIT,
                               "the peer has sent more than %d bytes and the "
                               "handshake is not done",
                               HANDSHAKE_MAX);
    else if (conn->idle_records > IDLE_RECORDS_MAX)
        (void) vouch_error_set(&conn->error, VOUCH_E_LIMIT,
                               "the peer has sent %d messages of TLS and no "
                               "data",
                               IDLE_RECORDS_MAX);
    else
        return 0;
    return 1;
}

/* For each record OpenSSL asks for the bytes of its header first. */
static void
count_bytes(struct vouch_conn *conn, size_t asked, size_t got)
{
    if (conn->state == VOUCH_CONN_NEW)
        conn->handshake_bytes += got;
    else if (asked == RECORD_HEADER)
        conn->idle_records++;
}

/* The first tells what happened: after ECONNRESET comes EPIPE. */
static void
keep_errno(struct vouch_conn *conn)
{
    if (conn->io_errno == 0)
        conn->io_errno = errno;
}

static int
bio_read(BIO *bio, char *data, size_t length, size_t *count_r)
{
    struct vouch_conn *conn = BIO_get_data(bio);
    ssize_t got;

    BIO_clear_retry_flags(bio);
    *count_r = 0;
    if (is_flood(conn))
        return -1;
    if (conn->fd >= 0)
        got = vouch_socket_recv(conn->fd, data, length);
    else
        got = conn->transport.receive(conn->transport.arg, data, length);
    if (got > 0) {
        if (conn->first_length < sizeof(conn->first))
            vouch_conn_note_bytes(conn, data, (size_t) got);
        count_bytes(conn, length, (size_t) got);
        *count_r = (size_t) got;
        return 1;
    }
    if (got == 0)
        conn->at_end = 1;
    else if (again(errno))
        BIO_set_retry_read(bio);
    else
        keep_errno(conn);
    return got == 0 ? 0 : -1;
}

static int
bio_write(BIO *bio, const char *data, size_t length, size_t *count_r)
{
    struct vouch_conn *conn = BIO_get_data(bio);
    ssize_t sent;

    BIO_clear_retry_flags(bio);
    if (conn->fd >= 0)
        sent = vouch_socket_send(conn->fd, data, length);
    else
        sent = conn->transport.send(conn->transport.arg, data, length);
    if (sent > 0) {
        *count_r = (size_t) sent;
        return 1;
    }
    *count_r = 0;
    if (sent == 0 || again(errno))
        BIO_set_retry_write(bio);
    else
        keep_errno(conn);
    return -1;
}

static long
bio_control(BIO *bio, int command, long number, void *pointer)
{
    struct vouch_conn *conn = BIO_get_data(bio);

    (void) number;
    (void) pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return conn->at_end;
    default:
        return 0;
    }
}

static void
init(void)
{
    conn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    bio_method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "vouch transport");
    if (bio_method == NULL)
        return;
    BIO_meth_set_read_ex(bio_method, bio_read);
    BIO_meth_set_write_ex(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_control);
}

int
vouch_tls_init(void)
{
    if (pthread_once(&init_once, init) != 0)
        return -1;
    return conn_index >= 0 && bio_method != NULL ? 0 : -1;
}

struct vouch_conn *
vouch_conn_of_ssl(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, conn_index);
}

BIO *
vouch_bio_new(struct vouch_conn *conn)
{
    BIO *bio;

    if (!SSL_set_ex_data(conn->ssl, conn_index, conn))
        return NULL;
    bio = BIO_new(bio_method);
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    return bio;
}
