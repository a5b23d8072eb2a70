/*
 * A framed message into a struct, by expat.
 *
 * expat refuses what is not XML; what is XML and has no business in a
 * message (a DTD, deep nesting) stops it here.
 */
#include "flom/message.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/error.h"
#include "base/text.h"
#include "flom/message_simple.h"

#define DEPTH_MAX 8 /* msg and its children make 2 */

struct vouch_flom_parser {
    XML_Parser expat;
    struct vouch_flom_message *message;
    const char *problem; /* why it was stopped, or NULL */
    int depth;
    int by_expat;
    unsigned long salt; /* or expat asks the system for one each time */
};

void
vouch_flom_parser_free(struct vouch_flom_parser *parser)
{
    if (parser == NULL)
        return;
    if (parser->expat != NULL)
        XML_ParserFree(parser->expat);
    free(parser);
}

struct vouch_flom_parser *
vouch_flom_parser_new(void)
{
    return calloc(1, sizeof(struct vouch_flom_parser));
}

/* Most clients never need expat.  Randomness is asked for once, or expat
 * would ask the system for each message.  0 or -1. */
static int
start_expat(struct vouch_flom_parser *parser)
{
    if (parser->expat != NULL)
        return 0;
    if (RAND_bytes((unsigned char *) &parser->salt, sizeof(parser->salt)) != 1)
        return -1;
    parser->expat = XML_ParserCreate("UTF-8");
    return parser->expat == NULL ? -1 : 0;
}

static void
stop(struct vouch_flom_parser *parser, const char *problem)
{
    if (parser->problem == NULL)
        parser->problem = problem;
    if (parser->by_expat)
        (void) XML_StopParser(parser->expat, XML_FALSE);
}

/* A decimal number with a sign or without, or stop. */
static int64_t
number(struct vouch_flom_parser *parser, const char *text)
{
    int negative = *text == '-';
    const char *at = negative || *text == '+' ? text + 1 : text;
    int64_t value = 0;

    if (*at == '\0')
        stop(parser, "a number without digits");
    for (; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            stop(parser, "a number with something else in it");
            return 0;
        }
        if (value > (INT64_MAX - 9) / 10) {
            stop(parser, "a number that is too large");
            return 0;
        }
        value = value * 10 + (*at - '0');
    }
    return negative ? -value : value;
}

static int
small_number(struct vouch_flom_parser *parser, const char *text)
{
    int64_t value = number(parser, text);

    if (value < INT32_MIN || value > INT32_MAX) {
        stop(parser, "a number that is too large");
        return 0;
    }
    return (int) value;
}

/* 0 is no; any other number yes. */
static int
flag(struct vouch_flom_parser *parser, const char *text)
{
    return number(parser, text) != 0;
}

static void
copy_text(struct vouch_flom_parser *parser, char *out, size_t size,
          const char *text)
{
    size_t length = strlen(text);

    if (length >= size) {
        stop(parser, "a text that is too long");
        return;
    }
    memcpy(out, text, length + 1);
}

/* base64 into bytes; -1 if it is not that. */
static long
decode(const char *text, void *out, size_t max)
{
    size_t length = strlen(text);

    /* Standard base64 comes in fours, and has one alphabet. */
    if (length % 4 != 0 || strpbrk(text, "-_") != NULL)
        return -1;
    return vouch_text_unbase64(text, length, out, max);
}

static void
take_name(struct vouch_flom_message *message, const char *value)
{
    long length = decode(value, message->name, VOUCH_FLOM_NAME_MAX);

    message->has |= VOUCH_FLOM_HAS_NAME;
    if (length < 0) {
        message->has |= VOUCH_FLOM_BAD_NAME;
        length = 0;
    }
    message->name_length = (size_t) length;
    message->name[length] = '\0';
}

static void
take_about(struct vouch_flom_parser *parser, const char *value)
{
    struct vouch_flom_message *message = parser->message;
    long length = decode(value, message->about, VOUCH_FLOM_NAME_MAX);

    if (length < 0 || memchr(message->about, '\0', (size_t) length) != NULL) {
        stop(parser, "a question that cannot be read");
        length = 0;
    }
    message->about[length] = '\0';
}

static void
take_data(struct vouch_flom_parser *parser, const char *value)
{
    struct vouch_flom_message *message = parser->message;
    long length = decode(value, message->data, VOUCH_FLOM_DATA_MAX);

    if (length < 0) {
        stop(parser, "data that cannot be read");
        return;
    }
    message->has |= VOUCH_FLOM_HAS_DATA;
    message->data_length = (size_t) length;
}

