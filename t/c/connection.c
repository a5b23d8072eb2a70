/*
 * tls/connection: the handshake step by step, bytes in every size, closing,
 * the facts; over slow wires and over sockets.
 *
 * What goes wrong on the way is in connection_broken.c, names in
 * connection_names.c, whom to accept in connection_verify.c.
 */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"
#include "tls/connection.h"
#include "tls_pair.h"

#define RECORD 16384 /* bytes of one TLS record */

static struct vouch_identity *alex;
static struct vouch_identity *berta;
static unsigned char big[5 * RECORD];
static unsigned char got[5 * RECORD];

struct shape {
    const char *name;
    int version;
    int with_cert;
    size_t chunk;
};

static const struct shape shapes[] = {
    {"TLS 1.3", VOUCH_TLS1_3, 0, 0},
    {"TLS 1.3 with certificate", VOUCH_TLS1_3, 1, 0},
    {"TLS 1.3 byte by byte", VOUCH_TLS1_3, 1, 1},
    {"TLS 1.2", VOUCH_TLS1_2, 0, 0},
    {"TLS 1.2 with certificate", VOUCH_TLS1_2, 1, 0},
    {"TLS 1.2 byte by byte", VOUCH_TLS1_2, 1, 1},
    {"TLS 1.3 seven bytes at a time", VOUCH_TLS1_3, 1, 7},
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static struct pair *
open_shape(const struct shape *shape)
{
    int ask = shape->with_cert ? VOUCH_VERIFY_ANY : VOUCH_VERIFY_NONE;
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, ask);
    struct vouch_config *client = pair_config(
        VOUCH_CLIENT, shape->with_cert ? berta : NULL, VOUCH_VERIFY_ANY);
    struct pair *pair;

    pki_need(vouch_config_set_protocols(server, shape->version, shape->version,
                                        NULL)
                 == 0,
             "a TLS version");
    pair = pair_open(server, client);
    pair->up.chunk = shape->chunk;
    pair->down.chunk = shape->chunk;
    vouch_config_free(server);
    vouch_config_free(client);
    return pair;
}

static struct pair *
ready_pair(int version)
{
    const struct shape shape = {"ready", version, 0, 0};
    struct pair *pair = open_shape(&shape);

    pki_need(pair_shake(pair), "a handshake");
    return pair;
}

static void
check_nothing_known(const struct vouch_conn *conn)
{
    is_int(vouch_conn_is_ready(conn), 0, "not ready");
    ok(vouch_conn_peer_cert(conn) == NULL, "no peer certificate");
    is_int(vouch_conn_peer_chain_count(conn), 0, "no chain");
    ok(vouch_conn_peer_chain_cert(conn, 0) == NULL, "nothing in it");
    ok(vouch_conn_own_cert(conn) == NULL, "no own certificate used");
    is_int(vouch_conn_verdict(conn)->by, VOUCH_BY_NOBODY, "no verdict");
    is_int(vouch_conn_protocol(conn), 0, "no protocol");
    is_text(vouch_conn_protocol_name(conn), "", "nor its name");
    is_text(vouch_conn_cipher(conn), "", "no cipher");
    is_text(vouch_conn_alpn(conn), "", "no application protocol");
    ok(vouch_conn_server_name(conn) == NULL, "no server name");
    is_int(vouch_conn_is_resumed(conn), 0, "not resumed");
    is_int(vouch_conn_is_closed_by_peer(conn), 0, "not closed by the peer");
    is_int(vouch_conn_pending(conn), 0, "nothing pending");
    is_int(vouch_conn_error(conn)->code, VOUCH_OK, "no error");
    is_text(vouch_conn_error_text(conn), "", "nor its text");
    ok(vouch_conn_ssl(conn) != NULL, "but an SSL");
}

static int
same_cert(const struct vouch_cert *cert, const struct vouch_identity *who)
{
    return cert != NULL
           && X509_cmp(vouch_cert_openssl(cert), vouch_identity_x509(who))
                  == 0;
}

