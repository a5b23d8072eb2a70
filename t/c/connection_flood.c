/*
 * tls/connection: records that a peer seals properly, and should not send, or
 * not so many of them.
 *
 * A peer may say nothing for long, but it cannot keep us busy with nothing.
 */
#include "forged.h"

#define MANY 20000 /* more than any limit */
#define READS 40   /* of one test; each may find nothing */

static struct vouch_identity *alex;
static struct vouch_config *server_config;
static struct vouch_config *client_config[2];
static const int versions[2] = {VOUCH_TLS1_3, VOUCH_TLS1_2};

static void
make_configs(void)
{
    struct vouch_error err;
    int i;

    vouch_error_clear(&err);
    server_config = pair_config(VOUCH_SERVER, alex, VOUCH_VERIFY_NONE);
    pki_need(
        vouch_config_set_ciphers(server_config, FORGED_CIPHER, &err) == 0
            && vouch_config_set_ciphersuites(server_config, FORGED_SUITE, &err)
                   == 0
            && vouch_config_set_tickets(server_config, 0, &err) == 0,
        err.text);
    SSL_CTX_set_keylog_callback(vouch_config_ssl_ctx(server_config),
                                forged_note);
    for (i = 0; i < 2; i++) {
        client_config[i] = pair_config(VOUCH_CLIENT, NULL, VOUCH_VERIFY_NONE);
        pki_need(vouch_config_set_protocols(client_config[i], versions[i],
                                            versions[i], &err)
                     == 0,
                 err.text);
    }
}

static struct pair *
ready_pair(int which)
{
    struct pair *pair = pair_open(server_config, client_config[which]);

    pki_need(pair_shake(pair), "a handshake");
    wire_clear(&pair->up);
    wire_clear(&pair->down);
    return pair;
}

enum { SERVER, CLIENT };                 /* who reads */
enum { TLS13 = 1, TLS12 = 2, BOTH = 3 }; /* which versions */

/* Some of the messages of TLS. */
#define EMPTY "", 0
#define WARNING "\1\132", 2 /* user_canceled */
#define GOODBYE "\1\0", 2
#define HELLO_REQUEST "\0\0\0\0", 4
#define TICKET "\4\0\0\24\0\0\34\40\1\2\3\4\1x\0\6ticket\0\0", 24
#define CLIENT_HELLO \
    "\1\0\0\51\3\3" \
    "0123456789abcdef0123456789abcdef" \
    "\0\0\2\300\53\1\0", \
        45

/* So many records, then "hello": what the reader makes of it. */
static const struct flood {
    const char *name;
    int reader;
    int in;
    int type;
    const char *content;
    size_t length;
    long count;
    const char *want; /* NULL: "hello" arrives; "": the end; or the error */
} floods[] = {
    {"records of no bytes", SERVER, BOTH, FORGED_DATA, EMPTY, 20, NULL},
    {"many records of no bytes", SERVER, BOTH, FORGED_DATA, EMPTY, MANY,
     "record too small"},
    {"a warning", SERVER, BOTH, FORGED_ALERT, WARNING, 1, NULL},
    {"many warnings", SERVER, BOTH, FORGED_ALERT, WARNING, MANY,
     "too many warn alerts"},
    {"a hello in the middle", SERVER, TLS12, FORGED_HANDSHAKE, CLIENT_HELLO, 1,
     NULL},
    {"many of them", SERVER, TLS12, FORGED_HANDSHAKE, CLIENT_HELLO, MANY,
     "1000 messages of TLS and no data"},
    {"a hello in the middle of TLS 1.3", SERVER, TLS13, FORGED_HANDSHAKE,
     CLIENT_HELLO, 1, "unexpected message"},
    {"a request to begin again", CLIENT, TLS12, FORGED_HANDSHAKE,
     HELLO_REQUEST, 1, NULL},
    {"many of them, for a client", CLIENT, TLS12, FORGED_HANDSHAKE,
     HELLO_REQUEST, MANY, "1000 messages of TLS and no data"},
    {"tickets", CLIENT, TLS13, FORGED_HANDSHAKE, TICKET, 500, NULL},
    {"many tickets", CLIENT, TLS13, FORGED_HANDSHAKE, TICKET, MANY,
     "1000 messages of TLS and no data"},
    {"a ticket from a client", SERVER, TLS13, FORGED_HANDSHAKE, TICKET, 1,
     "unexpected message"},
    {"a key update of a third kind", SERVER, TLS13, FORGED_HANDSHAKE,
     "\30\0\0\1\2", 5, 1, "bad key update"},
    {"a key update of two bytes", SERVER, TLS13, FORGED_HANDSHAKE,
     "\30\0\0\2\0\0", 6, 1, "excessive message size"},
    {"a key update in TLS 1.2", SERVER, TLS12, FORGED_HANDSHAKE, "\30\0\0\1\0",
     5, 1, "unexpected message"},
    {"a finished message too many", SERVER, BOTH, FORGED_HANDSHAKE,
     "\24\0\0\1x", 5, 1, "unexpected message"},
    {"no handshake message at all", SERVER, TLS13, FORGED_HANDSHAKE, EMPTY, 1,
     "*"},
    {"no handshake message in TLS 1.2", SERVER, TLS12, FORGED_HANDSHAKE, EMPTY,
     1, NULL},
    {"many of none", SERVER, TLS12, FORGED_HANDSHAKE, EMPTY, MANY,
     "record too small"},
    {"half an alert", SERVER, BOTH, FORGED_ALERT, "\1", 1, 1, "*"},
    {"an alert of no level", SERVER, TLS12, FORGED_ALERT, "\7\0", 2, 1, "*"},
    {"an alert that ends it", SERVER, BOTH, FORGED_ALERT, "\2\61", 2, 1,
     "alert access denied"},
    {"a change of ciphers", SERVER, BOTH, FORGED_CCS, "\1", 1, 1, "*"},
    {"a type that is none", SERVER, BOTH, 99, "x", 1, 1, "*"},
    {"no type", SERVER, TLS13, 0, EMPTY, 1, "*"},
    {"nothing but padding", SERVER, TLS13, 0, "\0\0\0\0", 4, 1,
     "bad record type"},
    {"a goodbye, and then data", SERVER, BOTH, FORGED_ALERT, GOODBYE, 1, ""},
    {"a goodbye to a client, and then data", CLIENT, BOTH, FORGED_ALERT,
     GOODBYE, 1, ""},
};

