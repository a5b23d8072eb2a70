/*
 * tls/session: what may be resumed, where, and as whom; what a server
 * refuses to take up again.
 */
#include "tls/session.h"
#include "tls_people.h"

static const int versions[2] = {VOUCH_TLS1_3, VOUCH_TLS1_2};

/* A client that trusts nobody and accepts all; made once, or no session
 * would ever be its own. */
static struct vouch_config *
any_client(struct vouch_identity *who, int version)
{
    struct vouch_config *client =
        pair_config(VOUCH_CLIENT, who, VOUCH_VERIFY_ANY);

    pki_need(vouch_config_set_protocols(client, version, version, NULL) == 0,
             "a TLS version");
    return client;
}

static struct vouch_config *
server_with_tickets(int mode, int tickets)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alone, mode);

    pair_trust(server, NULL);
    if (tickets >= 0)
        pki_need(vouch_config_set_tickets(server, tickets, NULL) == 0,
                 "tickets");
    return server;
}

/* One visit: shakes hands (offering a session, if there is one), talks, and
 * returns the session to offer next, or NULL. */
static struct vouch_session *
visit(struct vouch_config *server, struct vouch_config *client,
      const struct vouch_session *offered, int *resumed_r)
{
    struct pair *pair = pair_open(server, client);
    struct vouch_session *session = NULL;

    if (offered != NULL)
        is_int(vouch_session_offer(offered, pair->client), 1, "offered");
    if (pair_shake(pair)) {
        *resumed_r = vouch_conn_is_resumed(pair->server);
        pki_need(vouch_conn_is_resumed(pair->client) == *resumed_r,
                 "one view of it");
        pki_need(pair_say(pair->server, pair->client, "hello"), "a talk");
        session = vouch_session_from_conn(pair->client);
    } else {
        *resumed_r = -1;
    }
    (void) vouch_conn_close(pair->client);
    pair_close(pair);
    return session;
}

static void
test_resumption(int version)
{
    struct vouch_config *server = server_with_tickets(0, -1);
    struct vouch_config *client = any_client(NULL, version);
    struct vouch_session *first;
    struct vouch_session *second;
    int resumed;

    first = visit(server, client, NULL, &resumed);
    is_int(resumed, 0, "the first visit");
    ok(first != NULL, "leaves a session");
    second = visit(server, client, first, &resumed);
    is_int(resumed, 1, "the second resumes it");
    ok(second != NULL, "and leaves one, too");
    vouch_session_free(first);
    first = visit(server, client, second, &resumed);
    is_int(resumed, 1, "and so does the third");
    vouch_session_free(first);
    vouch_session_free(second);
    vouch_session_free(NULL);
    vouch_config_free(server);
    vouch_config_free(client);
}