static void
check_facts(const struct pair *pair, const struct shape *shape)
{
    const struct vouch_conn *server = pair->server;
    const struct vouch_conn *client = pair->client;
    int v13 = shape->version == VOUCH_TLS1_3;

    is_int(vouch_conn_is_ready(server), 1, "the server is ready");
    is_int(vouch_conn_is_ready(client), 1, "the client is ready");
    is_int(vouch_conn_protocol(server), shape->version, "the protocol");
    is_text(vouch_conn_protocol_name(client), v13 ? "TLSv1_3" : "TLSv1_2",
            "its name");
    ok(strlen(vouch_conn_cipher(client)) > 5, vouch_conn_cipher(client));
    is_text(vouch_conn_cipher(server), vouch_conn_cipher(client),
            "both have one cipher");
    ok(same_cert(vouch_conn_peer_cert(client), alex), "the server's cert");
    ok(same_cert(vouch_conn_own_cert(server), alex), "as it was used");
    is_int(vouch_conn_peer_chain_count(client), 1, "a chain of one");
    ok(same_cert(vouch_conn_peer_chain_cert(client, 0), alex), "itself");
    ok(vouch_conn_peer_chain_cert(client, 1) == NULL, "and no more");
    is_int(vouch_conn_peer_chain_count(server), shape->with_cert,
           "what the client sent");
    ok(same_cert(vouch_conn_peer_cert(server), berta) == shape->with_cert,
       "the client's certificate");
    ok(same_cert(vouch_conn_own_cert(client), berta) == shape->with_cert,
       "as it was used");
    is_int(vouch_conn_is_resumed(server), 0, "nothing was resumed");
}

static void
test_handshakes(void)
{
    size_t i;

    for (i = 0; i < SHAPES; i++) {
        struct pair *pair = open_shape(&shapes[i]);

        check_nothing_known(pair->server);
        check_nothing_known(pair->client);
        ok(pair_shake(pair), shapes[i].name);
        is_int(vouch_conn_error(pair->server)->code, VOUCH_OK, "no error");
        check_facts(pair, &shapes[i]);
        is_int(vouch_conn_handshake(pair->server), 0, "done stays done");
        ok(pair_say(pair->client, pair->server, "hello"), "up");
        pair->down.chunk = 0;
        ok(pair_say(pair->server, pair->client, "hanging up"), "down");
        pair_close(pair);
    }
}

/* Who waits for whom, one step after the other. */
static void
test_steps(void)
{
    const struct shape shape = {"steps", VOUCH_TLS1_3, 0, 0};
    struct pair *pair = open_shape(&shape);
    char byte;

    is_int(vouch_conn_handshake(pair->server), VOUCH_WANT_READ,
           "the server waits for a ClientHello");
    is_int(wire_waiting(&pair->down), 0, "and has sent nothing");
    pair->up.room = 0;
    is_int(vouch_conn_handshake(pair->client), VOUCH_WANT_WRITE,
           "a full wire makes the client wait to write");
    is_int(vouch_conn_handshake(pair->client), VOUCH_WANT_WRITE, "still");
    pair->up.room = 10;
    is_int(vouch_conn_handshake(pair->client), VOUCH_WANT_WRITE,
           "also after a part of it");
    pair->up.room = WIRE_MAX;
    is_int(vouch_conn_handshake(pair->client), VOUCH_WANT_READ,
           "then it waits for the server");
    ok(wire_waiting(&pair->up) > 100, "a ClientHello is on the way");
    is_int(vouch_conn_read(pair->client, &byte, 1), -1,
           "reading before the handshake is done");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_ARGUMENT,
           "is a mistake");
    is_int(vouch_conn_write(pair->server, "x", 1), -1, "and so is writing");
    is_text(vouch_conn_error_text(pair->server), "the handshake is not done",
            "which it says");
    is_int(vouch_conn_close(pair->server), 0, "nothing to say goodbye to");
    is_int(vouch_conn_handshake(pair->server), VOUCH_WANT_READ,
           "the server waits for the client's Finished");
    is_int(vouch_conn_handshake(pair->client), 0, "the client is done");
    is_int(vouch_conn_handshake(pair->server), 0, "the server is done");
    pair_close(pair);
}

static void
check_bytes(struct pair *pair, size_t length)
{
    size_t sent = 0;
    size_t received = 0;

    while (received < length) {
        ssize_t count;

        if (sent < length) {
            count = vouch_conn_write(pair->client, big + sent, length - sent);
            if (count <= 0 || count > RECORD)
                break;
            sent += (size_t) count;
        }
        count = vouch_conn_read(pair->server, got + received,
                                sizeof(got) - received);
        if (count <= 0 || count > RECORD)
            break;
        received += (size_t) count;
    }
    is_int(received, length, "as many bytes as were sent");
    is_bytes(got, big, length, "and the same");
}