static void
take_token(struct vouch_flom_parser *parser, const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (vouch_flom_token_parse(value, &message->token_epoch,
                               &message->token_counter)
        != 0)
        stop(parser, "a token that is not one");
    message->has |= VOUCH_FLOM_HAS_TOKEN;
}

static void
msg_attribute(struct vouch_flom_parser *parser, const char *name,
              const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (strcmp(name, "level") == 0) {
        message->level = small_number(parser, value);
        message->has |= VOUCH_FLOM_HAS_LEVEL;
    } else if (strcmp(name, "verb") == 0)
        message->verb = small_number(parser, value);
    else if (strcmp(name, "step") == 0)
        message->step = small_number(parser, value);
    else if (strcmp(name, "ask") == 0)
        copy_text(parser, message->ask, sizeof(message->ask), value);
    else if (strcmp(name, "about") == 0)
        take_about(parser, value);
}

static void
session_attribute(struct vouch_flom_parser *parser, const char *name,
                  const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (strcmp(name, "peerid") != 0)
        return;
    copy_text(parser, message->peer_id, sizeof(message->peer_id), value);
    message->has |= VOUCH_FLOM_HAS_PEER_ID;
}

/* What only a lock request has: 1 if it was that. */
static int
lock_attribute(struct vouch_flom_parser *parser, const char *name,
               const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (strcmp(name, "mode") == 0) {
        message->mode = number(parser, value);
        message->has |= VOUCH_FLOM_HAS_MODE;
    } else if (strcmp(name, "wait") == 0)
        message->wait = flag(parser, value);
    else if (strcmp(name, "quantity") == 0) {
        message->quantity = number(parser, value);
        message->has |= VOUCH_FLOM_HAS_QUANTITY;
    } else if (strcmp(name, "create") == 0)
        message->create = flag(parser, value);
    else if (strcmp(name, "lifespan") == 0)
        message->lifespan = number(parser, value);
    else
        return 0;
    return 1;
}

static void
resource_attribute(struct vouch_flom_parser *parser, const char *name,
                   const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (strcmp(name, "name") == 0)
        take_name(message, value);
    else if (strcmp(name, "token") == 0)
        take_token(parser, value);
    else if (strcmp(name, "lease") == 0)
        message->lease = number(parser, value);
    else if (strcmp(name, "convert") == 0)
        message->convert = flag(parser, value);
    else if (strcmp(name, "rollback") == 0) {
        message->rollback = flag(parser, value);
        if (message->verb != VOUCH_FLOM_UNLOCK)
            stop(parser, "an attribute of an unlock in another message");
    } else if (lock_attribute(parser, name, value)
               && message->verb != VOUCH_FLOM_LOCK)
        stop(parser, "an attribute of a lock in another message");
}

static void
answer_attribute(struct vouch_flom_parser *parser, const char *name,
                 const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (strcmp(name, "rc") == 0) {
        message->rc = number(parser, value);
        message->has |= VOUCH_FLOM_HAS_RC;
    } else if (strcmp(name, "element") == 0) {
        copy_text(parser, message->element, sizeof(message->element), value);
        message->has |= VOUCH_FLOM_HAS_ELEMENT;
    } else if (strcmp(name, "token") == 0)
        take_token(parser, value);
    else if (strcmp(name, "lease") == 0)
        message->lease = number(parser, value);
    else if (strcmp(name, "reason") == 0)
        copy_text(parser, message->reason, sizeof(message->reason), value);
    else if (strcmp(name, "data") == 0)
        take_data(parser, value);
    else if (strcmp(name, "more") == 0)
        message->more = flag(parser, value);
}

static void
network_attribute(struct vouch_flom_parser *parser, const char *name,
                  const char *value)
{
    struct vouch_flom_message *message = parser->message;

    if (strcmp(name, "address") == 0)
        copy_text(parser, message->address, sizeof(message->address), value);
    else if (strcmp(name, "port") == 0)
        message->port = number(parser, value);
    else
        stop(parser, "an unknown attribute of network");
    message->has |= VOUCH_FLOM_HAS_NETWORK;
}

static void
shutdown_attribute(struct vouch_flom_parser *parser, const char *name,
                   const char *value)
{
    if (strcmp(name, "immediate") != 0) {
        stop(parser, "an unknown attribute of shutdown");
        return;
    }
    parser->message->immediate = flag(parser, value);
}

typedef void (*attribute_fn)(struct vouch_flom_parser *parser,
                             const char *name, const char *value);

/* The elements inside of msg. */
static const struct element {
    const char *name;
    unsigned has;
    attribute_fn take;
} ELEMENTS[] = {
    {"session", 0, session_attribute},
    {"resource", VOUCH_FLOM_HAS_RESOURCE, resource_attribute},
    {"answer", 0, answer_attribute},
    {"network", VOUCH_FLOM_HAS_NETWORK, network_attribute},
    {"shutdown", VOUCH_FLOM_HAS_SHUTDOWN, shutdown_attribute},
};