/* Facts about the peer are the same in a resumed session, on both sides. */
static void
test_facts(int version)
{
    struct vouch_config *server = server_with_tickets(VOUCH_VERIFY_ANY, 1);
    struct vouch_config *client = any_client(orphan, version);
    struct vouch_session *session;
    const struct vouch_verdict *verdict;
    struct pair *pair;
    int resumed;

    session = visit(server, client, NULL, &resumed);
    ok(session != NULL, "a session with a client certificate");
    pair = pair_open(server, client);
    is_int(vouch_session_offer(session, pair->client), 1, "offered");
    ok(pair_shake(pair), "taken up");
    is_int(vouch_conn_is_resumed(pair->server), 1, "resumed");
    ok(vouch_conn_peer_cert(pair->server) != NULL
           && X509_cmp(vouch_cert_openssl(vouch_conn_peer_cert(pair->server)),
                       vouch_identity_x509(orphan))
                  == 0,
       "the client's certificate");
    is_int(vouch_conn_peer_chain_count(pair->server) >= 1, 1, "its chain");
    ok(vouch_conn_peer_cert(pair->client) != NULL
           && X509_cmp(vouch_cert_openssl(vouch_conn_peer_cert(pair->client)),
                       vouch_identity_x509(alone))
                  == 0,
       "the server's certificate");
    verdict = vouch_conn_verdict(pair->server);
    is_int(verdict->accepted, 1, "accepted");
    is_int(verdict->by, VOUCH_BY_SESSION, "by the session");
    pair_close(pair);
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

struct ticket_case {
    const char *name;
    int mode;
    int tickets;
    int session;
};

static void
test_tickets(int version)
{
    static const struct ticket_case cases[] = {
        {"no certificates asked, not said", 0, -1, 1},
        {"no certificates asked, on", 0, 1, 1},
        {"no certificates asked, off", 0, 0, 0},
        {"certificates asked, not said", VOUCH_VERIFY_ANY, -1, 0},
        {"certificates asked, on", VOUCH_VERIFY_ANY, 1, 1},
        {"certificates asked, off", VOUCH_VERIFY_ANY, 0, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vouch_config *server =
            server_with_tickets(cases[i].mode, cases[i].tickets);
        struct vouch_config *client = any_client(NULL, version);
        struct vouch_session *session;
        int resumed;

        session = visit(server, client, NULL, &resumed);
        is_int(session != NULL, cases[i].session, cases[i].name);
        vouch_session_free(session);
        vouch_config_free(server);
        vouch_config_free(client);
    }
}

/* When there is none: too early, too late, and on the server's side. */
static void
test_no_session(void)
{
    struct vouch_config *server = server_with_tickets(0, 1);
    struct vouch_config *client = any_client(NULL, VOUCH_TLS1_3);
    struct pair *pair = pair_open(server, client);
    struct vouch_session *session;
    char byte;

    ok(vouch_session_from_conn(pair->client) == NULL,
       "none before the handshake");
    ok(pair_shake(pair), "shake hands");
    ok(vouch_session_from_conn(pair->client) == NULL,
       "none before the first read, in TLS 1.3");
    (void) vouch_conn_write(pair->server, "x", 1);
    is_int(vouch_conn_read(pair->client, &byte, 1), 1, "read");
    session = vouch_session_from_conn(pair->client);
    ok(session != NULL, "one after it");
    vouch_session_free(session);
    (void) vouch_conn_close(pair->client);
    session = vouch_session_from_conn(pair->client);
    ok(session != NULL, "also after a proper end");
    vouch_session_free(session);
    pair_close(pair);

    pair = pair_open(server, client);
    pki_need(pair_shake(pair), "a handshake");
    (void) vouch_conn_write(pair->server, "x", 1);
    (void) vouch_conn_read(pair->client, &byte, 1);
    pair->down.fail = ECONNRESET;
    (void) vouch_conn_read(pair->client, &byte, 1);
    ok(vouch_session_from_conn(pair->client) == NULL,
       "none of a connection that failed");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
}

/* A connection that is dropped, not closed, may have been tampered with. */
static void
test_dropped(void)
{
    struct vouch_config *server = server_with_tickets(0, 1);
    struct vouch_config *client = any_client(NULL, VOUCH_TLS1_3);
    struct pair *pair = pair_open(server, client);
    struct vouch_session *session;

    pki_need(pair_shake(pair) && pair_say(pair->server, pair->client, "x"),
             "a visit");
    session = vouch_session_from_conn(pair->client);
    pair_close(pair);
    ok(session != NULL, "a session");
    pair = pair_open(server, client);
    is_int(vouch_session_offer(session, pair->client), 0,
           "of a connection that was not closed is not offered");
    pair_close(pair);
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

static int
offers(const struct vouch_session *session, struct vouch_config *server,
       struct vouch_config *client, const char *name)
{
    struct pair *pair = pair_open(server, client);
    int result;

    if (name != NULL)
        (void) vouch_conn_set_verify_host(pair->client, name);
    result = vouch_session_offer(session, pair->client);
    pair_close(pair);
    return result;
}

/* The session of a connection that is followed, and talks or not. */
static struct vouch_session *
follow(struct vouch_config *server, struct vouch_config *client, int talks)
{
    struct pair *pair = pair_open(server, client);
    struct vouch_session *first;
    struct vouch_session *session;

    ok(vouch_session_follow(pair->client) == NULL, "not before the handshake");
    pki_need(pair_shake(pair), "a handshake");
    ok(vouch_session_follow(pair->server) == NULL, "nor a server's");
    first = vouch_session_follow(pair->client);
    session = vouch_session_follow(pair->client);
    ok(session != NULL && session != first, "the session of a client");
    vouch_session_free(first);
    if (talks)
        pki_need(pair_say(pair->server, pair->client, "x"), "a read");
    (void) vouch_conn_close(pair->client);
    pair_close(pair);
    return session;
}

/* The session may be empty first, is what the server sends later, and
 * outlives its connection. */
static void
test_follow(int version)
{
    struct vouch_config *server = server_with_tickets(0, 1);
    struct vouch_config *client = any_client(NULL, version);
    struct vouch_session *session = follow(server, client, 0);
    int resumed;

    is_int(offers(session, server, client, NULL), version == VOUCH_TLS1_2,
           "under TLS 1.3 nothing has come before a read");
    vouch_session_free(session);
    session = follow(server, client, 1);
    vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, 1, "it is there when the connection is gone");
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

/* Only under the configuration, and for the host, it was made for. */
static void
test_where(void)
{
    struct vouch_config *server = server_with_tickets(0, 1);
    struct vouch_config *client = any_client(NULL, VOUCH_TLS1_3);
    struct vouch_config *other = any_client(NULL, VOUCH_TLS1_3);
    struct vouch_config *known = any_client(orphan, VOUCH_TLS1_3);
    struct vouch_session *session;
    struct pair *pair;
    int resumed;

    session = visit(server, client, NULL, &resumed);
    is_int(offers(session, server, client, NULL), 1, "the same");
    is_int(offers(session, server, client, "a.example"), 0, "with a host");
    is_int(offers(session, server, other, NULL), 0, "another of the kind");
    is_int(offers(session, server, known, NULL), 0, "another identity");
    pair = pair_open(server, client);
    is_int(vouch_session_offer(session, pair->server), 0, "to a client");
    (void) vouch_conn_handshake(pair->client);
    is_int(vouch_session_offer(session, pair->client), 0,
           "after the handshake has begun");
    pki_need(pair_shake(pair), "a handshake");
    is_int(vouch_session_offer(session, pair->client), 0,
           "after the handshake");
    pair_close(pair);
    vouch_config_free(client);
    pair = pair_open(server, other);
    is_int(vouch_session_offer(session, pair->client), 0,
           "a session outlives its configuration");
    pair_close(pair);
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(other);
    vouch_config_free(known);
}

static void
test_host(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, host, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, PEER);
    struct vouch_session *session;
    struct pair *pair;

    pair_trust(client, host);
    pair = pair_open(server, client);
    (void) vouch_conn_set_verify_host(pair->client, "a.example");
    pki_need(pair_shake(pair) && pair_say(pair->server, pair->client, "x"),
             "a visit");
    session = vouch_session_from_conn(pair->client);
    (void) vouch_conn_close(pair->client);
    pair_close(pair);
    ok(session != NULL, "a session with a host");
    is_int(offers(session, server, client, "a.example"), 1, "the same host");
    is_int(offers(session, server, client, "b.w.example"), 0, "another one");
    is_int(offers(session, server, client, NULL), 0, "none");
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

static void
test_age(void)
{
    struct vouch_config *server = server_with_tickets(0, 1);
    struct vouch_config *client = any_client(NULL, VOUCH_TLS1_3);
    struct pair *pair = pair_open(server, client);
    struct vouch_session *session;
    SSL_SESSION *inner;
    long made;

    pki_need(pair_shake(pair) && pair_say(pair->server, pair->client, "x"),
             "a visit");
    session = vouch_session_from_conn(pair->client);
    inner = SSL_get1_session(vouch_conn_ssl(pair->client));
    (void) vouch_conn_close(pair->client);
    pair_close(pair);
    made = (long) SSL_SESSION_get_time(inner);
    is_int(offers(session, server, client, NULL), 1, "fresh");
    (void) SSL_SESSION_set_time(inner,
                                made - SSL_SESSION_get_timeout(inner) - 2);
    is_int(offers(session, server, client, NULL), 0, "run out");
    (void) SSL_SESSION_set_time(inner, made + 1000);
    is_int(offers(session, server, client, NULL), 0, "from the future");
    SSL_SESSION_free(inner);
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

/* A server takes up again only what its policy would still let in. */
static void
test_pin_withdrawn(int version, int alone_decide)
{
    struct vouch_config *server = server_with_tickets(PEER, 1);
    struct vouch_config *client = any_client(orphan, version);
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint print;
    struct vouch_session *session;
    int resumed;

    pki_need(vouch_cert_fingerprint(vouch_identity_cert(orphan), VOUCH_SHA256,
                                    VOUCH_OF_CERT, &print)
                     == 0
                 && vouch_pins_add(pins, &print) == 1
                 && vouch_config_set_pins(server, pins, alone_decide, NULL)
                        == 0,
             "a pin");
    session = visit(server, client, NULL, &resumed);
    vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, 1, "pinned: resumed");
    (void) vouch_pins_remove(pins, &print);
    vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, -1, "not pinned any more: refused");
    (void) vouch_pins_add(pins, &print);
    vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, 1, "pinned again: resumed");
    vouch_session_free(session);
    vouch_pins_free(pins);
    vouch_config_free(server);
    vouch_config_free(client);
}

static void
test_expired_peer(int version)
{
    struct vouch_config *server = server_with_tickets(VOUCH_VERIFY_ANY, 1);
    struct vouch_config *client = any_client(expired, version);
    struct vouch_session *session;
    int resumed;

    session = visit(server, client, NULL, &resumed);
    is_int(resumed, 0, "an expired certificate, accepted");
    if (session != NULL)
        vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, 0, "is looked at again, each time");
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

/* A ticket of one server is nothing to another, nor in another context. */
static void
test_other_server(int version)
{
    struct vouch_config *server = server_with_tickets(0, 1);
    struct vouch_config *other = server_with_tickets(0, 1);
    struct vouch_config *client = any_client(NULL, version);
    struct vouch_session *session;
    int resumed;

    pki_need(vouch_config_set_session_id_context(other, "other", 5, NULL) == 0,
             "a context");
    session = visit(server, client, NULL, &resumed);
    vouch_session_free(visit(other, client, session, &resumed));
    is_int(resumed, 0, "another server makes a full handshake");
    vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, 1, "and the first one still knows it");
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(other);
    vouch_config_free(client);
}