static void
test_sizes(void)
{
    static const size_t sizes[] = {1,      2,          RECORD - 1,
                                   RECORD, RECORD + 1, sizeof(big)};
    static const int versions[] = {VOUCH_TLS1_3, VOUCH_TLS1_2};
    size_t v;
    size_t i;

    for (v = 0; v < 2; v++) {
        struct pair *pair = ready_pair(versions[v]);

        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            check_bytes(pair, sizes[i]);
        is_int(vouch_conn_write(pair->client, big, 0), 0, "nothing to send");
        is_int(vouch_conn_read(pair->client, got, 0), 0, "nothing asked");
        is_int(vouch_conn_read(pair->server, got, 1), VOUCH_WANT_READ,
               "nothing there");
        pair_close(pair);
    }
}

/* A record in pieces: OpenSSL before 3.0.14 has lost the first one if its
 * buffers were given back in between. */
static void
check_pieces(int version, size_t first)
{
    struct pair *pair = ready_pair(version);
    size_t whole;

    pair->up.start = pair->up.end;
    (void) vouch_conn_write(pair->client, "0123456789", 10);
    whole = pair->up.end;
    pair->up.end = pair->up.start + first;
    is_int(vouch_conn_read(pair->server, got, 100), VOUCH_WANT_READ,
           "a first piece of a record");
    pair->up.end++;
    is_int(vouch_conn_read(pair->server, got, 100), VOUCH_WANT_READ,
           "a byte more");
    pair->up.end = whole;
    is_int(vouch_conn_read(pair->server, got, 100), 10, "the rest");
    is_bytes(got, "0123456789", 10, "and all is there");
    pair_close(pair);
}

static void
test_pieces(void)
{
    static const size_t firsts[] = {1, 4, 5, 6, 20};
    size_t i;

    for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        check_pieces(VOUCH_TLS1_3, firsts[i]);
        check_pieces(VOUCH_TLS1_2, firsts[i]);
    }
}

static void
test_pending(void)
{
    struct pair *pair = ready_pair(VOUCH_TLS1_3);

    is_int(vouch_conn_pending(pair->server), 0, "nothing pending");
    (void) vouch_conn_write(pair->client, "0123456789", 10);
    is_int(vouch_conn_pending(pair->server), 0, "not yet received");
    is_int(vouch_conn_read(pair->server, got, 3), 3, "a part of a record");
    is_int(vouch_conn_pending(pair->server), 7, "the rest is pending");
    is_int(vouch_conn_read(pair->server, got + 3, 100), 7, "and comes next");
    is_bytes(got, "0123456789", 10, "in order");
    is_int(vouch_conn_pending(pair->server), 0, "all read");
    pair_close(pair);
}

/* Buffers that are given back at any moment. */
static void
test_rest(int version)
{
    struct pair *pair = ready_pair(version);

    vouch_conn_rest(pair->client);
    vouch_conn_rest(pair->server);
    (void) vouch_conn_write(pair->client, "0123456789", 10);
    vouch_conn_rest(pair->client);
    vouch_conn_rest(pair->server);
    is_int(vouch_conn_read(pair->server, got, 3), 3, "a part of a record");
    vouch_conn_rest(pair->server);
    is_int(vouch_conn_pending(pair->server), 7, "the rest is not lost");
    is_int(vouch_conn_read(pair->server, got + 3, 100), 7, "and comes next");
    is_bytes(got, "0123456789", 10, "in order");
    pair->up.room = 100;
    is_int(vouch_conn_write(pair->client, big, RECORD), VOUCH_WANT_WRITE,
           "a record half sent");
    vouch_conn_rest(pair->client);
    pair->up.room = WIRE_MAX;
    is_int(vouch_conn_write(pair->client, big, RECORD), RECORD, "goes on");
    is_int(vouch_conn_read(pair->server, got, RECORD), RECORD, "and arrives");
    is_bytes(got, big, RECORD, "as it was");
    is_int(vouch_conn_close(pair->client), 0, "close");
    vouch_conn_rest(pair->client);
    is_int(vouch_conn_read(pair->server, got, 1), 0, "the end");
    vouch_conn_rest(pair->server);
    pair_close(pair);
}

