/*
 * tls/config: every setting taken, refused, and frozen; policies that
 * contradict themselves; references.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/config.h"
#include "tls_pair.h"

static struct vouch_identity *alex;
static struct vouch_error err;
static char folder[64] = "/tmp/vouch-config-XXXXXX";
static char ca_file[96];
static char crl_file[96];
static char rubbish_file[96];
static char missing_file[96];

static struct vouch_config *
fresh(enum vouch_role role)
{
    struct vouch_config *config = NULL;

    vouch_error_clear(&err);
    pki_need(vouch_config_new(role, &config, &err) == 0, err.text);
    return config;
}

static void
write_file(const char *path, const struct vouch_buf *text)
{
    FILE *file = fopen(path, "wb");

    pki_need(
        file != NULL
            && fwrite(vouch_buf_data(text), 1, vouch_buf_length(text), file)
                   == vouch_buf_length(text)
            && fclose(file) == 0,
        path);
}

static void
write_crl(void)
{
    X509_CRL *crl = X509_CRL_new();
    X509 *cert = vouch_identity_x509(alex);
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *later = X509_gmtime_adj(NULL, 3600);
    struct vouch_buf *pem = pki_buf();
    BIO *bio = BIO_new(BIO_s_mem());

    pki_need(
        X509_CRL_set_version(crl, 1) == 1
            && X509_CRL_set_issuer_name(crl, X509_get_subject_name(cert)) == 1
            && X509_CRL_set1_lastUpdate(crl, now) == 1
            && X509_CRL_set1_nextUpdate(crl, later) == 1
            && X509_CRL_sign(crl, vouch_identity_pkey(alex), EVP_sha256()) > 0,
        "a revocation list");
    pki_collect(pem, bio, PEM_write_bio_X509_CRL(bio, crl));
    write_file(crl_file, pem);
    vouch_buf_free(pem);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    X509_CRL_free(crl);
}

static void
make_files(void)
{
    struct vouch_buf *text = pki_buf();

    pki_need(mkdtemp(folder) != NULL, folder);
    (void) snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", folder);
    (void) snprintf(crl_file, sizeof(crl_file), "%s/crl.pem", folder);
    (void) snprintf(rubbish_file, sizeof(rubbish_file), "%s/rubbish.pem",
                    folder);
    (void) snprintf(missing_file, sizeof(missing_file), "%s/missing.pem",
                    folder);
    pki_need(vouch_identity_cert_pem(alex, text) == 0, "PEM");
    write_file(ca_file, text);
    vouch_buf_clear(text);
    pki_need(vouch_buf_append_text(text, "this is not PEM\n") == 0, "text");
    write_file(rubbish_file, text);
    vouch_buf_free(text);
    write_crl();
}

static void
remove_files(void)
{
    (void) unlink(ca_file);
    (void) unlink(crl_file);
    (void) unlink(rubbish_file);
    (void) rmdir(folder);
}

/* A setting of one text: the good value is taken, the bad one refused with
 * a code and a word, and both are refused once frozen. */
struct text_case {
    const char *name;
    int (*set)(struct vouch_config *, const char *, struct vouch_error *);
    const char *good;
    const char *bad;
    enum vouch_code code;
    const char *word;
};

static void
check_frozen(int result, const char *name)
{
    is_int(result, -1, name);
    is_int(err.code, VOUCH_E_CONFIG, "is refused once frozen");
    ok(strstr(err.text, "in use") != NULL, "and says so");
    vouch_error_clear(&err);
}

static void
check_text(const struct text_case *c)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);

    is_int(c->set(config, c->good, &err), 0, c->name);
    is_text(err.text, "", "leaves no error");
    is_int(c->set(config, c->bad, &err), -1, "a bad value is refused");
    is_int(err.code, c->code, "with its code");
    ok(strstr(err.text, c->word) != NULL, err.text);
    is_int(c->set(config, c->bad, NULL), -1, "also if nobody wants to know");
    vouch_error_clear(&err);
    is_int(vouch_config_freeze(config, &err), 0, "freeze");
    check_frozen(c->set(config, c->good, &err), c->name);
    is_int(ERR_peek_error(), 0, "nothing is left in OpenSSL's queue");
    vouch_config_free(config);
}

