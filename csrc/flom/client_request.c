/*
 * What a client asks of the daemon: lock, unlock, end.
 */
#include "flom/client_private.h"

#include <string.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "flom/error_codes.h"
#include "lock/name.h"
#include "tls/connection.h"

/* The longest name that leaves room for "ask" in an old request, whatever
 * else is in it. */
#define NAME_WITH_QUESTION 180

static int
queue_message(struct vouch_flom_client *client,
              const struct vouch_flom_message *message)
{
    vouch_buf_clear(client->out);
    if (vouch_flom_encode(message, client->out) == 0
        && vouch_buf_length(client->out) <= VOUCH_FLOM_OLD_REQUEST_MAX)
        return 0;
    vouch_buf_clear(client->out);
    return vouch_flom_client_fail(client, VOUCH_FLOM_RC_CONTAINER_FULL,
                                  "the request would be longer than %d "
                                  "bytes: use a shorter name",
                                  VOUCH_FLOM_OLD_REQUEST_MAX);
}

static void
introduce(const struct vouch_flom_client *client,
          struct vouch_flom_message *message)
{
    if (client->peer_id[0] == '\0')
        return;
    message->has |= VOUCH_FLOM_HAS_PEER_ID;
    memcpy(message->peer_id, client->peer_id, sizeof(message->peer_id));
}

/* Who has a name so long that the question would not fit any more does
 * without a token, as FLoM does. */
static int
wants_token(const struct vouch_flom_client *client,
            const struct vouch_lock_name *name)
{
    return client->token_wanted && name->length <= NAME_WITH_QUESTION;
}

/* The lock of the settings as a message; -1 for a name that is none. */
static int
write_lock(struct vouch_flom_client *client,
           struct vouch_flom_message *message)
{
    const struct vouch_flom_settings *settings = &client->settings;
    struct vouch_lock_name name;

    if (vouch_lock_name_parse(settings->resource_name,
                              strlen(settings->resource_name), &name)
        != 0)
        return vouch_flom_client_fail(client,
                                      VOUCH_FLOM_RC_INVALID_RESOURCE_NAME,
                                      "not a valid name of a resource");
    vouch_flom_message_init(message, VOUCH_FLOM_LOCK, VOUCH_FLOM_REQUEST);
    introduce(client, message);
    memcpy(message->name, name.text, name.length + 1);
    message->name_length = name.length;
    if (vouch_lock_type_has_mode(name.type)) {
        message->has |= VOUCH_FLOM_HAS_MODE;
        message->mode = settings->lock_mode;
    }
    if (name.type == VOUCH_LOCK_NUMERIC) {
        message->has |= VOUCH_FLOM_HAS_QUANTITY;
        message->quantity = settings->resource_quantity;
    }
    message->lease = client->lease_wanted;
    if (client->lease_wanted > 0 || wants_token(client, &name))
        memcpy(message->ask, "lock", sizeof("lock"));
    message->wait = settings->resource_timeout != 0;
    message->create = settings->resource_create;
    message->lifespan = settings->resource_idle_lifespan;
    return 0;
}

static int
send_request(struct vouch_flom_client *client,
             const struct vouch_flom_message *message,
             enum vouch_flom_client_state from)
{
    if (client->state != from)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE,
            from == VOUCH_FLOM_CLIENT_LOCKED ? "nothing is locked"
                                             : "not connected");
    if (queue_message(client, message) != 0)
        return -1;
    client->first_answer = 1;
    client->asked_ms = vouch_clock_monotonic_ms();
    client->is_staying = 0;
    client->is_question = message->ask[0] != '\0';
    client->state = VOUCH_FLOM_CLIENT_ASKING;
    return 0;
}

int
vouch_flom_client_ask(struct vouch_flom_client *client,
                      const struct vouch_flom_message *message)
{
    if (send_request(client, message, VOUCH_FLOM_CLIENT_CONNECTED) != 0)
        return -1;
    memcpy(client->name, message->name, message->name_length + 1);
    client->name_length = message->name_length;
    client->lease_ms = 0;
    return 0;
}