/* A full wire: the same bytes again, from another place, and once only. */
static void
test_full_wire(void)
{
    struct pair *pair = ready_pair(VOUCH_TLS1_3);
    unsigned char *moved = OPENSSL_memdup(big, RECORD);

    pair->up.room = 100;
    is_int(vouch_conn_write(pair->client, big, RECORD), VOUCH_WANT_WRITE,
           "the wire is full");
    is_int(vouch_conn_write(pair->client, big, RECORD), VOUCH_WANT_WRITE,
           "still");
    pair->up.room = WIRE_MAX;
    is_int(vouch_conn_write(pair->client, moved, RECORD), RECORD,
           "the same bytes from another place");
    is_int(vouch_conn_read(pair->server, got, RECORD), RECORD, "arrive");
    is_bytes(got, big, RECORD, "as they were");
    is_int(vouch_conn_read(pair->server, got, 1), VOUCH_WANT_READ,
           "and only once");
    OPENSSL_free(moved);
    pair_close(pair);
}

static void
test_close(int version)
{
    struct pair *pair = ready_pair(version);

    (void) vouch_conn_write(pair->client, "last words", 10);
    is_int(vouch_conn_close(pair->client), 0, "close");
    is_int(vouch_conn_close(pair->client), 0, "and again");
    is_int(vouch_conn_is_ready(pair->client), 0, "no longer ready");
    is_int(vouch_conn_read(pair->client, got, 1), -1, "no reading");
    is_int(vouch_conn_write(pair->client, "x", 1), -1, "no writing");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_CLOSED, "closed");
    is_int(vouch_conn_handshake(pair->client), -1, "no new handshake");
    is_int(vouch_conn_pending(pair->client), 0, "nothing pending");
    ok(same_cert(vouch_conn_peer_cert(pair->client), alex),
       "the facts remain");
    is_int(vouch_conn_is_closed_by_peer(pair->server), 0,
           "the server does not know yet");
    is_int(vouch_conn_read(pair->server, got, 100), 10, "last words");
    is_int(vouch_conn_read(pair->server, got, 100), 0, "then the end");
    is_int(vouch_conn_read(pair->server, got, 100), 0, "for good");
    is_int(vouch_conn_is_closed_by_peer(pair->server), 1, "by close_notify");
    is_int(vouch_conn_error(pair->server)->code, VOUCH_OK, "without error");
    is_int(vouch_conn_write(pair->server, "x", 1), 1,
           "the other direction is open");
    is_int(vouch_conn_close(pair->server), 0, "until it closes, too");
    pair_close(pair);
}

static void
test_close_full_wire(void)
{
    struct pair *pair = ready_pair(VOUCH_TLS1_3);

    pair->up.room = 0;
    is_int(vouch_conn_close(pair->client), VOUCH_WANT_WRITE,
           "close on a full wire");
    pair->up.room = WIRE_MAX;
    is_int(vouch_conn_close(pair->client), 0, "close again");
    is_int(vouch_conn_read(pair->server, got, 1), 0, "the server knows");
    pair_close(pair);

    pair = ready_pair(VOUCH_TLS1_3);
    pair->up.room = 0;
    (void) vouch_conn_write(pair->client, "half a record", 13);
    is_int(vouch_conn_close(pair->client), VOUCH_WANT_WRITE,
           "close with a record half sent");
    pair->up.room = WIRE_MAX;
    is_int(vouch_conn_close(pair->client), -1, "is no clean end");
    is_int(vouch_conn_read(pair->server, got, 100), VOUCH_WANT_READ,
           "and the peer does not take it for one");
    pair_close(pair);
}

/* The descriptor is somebody else's now: not a byte more. */
static void
test_abandon(void)
{
    struct pair *pair = ready_pair(VOUCH_TLS1_3);
    size_t sent = pair->up.end;
    struct vouch_conn *client = pair->client;

    (void) vouch_conn_write(pair->server, "x", 1);
    vouch_conn_abandon(client);
    is_int(vouch_conn_read(client, got, 1), -1, "an abandoned connection");
    is_int(vouch_conn_write(client, "x", 1), -1, "neither reads nor writes");
    is_int(vouch_conn_close(client), 0, "nor says goodbye");
    is_int(vouch_conn_handshake(client), -1, "nor begins anew");
    is_int(vouch_conn_error(client)->code, VOUCH_E_SYSTEM, "its code");
    is_int(vouch_conn_error(client)->sys_errno, EBADF, "its errno");
    is_int(pair->up.end, sent, "nothing was sent");
    ok(same_cert(vouch_conn_peer_cert(client), alex), "the facts remain");
    pair_close(pair);
}

