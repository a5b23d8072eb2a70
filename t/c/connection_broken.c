/*
 * tls/connection: what a peer, a wire or an attacker can do wrong.
 *
 * Whatever arrives, a connection ends in an error of its own and nothing
 * else: this program also runs under the sanitizers and valgrind.
 */
#include "tls/connection.h"
#include "tls_pair.h"

#define STRIDE 11 /* bytes between two places that are damaged */

static struct vouch_identity *alex;
static struct vouch_identity *berta;
static struct vouch_config *server_config[2];
static struct vouch_config *client_config;
static const int versions[2] = {VOUCH_TLS1_3, VOUCH_TLS1_2};

static void
make_configs(void)
{
    int i;

    client_config = pair_config(VOUCH_CLIENT, berta, VOUCH_VERIFY_ANY);
    for (i = 0; i < 2; i++) {
        server_config[i] = pair_config(VOUCH_SERVER, alex, VOUCH_VERIFY_ANY);
        pki_need(vouch_config_set_protocols(server_config[i], versions[i],
                                            versions[i], NULL)
                     == 0,
                 "a TLS version");
    }
}

static struct pair *
ready_pair(int which)
{
    struct pair *pair = pair_open(server_config[which], client_config);

    pki_need(pair_shake(pair), "a handshake");
    return pair;
}

static void
put(struct wire *wire, const void *data, size_t length)
{
    memcpy(wire->bytes + wire->end, data, length);
    wire->end += length;
}

static enum vouch_code
code_of(const struct vouch_conn *conn)
{
    return vouch_conn_error(conn)->code;
}

/* A record that never comes to its end is no end of the stream, wherever
 * it stops: in its body, after its header, within that. */
static void
test_cut_record(int which, size_t length)
{
    struct pair *pair = ready_pair(which);
    size_t whole;
    char byte;

    pair->up.start = pair->up.end;
    (void) vouch_conn_write(pair->client, "hello", 5);
    whole = pair->up.end;
    pair->up.end = pair->up.start + length;
    is_int(vouch_conn_read(pair->server, &byte, 1), VOUCH_WANT_READ,
           "a part of a record");
    is_int(vouch_conn_read(pair->server, &byte, 1), VOUCH_WANT_READ,
           "which stays one");
    pair->up.ended = 1;
    is_int(vouch_conn_read(pair->server, &byte, 1), -1, "and then the end");
    is_int(code_of(pair->server), VOUCH_E_TLS,
           vouch_conn_error_text(pair->server));
    ok(whole > pair->up.end, "with bytes missing");
    pair_close(pair);
}

/* The end of the wire where close_notify is missing. */
static void
test_cut_off(void)
{
    char byte;
    int i;

    for (i = 0; i < 2; i++) {
        struct pair *pair = ready_pair(i);

        pair->up.ended = 1;
        is_int(vouch_conn_read(pair->server, &byte, 1), -1,
               "cut off between two records");
        is_int(code_of(pair->server), VOUCH_E_CLOSED, "is told");
        is_int(vouch_conn_is_closed_by_peer(pair->server), 0,
               "and is no proper end");
        is_int(vouch_conn_read(pair->server, &byte, 1), -1, "for good");
        pair_close(pair);

        test_cut_record(i, 1);
        test_cut_record(i, 6);
        test_cut_record(i, 24);
    }
}

static void
check_bad_record(int which, size_t back)
{
    struct pair *pair = ready_pair(which);
    char byte;

    (void) vouch_conn_write(pair->client, "hello", 5);
    pair->up.bytes[pair->up.end - back] ^= 0x01;
    is_int(vouch_conn_read(pair->server, &byte, 1), -1,
           "a record with one bit changed");
    is_int(code_of(pair->server), VOUCH_E_TLS, "its code");
    ok(strstr(vouch_conn_error_text(pair->server), "bad record mac") != NULL,
       vouch_conn_error_text(pair->server));
    is_int(vouch_conn_write(pair->server, "x", 1), -1, "no more writing");
    is_int(vouch_conn_close(pair->server), 0, "nothing to close");
    is_int(vouch_conn_read(pair->client, &byte, 1), -1, "an alert arrives");
    is_int(code_of(pair->client), VOUCH_E_ALERT, "and is told as one");
    ok(strstr(vouch_conn_error_text(pair->client), "bad record mac") != NULL,
       vouch_conn_error_text(pair->client));
    pair_close(pair);
}

