/*
 * Messages: where one ends, how one is written, fencing tokens as text.
 * Reading one is in message_parse.c.
 */
#include "flom/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

static const char END[] = "</msg>";

long
vouch_flom_frame(const unsigned char *data, size_t length, size_t max)
{
    const size_t end = sizeof(END) - 1;
    size_t look = length < max ? length : max;
    const unsigned char *at = data;
    const unsigned char *stop = data + look;

    while ((size_t) (stop - at) >= end) {
        at = memchr(at, END[0], (size_t) (stop - at) - end + 1);
        if (at == NULL)
            break;
        if (memcmp(at, END, end) == 0)
            return (long) (at - data) + (long) end;
        at++;
    }
    return length >= max ? -1 : 0;
}

void
vouch_flom_message_init(struct vouch_flom_message *message, int verb, int step)
{
    /* Field by field: most of it is room for texts. */
    message->has = 0;
    message->level = VOUCH_FLOM_LEVEL;
    message->verb = verb;
    message->step = step;
    message->ask[0] = '\0';
    message->about[0] = '\0';
    message->peer_id[0] = '\0';
    message->name[0] = '\0';
    message->name_length = 0;
    message->mode = 0;
    message->wait = 0;
    message->quantity = 0;
    message->create = 0;
    message->lifespan = 0;
    message->rollback = 0;
    message->lease = 0;
    message->convert = 0;
    message->rc = 0;
    message->element[0] = '\0';
    message->token_epoch = 0;
    message->token_counter = 0;
    message->reason[0] = '\0';
    message->data_length = 0;
    message->more = 0;
    message->address[0] = '\0';
    message->port = 0;
    message->immediate = 0;
}

