/*
 * A client's TLS: its files, the handshake, sessions to resume, and what a
 * failure means.
 */
#include "flom/client_private.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "flom/error_codes.h"
#include "flom/peer_id.h"
#include "flom/tls_files.h"
#include "flom/tls_words.h"
#include "tls/certificate.h"
#include "tls/connection.h"
#include "tls/session.h"

/* A clear-text daemon of 1.7.2 serves nobody while it waits for the end of
 * our first message. */
#define HANDSHAKE_MS 10000

static void
drop_sessions(struct vouch_flom_client *client)
{
    vouch_session_free(client->session);
    vouch_session_free(client->renewed);
    client->session = NULL;
    client->renewed = NULL;
}

/* --- files ----------------------------------------------------------------*/

int
vouch_flom_client_prepare_tls(struct vouch_flom_client *client)
{
    const struct vouch_flom_settings *settings = &client->settings;
    struct vouch_error err;
    int rc = VOUCH_FLOM_RC_OK;
    int outcome;

    if (!vouch_flom_settings_use_tls(settings)) {
        drop_sessions(client);
        vouch_flom_tls_free(client->tls);
        client->tls = NULL;
        return 0;
    }
    vouch_error_clear(&err);
    if (client->tls == NULL)
        outcome = vouch_flom_tls_new(settings, VOUCH_CLIENT, &client->tls, &rc,
                                     &err);
    else
        outcome = vouch_flom_tls_refresh(client->tls, settings, 0, &rc, &err);
    if (outcome == 1)
        drop_sessions(client);
    if (client->tls != NULL && vouch_flom_tls_config(client->tls) != NULL)
        return 0;
    return vouch_flom_client_explain(client, rc, err.text);
}

void
vouch_flom_client_end_tls(struct vouch_flom_client *client)
{
    drop_sessions(client);
    vouch_flom_tls_free(client->tls);
    client->tls = NULL;
}

/* --- handshake ------------------------------------------------------------*/

static const struct vouch_address *
daemon_address(const struct vouch_flom_client *client)
{
    return &client->addresses[client->address_next - 1];
}

/* Offer the newest session, if it is one with this daemon. */
static void
offer_session(struct vouch_flom_client *client)
{
    const struct vouch_address *now = daemon_address(client);
    const struct vouch_address *then = &client->session_with;

    if (client->session == NULL || then->length != now->length
        || memcmp(&then->storage, &now->storage, now->length) != 0) {
        drop_sessions(client);
        return;
    }
    if (client->renewed != NULL
        && vouch_session_offer(client->renewed, client->conn) == 1) {
        vouch_session_free(client->session);
        client->session = client->renewed;
        client->renewed = NULL;
        return;
    }
    (void) vouch_session_offer(client->session, client->conn);
}

/* What a later connection may begin with.  A session that was resumed serves
 * again, until the daemon gives another. */
static void
keep_session(struct vouch_flom_client *client)
{
    vouch_session_free(client->renewed);
    client->renewed = NULL;
    if (!vouch_conn_is_resumed(client->conn))
        drop_sessions(client);
    if (!client->is_modern)
        return;
    if (client->session != NULL) {
        client->renewed = vouch_session_follow(client->conn);
        return;
    }
    client->session = vouch_session_follow(client->conn);
    client->session_with = *daemon_address(client);
}

/* Asked in the handshake. */
static int
is_the_daemon(struct vouch_cert *cert, void *arg)
{
    return vouch_flom_is_named(cert, arg);
}

/* Whom the settings name, and nobody else whom the authority knows. */
static int
want_name(struct vouch_flom_client *client)
{
    char *name = client->settings.tls_peer_name;

    if (name == NULL)
        return 0;
    vouch_conn_set_arg(client->conn, name);
    return vouch_conn_set_name_check(client->conn, is_the_daemon, name);
}

static int
begin_tls(struct vouch_flom_client *client)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_conn_new(vouch_flom_tls_config(client->tls), client->fd,
                       &client->conn, &err)
        != 0)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_SSL_NEW_ERROR,
                                      "%s", err.text);
    if (want_name(client) != 0)
        return vouch_flom_client_tls_failed(client,
                                            VOUCH_FLOM_RC_SSL_NEW_ERROR);
    offer_session(client);
    client->tls_deadline = vouch_clock_monotonic_ms() + HANDSHAKE_MS;
    return 0;
}

