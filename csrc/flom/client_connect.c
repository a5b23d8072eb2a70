/*
 * A client's way to the daemon: addresses, TCP or unix socket, TLS.
 */
#include "flom/client_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "flom/error_codes.h"
#include "flom/socket_name.h"
#include "net/socket.h"
#include "tls/certificate.h"
#include "tls/config.h"
#include "tls/connection.h"
#include "tls/identity.h"

static int
find_tcp(struct vouch_flom_client *client)
{
    struct vouch_error err;
    char port[VOUCH_PORT_SIZE];
    char host[VOUCH_HOST_SIZE];
    const struct vouch_flom_settings *settings = &client->settings;
    int length;

    vouch_error_clear(&err);
    (void) snprintf(port, sizeof(port), "%d", settings->unicast_port);
    if (settings->network_interface != NULL
        && strchr(settings->unicast_address, '%') == NULL)
        length =
            snprintf(host, sizeof(host), "%s%%%s", settings->unicast_address,
                     settings->network_interface);
    else
        length = snprintf(host, sizeof(host), "%s", settings->unicast_address);
    if (length < 0 || (size_t) length >= sizeof(host))
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_GETADDRINFO_ERROR,
                                      "the address is too long");
    client->address_count = vouch_address_resolve(
        host, port, client->addresses, CLIENT_ADDRESSES, &err);
    if (client->address_count > 0)
        return 0;
    return vouch_flom_client_fail(client, VOUCH_FLOM_RC_GETADDRINFO_ERROR,
                                  "%s", err.text);
}

static int
find_addresses(struct vouch_flom_client *client)
{
    client->address_next = 0;
    if (client->settings.socket_name == NULL
        && client->settings.unicast_address != NULL)
        return find_tcp(client);
    client->address_count = 1;
    if (vouch_flom_socket_address(client->settings.socket_name,
                                  client->addresses)
        == 0)
        return 0;
    return vouch_flom_client_fail(client, VOUCH_FLOM_RC_BUFFER_OVERFLOW,
                                  "the name of the socket is too long");
}

/* With the system's reason, for who would start a daemon. */
static int
not_connected(struct vouch_flom_client *client, const struct vouch_error *err)
{
    (void) vouch_flom_client_fail(client, VOUCH_FLOM_RC_CONNECT_ERROR, "%s",
                                  err->text);
    client->error.sys_errno = err->sys_errno;
    return -1;
}

/* Begin with the next address that can be begun with.  0 or -1. */
static int
try_next(struct vouch_flom_client *client)
{
    struct vouch_error err;
    int on = 1;

    vouch_error_clear(&err);
    while (client->address_next < client->address_count) {
        const struct vouch_address *address =
            &client->addresses[client->address_next++];

        client->fd = vouch_socket_begin_connect(
            address, client->connect_deadline, &err);
        if (client->fd == -1)
            continue;
        if (address->storage.ss_family != AF_UNIX)
            (void) setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on,
                              sizeof(on));
        return 0;
    }
    return not_connected(client, &err);
}

int
vouch_flom_client_connect(struct vouch_flom_client *client,
                          int64_t deadline_ms)
{
    if (client->state != VOUCH_FLOM_CLIENT_IDLE)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE, "connected already");
    vouch_error_clear(&client->error);
    vouch_buf_clear(client->in);
    vouch_buf_clear(client->out);
    client->connect_deadline = deadline_ms;
    client->tcp_connected = 0;
    if (vouch_flom_client_prepare_tls(client) != 0
        || find_addresses(client) != 0 || try_next(client) != 0)
        return -1;
    client->state = VOUCH_FLOM_CLIENT_CONNECTING;
    return 0;
}

/* What is wrong with our own TLS files, as FLoM tells it. */
static int
tls_files_bad(struct vouch_flom_client *client, int rc,
              const struct vouch_error *err)
{
    if (err->code == VOUCH_E_MISMATCH)
        rc = VOUCH_FLOM_RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR;
    return vouch_flom_client_fail(client, rc, "%s", err->text);
}