static void
take_all(struct vouch_flom_parser *parser, attribute_fn take,
         const XML_Char **attributes)
{
    for (; attributes[0] != NULL; attributes += 2)
        take(parser, attributes[0], attributes[1]);
}

static void
take_element(struct vouch_flom_parser *parser, const XML_Char *name,
             const XML_Char **attributes)
{
    size_t i;

    for (i = 0; i < sizeof(ELEMENTS) / sizeof(ELEMENTS[0]); i++) {
        if (strcmp(name, ELEMENTS[i].name) != 0)
            continue;
        if (parser->message->has & ELEMENTS[i].has)
            stop(parser, "an element that is there twice");
        parser->message->has |= ELEMENTS[i].has;
        take_all(parser, ELEMENTS[i].take, attributes);
    }
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct vouch_flom_parser *parser = arg;

    parser->depth++;
    if (parser->depth > DEPTH_MAX)
        stop(parser, "elements nested too deep");
    else if (parser->depth == 2)
        take_element(parser, name, attributes);
    else if (parser->depth == 1 && strcmp(name, "msg") == 0)
        take_all(parser, msg_attribute, attributes);
    else if (parser->depth == 1)
        stop(parser, "no msg");
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
    (void) name;
    ((struct vouch_flom_parser *) arg)->depth--;
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
           const XML_Char *public_id, int has_subset)
{
    (void) name;
    (void) system_id;
    (void) public_id;
    (void) has_subset;
    stop(arg, "a DOCTYPE");
}

static void
prepare(struct vouch_flom_parser *parser, struct vouch_flom_message *message)
{
    vouch_flom_message_init(message, 0, 0);
    parser->message = message;
    parser->problem = NULL;
    parser->depth = 0;
    parser->by_expat = 0;
}

static enum XML_Status
read_by_expat(struct vouch_flom_parser *parser, const unsigned char *data,
              size_t length)
{
    parser->by_expat = 1;
    (void) XML_ParserReset(parser->expat, "UTF-8");
    (void) XML_SetHashSalt(parser->expat, parser->salt);
    XML_SetUserData(parser->expat, parser);
    XML_SetElementHandler(parser->expat, on_start, on_end);
    XML_SetStartDoctypeDeclHandler(parser->expat, on_doctype);
    return XML_Parse(parser->expat, (const char *) data, (int) length,
                     XML_TRUE);
}

/* 1.7.2 allows blanks between messages; XML none before its declaration. */
static const unsigned char *
skip_blanks(const unsigned char *data, size_t *length)
{
    while (*length > 0 && (*data == ' ' || (*data >= '\t' && *data <= '\r'))) {
        data++;
        (*length)--;
    }
    return data;
}

static const char *
missing(const struct vouch_flom_message *message)
{
    if (message->verb < VOUCH_FLOM_LOCK
        || message->verb > VOUCH_FLOM_MANAGEMENT)
        return "no verb, or an unknown one";
    if (message->step < VOUCH_FLOM_REQUEST
        || message->step > VOUCH_FLOM_REFUSAL || message->step % 8 != 0)
        return "no step, or an unknown one";
    return NULL;
}

int
vouch_flom_parse(struct vouch_flom_parser *parser, const unsigned char *data,
                 size_t length, struct vouch_flom_message *message_r,
                 struct vouch_error *err)
{
    enum XML_Status status = XML_STATUS_OK;
    enum XML_Error problem;

    if (length > VOUCH_FLOM_MESSAGE_MAX)
        return vouch_error_set(err, VOUCH_E_FORMAT, "message too long");
    prepare(parser, message_r);
    data = skip_blanks(data, &length);
    if (!vouch_flom_message_read_simple(data, length, on_start, on_end,
                                        parser)) {
        if (start_expat(parser) != 0)
            return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
        prepare(parser, message_r);
        status = read_by_expat(parser, data, length);
    }
    if (parser->problem == NULL && status == XML_STATUS_OK
        && message_r->level == VOUCH_FLOM_LEVEL)
        parser->problem = missing(message_r);
    if (parser->problem != NULL)
        return vouch_error_set(err, VOUCH_E_FORMAT, "message with %s",
                               parser->problem);
    if (status == XML_STATUS_OK)
        return 0;
    problem = XML_GetErrorCode(parser->expat);
    return vouch_error_set(
        err, problem == XML_ERROR_NO_MEMORY ? VOUCH_E_MEMORY : VOUCH_E_FORMAT,
        "message is not XML: %s", XML_ErrorString(problem));
}