int
vouch_flom_client_more(struct vouch_flom_client *client)
{
    if (client->state != VOUCH_FLOM_CLIENT_CONNECTED || !client->answer.more)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE, "nothing to come");
    client->state = VOUCH_FLOM_CLIENT_ASKING;
    return 0;
}

int
vouch_flom_client_lock(struct vouch_flom_client *client)
{
    struct vouch_flom_message message;

    if (write_lock(client, &message) != 0)
        return -1;
    return vouch_flom_client_ask(client, &message);
}

int
vouch_flom_client_convert(struct vouch_flom_client *client)
{
    struct vouch_flom_message message;

    if (write_lock(client, &message) != 0)
        return -1;
    message.convert = 1;
    return send_request(client, &message, VOUCH_FLOM_CLIENT_LOCKED);
}

int
vouch_flom_client_stay(struct vouch_flom_client *client)
{
    struct vouch_flom_message message;
    int unanswered = client->first_answer;

    if (!client->is_held || vouch_buf_length(client->out) > 0
        || (client->state != VOUCH_FLOM_CLIENT_ASKING
            && client->state != VOUCH_FLOM_CLIENT_WAITING))
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE, "no conversion waits");
    if (write_lock(client, &message) != 0)
        return -1;
    message.convert = 1;
    message.wait = 0;
    if (send_request(client, &message, client->state) != 0)
        return -1;
    client->is_staying = 1;
    client->to_skip = unanswered;
    return 0;
}

int
vouch_flom_client_resume(struct vouch_flom_client *client, uint64_t epoch,
                         uint64_t counter, const char *element)
{
    struct vouch_flom_message message;

    if (write_lock(client, &message) != 0)
        return -1;
    memcpy(message.ask, "lock", sizeof("lock"));
    message.has |= VOUCH_FLOM_HAS_TOKEN;
    message.token_epoch = epoch;
    message.token_counter = counter;
    if (element != NULL && strlen(element) < sizeof(message.about))
        memcpy(message.about, element, strlen(element) + 1);
    return vouch_flom_client_ask(client, &message);
}

int
vouch_flom_client_unlock(struct vouch_flom_client *client, int rollback)
{
    struct vouch_flom_message message;

    if (client->state != VOUCH_FLOM_CLIENT_LOCKED)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE, "nothing is locked");
    vouch_flom_message_init(&message, VOUCH_FLOM_UNLOCK, VOUCH_FLOM_REQUEST);
    memcpy(message.name, client->name, client->name_length + 1);
    message.name_length = client->name_length;
    message.rollback = rollback != 0;
    if (queue_message(client, &message) != 0)
        return -1;
    client->is_held = 0;
    client->was_held = 0;
    client->state = VOUCH_FLOM_CLIENT_SENDING;
    return 0;
}

int
vouch_flom_client_shutdown(struct vouch_flom_client *client, int immediate)
{
    struct vouch_flom_message message;

    if (client->state != VOUCH_FLOM_CLIENT_CONNECTED)
        return vouch_flom_client_fail(
            client, VOUCH_FLOM_RC_API_INVALID_SEQUENCE, "not connected");
    vouch_flom_message_init(&message, VOUCH_FLOM_MANAGEMENT,
                            VOUCH_FLOM_REQUEST);
    introduce(client, &message);
    message.has |= VOUCH_FLOM_HAS_SHUTDOWN;
    message.immediate = immediate != 0;
    if (queue_message(client, &message) != 0)
        return -1;
    client->state = VOUCH_FLOM_CLIENT_SENDING;
    return 0;
}

int
vouch_flom_client_await_end(struct vouch_flom_client *client)
{
    if (client->state != VOUCH_FLOM_CLIENT_IDLE)
        client->state = VOUCH_FLOM_CLIENT_CLOSING;
    return 0;
}

int
vouch_flom_client_close(struct vouch_flom_client *client)
{
    if (client->state == VOUCH_FLOM_CLIENT_IDLE)
        return 0;
    if (client->conn != NULL)
        (void) vouch_conn_close(client->conn);
    (void) shutdown(client->fd, SHUT_WR);
    client->state = VOUCH_FLOM_CLIENT_CLOSING;
    return 0;
}
