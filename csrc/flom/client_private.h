/*
 * The inside of a client; shared by client.c and client_connect.c only.
 */
#ifndef VOUCH_FLOM_CLIENT_PRIVATE_H
#define VOUCH_FLOM_CLIENT_PRIVATE_H

#include <sys/types.h>

#include "base/error.h"
#include "flom/client.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "net/address.h"

#define CLIENT_ADDRESSES 8

struct vouch_buf;
struct vouch_config;
struct vouch_conn;
struct vouch_flom_parser;

struct vouch_flom_client {
    struct vouch_flom_settings settings;
    enum vouch_flom_client_state state;
    int fd;
    struct vouch_address addresses[CLIENT_ADDRESSES];
    int address_count;
    int address_next; /* the one to try after this fails */
    int64_t connect_deadline;
    int tcp_connected;
    struct vouch_config *tls; /* NULL: in the clear */
    struct vouch_conn *conn;
    struct vouch_buf *in;
    struct vouch_buf *out;
    struct vouch_flom_parser *parser;
    struct vouch_flom_message answer;
    unsigned long answers; /* how many have come */
    int is_question;       /* the request has "ask" */
    int first_answer;      /* the next message is to be step 16 */
    int lease_wanted;      /* milliseconds; 0: none */
    int64_t lease_ms;      /* granted by the daemon */
    int64_t ping_due;
    int rc;
    struct vouch_error error;
    int is_held; /* a lock is, also while its conversion is asked for */
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

/* Go on connecting: 0 connected, -1, VOUCH_FLOM_WANT_... */
int vouch_flom_client_go_on_connecting(struct vouch_flom_client *client);

/* Make the TLS configuration from the settings.  0 or -1. */
int vouch_flom_client_prepare_tls(struct vouch_flom_client *client);

/* The peer's id against the name in its certificate.  0 or -1. */
int vouch_flom_client_check_peer(struct vouch_flom_client *client);

/* Bytes, whatever is beneath: a count, 0 for the end, -1 (and failed),
 * VOUCH_FLOM_WANT_... */
ssize_t vouch_flom_client_receive(struct vouch_flom_client *client, void *data,
                                  size_t length);
ssize_t vouch_flom_client_send(struct vouch_flom_client *client,
                               const void *data, size_t length);

#endif
