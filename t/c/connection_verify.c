/*
 * tls/verify: who is accepted, by whom it was decided, and what the callback
 * is told on the way.
 */
#include "tls_people.h"

struct verdict_case {
    const char *name;
    struct vouch_identity **who; /* NULL: without a certificate */
    int mode;
    X509 **trusted; /* NULL: nobody */
    int answer;     /* of the callback, or -1: none */
    int accepted;
    enum vouch_decided_by by;
    int error;
};

#define REQUIRED (VOUCH_VERIFY_PEER | VOUCH_VERIFY_REQUIRED)
#define ANY VOUCH_VERIFY_ANY
#define BY_CHAIN VOUCH_BY_CHAIN
#define BY_CALL VOUCH_BY_CALLBACK
#define BY_ANY VOUCH_BY_ANY
#define BY_NONE VOUCH_BY_NOBODY

static const struct verdict_case verdicts[] = {
    {"nobody asks", &alone, 0, NULL, -1, 1, BY_NONE, 0},
    {"none sent", NULL, PEER, NULL, -1, 1, BY_NONE, 0},
    {"none sent, callback", NULL, PEER, NULL, 0, 1, BY_NONE, 0},
    {"none sent, required", NULL, REQUIRED, NULL, -1, 0, BY_NONE, 0},
    {"none sent, any", NULL, ANY, NULL, -1, 1, BY_NONE, 0},
    {"none sent, any, required", NULL, 0x103, NULL, -1, 0, BY_NONE, 0},
    {"self-signed", &alone, PEER, NULL, -1, 0, BY_CHAIN, 18},
    {"self-signed, any", &alone, ANY, NULL, -1, 1, BY_ANY, 18},
    {"expired, any", &expired, ANY, NULL, -1, 1, BY_ANY, 10},
    {"not yet valid, any", &future, ANY, NULL, -1, 1, BY_ANY, 9},
    {"of somebody, any", &orphan, ANY, NULL, -1, 1, BY_ANY, 20},
    {"trusted, any", &leaf, ANY, &root, -1, 1, BY_ANY, 0},
    {"expired, root known, any", &old_leaf, ANY, &root, -1, 1, BY_ANY, 10},
    {"self-signed, yes", &alone, PEER, NULL, 1, 1, BY_CALL, 18},
    {"self-signed, no", &alone, PEER, NULL, 0, 0, BY_CALL, 18},
    {"expired, yes", &expired, PEER, NULL, 1, 1, BY_CALL, 10},
    {"not yet valid, yes", &future, REQUIRED, NULL, 1, 1, BY_CALL, 9},
    {"chain to the root", &leaf, PEER, &root, -1, 1, BY_CHAIN, 0},
    {"chain to the middle", &orphan, PEER, &middle, -1, 1, BY_CHAIN, 0},
    {"chain to the root, yes", &leaf, PEER, &root, 1, 1, BY_CALL, 0},
    {"chain to the root, no", &leaf, PEER, &root, 0, 0, BY_CALL, 28},
    {"the middle is missing", &orphan, PEER, &root, -1, 0, BY_CHAIN, 20},
    {"unknown root, yes", &leaf, PEER, NULL, 1, 1, BY_CALL, 20},
    {"expired leaf", &old_leaf, PEER, &root, -1, 0, BY_CHAIN, 10},
};

static void
check_verdict(const struct verdict_case *c, int version)
{
    struct log log = {0};
    struct log *with = c->answer < 0 ? NULL : &log;
    X509 *trusted = c->trusted == NULL ? NULL : *c->trusted;
    struct vouch_config *server = server_that(c->mode, trusted, with);
    struct vouch_identity *who = c->who == NULL ? NULL : *c->who;
    const struct vouch_verdict *verdict;
    struct pair *pair;

    clear_log(&log, c->answer);
    is_int(call(server, who, version, with, &pair), c->accepted, c->name);
    verdict = vouch_conn_verdict(pair->server);
    is_int(verdict->by, c->by, vouch_decided_by_text(verdict->by));
    is_int(verdict->error, c->error, vouch_verify_error_text(c->error));
    if (c->by != BY_NONE)
        is_int(verdict->accepted, c->accepted, "the verdict says the same");
    if (!c->accepted && c->who != NULL)
        is_int(vouch_conn_error(pair->server)->code, VOUCH_E_VERIFY,
               vouch_conn_error_text(pair->server));
    clear_log(&log, 0);
    pair_close(pair);
    vouch_config_free(server);
}

static void
test_verdicts(void)
{
    size_t i;

    for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        check_verdict(&verdicts[i], VOUCH_TLS1_3);
        check_verdict(&verdicts[i], VOUCH_TLS1_2);
    }
}

