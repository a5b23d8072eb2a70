/*
 * What is known about a client and its lock.
 */
#include "flom/client_private.h"

int
vouch_flom_client_fd(const struct vouch_flom_client *client)
{
    return client->discovery == NULL
               ? client->fd
               : vouch_flom_discovery_fd(client->discovery);
}

enum vouch_flom_client_state
vouch_flom_client_state(const struct vouch_flom_client *client)
{
    return client->state;
}

int
vouch_flom_client_rc(const struct vouch_flom_client *client)
{
    return client->rc;
}

const char *
vouch_flom_client_reason(const struct vouch_flom_client *client)
{
    return client->error.text;
}

int
vouch_flom_client_errno(const struct vouch_flom_client *client)
{
    return client->error.sys_errno;
}

const char *
vouch_flom_client_element(const struct vouch_flom_client *client)
{
    return client->was_held && client->has_element ? client->element : NULL;
}

int
vouch_flom_client_token(const struct vouch_flom_client *client,
                        uint64_t *epoch_r, uint64_t *counter_r)
{
    if (!client->was_held || !client->has_token)
        return 0;
    *epoch_r = client->token_epoch;
    *counter_r = client->token_counter;
    return 1;
}

const struct vouch_flom_message *
vouch_flom_client_answer(const struct vouch_flom_client *client)
{
    return &client->answer;
}

struct vouch_flom_settings *
vouch_flom_client_settings(struct vouch_flom_client *client)
{
    return &client->settings;
}

void
vouch_flom_client_want_lease(struct vouch_flom_client *client, int lease_ms)
{
    client->lease_wanted = lease_ms;
}

void
vouch_flom_client_want_token(struct vouch_flom_client *client)
{
    client->token_wanted = 1;
}

int
vouch_flom_client_is_explained(const struct vouch_flom_client *client)
{
    return client->is_explained;
}

int
vouch_flom_client_knows_daemon(const struct vouch_flom_client *client)
{
    if (client->is_modern)
        return 1;
    return client->conn == NULL ? -1 : 0;
}

struct vouch_conn *
vouch_flom_client_conn(const struct vouch_flom_client *client)
{
    return client->conn;
}

void
vouch_flom_client_tell_discovery(struct vouch_flom_client *client,
                                 vouch_flom_discovery_fn tell, void *arg)
{
    client->tell = tell;
    client->tell_arg = arg;
}

int
vouch_flom_client_found(const struct vouch_flom_client *client,
                        struct vouch_flom_settings *settings,
                        struct vouch_error *err)
{
    if (!client->is_found || settings == NULL)
        return client->is_found;
    return vouch_flom_place_apply(&client->place, settings, err) == 0 ? 1 : -1;
}