/* Read until there is something, an end, or an error: the last result.  The
 * flood is sent as it is read. */
static ssize_t
read_flood(struct pair *pair, struct forger *forger, const struct flood *flood,
           char *got, size_t size)
{
    int to_client = flood->reader == CLIENT;
    struct wire *wire = to_client ? &pair->down : &pair->up;
    struct vouch_conn *reader = to_client ? pair->client : pair->server;
    long left = flood->count;
    ssize_t result = VOUCH_WANT_READ;
    int said = 0;
    int i;

    for (i = 0; i < READS && result == VOUCH_WANT_READ; i++) {
        for (; left > 0 && wire->end < WIRE_MAX - 2 * FORGED_MAX; left--)
            forge(forger, wire, flood->type, flood->content, flood->length);
        if (left == 0 && !said++)
            forge(forger, wire, FORGED_DATA, "hello", 5);
        result = vouch_conn_read(reader, got, size);
    }
    return result;
}

static void
check_flood(const struct flood *flood, int which)
{
    int to_client = flood->reader == CLIENT;
    struct pair *pair = ready_pair(which);
    struct vouch_conn *reader = to_client ? pair->client : pair->server;
    struct forger forger =
        forger_of(pair->server, to_client, versions[which] == VOUCH_TLS1_2);
    char got[16] = "";
    ssize_t result = read_flood(pair, &forger, flood, got, sizeof(got) - 1);

    printf("# %s, %s\n", which == 0 ? "TLS 1.3" : "TLS 1.2", flood->name);
    if (flood->want == NULL) {
        is_int(result, 5, flood->name);
        is_text(got, "hello", "the data behind it");
    } else if (*flood->want == '\0') {
        is_int(result, 0, flood->name);
        is_int(vouch_conn_read(reader, got, sizeof(got)), 0,
               "what comes later is not read");
        is_int(vouch_conn_is_closed_by_peer(reader), 1, "a proper end");
    } else {
        is_int(result, -1, flood->name);
        ok(*flood->want == '*'
               || strstr(vouch_conn_error_text(reader), flood->want) != NULL,
           vouch_conn_error_text(reader));
        is_int(vouch_conn_read(reader, got, sizeof(got)), -1, "for good");
    }
    pair_close(pair);
}

static void
test_floods(void)
{
    size_t i;
    int which;

    for (i = 0; i < sizeof(floods) / sizeof(floods[0]); i++)
        for (which = 0; which < 2; which++)
            if (floods[i].in & (1 << which))
                check_flood(&floods[i], which);
}

/* Ten thousand records of a byte each, the length of each read being less
 * than, or more than, that. */
static void
test_tiny(int which, size_t size)
{
    struct pair *pair = ready_pair(which);
    struct forger forger =
        forger_of(pair->server, 0, versions[which] == VOUCH_TLS1_2);
    char got[100];
    long total = 0;
    int i;

    for (i = 0; i < 10000; i++) {
        forge(&forger, &pair->up, FORGED_DATA, "x", 1);
        if (i % 1000 != 999)
            continue;
        while (wire_waiting(&pair->up) > 0)
            total += (long) vouch_conn_read(pair->server, got, size);
    }
    is_int(total, 10000, "ten thousand bytes, in a record each");
    is_int(vouch_conn_read(pair->server, got, size), VOUCH_WANT_READ,
           "and no more");
    pair_close(pair);
}