/* How the callback is called: top of the chain first, each fault with ok 0,
 * each certificate with ok 1. */
struct call_case {
    const char *name;
    struct vouch_identity **who;
    X509 **trusted;
    int count;
    int calls[CALLS_MAX][3];
};

static const struct call_case call_cases[] = {
    {"self-signed", &alone, NULL, 2, {{0, 18, 0}, {1, 18, 0}}},
    {"expired", &expired, NULL, 3, {{0, 18, 0}, {0, 10, 0}, {1, 10, 0}}},
    {"future", &future, NULL, 3, {{0, 18, 0}, {0, 9, 0}, {1, 9, 0}}},
    {"orphan", &orphan, NULL, 2, {{0, 20, 0}, {1, 20, 0}}},
    {"leaf", &leaf, NULL, 3, {{0, 20, 1}, {1, 20, 1}, {1, 20, 0}}},
    {"leaf, root", &leaf, &root, 3, {{1, 0, 2}, {1, 0, 1}, {1, 0, 0}}},
    {"orphan, middle", &orphan, &middle, 2, {{1, 0, 1}, {1, 0, 0}}},
    {"old leaf",
     &old_leaf,
     &root,
     4,
     {{1, 0, 2}, {1, 0, 1}, {0, 10, 0}, {1, 10, 0}}},
};

static void
check_calls(const struct call_case *c, int version)
{
    struct log log = {0};
    X509 *trusted = c->trusted == NULL ? NULL : *c->trusted;
    struct vouch_config *server = server_that(PEER, trusted, &log);
    struct pair *pair;
    int i;

    log.answer = 1;
    is_int(call(server, *c->who, version, &log, &pair), 1, c->name);
    is_int(log.count, c->count, "as many calls");
    for (i = 0; i < c->count && i < CALLS_MAX; i++)
        ok(memcmp(log.calls[i], c->calls[i], sizeof(c->calls[i])) == 0,
           "ok, error, depth");
    ok(log.last != NULL
           && X509_cmp(log.last, vouch_identity_x509(*c->who)) == 0,
       "the last call is about the peer's own certificate");
    clear_log(&log, 0);
    pair_close(pair);
    vouch_config_free(server);
}

static void
test_calls(void)
{
    size_t i;

    for (i = 0; i < sizeof(call_cases) / sizeof(call_cases[0]); i++) {
        check_calls(&call_cases[i], VOUCH_TLS1_3);
        check_calls(&call_cases[i], VOUCH_TLS1_2);
    }
}

static void
test_told(void)
{
    struct log log = {0};
    struct vouch_config *server = server_that(PEER, NULL, &log);
    struct pair *pair;

    log.answer = 1;
    (void) call(server, leaf, VOUCH_TLS1_3, &log, &pair);
    is_text(log.names, "/CN=Middle/CN=Leaf", "issuer and subject");
    is_text(log.error_text, "error:00000014:lib(0)::reason(20)",
            "the error as IO::Socket::SSL words it");
    is_int(vouch_conn_peer_chain_count(pair->server), 2, "chain");
    ok(X509_cmp(
           vouch_cert_openssl(vouch_conn_peer_chain_cert(pair->server, 1)),
           middle)
           == 0,
       "the middle comes second");
    pair_close(pair);

    clear_log(&log, 1);
    log.clear = 1;
    (void) call(server, alone, VOUCH_TLS1_3, &log, &pair);
    is_int(log.count, 2, "an error set to 0");
    is_int(log.calls[1][1], 0, "is gone in the next call");
    is_text(log.error_text, "", "and has no text");
    is_int(SSL_get_verify_result(vouch_conn_ssl(pair->server)), 0,
           "nor does OpenSSL know of it");
    pair_close(pair);
    clear_log(&log, 0);
    vouch_config_free(server);
}

static void
test_refusal_texts(void)
{
    struct log log = {0};
    struct vouch_config *server = server_that(PEER, NULL, &log);
    struct pair *pair;
    char byte;

    ok(!call(server, alone, VOUCH_TLS1_2, &log, &pair), "no");
    is_int(log.count, 1, "is asked once");
    ok(strstr(vouch_conn_error_text(pair->server), "certificate verify failed")
           != NULL,
       vouch_conn_error_text(pair->server));
    ok(strstr(vouch_conn_error_text(pair->server), "callback said no") != NULL,
       "names the callback");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_ALERT,
           vouch_conn_error_text(pair->client));
    pair_close(pair);

    ok(!call(server, alone, VOUCH_TLS1_3, &log, &pair), "no, TLS 1.3");
    is_int(pair->client_result, 0, "the client believes it is done");
    is_int(vouch_conn_read(pair->client, &byte, 1), -1, "until it reads");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_ALERT,
           vouch_conn_error_text(pair->client));
    pair_close(pair);
    clear_log(&log, 0);
    vouch_config_free(server);
}