static void
test_bad_records(void)
{
    int i;

    for (i = 0; i < 2; i++) {
        check_bad_record(i, 1);
        check_bad_record(i, 10);
    }
}

/* A record sent twice, or two in the wrong order. */
static void
test_replayed_record(void)
{
    struct pair *pair = ready_pair(0);
    unsigned char copy[256];
    size_t length;
    char text[8];

    pair->up.start = pair->up.end;
    (void) vouch_conn_write(pair->client, "hello", 5);
    length = wire_waiting(&pair->up);
    memcpy(copy, pair->up.bytes + pair->up.start, length);
    is_int(vouch_conn_read(pair->server, text, 8), 5, "a record");
    put(&pair->up, copy, length);
    is_int(vouch_conn_read(pair->server, text, 8), -1, "again");
    is_int(code_of(pair->server), VOUCH_E_TLS, "is refused");
    pair_close(pair);
}

struct garbage {
    const char *name;
    const char *bytes;
    size_t length;
    const char *word;
};

#define BYTES(text) (text), sizeof(text) - 1

static const struct garbage garbage[] = {
    {"a request of plain HTTP", BYTES("GET / HTTP/1.0\r\n\r\n"),
     "http request"},
    {"an upload of plain HTTP", BYTES("POST /x HTTP/1.1\r\nHost: a\r\n\r\n"),
     "http request"},
    {"a proxy request", BYTES("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
     "https proxy request"},
    {"words", BYTES("hello, is anybody there?\r\n"), "wrong version number"},
    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0"), "wrong version number"},
    {"a record longer than allowed",
     BYTES("\x16\x03\x01\xff\xff\x01\0\xff\xfb\x03\x03"), ""},
    {"data before any handshake", BYTES("\x17\x03\x03\0\x05hello"), ""},
    {"an alert first", BYTES("\x15\x03\x01\0\x02\x02\x28"), ""},
    {"close_notify first", BYTES("\x15\x03\x01\0\x02\x01\0"), ""},
    {"an empty record", BYTES("\x16\x03\x01\0\0"), ""},
    {"a handshake message of another kind",
     BYTES("\x16\x03\x01\0\x04\x02\0\0\0"), ""},
    {"a ClientHello of nothing", BYTES("\x16\x03\x01\0\x04\x01\0\0\0"), ""},
    {"a ClientHello of SSL 2",
     BYTES("\x80\x2e\x01\0\x02\0\x15\0\0\0\x10"
           "\x01\0\x80\x02\0\x80\x03\0\x80"
           "\x04\0\x80\x05\0\x80\x06\0\x40"
           "\x07\0\xc0"
           "0123456789abcdef"),
     ""},
    {"one byte and the end", BYTES("\x16"), ""},
    {"nothing and the end", "", 0, ""},
};

static void
check_garbage(const struct garbage *g, struct vouch_config *config)
{
    struct pair *pair = pair_open(config, client_config);
    const char *text;
    int result;

    put(&pair->up, g->bytes, g->length);
    pair->up.ended = 1;
    result = vouch_conn_handshake(pair->server);
    text = vouch_conn_error_text(pair->server);
    is_int(result, -1, g->name);
    ok(*text != '\0' && strstr(text, g->word) != NULL, text);
    is_int(vouch_conn_handshake(pair->server), -1, "for good");
    is_int(ERR_peek_error(), 0, "nothing is left in OpenSSL's queue");
    pair_close(pair);
}

static void
test_garbage(void)
{
    size_t i;

    for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        check_garbage(&garbage[i], server_config[0]);
        check_garbage(&garbage[i], server_config[1]);
    }
}

/* Bytes from a generator that gives the same ones each time. */
static void
test_random(void)
{
    unsigned long state = 20201121;
    int ended = 0;
    int round;
    int i;

    for (round = 0; round < 200; round++) {
        struct pair *pair = pair_open(server_config[0], client_config);

        for (i = 0; i < 600; i++) {
            state = (state * 1103515245UL + 12345UL) & 0x7fffffffUL;
            pair->up.bytes[pair->up.end++] = (unsigned char) (state >> 16);
        }
        if (round & 1) /* as far as the record layer goes, it is TLS */
            memcpy(pair->up.bytes, "\x16\x03\x01\x02\x53\x01\0\x02\x4f", 9);
        pair->up.ended = 1;
        ended += vouch_conn_handshake(pair->server) == -1;
        pair_close(pair);
    }
    is_int(ended, 200, "200 times 600 random bytes, 200 errors");
}

/*
 * Damage one byte of the client's (or the server's) messages and go on.  1
 * if neither side believes that the handshake is done, as it should be.
 */
