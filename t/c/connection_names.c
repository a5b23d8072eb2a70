/*
 * tls/connection: application protocols, the names a client asks for, and
 * which identity a server shows for them.
 */
#include "tls/connection.h"
#include "tls_pair.h"

static struct vouch_identity *alex;
static struct vouch_identity *berta;

static int
same_cert(const struct vouch_cert *cert, const struct vouch_identity *who)
{
    return cert != NULL
           && X509_cmp(vouch_cert_openssl(cert), vouch_identity_x509(who))
                  == 0;
}

static struct pair *
ready_pair(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct pair *pair = pair_open(server, client);

    vouch_config_free(server);
    vouch_config_free(client);
    pki_need(pair_shake(pair), "a handshake");
    return pair;
}

static void
check_alpn(const char *const *client_names, size_t count, const char *chosen)
{
    static const char *const server_names[] = {"gemini", "titan"};
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct pair *pair;

    (void) vouch_config_set_alpn(server, server_names, 2, NULL);
    (void) vouch_config_set_alpn(client, client_names, count, NULL);
    pair = pair_open(server, client);
    is_int(pair_shake(pair), chosen != NULL, "application protocols");
    if (chosen != NULL) {
        is_text(vouch_conn_alpn(pair->server), chosen, "the server's view");
        is_text(vouch_conn_alpn(pair->client), chosen, "the client's view");
    } else {
        ok(strstr(vouch_conn_error_text(pair->client), "no application "
                                                       "protocol")
               != NULL,
           vouch_conn_error_text(pair->client));
    }
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
}

static void
test_alpn(void)
{
    static const char *const both[] = {"titan", "gemini"};
    static const char *const one[] = {"http/1.1", "titan"};
    static const char *const other[] = {"http/1.1"};

    check_alpn(both, 2, "gemini");
    check_alpn(one, 2, "titan");
    check_alpn(other, 1, NULL);
    check_alpn(NULL, 0, "");
}

/* The identity by the name asked for: exact, one label of wildcard, else
 * the default one. */
static void
check_name(struct vouch_config *server, const char *name,
           const struct vouch_identity *wanted)
{
    struct vouch_config *client = pair_config(VOUCH_CLIENT, NULL, 0);
    struct pair *pair = pair_open(server, client);

    if (name != NULL)
        is_int(vouch_conn_set_server_name(pair->client, name), 0, name);
    ok(pair_shake(pair), "shake hands");
    ok(same_cert(vouch_conn_peer_cert(pair->client), wanted),
       name == NULL ? "no name" : name);
    ok(same_cert(vouch_conn_own_cert(pair->server), wanted), "own");
    is_text(vouch_conn_server_name(pair->server), name, "the name asked for");
    pair_close(pair);
    vouch_config_free(client);
}

static void
test_server_names(void)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alex, 0);
    struct vouch_identity *carla = pair_identity("Carla", NULL);

    (void) vouch_config_add_identity(server, "b.example", berta, NULL);
    (void) vouch_config_add_identity(server, "*.example", carla, NULL);
    check_name(server, NULL, alex);
    check_name(server, "b.example", berta);
    check_name(server, "B.EXAMPLE", berta);
    check_name(server, "c.example", carla);
    check_name(server, "a.b.example", alex);
    check_name(server, "example", alex);
    check_name(server, "elsewhere.test", alex);
    vouch_identity_free(carla);
    vouch_config_free(server);
}

static void
test_bad_names(void)
{
    struct pair *pair = ready_pair();
    char longest[256];
    char too_long[257];
    struct vouch_conn *client = pair->client;

    memset(longest, 'a', 255);
    longest[255] = '\0';
    memset(too_long, 'a', 256);
    too_long[256] = '\0';
    is_int(vouch_conn_set_server_name(client, longest), 0, "255 bytes");
    is_int(vouch_conn_set_server_name(client, too_long), -1, "256 bytes");
    is_int(vouch_conn_error(client)->code, VOUCH_E_ARGUMENT, "are no name");
    pair_close(pair);

    pair = ready_pair();
    client = pair->client;
    is_int(vouch_conn_set_verify_host(client, "127.0.0.1"), 0, "an address");
    is_int(vouch_conn_set_verify_host(client, "::1"), 0, "another");
    is_int(vouch_conn_set_verify_host(client, "a.example"), 0, "a host");
    is_int(vouch_conn_set_verify_host(client, ""), -1,
           "an empty host would check nothing");
    is_int(vouch_conn_error(client)->code, VOUCH_E_ARGUMENT, "is refused");
    pair_close(pair);
}

int
main(void)
{
    alex = pair_identity("Alex", NULL);
    berta = pair_identity("Berta", NULL);
    test_alpn();
    test_server_names();
    test_bad_names();
    vouch_identity_free(alex);
    vouch_identity_free(berta);
    return tap_done();
}