static void
test_texts(void)
{
    const struct text_case cases[] = {
        {"CA file", vouch_config_add_ca_file, ca_file, missing_file,
         VOUCH_E_FILE, "missing.pem"},
        {"CA file of rubbish", vouch_config_add_ca_file, ca_file, rubbish_file,
         VOUCH_E_FORMAT, "rubbish.pem"},
        {"CA file of lists", vouch_config_add_ca_file, ca_file, crl_file,
         VOUCH_E_FORMAT, "holds no PEM certificate"},
        {"client CA file", vouch_config_set_client_ca_file, ca_file,
         missing_file, VOUCH_E_FILE, "missing.pem"},
        {"ciphers", vouch_config_set_ciphers, "HIGH:!aNULL", "NOSUCH",
         VOUCH_E_CONFIG, "NOSUCH"},
        {"suites", vouch_config_set_ciphersuites,
         "TLS_CHACHA20_POLY1305_SHA256", "TLS_NO_SUCH", VOUCH_E_CONFIG,
         "TLS_NO_SUCH"},
        {"groups", vouch_config_set_groups, "X25519:P-256", "P-1",
         VOUCH_E_CONFIG, "P-1"},
        {"a group by number", vouch_config_set_groups, "415", "13",
         VOUCH_E_CONFIG, "13"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_text(&cases[i]);
}

struct number_case {
    const char *name;
    int (*set)(struct vouch_config *, int, struct vouch_error *);
    int number;
    int result;
};

static void
test_numbers(void)
{
    static const struct number_case cases[] = {
        {"verify NONE", vouch_config_set_verify, VOUCH_VERIFY_NONE, 0},
        {"verify PEER", vouch_config_set_verify, VOUCH_VERIFY_PEER, 0},
        {"verify 7", vouch_config_set_verify, 7, 0},
        {"verify ANY", vouch_config_set_verify, VOUCH_VERIFY_ANY, 0},
        {"verify ANY, required", vouch_config_set_verify, 0x103, 0},
        {"verify -1", vouch_config_set_verify, -1, -1},
        {"verify 8", vouch_config_set_verify, 8, -1},
        {"verify 512", vouch_config_set_verify, 512, -1},
        {"depth 0", vouch_config_set_verify_depth, 0, 0},
        {"depth 1000", vouch_config_set_verify_depth, 1000, 0},
        {"depth -1", vouch_config_set_verify_depth, -1, -1},
        {"depth 1001", vouch_config_set_verify_depth, 1001, -1},
        {"tickets on", vouch_config_set_tickets, 1, 0},
        {"tickets off", vouch_config_set_tickets, 0, 0},
        {"server order on", vouch_config_set_server_order, 1, 0},
        {"server order off", vouch_config_set_server_order, 0, 0},
        {"buffers released", vouch_config_set_release_buffers, 1, 0},
        {"buffers kept", vouch_config_set_release_buffers, 0, 0},
    };
    struct vouch_config *frozen = fresh(VOUCH_SERVER);
    size_t i;

    pki_need(vouch_config_freeze(frozen, &err) == 0, err.text);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vouch_config *config = fresh(VOUCH_SERVER);

        is_int(cases[i].set(config, cases[i].number, &err), cases[i].result,
               cases[i].name);
        if (cases[i].result != 0)
            is_int(err.code, VOUCH_E_ARGUMENT, "is no good argument");
        vouch_error_clear(&err);
        check_frozen(cases[i].set(frozen, cases[i].number, &err),
                     cases[i].name);
        vouch_config_free(config);
    }
    vouch_config_free(frozen);
}

static void
test_server_order(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    SSL_CTX *ctx = vouch_config_ssl_ctx(config);
    const uint64_t bit = SSL_OP_CIPHER_SERVER_PREFERENCE;

    ok(SSL_CTX_get_options(ctx) & bit, "the server's order is the default");
    (void) vouch_config_set_server_order(config, 0, &err);
    ok(!(SSL_CTX_get_options(ctx) & bit), "and can be given up");
    (void) vouch_config_set_server_order(config, 1, &err);
    ok(SSL_CTX_get_options(ctx) & bit, "and taken back");
    vouch_config_free(config);
}

static void
test_protocols(void)
{
    static const struct {
        int lowest;
        int highest;
        int result;
    } cases[] = {
        {VOUCH_TLS1_2, VOUCH_TLS1_3, 0},
        {VOUCH_TLS1_3, VOUCH_TLS1_3, 0},
        {VOUCH_TLS1_0, VOUCH_TLS1_3, 0},
        {VOUCH_TLS1_3, VOUCH_TLS1_2, -1},
        {0x0300, VOUCH_TLS1_3, -1},
        {VOUCH_TLS1_2, 0x0305, -1},
        {-1, -1, -1},
        {0, 0, -1},
    };
    struct vouch_config *config = fresh(VOUCH_SERVER);
    size_t i;

    is_int(SSL_CTX_get_min_proto_version(vouch_config_ssl_ctx(config)),
           TLS1_2_VERSION, "TLS 1.2 is the lowest by default");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_config_set_protocols(config, cases[i].lowest,
                                          cases[i].highest, &err),
               cases[i].result, "a range of versions");
    }
    is_int(err.code, VOUCH_E_ARGUMENT, "is an argument");
    vouch_error_clear(&err);
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_frozen(
        vouch_config_set_protocols(config, VOUCH_TLS1_2, VOUCH_TLS1_3, &err),
        "protocols");
    vouch_config_free(config);
}