/* A record larger than TLS allows, and the largest. */
static void
test_large(int which)
{
    static char content[FORGED_MAX];
    static char got[FORGED_MAX];
    struct pair *pair = ready_pair(which);
    struct forger forger =
        forger_of(pair->server, 0, versions[which] == VOUCH_TLS1_2);

    forge(&forger, &pair->up, FORGED_DATA, content, 16384);
    forge(&forger, &pair->up, FORGED_DATA, content, 16385);
    is_int(vouch_conn_read(pair->server, got, sizeof(got)), 16384,
           "the largest record");
    is_int(vouch_conn_read(pair->server, got, sizeof(got)), -1,
           "one byte more is refused");
    is_int(vouch_conn_error(pair->server)->code, VOUCH_E_TLS,
           vouch_conn_error_text(pair->server));
    pair_close(pair);
}

/* The client changes its keys so many times; then it sends a byte. */
static ssize_t
update_keys(struct pair *pair, int count, int kind)
{
    SSL *ssl = vouch_conn_ssl(pair->client);
    char got;
    int i;

    for (i = 0; i < count; i++)
        pki_need(SSL_key_update(ssl, kind) == 1 && SSL_do_handshake(ssl) == 1,
                 "a key update");
    pki_need(vouch_conn_write(pair->client, "x", 1) == 1, "a byte");
    return vouch_conn_read(pair->server, &got, 1);
}

static void
test_key_updates(int kind)
{
    struct pair *pair = ready_pair(0);

    is_int(update_keys(pair, 1, kind), 1, "new keys");
    is_int(update_keys(pair, 900, kind), 1, "nine hundred times");
    is_int(update_keys(pair, 900, kind), 1, "again, after a byte");
    is_int(update_keys(pair, 5000, kind), -1, "five thousand times");
    is_int(vouch_conn_error(pair->server)->code, VOUCH_E_LIMIT,
           vouch_conn_error_text(pair->server));
    ok(wire_waiting(&pair->up) > 4000 * 22, "most of them were not read");
    is_int(vouch_conn_write(pair->server, "x", 1), -1, "no more writing");
    pair_close(pair);
}

/* Asking often costs nothing: only what arrives is counted. */
static void
test_patience(void)
{
    struct pair *pair = ready_pair(0);
    char got;
    int i;

    for (i = 0; i < 5000; i++)
        if (vouch_conn_read(pair->server, &got, 1) != VOUCH_WANT_READ)
            break;
    is_int(i, 5000, "reading five thousand times where nothing is");
    ok(pair_say(pair->client, pair->server, "hello"), "and then there is");
    pair_close(pair);
}

/* A server that goes on saying "begin again" to a client that waits for its
 * first message. */
static void
test_handshake_flood(void)
{
    static const char request[] = "\26\3\3\0\4\0\0\0\0";
    struct pair *pair = pair_open(server_config, client_config[1]);
    struct wire *wire = &pair->down;
    int result = vouch_conn_handshake(pair->client);
    int i;

    for (i = 0; i < READS && result == VOUCH_WANT_READ; i++) {
        wire_clear(wire);
        while (wire->end + 9 <= WIRE_MAX) {
            memcpy(wire->bytes + wire->end, request, 9);
            wire->end += 9;
        }
        result = vouch_conn_handshake(pair->client);
    }
    is_int(result, -1, "a handshake that never comes to its end");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_LIMIT,
           vouch_conn_error_text(pair->client));
    is_int(i, 5, "is given up after a megabyte");
    pair_close(pair);
}

/* We have said goodbye, and the peer goes on sending. */
static void
test_endless_goodbye(int which)
{
    static char content[16384];
    struct pair *pair = ready_pair(which);
    struct forger forger =
        forger_of(pair->server, 0, versions[which] == VOUCH_TLS1_2);
    int result = VOUCH_WANT_READ;
    int i;

    for (i = 0; i < 200 && result == VOUCH_WANT_READ; i++) {
        forge(&forger, &pair->up, FORGED_DATA, content, sizeof(content));
        result = vouch_conn_shutdown(pair->server);
    }
    is_int(result, -1, "a peer that does not stop");
    is_int(vouch_conn_error(pair->server)->code, VOUCH_E_LIMIT,
           vouch_conn_error_text(pair->server));
    is_int(i, 65, "is given up after a megabyte");
    pair_close(pair);
}

int
main(void)
{
    int which;

    alex = pair_identity("localhost", NULL);
    make_configs();
    test_floods();
    for (which = 0; which < 2; which++) {
        test_tiny(which, 1);
        test_tiny(which, 100);
        test_large(which);
        test_endless_goodbye(which);
    }
    test_key_updates(SSL_KEY_UPDATE_NOT_REQUESTED);
    test_key_updates(SSL_KEY_UPDATE_REQUESTED);
    test_patience();
    test_handshake_flood();
    for (which = 0; which < 2; which++)
        vouch_config_free(client_config[which]);
    vouch_config_free(server_config);
    vouch_identity_free(alex);
    return tap_done();
}