/* Nobody says goodbye by being freed. */
static void
test_free_is_silent(void)
{
    struct pair *pair = ready_pair(VOUCH_TLS1_3);

    pair->up.start = pair->up.end;
    vouch_conn_free(pair->client);
    pair->client = NULL;
    is_int(wire_waiting(&pair->up), 0, "vouch_conn_free() sends nothing");
    vouch_conn_free(NULL);
    pair_close(pair);
}

/* The same over sockets, whatever their mode. */
static void
socket_pair(struct pair *pair, int fds[2])
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);

    pki_need(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "sockets");
    wire_clear(&pair->up);
    wire_clear(&pair->down);
    pki_need(vouch_conn_new(client, fds[0], &pair->client, NULL) == 0
                 && vouch_conn_new(server, fds[1], &pair->server, NULL) == 0,
             "connections over sockets");
    pair->client_result = VOUCH_WANT_WRITE;
    pair->server_result = VOUCH_WANT_READ;
    vouch_config_free(server);
    vouch_config_free(client);
}

static void
test_sockets(void)
{
    static struct pair pair;
    char byte = 'x';
    int fds[2];

    socket_pair(&pair, fds);
    is_int(vouch_conn_handshake(pair.server), VOUCH_WANT_READ,
           "a blocking descriptor does not block");
    ok(pair_shake(&pair), "shake hands over sockets");
    ok(pair_say(pair.client, pair.server, "hello"), "say hello");
    is_int(vouch_conn_close(pair.client), 0, "close");
    is_int(vouch_socket_recv(fds[0], &byte, 1), -1,
           "which leaves nothing unread (tickets, for one)");
    ok(errno == EAGAIN || errno == EWOULDBLOCK, "for a reset to come of");
    pair_close(&pair);
    is_int(vouch_socket_send(fds[0], &byte, 1), 1,
           "the descriptors stay open");
    (void) close(fds[0]);
    (void) close(fds[1]);
}

/* SIGPIPE is left as it is: a write that raised it would end us here. */
static void
test_gone(void)
{
    static struct pair pair;
    ssize_t result = 0;
    int turn;
    int fds[2];

    (void) signal(SIGPIPE, SIG_DFL);
    socket_pair(&pair, fds);
    pki_need(pair_shake(&pair), "a handshake");
    vouch_conn_free(pair.client);
    pair.client = NULL;
    (void) close(fds[0]);
    for (turn = 0; turn < 100 && result >= 0; turn++)
        result = vouch_conn_write(pair.server, big, RECORD);
    is_int(result, -1, "writing to a peer who is gone");
    is_int(vouch_conn_error(pair.server)->code, VOUCH_E_SYSTEM, "its code");
    is_int(vouch_conn_error(pair.server)->sys_errno, EPIPE, "its errno");
    is_int(vouch_conn_close(pair.server), 0, "nothing left to close");
    pair_close(&pair);
    (void) close(fds[1]);
}

static void
test_bad_descriptor(void)
{
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct vouch_conn *conn = NULL;
    int fds[2];

    vouch_error_clear(&pair_err);
    is_int(vouch_conn_new(client, -1, &conn, &pair_err), -1, "no descriptor");
    is_int(pair_err.code, VOUCH_E_ARGUMENT, "its code");
    ok(conn == NULL, "no connection");
    pki_need(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0
                 && vouch_conn_new(client, fds[0], &conn, NULL) == 0,
             "a connection");
    (void) close(fds[0]);
    is_int(vouch_conn_handshake(conn), -1, "a descriptor closed meanwhile");
    is_int(vouch_conn_error(conn)->sys_errno, EBADF, "its errno");
    vouch_conn_free(conn);
    (void) close(fds[1]);
    vouch_config_free(client);
}

int
main(void)
{
    size_t i;

    for (i = 0; i < sizeof(big); i++)
        big[i] = (unsigned char) (i * 31 + i / 256);
    alex = pair_identity("Alex", NULL);
    berta = pair_identity("Berta", NULL);
    test_handshakes();
    test_steps();
    test_sizes();
    test_pieces();
    test_pending();
    test_rest(VOUCH_TLS1_3);
    test_rest(VOUCH_TLS1_2);
    test_full_wire();
    test_close(VOUCH_TLS1_3);
    test_close(VOUCH_TLS1_2);
    test_close_full_wire();
    test_abandon();
    test_free_is_silent();
    test_sockets();
    test_gone();
    test_bad_descriptor();
    vouch_identity_free(alex);
    vouch_identity_free(berta);
    return tap_done();
}