static struct vouch_config *
server_of_friends(void)
{
    static const char *const names[] = {"friends"};
    struct vouch_config *server =
        server_with_tickets(VOUCH_VERIFY_ANY, VOUCH_TICKETS_ALPN);

    pki_need(vouch_config_set_alpn(server, names, 1, NULL) == 0
                 && vouch_config_set_read_ahead(server, 1, NULL) == 0,
             "a protocol");
    return server;
}

static struct vouch_config *
friend_client(void)
{
    static const char *const names[] = {"friends"};
    struct vouch_config *client = any_client(orphan, VOUCH_TLS1_3);

    pki_need(vouch_config_set_alpn(client, names, 1, NULL) == 0, "a protocol");
    return client;
}

/* Tickets for those only who speak the application's protocol; the server
 * keeps the sessions, and connections may end in any way. */
static void
test_friends(void)
{
    struct vouch_config *server = server_of_friends();
    struct vouch_config *other = server_of_friends();
    struct vouch_config *friend = friend_client();
    struct vouch_config *stranger = any_client(orphan, VOUCH_TLS1_3);
    struct vouch_session *session;
    struct vouch_session *next;
    int resumed;
    int i;

    session = visit(server, stranger, NULL, &resumed);
    ok(session == NULL, "who has no protocol gets no ticket");
    session = visit(server, friend, NULL, &resumed);
    ok(session != NULL && resumed == 0, "who has it gets one");
    for (i = 0; i < 3; i++) {
        next = visit(server, friend, session, &resumed);
        is_int(resumed, 1, "which serves again and again");
        ok(next == NULL, "so that none is renewed");
    }
    vouch_session_free(visit(other, friend, session, &resumed));
    is_int(resumed, 0, "but only with the server that gave it");
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(other);
    vouch_config_free(friend);
    vouch_config_free(stranger);
}