static void
check_alpn(const char *const *names, size_t count, int result,
           enum vouch_code code, const char *name)
{
    static const enum vouch_role roles[] = {VOUCH_SERVER, VOUCH_CLIENT};
    size_t i;

    for (i = 0; i < 2; i++) {
        struct vouch_config *config = fresh(roles[i]);

        is_int(vouch_config_set_alpn(config, names, count, &err), result,
               name);
        is_int(err.code, code, "its code");
        vouch_config_free(config);
    }
}

static void
test_alpn(void)
{
    char name255[256];
    char name256[257];
    const char *two[] = {"gemini", "http/1.1"};
    const char *empty[] = {"gemini", ""};
    const char *longest[] = {name255};
    const char *too_long[] = {name256};
    const char *too_many[] = {name255, name255, name255, name255};
    struct vouch_config *config = fresh(VOUCH_SERVER);

    memset(name255, 'a', 255);
    name255[255] = '\0';
    memset(name256, 'a', 256);
    name256[256] = '\0';
    check_alpn(two, 2, 0, VOUCH_OK, "two protocols");
    check_alpn(NULL, 0, 0, VOUCH_OK, "none");
    check_alpn(longest, 1, 0, VOUCH_OK, "255 bytes");
    check_alpn(too_many, 4, 0, VOUCH_OK, "1,024 bytes");
    check_alpn(empty, 2, -1, VOUCH_E_ARGUMENT, "an empty name");
    check_alpn(too_long, 1, -1, VOUCH_E_ARGUMENT, "256 bytes");
    too_many[3] = "one more";
    is_int(vouch_config_set_alpn(config, too_many, 3, &err), 0, "768 bytes");
    vouch_config_free(config);
    config = fresh(VOUCH_SERVER);
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_frozen(vouch_config_set_alpn(config, two, 2, &err), "ALPN");
    vouch_config_free(config);
}

static void
test_alpn_limit(void)
{
    char name255[256];
    const char *names[] = {name255, name255, name255, name255, "a"};
    struct vouch_config *config = fresh(VOUCH_SERVER);

    memset(name255, 'a', 255);
    name255[255] = '\0';
    is_int(vouch_config_set_alpn(config, names, 5, &err), -1,
           "1,026 bytes of protocols");
    is_int(err.code, VOUCH_E_LIMIT, "are beyond the limit");
    vouch_config_free(config);
}

static void
test_session_id_context(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    unsigned char bytes[33] = "thirty-three bytes, one too many";

    is_int(vouch_config_set_session_id_context(config, bytes, 1, &err), 0,
           "1 byte");
    is_int(vouch_config_set_session_id_context(config, bytes, 32, &err), 0,
           "32 bytes");
    is_int(vouch_config_set_session_id_context(config, bytes, 33, &err), -1,
           "33 bytes");
    is_int(err.code, VOUCH_E_ARGUMENT, "are refused");
    is_int(vouch_config_set_session_id_context(config, bytes, 0, NULL), -1,
           "no bytes");
    vouch_error_clear(&err);
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_frozen(vouch_config_set_session_id_context(config, bytes, 1, &err),
                 "session id context");
    vouch_config_free(config);
}