static int
damaged_ends(int which, int flight, size_t at, size_t *length_r)
{
    struct pair *pair = pair_open(server_config[which], client_config);
    struct wire *wire = flight % 2 ? &pair->down : &pair->up;
    char byte;
    int step;
    int good;

    for (step = 0; step <= flight; step++) {
        if (step % 2 == 0)
            pair->client_result = vouch_conn_handshake(pair->client);
        else
            pair->server_result = vouch_conn_handshake(pair->server);
    }
    *length_r = wire_waiting(wire);
    if (at < *length_r)
        wire->bytes[wire->start + at] ^= 0x40;
    good = pair_shake(pair);
    if (good) /* of TLS 1.3 the client's part may still be refused */
        good = vouch_conn_read(pair->client, &byte, 1) != -1
               && vouch_conn_read(pair->server, &byte, 1) != -1;
    pair_close(pair);
    return !good;
}

/*
 * A length that grew makes a side wait for bytes that do not come: no
 * error, and no handshake either.  The byte of a record's version is not
 * looked at: such a handshake may succeed.
 */
static void
test_damage(int which, int flight, const char *name)
{
    size_t length = 0;
    size_t at = 0;
    int tried = 0;
    int refused = 0;

    do {
        refused += damaged_ends(which, flight, at, &length);
        tried++;
        at += STRIDE;
    } while (at < length);
    ok(length > 20, name);
    ok(tried - refused <= 2, "a changed byte ends the handshake");
    if (tried - refused > 2)
        printf("# %d of %d went through\n", tried - refused, tried);
}

/* Cut the messages short, everywhere. */
static void
test_truncated(int which)
{
    size_t length = 1;
    size_t at;
    int bad = 0;

    for (at = 0; at < length; at += STRIDE) {
        struct pair *pair = pair_open(server_config[which], client_config);

        (void) vouch_conn_handshake(pair->client);
        (void) vouch_conn_handshake(pair->server);
        length = wire_waiting(&pair->down);
        pair->down.end = pair->down.start + at;
        pair->down.ended = 1;
        bad += pair_shake(pair);
        bad += code_of(pair->client) != VOUCH_E_CLOSED;
        pair_close(pair);
    }
    is_int(bad, 0, "a server that stops somewhere is told as that");
}

/* The transport says no: with its errno, and at each stage. */
static void
test_transport_errors(void)
{
    struct pair *pair = pair_open(server_config[0], client_config);
    char byte;

    pair->up.fail = ECONNRESET;
    is_int(vouch_conn_handshake(pair->client), -1, "sending fails");
    is_int(code_of(pair->client), VOUCH_E_SYSTEM, "its code");
    is_int(vouch_conn_error(pair->client)->sys_errno, ECONNRESET, "errno");
    is_int(vouch_conn_handshake(pair->server), -1, "receiving fails");
    is_int(code_of(pair->server), VOUCH_E_SYSTEM, "its code");
    ok(strstr(vouch_conn_error_text(pair->server), "onnection reset") != NULL,
       vouch_conn_error_text(pair->server));
    pair_close(pair);

    pair = ready_pair(0);
    pair->up.fail = EPIPE;
    is_int(vouch_conn_write(pair->client, "x", 1), -1, "writing fails");
    is_int(vouch_conn_error(pair->client)->sys_errno, EPIPE, "errno");
    is_int(vouch_conn_read(pair->client, &byte, 1), -1, "all is over");
    is_int(vouch_conn_read(pair->server, &byte, 1), -1, "reading fails");
    is_int(vouch_conn_error(pair->server)->sys_errno, EPIPE, "errno");
    pair_close(pair);

    pair = ready_pair(0);
    pair->up.fail = ENETDOWN;
    is_int(vouch_conn_close(pair->client), -1, "closing fails");
    is_int(vouch_conn_error(pair->client)->sys_errno, ENETDOWN, "errno");
    is_int(vouch_conn_close(pair->client), 0, "and is over then");
    pair_close(pair);
}

/* OpenSSL lets a session ticket that could not be sent pass; the peer is
 * gone all the same, and what follows is no clean end. */
