/*
 * A client's way to the daemon: looking for it, addresses, TCP or unix
 * socket, TLS.
 */
#include "flom/client_private.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "flom/endpoint.h"
#include "flom/error_codes.h"
#include "flom/socket_name.h"
#include "net/socket.h"

/* The unicast address of the settings: the client's, or those of a daemon
 * that was found. */
static int
find_tcp(struct vouch_flom_client *client,
         const struct vouch_flom_settings *settings)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    client->address_count = vouch_flom_tcp_addresses(
        settings, client->addresses, CLIENT_ADDRESSES, &err);
    if (client->address_count > 0)
        return 0;
    return vouch_flom_client_explain(client, VOUCH_FLOM_RC_GETADDRINFO_ERROR,
                                     err.text);
}

static int
find_unix(struct vouch_flom_client *client)
{
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
    int is_tcp =
        client->settings.socket_name == NULL
        && (client->settings.unicast_address != NULL || client->is_found);

    (void) vouch_flom_client_fail(
        client, VOUCH_FLOM_RC_CONNECT_ERROR, "%s%s", err->text,
        is_tcp && err->sys_errno == EINVAL
            ? ": a link-local address needs its interface (-n)"
            : "");
    client->error.sys_errno = err->sys_errno;
    /* Nobody has the socket: what FLoM says is enough. */
    client->is_explained =
        is_tcp || (err->sys_errno != ECONNREFUSED && err->sys_errno != ENOENT);
    return -1;
}

/* Small messages go at once, and a daemon that vanishes is noticed. */
static void
set_tcp_options(const struct vouch_flom_client *client)
{
    const struct vouch_flom_settings *settings = &client->settings;

    vouch_socket_set_delays(client->fd, 0);
    vouch_socket_set_keepalive(client->fd, settings->keepalive_time,
                               settings->keepalive_interval,
                               settings->keepalive_probes);
}

/* Begin with the next address that can be begun with.  0 or -1. */
static int
try_next(struct vouch_flom_client *client)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    while (client->address_next < client->address_count) {
        const struct vouch_address *address =
            &client->addresses[client->address_next++];

        client->fd = vouch_socket_begin_connect(
            address, client->connect_deadline, &err);
        if (client->fd == -1)
            continue;
        if (address->storage.ss_family != AF_UNIX)
            set_tcp_options(client);
        return 0;
    }
    return not_connected(client, &err);
}

/* The addresses are known: begin with the first. */
static int
begin_with(struct vouch_flom_client *client)
{
    client->address_next = 0;
    return try_next(client);
}

/* A daemon that was found: settings with its address, and all else ours. */
static int
begin_with_found(struct vouch_flom_client *client)
{
    struct vouch_flom_settings found;
    struct vouch_error err;
    int status;

    client->place = *vouch_flom_discovery_place(client->discovery);
    client->is_found = 1;
    vouch_flom_discovery_free(client->discovery);
    client->discovery = NULL;
    vouch_error_clear(&err);
    if (vouch_flom_settings_copy(&client->settings, &found, &err) != 0)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_MALLOC_ERROR, "%s",
                                      err.text);
    if (vouch_flom_place_apply(&client->place, &found, &err) != 0)
        status = vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_INVALID_IPV6_NETWORK_INTERFACE, "%s",
            err.text);
    else
        status = find_tcp(client, &found) == 0 ? begin_with(client) : -1;
    vouch_flom_settings_clear(&found);
    return status;
}

/* Nobody there is like a host where nobody listens: one may be started. */
static int
not_found(struct vouch_flom_client *client)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    (void) vouch_error_set(
        &err, VOUCH_E_SYSTEM, "nobody answers in the group %s, port %d",
        client->settings.multicast_address, client->settings.multicast_port);
    (void) vouch_flom_client_explain(client, VOUCH_FLOM_RC_CONNECT_ERROR,
                                     err.text);
    client->error.sys_errno = ECONNREFUSED;
    return -1;
}

/* 0 found, and the connection begun; -1; VOUCH_FLOM_WANT_READ */
static int
go_on_looking(struct vouch_flom_client *client)
{
    struct vouch_error err;
    int rc = VOUCH_FLOM_RC_INTERNAL_ERROR;
    int outcome;

    vouch_error_clear(&err);
    outcome = vouch_flom_discovery_advance(client->discovery, &rc, &err);
    if (outcome == VOUCH_FLOM_WANT_READ)
        return outcome;
    if (outcome == 0)
        return begin_with_found(client);
    return outcome == 1 ? not_found(client)
                        : vouch_flom_client_explain(client, rc, err.text);
}

static int
begin_discovery(struct vouch_flom_client *client)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    client->is_found = 0;
    if (vouch_flom_discovery_new(&client->settings, client->tell,
                                 client->tell_arg, &client->discovery, &err)
        == 0)
        return go_on_looking(client) == -1 ? -1 : 0;
    return vouch_flom_client_fail(client, VOUCH_FLOM_RC_MALLOC_ERROR, "%s",
                                  err.text);
}

static int
begin(struct vouch_flom_client *client)
{
    const struct vouch_flom_settings *settings = &client->settings;

    if (vouch_flom_is_sought(settings))
        return begin_discovery(client);
    if (settings->socket_name == NULL && settings->unicast_address != NULL)
        return find_tcp(client, settings) == 0 ? begin_with(client) : -1;
    return find_unix(client) == 0 ? begin_with(client) : -1;
}

int
vouch_flom_client_connect(struct vouch_flom_client *client,
                          int64_t deadline_ms)
{
    if (client->state != VOUCH_FLOM_CLIENT_IDLE)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE, "connected already");
    client->was_held = 0;
    vouch_error_clear(&client->error);
    vouch_buf_clear(client->in);
    vouch_buf_clear(client->out);
    client->connect_deadline = deadline_ms;
    client->tcp_connected = 0;
    client->is_modern = 0;
    client->is_explained = 0;
    if (vouch_flom_client_prepare_tls(client) != 0 || begin(client) != 0)
        return -1;
    client->state = VOUCH_FLOM_CLIENT_CONNECTING;
    return 0;
}

int
vouch_flom_client_go_on_connecting(struct vouch_flom_client *client)
{
    struct vouch_error err;
    int outcome;

    if (client->discovery != NULL) {
        outcome = go_on_looking(client);
        if (outcome != 0)
            return outcome;
    }
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
    return client->tls == NULL ? 0 : vouch_flom_client_shake_hands(client);
}