int
vouch_flom_client_prepare_tls(struct vouch_flom_client *client)
{
    const struct vouch_flom_settings *settings = &client->settings;
    struct vouch_identity *identity = NULL;
    struct vouch_config *config = NULL;
    struct vouch_error err;
    int rc = VOUCH_FLOM_RC_SSL_CTX_NEW_ERROR;
    int status = -1;

    vouch_config_free(client->tls);
    client->tls = NULL;
    if (!vouch_flom_settings_use_tls(settings))
        return 0;
    vouch_error_clear(&err);
    if (vouch_config_new(VOUCH_CLIENT, &config, &err) != 0)
        goto out;
    rc = VOUCH_FLOM_RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR;
    if (vouch_identity_load(settings->tls_certificate,
                            settings->tls_private_key, NULL, NULL, &identity,
                            &err)
            != 0
        || vouch_config_add_identity(config, NULL, identity, &err) != 0)
        goto out;
    rc = VOUCH_FLOM_RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR;
    if (vouch_config_add_ca_file(config, settings->tls_ca_certificate, &err)
            != 0
        || vouch_config_freeze(config, &err) != 0)
        goto out;
    client->tls = vouch_config_ref(config);
    status = 0;
out:
    if (status != 0)
        (void) tls_files_bad(client, rc, &err);
    vouch_identity_free(identity);
    vouch_config_free(config);
    return status;
}

static int
handshake_failed(struct vouch_flom_client *client)
{
    const struct vouch_error *err = vouch_conn_error(client->conn);
    int rc = VOUCH_FLOM_RC_SSL_CONNECT_ERROR;

    if (err->code == VOUCH_E_VERIFY)
        rc = VOUCH_FLOM_RC_SSL_GET_VERIFY_RESULT_ERROR;
    return vouch_flom_client_fail(client, rc, "%s", err->text);
}

static int
go_on_with_tls(struct vouch_flom_client *client)
{
    struct vouch_error err;
    int outcome;

    vouch_error_clear(&err);
    if (client->conn == NULL
        && vouch_conn_new(client->tls, client->fd, &client->conn, &err) != 0)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_SSL_NEW_ERROR,
                                      "%s", err.text);
    outcome = vouch_conn_handshake(client->conn);
    return outcome == -1 ? handshake_failed(client) : outcome;
}

int
vouch_flom_client_go_on_connecting(struct vouch_flom_client *client)
{
    struct vouch_error err;
    int outcome;

    vouch_error_clear(&err);
    while (!client->tcp_connected) {
        outcome = vouch_socket_end_connect(
            client->fd, &client->addresses[client->address_next - 1], &err);
        if (outcome == 0)
            return VOUCH_FLOM_WANT_WRITE;
        if (outcome == 1) {
            client->tcp_connected = 1;
            break;
        }
        (void) close(client->fd);
        client->fd = -1;
        if (client->address_next >= client->address_count)
            return not_connected(client, &err);
        if (try_next(client) != 0)
            return -1;
    }
    return client->tls == NULL ? 0 : go_on_with_tls(client);
}

int
vouch_flom_client_check_peer(struct vouch_flom_client *client)
{
    struct vouch_buf *name;
    struct vouch_cert *cert;
    int rc = VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH;

    if (!client->settings.tls_check_peer_id)
        return 0;
    if (client->conn == NULL)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_NO_TLS_CONNECTION,
            "the peer's id cannot be checked without TLS");
    cert = vouch_conn_peer_cert(client->conn);
    name = vouch_buf_new(1024);
    if (name == NULL)
        rc = VOUCH_FLOM_RC_MALLOC_ERROR;
    else if (!(client->answer.has & VOUCH_FLOM_HAS_PEER_ID) || cert == NULL
             || vouch_cert_common_name(cert, name) != 1)
        rc = VOUCH_FLOM_RC_NULL_OBJECT;
    else if (strlen(client->answer.peer_id) == vouch_buf_length(name)
             && memcmp(client->answer.peer_id, vouch_buf_data(name),
                       vouch_buf_length(name))
                    == 0)
        rc = 0;
    vouch_buf_free(name);
    if (rc == 0)
        return 0;
    return vouch_flom_client_fail(
        client, rc,
        "the daemon's unique id is not the name in its certificate");
}