int
vouch_flom_client_shake_hands(struct vouch_flom_client *client)
{
    int rc = VOUCH_FLOM_RC_SSL_CONNECT_ERROR;
    int outcome;

    if (client->conn == NULL && begin_tls(client) != 0)
        return -1;
    outcome = vouch_conn_handshake(client->conn);
    if (outcome == 0) {
        client->is_modern =
            strcmp(vouch_conn_alpn(client->conn), VOUCH_FLOM_ALPN) == 0;
        keep_session(client);
        return 0;
    }
    if (outcome != -1 && vouch_clock_monotonic_ms() < client->tls_deadline)
        return outcome;
    if (vouch_conn_error(client->conn)->code == VOUCH_E_VERIFY)
        rc = VOUCH_FLOM_RC_SSL_GET_VERIFY_RESULT_ERROR;
    drop_sessions(client);
    return vouch_flom_client_tls_failed(client, rc);
}

/* --- failures -------------------------------------------------------------*/

int
vouch_flom_client_explain(struct vouch_flom_client *client, int rc,
                          const char *text)
{
    (void) vouch_flom_client_fail(client, rc, "%s", text);
    client->is_explained = 1;
    return -1;
}

int
vouch_flom_client_tls_failed(struct vouch_flom_client *client, int rc)
{
    char text[VOUCH_ERROR_TEXT];

    vouch_flom_tls_explain(client->conn, text, sizeof(text));
    return vouch_flom_client_explain(client, rc, text);
}

/* A daemon that does not like us tells nobody but its log, if it is of 1.7.2:
 * what may be the reason. */
static void
guess_reason(const struct vouch_flom_client *client, char *text, size_t size)
{
    char name[VOUCH_FLOM_CN_MAX + 1];
    const struct vouch_cert *own = vouch_conn_own_cert(client->conn);

    if (vouch_flom_check_peer_id(own, client->peer_id, NULL) == 0)
        (void) snprintf(text, size,
                        "the daemon closed the connection without an answer; "
                        "see its log");
    else if (vouch_flom_common_name(own, name, NULL) == 0)
        (void) snprintf(text, size,
                        "the daemon closed the connection without an answer: "
                        "it may check unique ids (--tls-check-peer-id), and "
                        "ours is '%.64s', while our certificate is for "
                        "'%.64s' (CN)",
                        client->peer_id, name);
    else
        (void) snprintf(text, size,
                        "the daemon closed the connection without an answer: "
                        "it may check unique ids (--tls-check-peer-id), and "
                        "our certificate has no common name (CN) that could "
                        "be one");
}

int
vouch_flom_client_closed(struct vouch_flom_client *client)
{
    char text[VOUCH_ERROR_TEXT];

    if (client->conn == NULL)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_RECV_ERROR,
                                      "the daemon closed the connection");
    if (!client->first_answer)
        return vouch_flom_client_fail(client, VOUCH_FLOM_RC_SSL_READ_ERROR,
                                      "the daemon closed the connection");
    guess_reason(client, text, sizeof(text));
    return vouch_flom_client_explain(client, VOUCH_FLOM_RC_SSL_READ_ERROR,
                                     text);
}

int
vouch_flom_client_not_believed(struct vouch_flom_client *client)
{
    char text[VOUCH_ERROR_TEXT];

    (void) snprintf(text, sizeof(text), "the daemon does not believe us: %s",
                    client->answer.reason[0] != '\0'
                        ? client->answer.reason
                        : "our unique id is not in our certificate");
    return vouch_flom_client_explain(client,
                                     client->conn != NULL
                                         ? VOUCH_FLOM_RC_SSL_READ_ERROR
                                         : VOUCH_FLOM_RC_RECV_ERROR,
                                     text);
}

int
vouch_flom_client_check_peer(struct vouch_flom_client *client)
{
    const struct vouch_flom_message *answer = &client->answer;
    struct vouch_error err;
    int rc;

    if (!client->settings.tls_check_peer_id)
        return 0;
    if (client->conn == NULL)
        return vouch_flom_client_explain(
            client, VOUCH_FLOM_RC_NO_TLS_CONNECTION,
            "the peer's id cannot be checked without TLS");
    vouch_error_clear(&err);
    rc = vouch_flom_check_peer_id(
        vouch_conn_peer_cert(client->conn),
        answer->has & VOUCH_FLOM_HAS_PEER_ID ? answer->peer_id : NULL, &err);
    return rc == 0 ? 0 : vouch_flom_client_explain(client, rc, err.text);
}