static void
test_detached(void)
{
    struct vouch_config *server = server_of_friends();
    struct vouch_config *client = friend_client();
    struct pair *pair = pair_open(server, client);
    struct vouch_session *session;
    int resumed;

    ok(pair_shake(pair), "a connection");
    session = vouch_session_follow(pair->client);
    ok(pair_say(pair->server, pair->client, "hello"), "a word");
    is_int(vouch_session_detach(session), 0, "its session is taken off");
    pair_close(pair); /* without a goodbye from either */
    vouch_session_free(visit(server, client, session, &resumed));
    is_int(resumed, 1, "and outlives it on both sides");
    vouch_session_free(session);
    vouch_config_free(server);
    vouch_config_free(client);
}

static void
test_read_ahead(void)
{
    struct vouch_config *server = server_of_friends();
    struct vouch_config *client = friend_client();
    struct pair *pair = pair_open(server, client);
    char got[8];

    ok(pair_shake(pair), "a connection that reads ahead");
    is_int(vouch_conn_has_input(pair->server), 0, "nothing has come");
    is_int(vouch_conn_write(pair->client, "one", 3), 3, "a record");
    is_int(vouch_conn_write(pair->client, "two", 3), 3, "and another");
    is_int(vouch_conn_read(pair->server, got, sizeof(got)), 3, "one is read");
    is_int(wire_waiting(&pair->up), 0, "both were received");
    is_int(vouch_conn_has_input(pair->server), 1, "so there is more");
    is_int(vouch_conn_read(pair->server, got, sizeof(got)), 3, "the other");
    is_int(vouch_conn_has_input(pair->server), 0, "that is all");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
}

int
main(void)
{
    int i;

    make_people();
    for (i = 0; i < 2; i++) {
        test_resumption(versions[i]);
        test_facts(versions[i]);
        test_tickets(versions[i]);
        test_pin_withdrawn(versions[i], 0);
        test_pin_withdrawn(versions[i], 1);
        test_expired_peer(versions[i]);
        test_other_server(versions[i]);
        test_follow(versions[i]);
    }
    test_no_session();
    test_dropped();
    test_where();
    test_host();
    test_age();
    test_friends();
    test_detached();
    test_read_ahead();
    free_people();
    return tap_done();
}