static void
test_reset_at_tickets(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct pair *pair = pair_open(server, client_config);
    char byte;

    (void) vouch_conn_handshake(pair->client);
    (void) vouch_conn_handshake(pair->server);
    is_int(vouch_conn_handshake(pair->client), 0, "the client is done");
    pair->down.fail = ECONNRESET;
    pair->down.fail_next = EPIPE; /* the second ticket; a reset has one say */
    is_int(vouch_conn_handshake(pair->server), 0, "so is the server");
    pair->up.start = pair->up.end;
    pair->up.ended = 1;
    is_int(vouch_conn_read(pair->server, &byte, 1), -1, "nobody is there");
    is_int(vouch_conn_error(pair->server)->sys_errno, ECONNRESET,
           "for the connection was reset");
    pair_close(pair);
    vouch_config_free(server);
}

/* EINTR from the caller's functions means: not now. */
static void
test_interrupted_transport(void)
{
    struct pair *pair = pair_open(server_config[0], client_config);

    pair->up.fail = EINTR;
    is_int(vouch_conn_handshake(pair->client), VOUCH_WANT_WRITE,
           "interrupted");
    is_int(vouch_conn_handshake(pair->server), VOUCH_WANT_READ, "interrupted");
    pair->up.fail = EWOULDBLOCK;
    is_int(vouch_conn_handshake(pair->client), VOUCH_WANT_WRITE, "not now");
    pair->up.fail = 0;
    ok(pair_shake(pair), "and on");
    pair_close(pair);
}

/* Versions that do not meet: each side is told in its own words. */
static void
test_no_common_version(void)
{
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct pair *pair;

    pki_need(
        vouch_config_set_protocols(client, VOUCH_TLS1_2, VOUCH_TLS1_2, NULL)
            == 0,
        "TLS 1.2");
    pair = pair_open(server_config[0], client);
    ok(!pair_shake(pair), "no common version");
    is_int(code_of(pair->server), VOUCH_E_TLS, "the server's own error");
    ok(strstr(vouch_conn_error_text(pair->server), "unsupported protocol")
           != NULL,
       vouch_conn_error_text(pair->server));
    is_int(code_of(pair->client), VOUCH_E_ALERT, "the client got an alert");
    ok(strstr(vouch_conn_error_text(pair->client), "protocol version") != NULL,
       vouch_conn_error_text(pair->client));
    pair_close(pair);
    vouch_config_free(client);
}

/* The first error stays: what follows from it only confuses. */
static void
test_first_error(void)
{
    struct pair *pair = ready_pair(0);
    char first[VOUCH_ERROR_TEXT];
    char byte;

    pair->up.ended = 1;
    (void) vouch_conn_read(pair->server, &byte, 1);
    (void) snprintf(first, sizeof(first), "%s",
                    vouch_conn_error_text(pair->server));
    (void) vouch_conn_write(pair->server, "x", 1);
    (void) vouch_conn_handshake(pair->server);
    is_text(vouch_conn_error_text(pair->server), first, "the first error");
    pair_close(pair);
}

/* A TLS 1.2 client that asks for a new handshake gets none, and goes on. */
static void
test_renegotiation(void)
{
    struct pair *pair = ready_pair(1);
    SSL *ssl = vouch_conn_ssl(pair->client);
    char byte;

    SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    pki_need(SSL_renegotiate(ssl) == 1, "a renegotiation");
    (void) SSL_do_handshake(ssl);
    is_int(vouch_conn_read(pair->server, &byte, 1), VOUCH_WANT_READ,
           "the server lets it pass");
    is_int(code_of(pair->server), VOUCH_OK, "without an error");
    is_int(vouch_conn_write(pair->server, "still here", 10), 10, "and on");
    pair_close(pair);
}

int
main(void)
{
    alex = pair_identity("Alex", NULL);
    berta = pair_identity("Berta", NULL);
    make_configs();
    test_cut_off();
    test_bad_records();
    test_replayed_record();
    test_garbage();
    test_random();
    test_damage(0, 0, "TLS 1.3, the client's first messages");
    test_damage(0, 1, "TLS 1.3, the server's messages");
    test_damage(0, 2, "TLS 1.3, the client's last messages");
    test_damage(1, 0, "TLS 1.2, the client's first messages");
    test_damage(1, 1, "TLS 1.2, the server's messages");
    test_damage(1, 2, "TLS 1.2, the client's last messages");
    test_truncated(0);
    test_truncated(1);
    test_transport_errors();
    test_reset_at_tickets();
    test_interrupted_transport();
    test_no_common_version();
    test_first_error();
    test_renegotiation();
    vouch_config_free(client_config);
    vouch_config_free(server_config[0]);
    vouch_config_free(server_config[1]);
    vouch_identity_free(alex);
    vouch_identity_free(berta);
    return tap_done();
}