static void
test_trust(void)
{
    struct vouch_config *config = fresh(VOUCH_CLIENT);
    struct vouch_buf *pem = pki_buf();

    pki_need(vouch_identity_cert_pem(alex, pem) == 0, "PEM");
    is_int(vouch_config_add_ca_mem(config, vouch_buf_data(pem),
                                   vouch_buf_length(pem), &err),
           0, "an authority in memory");
    is_int(vouch_config_add_ca_path(config, folder, &err), 0, "a folder");
    is_int(vouch_config_add_ca_default(config, &err), 0, "default places");
    is_int(vouch_config_set_ca_none(config, &err), 0, "nobody");
    is_int(vouch_config_add_ca_mem(config, "rubbish", 7, &err), -1,
           "rubbish in memory");
    is_int(err.code, VOUCH_E_FORMAT, "is of the wrong format");
    vouch_error_clear(&err);
    is_int(vouch_config_add_ca_mem(config, "", 0, &err), -1, "no bytes");
    vouch_error_clear(&err);
    is_int(vouch_config_freeze(config, &err), 0, "freeze");
    is_int(vouch_config_freeze(config, &err), 0, "and again");
    check_frozen(vouch_config_add_ca_mem(config, "", 0, &err), "memory");
    check_frozen(vouch_config_add_ca_path(config, folder, &err), "folder");
    check_frozen(vouch_config_add_ca_default(config, &err), "default");
    check_frozen(vouch_config_set_ca_none(config, &err), "nobody");
    vouch_buf_free(pem);
    vouch_config_free(config);
}

static void
test_crl(void)
{
    struct vouch_config *config = fresh(VOUCH_CLIENT);

    is_int(vouch_config_set_crl(config, missing_file, 0, &err), -1,
           "a missing list");
    is_int(err.code, VOUCH_E_FILE, "is a matter of files");
    vouch_error_clear(&err);
    is_int(vouch_config_set_crl(config, ca_file, 0, &err), -1,
           "a certificate is no list");
    is_int(err.code, VOUCH_E_FORMAT, "and of the wrong format");
    vouch_error_clear(&err);
    is_int(vouch_config_set_crl(config, crl_file, 1, &err), 0, "a list");
    is_int(vouch_config_set_crl(config, NULL, 0, &err), 0,
           "lists of the folder");
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_frozen(vouch_config_set_crl(config, NULL, 0, &err), "lists");
    vouch_config_free(config);
}

static void
test_identities(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    int i;

    is_int(vouch_config_add_identity(config, NULL, alex, &err), 0,
           "the default identity");
    is_int(vouch_config_add_identity(config, "A.example.", alex, &err), 0,
           "one for a name");
    is_int(vouch_config_add_identity(config, "*.example", alex, &err), 0,
           "one for a wildcard");
    is_int(vouch_config_add_identity(config, "", alex, &err), -1,
           "an empty name");
    is_int(err.code, VOUCH_E_ARGUMENT, "is no name");
    vouch_error_clear(&err);
    is_int(vouch_config_add_identity(config, "a*.example", alex, &err), -1,
           "a wildcard in the middle");
    vouch_error_clear(&err);
    for (i = 0; i < 3; i++)
        (void) vouch_config_add_identity(config, "a.example", alex, &err);
    is_int(vouch_config_add_identity(config, "a.example", alex, &err), -1,
           "a fifth for one name, whatever its spelling");
    is_int(err.code, VOUCH_E_LIMIT, "is beyond the limit");
    vouch_error_clear(&err);
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_frozen(vouch_config_add_identity(config, NULL, alex, &err),
                 "identity");
    check_frozen(vouch_config_add_identity(config, "b", alex, &err),
                 "identity for a name");
    vouch_config_free(config);
}

static int
say_yes(const struct vouch_verify *verify, void *arg)
{
    (void) verify;
    (void) arg;
    return 1;
}

/* What cannot be enforced together is refused when it is frozen. */
struct policy_case {
    const char *name;
    int mode;
    int callback;
    int pins; /* 1: with pins, 2: alone */
    int crl;
    int result;
};