/* A value as XML wants it; what 1.7.2 writes never needs this. */
static void
put_escaped(struct vouch_buf *out, const char *text)
{
    size_t plain;

    for (;;) {
        plain = strcspn(text, "&<>\"\t\n\r");
        (void) vouch_buf_append(out, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        (void) vouch_buf_append_format(out, "&#%d;", *text);
        text++;
    }
}

/* ' NAME="' */
static void
put_name(struct vouch_buf *out, const char *name)
{
    (void) vouch_buf_append(out, " ", 1);
    (void) vouch_buf_append_text(out, name);
    (void) vouch_buf_append(out, "=\"", 2);
}

static void
put_text(struct vouch_buf *out, const char *name, const char *value)
{
    put_name(out, name);
    put_escaped(out, value);
    (void) vouch_buf_append(out, "\"", 1);
}

static void
put_number(struct vouch_buf *out, const char *name, int64_t value)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;

    do {
        *--at = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    put_name(out, name);
    (void) vouch_buf_append(out, at, (size_t) (digits + sizeof(digits) - at));
    (void) vouch_buf_append(out, "\"", 1);
}

/* The standard alphabet, with padding. */
static void
put_base64(struct vouch_buf *out, const char *name, const void *data,
           size_t length)
{
    char *at;

    put_name(out, name);
    at = (char *) vouch_buf_reserve(out, VOUCH_BASE64_SIZE(length));
    if (at != NULL) {
        vouch_text_base64(data, length, at);
        (void) vouch_buf_commit(out, strlen(at));
    }
    (void) vouch_buf_append_text(out, "\"");
}

static void
put_token(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    char text[VOUCH_FLOM_TOKEN_SIZE];

    if (!(message->has & VOUCH_FLOM_HAS_TOKEN))
        return;
    vouch_flom_token_text(message->token_epoch, message->token_counter, text);
    put_text(out, "token", text);
}

static void
put_session(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    if (!(message->has & VOUCH_FLOM_HAS_PEER_ID))
        return;
    (void) vouch_buf_append_text(out, "<session");
    put_text(out, "peerid", message->peer_id);
    (void) vouch_buf_append_text(out, "/>");
}

static void
put_lock(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    (void) vouch_buf_append_text(out, "<resource");
    put_base64(out, "name", message->name, message->name_length);
    if (message->has & VOUCH_FLOM_HAS_MODE)
        put_number(out, "mode", message->mode);
    put_number(out, "wait", message->wait);
    if (message->has & VOUCH_FLOM_HAS_QUANTITY)
        put_number(out, "quantity", message->quantity);
    put_number(out, "create", message->create);
    put_number(out, "lifespan", message->lifespan);
    if (message->lease != 0)
        put_number(out, "lease", message->lease);
    if (message->convert)
        put_number(out, "convert", 1);
    put_token(out, message);
    (void) vouch_buf_append_text(out, "/>");
}

/* The blank before the slash is 1.7.2's. */
static void
put_unlock(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    (void) vouch_buf_append_text(out, "<resource");
    put_base64(out, "name", message->name, message->name_length);
    put_number(out, "rollback", message->rollback);
    put_token(out, message);
    (void) vouch_buf_append_text(out, " />");
}

static void
put_answer(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    if (!(message->has & VOUCH_FLOM_HAS_RC))
        return;
    (void) vouch_buf_append_text(out, "<answer");
    put_number(out, "rc", message->rc);
    if (message->has & VOUCH_FLOM_HAS_ELEMENT)
        put_text(out, "element", message->element);
    put_token(out, message);
    if (message->lease != 0)
        put_number(out, "lease", message->lease);
    if (message->reason[0] != '\0')
        put_text(out, "reason", message->reason);
    if (message->has & VOUCH_FLOM_HAS_DATA)
        put_base64(out, "data", message->data, message->data_length);
    if (message->more)
        put_number(out, "more", 1);
    (void) vouch_buf_append_text(out, "/>");
}

static void
put_network(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    if (!(message->has & VOUCH_FLOM_HAS_NETWORK))
        return;
    (void) vouch_buf_append_text(out, "<network");
    put_text(out, "address", message->address);
    put_number(out, "port", message->port);
    (void) vouch_buf_append_text(out, "/>");
}

static void
put_shutdown(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    if (!(message->has & VOUCH_FLOM_HAS_SHUTDOWN))
        return;
    (void) vouch_buf_append_text(out, "<shutdown");
    put_number(out, "immediate", message->immediate);
    (void) vouch_buf_append_text(out, "/>");
}

static void
put_body(struct vouch_buf *out, const struct vouch_flom_message *message)
{
    int is_request = message->step == VOUCH_FLOM_REQUEST;

    put_session(out, message);
    if (is_request && message->verb == VOUCH_FLOM_LOCK)
        put_lock(out, message);
    if (is_request && message->verb == VOUCH_FLOM_UNLOCK)
        put_unlock(out, message);
    if (!is_request)
        put_answer(out, message);
    put_network(out, message);
    put_shutdown(out, message);
}

int
vouch_flom_encode(const struct vouch_flom_message *message,
                  struct vouch_buf *out)
{
    (void) vouch_buf_append_text(out,
                                 "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>"
                                 "<msg");
    put_number(out, "level", message->level);
    put_number(out, "verb", message->verb);
    put_number(out, "step", message->step);
    if (message->ask[0] != '\0')
        put_text(out, "ask", message->ask);
    if (message->about[0] != '\0')
        put_base64(out, "about", message->about, strlen(message->about));
    (void) vouch_buf_append_text(out, ">");
    put_body(out, message);
    (void) vouch_buf_append_text(out, END);
    return vouch_buf_failed(out) ? -1 : 0;
}

void
vouch_flom_token_text(uint64_t epoch, uint64_t counter,
                      char out[VOUCH_FLOM_TOKEN_SIZE])
{
    (void) snprintf(out, VOUCH_FLOM_TOKEN_SIZE, "%" PRIu64 ".%" PRIu64, epoch,
                    counter);
}

/* Decimal digits up to the stop; NULL if there are none or too many. */
static const char *
read_digits(const char *text, uint64_t *number_r)
{
    const char *at = text;
    uint64_t number = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t) (*at - '0');

        if (number > (UINT64_MAX - digit) / 10)
            return NULL;
        number = number * 10 + digit;
    }
    *number_r = number;
    return at == text ? NULL : at;
}

int
vouch_flom_token_parse(const char *text, uint64_t *epoch_r,
                       uint64_t *counter_r)
{
    uint64_t epoch = 0;
    uint64_t counter = 0;
    const char *at = read_digits(text, &epoch);

    if (at == NULL || *at != '.')
        return -1;
    at = read_digits(at + 1, &counter);
    if (at == NULL || *at != '\0')
        return -1;
    *epoch_r = epoch;
    *counter_r = counter;
    return 0;
}
