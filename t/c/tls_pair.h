/*
 * A TLS client and a TLS server in one process, joined by two wires in
 * memory that can be cut, slowed and tampered with.  For the unit tests.
 *
 * Nothing here waits: pair_shake() takes turns until both have ended.
 */
#ifndef VOUCH_TEST_TLS_PAIR_H
#define VOUCH_TEST_TLS_PAIR_H

#include <errno.h>

#include "base/clock.h"
#include "tls/identity.h"
#include "tls/pins.h"
#include "tls/session.h"
#include "vouch.h"

#include "pki.h"
#include "tap.h"

#define WIRE_MAX 262144 /* bytes on the way; more than any test sends */
#define TURNS_MAX 20000 /* of both sides; a byte at a time needs thousands */

struct wire {
    unsigned char bytes[WIRE_MAX];
    size_t start;
    size_t end;
    size_t chunk;  /* at most so many bytes each time; 0: any number */
    size_t room;   /* that may still be sent; then EAGAIN */
    int ended;     /* after what is on the way: the end */
    int fail;      /* errno of both directions, or 0 */
    int fail_next; /* errno of the sends after the first that fails, or 0 */
};

struct pair {
    struct wire up;   /* from the client to the server */
    struct wire down; /* from the server to the client */
    struct wire_ends {
        struct wire *in;
        struct wire *out;
    } ends[2];
    struct vouch_conn *client;
    struct vouch_conn *server;
    int client_result;
    int server_result;
};

static struct vouch_error pair_err;

static inline size_t
wire_limit(const struct wire *wire, size_t length)
{
    return wire->chunk > 0 && length > wire->chunk ? wire->chunk : length;
}

static inline ssize_t
wire_receive(void *arg, void *data, size_t length)
{
    struct wire *wire = ((struct wire_ends *) arg)->in;
    size_t have = wire->end - wire->start;

    if (have == 0 && wire->ended)
        return 0;
    errno = wire->fail != 0 ? wire->fail : EAGAIN;
    if (wire->fail != 0 || have == 0)
        return -1;
    length = wire_limit(wire, length < have ? length : have);
    memcpy(data, wire->bytes + wire->start, length);
    wire->start += length;
    return (ssize_t) length;
}

static inline ssize_t
wire_send(void *arg, const void *data, size_t length)
{
    struct wire *wire = ((struct wire_ends *) arg)->out;

    length = wire_limit(wire, length < wire->room ? length : wire->room);
    errno = wire->fail != 0 ? wire->fail : EAGAIN;
    if (wire->fail != 0 && wire->fail_next != 0)
        wire->fail = wire->fail_next;
    if (wire->fail != 0 || length == 0)
        return -1;
    if (wire->start == wire->end) {
        wire->start = 0;
        wire->end = 0;
    }
    pki_need(wire->end + length <= WIRE_MAX, "room on the wire");
    memcpy(wire->bytes + wire->end, data, length);
    wire->end += length;
    wire->room -= length;
    return (ssize_t) length;
}

static inline size_t
wire_waiting(const struct wire *wire)
{
    return wire->end - wire->start;
}

static inline void
wire_clear(struct wire *wire)
{
    wire->start = 0;
    wire->end = 0;
    wire->chunk = 0;
    wire->room = (size_t) -1;
    wire->ended = 0;
    wire->fail = 0;
    wire->fail_next = 0;
}

/* A pair that lasts until the next pair_open(); free it with pair_close().
 * Configurations are frozen by it. */
static inline struct pair *
pair_open(struct vouch_config *server, struct vouch_config *client)
{
    static struct pair pair;
    struct vouch_transport transport = {wire_receive, wire_send, NULL};

    wire_clear(&pair.up);
    wire_clear(&pair.down);
    pair.ends[0].in = &pair.down;
    pair.ends[0].out = &pair.up;
    pair.ends[1].in = &pair.up;
    pair.ends[1].out = &pair.down;
    pair.client = NULL;
    pair.server = NULL;
    vouch_error_clear(&pair_err);
    transport.arg = &pair.ends[0];
    pki_need(
        vouch_conn_new_transport(client, &transport, &pair.client, &pair_err)
            == 0,
        pair_err.text);
    transport.arg = &pair.ends[1];
    pki_need(
        vouch_conn_new_transport(server, &transport, &pair.server, &pair_err)
            == 0,
        pair_err.text);
    pair.client_result = VOUCH_WANT_WRITE;
    pair.server_result = VOUCH_WANT_READ;
    return &pair;
}

static inline void
pair_close(struct pair *pair)
{
    vouch_conn_free(pair->client);
    vouch_conn_free(pair->server);
    pair->client = NULL;
    pair->server = NULL;
}

/* Both shake hands as far as they come; 1 if both are done.  A side that
 * failed ends its wire, as its owner would close the socket. */
static inline int
pair_shake(struct pair *pair)
{
    int turn;

    for (turn = 0; turn < TURNS_MAX; turn++) {
        if (pair->client_result < -1)
            pair->client_result = vouch_conn_handshake(pair->client);
        if (pair->client_result == -1)
            pair->up.ended = 1;
        if (pair->server_result < -1)
            pair->server_result = vouch_conn_handshake(pair->server);
        if (pair->server_result == -1)
            pair->down.ended = 1;
        if (pair->client_result >= -1 && pair->server_result >= -1)
            break;
    }
    return pair->client_result == 0 && pair->server_result == 0;
}

/* Send text one way, after the handshake: 1 if it arrived. */
static inline int
pair_say(struct vouch_conn *from, struct vouch_conn *to, const char *text)
{
    size_t length = strlen(text);
    char got[256];
    ssize_t count;

    if (vouch_conn_write(from, text, length) != (ssize_t) length)
        return 0;
    count = vouch_conn_read(to, got, sizeof(got));
    return count == (ssize_t) length && memcmp(got, text, length) == 0;
}

/* An identity of ours: P-256, self-signed, valid for a day. */
static inline struct vouch_identity *
pair_identity(const char *cn, const char *san)
{
    struct vouch_identity_spec spec = {cn, NULL, &san, san == NULL ? 0 : 1,
                                       0,  0};
    struct vouch_identity *identity = NULL;

    spec.not_before = vouch_clock_epoch() - 3600;
    spec.not_after = vouch_clock_epoch() + 86400;
    pki_need(vouch_identity_create(&spec, &identity, &pair_err) == 0,
             pair_err.text);
    return identity;
}

static inline struct vouch_config *
pair_config(enum vouch_role role, struct vouch_identity *identity, int mode)
{
    struct vouch_config *config = NULL;

    vouch_error_clear(&pair_err);
    pki_need(
        vouch_config_new(role, &config, &pair_err) == 0
            && (identity == NULL
                || vouch_config_add_identity(config, NULL, identity, &pair_err)
                       == 0)
            && vouch_config_set_verify(config, mode, &pair_err) == 0,
        pair_err.text);
    return config;
}

/* Trust nobody but this identity's own certificate, or nobody at all. */
static inline void
pair_trust(struct vouch_config *config, const struct vouch_identity *whom)
{
    struct vouch_buf *pem = pki_buf();
    int done = -1;

    if (whom == NULL)
        done = vouch_config_set_ca_none(config, &pair_err);
    else if (vouch_identity_cert_pem(whom, pem) == 0)
        done = vouch_config_add_ca_mem(config, vouch_buf_data(pem),
                                       vouch_buf_length(pem), &pair_err);
    pki_need(done == 0, pair_err.text);
    vouch_buf_free(pem);
}

#endif
