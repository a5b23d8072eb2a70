/*
 * FLoM's messages, protocol level 3: bytes in, facts out, and back.
 *
 * A message is a small XML document without any length in front; it ends
 * with the first "</msg>".  Here it is found in a stream of bytes, read into
 * a struct, and written from one.  No sockets, no clock; what a message
 * asks for is decided elsewhere (lockd/session, flom/client).
 *
 * What FLoM 1.7.2 sends and what is sent to it is byte for byte as it
 * writes it.  What only Vouch knows travels in attributes that 1.7.2
 * ignores; they are marked "new" below and written only when they are set.
 */
#ifndef VOUCH_FLOM_MESSAGE_H
#define VOUCH_FLOM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct vouch_buf;
struct vouch_error;

#define VOUCH_FLOM_LEVEL 3
#define VOUCH_FLOM_PORT 28015

/* What 1.7.2 takes at most: its daemon, and its client. */
#define VOUCH_FLOM_OLD_REQUEST_MAX 511
#define VOUCH_FLOM_OLD_ANSWER_MAX 1023

/* What is taken here at most. */
#define VOUCH_FLOM_MESSAGE_MAX 16384
#define VOUCH_FLOM_NAME_MAX 1023    /* bytes of a resource name */
#define VOUCH_FLOM_ELEMENT_MAX 1023 /* bytes of an element */
#define VOUCH_FLOM_TEXT_MAX 255     /* bytes of any other text */
#define VOUCH_FLOM_DATA_MAX 8192    /* bytes of an answer's data */

enum vouch_flom_verb {
    VOUCH_FLOM_LOCK = 1,
    VOUCH_FLOM_UNLOCK = 2,
    VOUCH_FLOM_PING = 3, /* only between new peers: 1.7.2 dies of it */
    VOUCH_FLOM_DISCOVER = 4,
    VOUCH_FLOM_MANAGEMENT = 5
};

enum vouch_flom_step {
    VOUCH_FLOM_REQUEST = 8,
    VOUCH_FLOM_ANSWER = 16,
    VOUCH_FLOM_LATER = 24, /* to 1.7.2 any of these is a grant, but rc 1 */
    VOUCH_FLOM_REFUSAL = 32
};

/* Which of the fields are there; absent numbers are 0, absent texts "". */
enum vouch_flom_field {
    VOUCH_FLOM_HAS_PEER_ID = 1 << 0,
    VOUCH_FLOM_HAS_RESOURCE = 1 << 1, /* the element, whatever is in it */
    VOUCH_FLOM_HAS_NAME = 1 << 2,
    VOUCH_FLOM_HAS_MODE = 1 << 3,
    VOUCH_FLOM_HAS_QUANTITY = 1 << 4,
    VOUCH_FLOM_HAS_RC = 1 << 5,
    VOUCH_FLOM_HAS_ELEMENT = 1 << 6,
    VOUCH_FLOM_HAS_NETWORK = 1 << 7,
    VOUCH_FLOM_HAS_SHUTDOWN = 1 << 8,
    VOUCH_FLOM_HAS_TOKEN = 1 << 9, /* new */
    VOUCH_FLOM_HAS_DATA = 1 << 10, /* new */
    VOUCH_FLOM_HAS_LEVEL = 1 << 11,
    VOUCH_FLOM_BAD_NAME = 1 << 12 /* a name that is not base64, or too long */
};

/*
 * Questions.  A lock request for a resource that is not there, not to be
 * created and not to be waited for, with "ask": 1.7.2 does not see it and
 * refuses the request with rc 5.  A daemon of Vouch answers with the same
 * "ask" and
 *
 *   token        about "ADDRESS NAME" (ADDRESS as vouch_address_text() of the
 *                asking host's end of the connection that holds the lock;
 *                over a unix socket "unix", and the process is the same):
 *                rc 0 and the token of the lock held under that name
 *   status       about a pattern or "": rc 0 and text for a person in data,
 *   status-json  or JSON, in pieces: "more" tells that another follows
 *   kick         about the id of a session in the status: rc 0, it is ended
 *   access       about "MODE NAME" (MODE a number): rc 0 and in data what the
 *                asker may do, "RIGHT yes REASON" or "RIGHT no REASON" a line,
 *                after "time MICROSECONDS" (since 1970) and "from ADDRESS"
 *
 * or with rc 5 and a reason.  "lock" is no question: it marks an ordinary
 * lock request of a client that knows its daemon to be Vouch's, and wants
 * the token with the grant.  With a token in such a request a lock of the
 * daemon before is resumed; about is its element.
 */