struct name_case {
    const char *name;
    int good;
};

static const struct name_case names[] = {
    {"a.example", 1},   {"A.Example", 1}, {"b.w.example", 1},
    {"127.0.0.1", 1},   {"::1", 1},       {"cn.example", 0},
    {"b.a.example", 0}, {"w.example", 0}, {"x.b.w.example", 0},
    {"127.0.0.2", 0},   {"::2", 0},       {"a.example.evil.test", 0},
    {"a.exampl", 0}};

/* 1 if a client that wants this host accepts the certificate for it. */
static int
accepts_host(const char *name, int mode, int with_callback, int *error_r)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, host, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, mode);
    struct log log = {0};
    struct pair *pair;
    int good;

    log.answer = 1;
    pair_trust(client, with_callback ? NULL : host);
    if (with_callback)
        (void) vouch_config_set_verify_callback(client, note, NULL);
    pair = pair_open(server, client);
    vouch_conn_set_arg(pair->client, &log);
    pki_need(vouch_conn_set_verify_host(pair->client, name) == 0, name);
    good = pair_shake(pair);
    *error_r = vouch_conn_verdict(pair->client)->error;
    if (!good)
        pki_need(vouch_conn_error(pair->client)->code == VOUCH_E_VERIFY,
                 "a refusal");
    clear_log(&log, 0);
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
    return good;
}

static void
test_names(void)
{
    size_t i;
    int error;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        is_int(accepts_host(names[i].name, PEER, 0, &error), names[i].good,
               names[i].name);
        if (!names[i].good)
            ok(error == X509_V_ERR_HOSTNAME_MISMATCH
                   || error == X509_V_ERR_IP_ADDRESS_MISMATCH,
               vouch_verify_error_text(error));
        is_int(accepts_host(names[i].name, PEER, 1, &error), names[i].good,
               "whatever a callback that says yes to all says");
        is_int(accepts_host(names[i].name, 0, 0, &error), 1,
               "but a client that checks nothing takes it");
    }
}

static void
test_unknown_server(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alone, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, PEER);
    struct pair *pair;

    pair_trust(client, NULL);
    pair = pair_open(server, client);
    ok(!pair_shake(pair), "a client refuses a server nobody vouches for");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_VERIFY,
           vouch_conn_error_text(pair->client));
    is_int(vouch_conn_error(pair->server)->code, VOUCH_E_ALERT,
           vouch_conn_error_text(pair->server));
    pair_close(pair);
    vouch_config_free(client);
    client = NULL;
    pki_need(vouch_config_new(VOUCH_CLIENT, &client, NULL) == 0, "a client");
    pair_trust(client, NULL);
    pair = pair_open(server, client);
    ok(!pair_shake(pair), "and does so by default");
    pair_close(pair);
    vouch_config_free(client);
    vouch_config_free(server);
}

/* A client that checks nothing tells its callback all the same. */
static void
test_client_callback(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alone, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct log log = {0};
    struct pair *pair;

    (void) vouch_config_set_verify_callback(client, note, NULL);
    pair = pair_open(server, client);
    vouch_conn_set_arg(pair->client, &log);
    ok(pair_shake(pair), "the answer of a callback with mode NONE");
    ok(log.count > 0, "which is called");
    is_int(vouch_conn_verdict(pair->client)->by, VOUCH_BY_ANY,
           "does not count");
    clear_log(&log, 0);
    pair_close(pair);
    vouch_config_free(client);
    vouch_config_free(server);
}

static void
test_words(void)
{
    static const char *const words[] = {"nobody", "pin", "callback",
                                        "chain",  "any", "session"};
    int i;

    for (i = 0; i < 6; i++)
        is_text(vouch_decided_by_text((enum vouch_decided_by) i), words[i],
                words[i]);
    is_text(vouch_decided_by_text((enum vouch_decided_by) 6), "nobody",
            "a number that is none");
    is_text(vouch_decided_by_text((enum vouch_decided_by) - 1), "nobody",
            "another");
    ok(strlen(vouch_verify_error_text(0)) > 0, vouch_verify_error_text(0));
    ok(strlen(vouch_verify_error_text(99999)) > 0, "an unknown error");
}

int
main(void)
{
    make_people();
    test_verdicts();
    test_calls();
    test_told();
    test_refusal_texts();
    test_names();
    test_unknown_server();
    test_client_callback();
    test_words();
    free_people();
    return tap_done();
}