static void
check_policy(const struct policy_case *c)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    struct vouch_pins *pins = vouch_pins_new();

    pki_need(vouch_config_set_verify(config, c->mode, &err) == 0, err.text);
    if (c->callback)
        pki_need(vouch_config_set_verify_callback(config, say_yes, &err) == 0,
                 err.text);
    if (c->pins)
        pki_need(vouch_config_set_pins(config, pins, c->pins == 2, &err) == 0,
                 err.text);
    if (c->crl)
        pki_need(vouch_config_set_crl(config, NULL, 0, &err) == 0, err.text);
    is_int(vouch_config_freeze(config, &err), c->result, c->name);
    is_int(err.code, c->result == 0 ? VOUCH_OK : VOUCH_E_CONFIG, "its code");
    if (c->result != 0)
        is_int(vouch_config_set_verify(config, VOUCH_VERIFY_PEER, &err), 0,
               "what could not be frozen can be mended");
    vouch_pins_free(pins);
    vouch_config_free(config);
}

static void
test_policies(void)
{
    static const struct policy_case cases[] = {
        {"ANY", VOUCH_VERIFY_ANY, 0, 0, 0, 0},
        {"ANY with pins", VOUCH_VERIFY_ANY, 0, 1, 0, 0},
        {"ANY with a callback", VOUCH_VERIFY_ANY, 1, 0, 0, -1},
        {"ANY with pins alone", VOUCH_VERIFY_ANY, 0, 2, 0, -1},
        {"ANY with lists", VOUCH_VERIFY_ANY, 0, 0, 1, -1},
        {"NONE with pins", VOUCH_VERIFY_NONE, 0, 1, 0, -1},
        {"NONE with pins alone", VOUCH_VERIFY_NONE, 0, 2, 0, -1},
        {"NONE with lists", VOUCH_VERIFY_NONE, 0, 0, 1, -1},
        {"NONE with a callback", VOUCH_VERIFY_NONE, 1, 0, 0, 0},
        {"PEER with everything", VOUCH_VERIFY_PEER, 1, 2, 1, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_policy(&cases[i]);
}

/* A contradiction is told where a connection is made, too. */
static void
test_refused_connection(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    struct vouch_transport transport = {wire_receive, wire_send, NULL};
    struct vouch_conn *conn = NULL;

    (void) vouch_config_set_verify(config, VOUCH_VERIFY_ANY, &err);
    (void) vouch_config_set_verify_callback(config, say_yes, &err);
    is_int(vouch_conn_new_transport(config, &transport, &conn, &err), -1,
           "no connection under a policy that contradicts itself");
    is_int(err.code, VOUCH_E_CONFIG, "its code");
    ok(conn == NULL, "and the result is untouched");
    vouch_error_clear(&err);
    vouch_config_free(config);
}

static void
test_frozen_by_use(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct vouch_pins *pins = vouch_pins_new();
    struct pair *pair = pair_open(server, client);

    check_frozen(vouch_config_set_verify(server, 0, &err), "verify");
    check_frozen(vouch_config_set_verify_callback(client, NULL, &err),
                 "callback");
    check_frozen(vouch_config_set_pins(client, pins, 0, &err), "pins");
    check_frozen(vouch_config_set_client_ca_file(server, ca_file, &err),
                 "client authorities");
    pair_close(pair);
    vouch_pins_free(pins);
    vouch_config_free(server);
    vouch_config_free(client);
}

/* The owner lets go first; connections and further owners still hold it. */
static void
test_references(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct pair *pair = pair_open(server, client);

    ok(vouch_config_ref(server) == server, "a reference is the same");
    vouch_config_free(server);
    vouch_config_free(server);
    vouch_config_free(client);
    ok(pair_shake(pair), "connections outlive the last owner");
    pair_close(pair);
    vouch_config_free(NULL);
    ok(1, "nothing to free is fine");
}

static void
test_no_identity(void)
{
    struct vouch_config *server = fresh(VOUCH_SERVER);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct pair *pair = pair_open(server, client);

    ok(!pair_shake(pair), "a server without certificate serves nobody");
    is_int(vouch_conn_error(pair->server)->code, VOUCH_E_TLS, "its code");
    is_int(vouch_conn_error(pair->client)->code, VOUCH_E_ALERT,
           "the client gets an alert");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
}

int
main(void)
{
    alex = pair_identity("Alex", NULL);
    make_files();
    test_texts();
    test_numbers();
    test_server_order();
    test_protocols();
    test_alpn();
    test_alpn_limit();
    test_session_id_context();
    test_trust();
    test_crl();
    test_identities();
    test_policies();
    test_refused_connection();
    test_frozen_by_use();
    test_references();
    test_no_identity();
    remove_files();
    vouch_identity_free(alex);
    return tap_done();
}