struct vouch_flom_message {
    unsigned has; /* a set of enum vouch_flom_field */
    int level;
    int verb;
    int step;
    char ask[VOUCH_FLOM_TEXT_MAX + 1];     /* new: a question, or "" */
    char about[VOUCH_FLOM_NAME_MAX + 1];   /* new: what it is about */
    char peer_id[VOUCH_FLOM_TEXT_MAX + 1]; /* session */

    /* resource, in a request */
    char name[VOUCH_FLOM_NAME_MAX + 1]; /* may hold any byte but is also
                                         * ended by a NUL */
    size_t name_length;
    int64_t mode;
    int wait;
    int64_t quantity;
    int create;
    int64_t lifespan; /* milliseconds */
    int rollback;
    int64_t lease; /* new: milliseconds, 0 none; in answers too */
    int convert;   /* new: change the mode of the lock that is held */

    /* answer */
    int64_t rc;
    char element[VOUCH_FLOM_ELEMENT_MAX + 1];
    uint64_t token_epoch; /* new; in a request: the lock to resume */
    uint64_t token_counter;
    char reason[VOUCH_FLOM_TEXT_MAX + 1]; /* new: why, for a person */
    unsigned char data[VOUCH_FLOM_DATA_MAX];
    size_t data_length; /* new: a piece of an answer to a question */
    int more;           /* new: another piece follows */

    /* network */
    char address[VOUCH_FLOM_TEXT_MAX + 1];
    int64_t port;

    /* shutdown */
    int immediate;
};

/*
 * Where the first message of these bytes ends: the number of bytes up to
 * and with its "</msg>"; 0 if more must come; -1 if that would be more than
 * max.
 */
long vouch_flom_frame(const unsigned char *data, size_t length, size_t max);

struct vouch_flom_parser;

/* Free the parser.  NULL is allowed. */
void vouch_flom_parser_free(struct vouch_flom_parser *parser);

/* A parser; it serves any number of messages, one after the other, of any
 * connections.  NULL without memory. */
struct vouch_flom_parser *vouch_flom_parser_new(void);

/*
 * Read one framed message.  0; or -1 with VOUCH_E_FORMAT (what is wrong
 * with it; control characters of the peer's do not get into the text) or
 * VOUCH_E_MEMORY; then *message_r is undefined.  DTDs, entities of its own,
 * encodings other than UTF-8, numbers that are none, deep nesting and a
 * verb, step or attribute that 1.7.2 would not take are refused.  Unknown
 * attributes of msg, session, resource and answer are ignored, and so are
 * unknown elements.  A message of another level is read as far as its level
 * tells, and is the caller's to refuse.
 */
int vouch_flom_parse(struct vouch_flom_parser *parser,
                     const unsigned char *data, size_t length,
                     struct vouch_flom_message *message_r,
                     struct vouch_error *err);

/*
 * Append the message to the buffer.  Of a lock request, mode and quantity
 * are written if HAS_MODE and HAS_QUANTITY are set.  0, or -1 when the
 * buffer is full.
 */
int vouch_flom_encode(const struct vouch_flom_message *message,
                      struct vouch_buf *out);

/* An empty message of this verb and step. */
void vouch_flom_message_init(struct vouch_flom_message *message, int verb,
                             int step);

/*
 * A fencing token as text, "EPOCH.COUNTER" in decimal, and back: 0, or -1
 * if the text is not one.
 */
#define VOUCH_FLOM_TOKEN_SIZE 42
void vouch_flom_token_text(uint64_t epoch, uint64_t counter,
                           char out[VOUCH_FLOM_TOKEN_SIZE]);
int vouch_flom_token_parse(const char *text, uint64_t *epoch_r,
                           uint64_t *counter_r);

#endif
