/*
 * Unique ids over TLS, each ended by "</msg>".
 */
#include "cmd/debug_tls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "flom/endpoint.h"
#include "flom/machine_id.h"
#include "flom/message.h"
#include "flom/peer_id.h"
#include "flom/settings.h"
#include "flom/tls_files.h"
#include "flom/tls_words.h"
#include "net/address.h"
#include "net/socket.h"
#include "tls/connection.h"

#define ADDRESSES 8
#define STEP_MS 10000 /* for the handshake, and for each id */
#define END "</msg>"
#define ID_MAX (VOUCH_FLOM_TEXT_MAX + sizeof(END))

struct link {
    const struct vouch_flom_settings *settings;
    struct vouch_flom_tls *tls;
    struct vouch_conn *conn;
    int fd;
    struct vouch_error error;
};

/* --- without waiting for ever ---------------------------------------------*/

/* 0: go on; -1 */
static int
wait_for(struct link *link, ssize_t outcome, int64_t deadline)
{
    char text[VOUCH_ERROR_TEXT] = "the peer closed the connection";
    int events =
        outcome == VOUCH_WANT_WRITE ? VOUCH_SOCKET_WRITE : VOUCH_SOCKET_READ;

    if ((outcome == VOUCH_WANT_READ || outcome == VOUCH_WANT_WRITE)
        && vouch_socket_wait(link->fd, events, deadline) != 0)
        return 0;
    if (outcome != 0)
        vouch_flom_tls_explain(link->conn, text, sizeof(text));
    return vouch_error_set(&link->error, VOUCH_E_TLS, "%s", text);
}

static int
shake_hands(struct link *link)
{
    int64_t deadline = vouch_clock_monotonic_ms() + STEP_MS;
    int outcome;

    while ((outcome = vouch_conn_handshake(link->conn)) != 0) {
        if (wait_for(link, outcome, deadline) != 0)
            return -1;
    }
    return 0;
}

static int
send_all(struct link *link, const char *data)
{
    int64_t deadline = vouch_clock_monotonic_ms() + STEP_MS;
    size_t length = strlen(data);
    ssize_t count;

    while (length > 0) {
        count = vouch_conn_write(link->conn, data, length);
        if (count > 0) {
            data += count;
            length -= (size_t) count;
        } else if (wait_for(link, count, deadline) != 0)
            return -1;
    }
    return 0;
}

/* --- ids ------------------------------------------------------------------*/

/* In two pieces, as FLoM does. */
static int
tell_id(struct link *link)
{
    char id[VOUCH_FLOM_MACHINE_ID_SIZE];

    if (vouch_flom_machine_id(id, &link->error) != 0
        || send_all(link, id) != 0)
        return -1;
    return send_all(link, END);
}

static int
check_id(struct link *link, const char *text, size_t length)
{
    char id[ID_MAX];

    memcpy(id, text, length);
    id[length] = '\0';
    if (!link->settings->tls_check_peer_id)
        return 0;
    return vouch_flom_check_peer_id(vouch_conn_peer_cert(link->conn), id,
                                    &link->error)
                   == 0
               ? 0
               : -1;
}

/* Up to its end, and whether it is right. */
static int
hear_id(struct link *link)
{
    int64_t deadline = vouch_clock_monotonic_ms() + STEP_MS;
    char text[ID_MAX];
    size_t length = 0;
    ssize_t count;
    long end = 0;

    while (end == 0) {
        count =
            vouch_conn_read(link->conn, text + length, sizeof(text) - length);
        if (count > 0)
            length += (size_t) count;
        else if (wait_for(link, count, deadline) != 0)
            return -1;
        end = vouch_flom_frame((const unsigned char *) text, length,
                               sizeof(text) - 1);
        if (end < 0)
            return vouch_error_set(&link->error, VOUCH_E_FORMAT,
                                   "what the peer says is too long for an id");
    }
    return check_id(link, text, (size_t) end - strlen(END));
}

