/*
 * The inside of a client; shared by the files of client*.c only.
 */
#ifndef VOUCH_FLOM_CLIENT_PRIVATE_H
#define VOUCH_FLOM_CLIENT_PRIVATE_H

#include <sys/types.h>

#include "base/error.h"
#include "flom/client.h"
#include "flom/discovery.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "net/address.h"

#define CLIENT_ADDRESSES 8

#define CLIENT_PINGS 4 /* sent and not answered; a lease lasts for three */

struct vouch_buf;
struct vouch_conn;
struct vouch_flom_parser;
struct vouch_flom_tls;
struct vouch_session;

struct vouch_flom_client {
    struct vouch_flom_settings settings;
    enum vouch_flom_client_state state;
    int fd;
    struct vouch_flom_discovery *discovery; /* while it looks, or NULL */
    vouch_flom_discovery_fn tell;
    void *tell_arg;
    struct vouch_flom_place place; /* where it has found the daemon */
    int is_found;
    struct vouch_address addresses[CLIENT_ADDRESSES];
    int address_count;
    int address_next; /* the one to try after this fails */
    int64_t connect_deadline;
    int tcp_connected;
    struct vouch_flom_tls *tls; /* NULL: in the clear */
    struct vouch_conn *conn;
    int64_t tls_deadline;          /* of the handshake under way */
    int is_modern;                 /* the daemon has said it is Vouch's */
    struct vouch_session *session; /* to resume, with this daemon */
    struct vouch_session *renewed; /* the same, newer, if it has come */
    struct vouch_address session_with;
    struct vouch_buf *in;
    struct vouch_buf *out;
    struct vouch_flom_parser *parser;
    struct vouch_flom_message answer;
    unsigned long answers; /* how many have come */
    int is_question;       /* the request has "ask" */
    int first_answer;      /* the next message is to be step 16 */
    int is_staying;        /* a conversion has been given up */
    int to_skip;           /* first answers to what was given up */
    int lease_wanted;      /* milliseconds; 0: none */
    int token_wanted;
    int64_t lease_ms;    /* granted by the daemon */
    int64_t lease_until; /* what the daemon has surely heard of us */
    int64_t ping_due;
    int64_t pings[CLIENT_PINGS]; /* when each was sent */
    int ping_count;
    int64_t asked_ms; /* when the request was made */
    int rc;
    struct vouch_error error;
    int is_explained; /* the error says more than the code */
    int is_held;      /* a lock is, also while its conversion is asked for */
    int was_held;     /* it is, or was when the connection ended */
    int has_element;
    int has_token;
    uint64_t token_epoch;
    uint64_t token_counter;
    char element[VOUCH_FLOM_ELEMENT_MAX + 1];
    char name[VOUCH_FLOM_NAME_MAX + 1]; /* what is locked */
    size_t name_length;
    char peer_id[VOUCH_FLOM_TEXT_MAX + 1]; /* ours, or "" */
};

/* Remember why it failed, close, be IDLE.  Returns -1. */
int vouch_flom_client_fail(struct vouch_flom_client *client, int rc,
                           const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The same, with words that help who reads them. */
int vouch_flom_client_explain(struct vouch_flom_client *client, int rc,
                              const char *text);

/* The daemon has closed the connection; or broken TLS.  Returns -1. */
int vouch_flom_client_closed(struct vouch_flom_client *client);
int vouch_flom_client_tls_failed(struct vouch_flom_client *client, int rc);

/* The daemon says that we are not who our certificate is for.  Returns -1,
 * with the code of 1.7.2, which closes the connection without a word. */
int vouch_flom_client_not_believed(struct vouch_flom_client *client);

/* Signs of life: what to send, what an answer says, when it is too late (-1,
 * and failed).  take returns 1 if the answer is nothing else. */
void vouch_flom_client_send_ping(struct vouch_flom_client *client);
int vouch_flom_client_take_lease(struct vouch_flom_client *client);
int vouch_flom_client_check_lease(struct vouch_flom_client *client);

/* Go on connecting: 0 connected, -1, VOUCH_FLOM_WANT_... */
int vouch_flom_client_go_on_connecting(struct vouch_flom_client *client);

/* TLS: read the files of the settings; shake hands, and keep what another
 * connection can go on with.  0, -1, VOUCH_FLOM_WANT_... */
int vouch_flom_client_prepare_tls(struct vouch_flom_client *client);
int vouch_flom_client_shake_hands(struct vouch_flom_client *client);
void vouch_flom_client_end_tls(struct vouch_flom_client *client);

/* The peer's id against the name in its certificate.  0 or -1. */
int vouch_flom_client_check_peer(struct vouch_flom_client *client);

/* Bytes, whatever is beneath: a count, 0 for the end, -1 (and failed),
 * VOUCH_FLOM_WANT_... */
ssize_t vouch_flom_client_receive(struct vouch_flom_client *client, void *data,
                                  size_t length);
ssize_t vouch_flom_client_send(struct vouch_flom_client *client,
                               const void *data, size_t length);

#endif