/* --- both ends ------------------------------------------------------------*/

/* Settings to TLS and addresses: how many, or -1. */
static int
prepare(struct link *link, enum vouch_role role,
        struct vouch_address addresses[ADDRESSES])
{
    int rc;

    if (link->settings->unicast_address == NULL)
        return vouch_error_set(&link->error, VOUCH_E_ARGUMENT,
                               "an address (-a) is needed");
    if (!vouch_flom_settings_use_tls(link->settings))
        return vouch_error_set(&link->error, VOUCH_E_ARGUMENT,
                               "--tls-certificate, --tls-private-key and "
                               "--tls-ca-certificate are needed");
    if (vouch_flom_tls_new(link->settings, role, &link->tls, &rc, &link->error)
        != 0)
        return -1;
    return vouch_flom_tcp_addresses(link->settings, addresses, ADDRESSES,
                                    &link->error);
}

static int
begin(struct link *link)
{
    if (vouch_conn_new(vouch_flom_tls_config(link->tls), link->fd, &link->conn,
                       &link->error)
        != 0)
        return -1;
    return shake_hands(link);
}

/* The first client of the first address that can be had. */
static int
take_client(struct link *link, const struct vouch_address *addresses,
            int count)
{
    struct vouch_error why;
    int listener = -1;
    int i;

    vouch_error_clear(&why);
    for (i = 0; i < count && listener == -1; i++)
        listener = vouch_socket_listen(&addresses[i], 1, &why);
    if (listener == -1)
        return vouch_error_set(&link->error, why.code, "%s", why.text);
    while (link->fd == -1
           && vouch_socket_wait(listener, VOUCH_SOCKET_READ, VOUCH_FOREVER)
                  != -1)
        link->fd = vouch_socket_accept(listener, NULL);
    (void) close(listener);
    return link->fd != -1
               ? 0
               : vouch_error_set(&link->error, VOUCH_E_SYSTEM, "interrupted");
}

static int
find_server(struct link *link, const struct vouch_address *addresses,
            int count)
{
    struct vouch_error why;
    int i;

    vouch_error_clear(&why);
    for (i = 0; i < count && link->fd == -1; i++)
        link->fd = vouch_socket_connect(
            &addresses[i], vouch_clock_monotonic_ms() + STEP_MS, &why);
    return link->fd != -1
               ? 0
               : vouch_error_set(&link->error, why.code, "%s", why.text);
}

static int
finish(struct link *link, int status)
{
    if (status == 0)
        (void) vouch_conn_close(link->conn);
    else
        (void) fprintf(stderr, "flom: %s\n", link->error.text);
    vouch_conn_free(link->conn);
    vouch_flom_tls_free(link->tls);
    if (link->fd != -1)
        (void) close(link->fd);
    return status;
}

int
flom_debug_tls_server(const struct vouch_flom_settings *settings)
{
    struct link link = {settings, NULL, NULL, -1, {VOUCH_OK, 0, 0, ""}};
    struct vouch_address addresses[ADDRESSES];
    int count = prepare(&link, VOUCH_SERVER, addresses);
    int status = -1;

    if (count > 0 && take_client(&link, addresses, count) == 0
        && begin(&link) == 0 && hear_id(&link) == 0)
        status = tell_id(&link);
    return finish(&link, status);
}

int
flom_debug_tls_client(const struct vouch_flom_settings *settings)
{
    struct link link = {settings, NULL, NULL, -1, {VOUCH_OK, 0, 0, ""}};
    struct vouch_address addresses[ADDRESSES];
    int count = prepare(&link, VOUCH_CLIENT, addresses);
    int status = -1;

    if (count > 0 && find_server(&link, addresses, count) == 0
        && begin(&link) == 0 && tell_id(&link) == 0)
        status = hear_id(&link);
    return finish(&link, status);
}
