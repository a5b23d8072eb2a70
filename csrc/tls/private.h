/*
 * What the files of tls/ share and nobody else sees: OpenSSL's types.
 */
#ifndef VOUCH_TLS_PRIVATE_H
#define VOUCH_TLS_PRIVATE_H

#include <sys/socket.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "tls/config.h"
#include "tls/connection.h"
#include "tls/failure.h"
#include "tls/ocsp.h"
#include "tls/verify.h"

struct vouch_cert;
struct vouch_identity;
struct vouch_map;
struct vouch_pins;
struct vouch_session;

#define VOUCH_ALPN_MAX 1024 /* bytes of a list of application protocols */
#define VOUCH_PEER_BYTES 28 /* a sockaddr_in6, and of others what fits */

struct vouch_config {
    SSL_CTX *ctx;
    enum vouch_role role;
    int references;
    int frozen;
    int mode;         /* enum vouch_verify_mode */
    int trust_set;    /* the program said whom to trust, or nobody */
    int trust_loaded; /* there is something to build chains to */
    int check_crl;
    int tickets; /* enum vouch_tickets, or -1: not said */
    int id_context_set;
    int pins_alone;
    struct vouch_pins *pins;
    vouch_verify_fn callback;
    int ocsp_mode; /* enum vouch_ocsp_mode */
    vouch_staple_fn staple_callback;
    struct vouch_map *names; /* server name -> struct name_entry */
    unsigned char alpn[VOUCH_ALPN_MAX];
    size_t alpn_length;
};

enum vouch_conn_state {
    VOUCH_CONN_NEW = 0,
    VOUCH_CONN_READY,
    VOUCH_CONN_CLOSED, /* close_notify sent */
    VOUCH_CONN_FAILED
};

struct vouch_conn {
    struct vouch_config *config;
    SSL *ssl;
    int fd; /* -1: transport functions */
    struct vouch_transport transport;
    enum vouch_conn_state state;
    int peer_closed; /* close_notify received */
    int at_end;      /* the transport has ended */
    enum vouch_pace {
        VOUCH_PACE_OWN = 0, /* the program's: it has chosen, or it is no TCP */
        VOUCH_PACE_TALK,    /* small pieces go out at once */
        VOUCH_PACE_STREAM   /* many in a row: TCP gathers them */
    } pace;
    unsigned writes;        /* since the last read */
    int io_errno;           /* of the transport's last failure */
    unsigned idle_records;  /* since the peer's program last sent a byte */
    size_t handshake_bytes; /* received before the handshake was done */
    size_t dropped;         /* received, and not read, since our goodbye */
    int asked;              /* the server has asked for a certificate */
    int alert_sent; /* number of the last one that ends things, or -1 */
    int alert_received;
    unsigned char first[VOUCH_FIRST_BYTES]; /* that were received */
    size_t first_length;
    struct vouch_peer_address {
        unsigned char bytes[VOUCH_PEER_BYTES];
        socklen_t length; /* 0: not known */
    } address;            /* a reset socket does not tell it any more */
    void *arg;
    struct vouch_error error;
    struct vouch_verdict verdict;
    enum vouch_staple staple;
    /* Facts, copied when the handshake is done. */
    X509 *peer;
    STACK_OF(X509) *chain; /* own one first; NULL if it sent that alone */
    X509 *own;
    int protocol;
    int resumed;
    const char *cipher;
    char *alpn; /* or NULL */
    char *server_name;
    char *verify_host;        /* what the peer's certificate must be for */
    vouch_name_fn name_check; /* or NULL: OpenSSL checks the name */
    struct vouch_session *follower; /* gets the sessions as they come */
};

/*
 * A struct vouch_cert * is an X509 * by another name, so that a snapshot of
 * the peer costs one reference and no allocation.
 */
static inline X509 *
vouch_cert_openssl(const struct vouch_cert *cert)
{
    union {
        const struct vouch_cert *in;
        X509 *out;
    } u;

    u.in = cert;
    return u.out;
}

static inline struct vouch_cert *
vouch_cert_borrow(X509 *x509)
{
    return (struct vouch_cert *) (void *) x509;
}

/* The parts of an identity, borrowed; the chain may be NULL. */
X509 *vouch_identity_x509(const struct vouch_identity *identity);
EVP_PKEY *vouch_identity_pkey(const struct vouch_identity *identity);
STACK_OF(X509) *vouch_identity_chain(const struct vouch_identity *identity);

/*
 * Record the first error in OpenSSL's queue (where there is one) as
 * "text: reason" with its code, and empty the queue.  Returns -1.
 */
int vouch_error_set_openssl(struct vouch_error *err, enum vouch_code code,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Made once per process: our index into SSL ex_data, and the BIO that
 * carries bytes for a connection.  0 or -1. */
int vouch_tls_init(void);

/* Where an SSL_CTX finds its algorithms; NULL: in OpenSSL's default context.
 * It lives as long as the process. */
OSSL_LIB_CTX *vouch_library_context(void);
struct vouch_conn *vouch_conn_of_ssl(const SSL *ssl);
BIO *vouch_bio_new(struct vouch_conn *conn);

/* Copy the facts about the peer once the handshake is done.  0 or -1. */
int vouch_conn_copy_facts(struct vouch_conn *conn);

/* For explaining a failure later: who the peer is, what it says first, and
 * what OpenSSL tells on the way (its info callback). */
void vouch_conn_note_peer(struct vouch_conn *conn);
void vouch_conn_note_bytes(struct vouch_conn *conn, const void *data,
                           size_t length);
void vouch_conn_watch(const SSL *ssl, int where, int value);

/* The functions that OpenSSL calls: to decide about a peer as a whole, for
 * each certificate, and about a session ticket. */
int vouch_verify_peer(X509_STORE_CTX *store, void *arg);
int vouch_verify_certificate(int ok, X509_STORE_CTX *store);
int vouch_verify_session(const struct vouch_config *config,
                         const SSL_SESSION *session);

/* OpenSSL has a session of the server; 1 if it is kept. */
int vouch_session_arrived(SSL *ssl, SSL_SESSION *fresh);

/* 1 if the handshake is done without a check that the policy asks for: a
 * cipher suite without certificates does that. */
int vouch_verify_missing(const struct vouch_conn *conn);

/* 0 if the configuration may still be changed, else -1 and the error. */
int vouch_config_check_open(const struct vouch_config *config,
                            struct vouch_error *err);

/* The part of freezing that config_trust.c does. */
int vouch_config_freeze_trust(struct vouch_config *config,
                              struct vouch_error *err);

/* Staples: the part of freezing, what OpenSSL calls, and why one was
 * refused. */
int vouch_ocsp_freeze(struct vouch_config *config, struct vouch_error *err);
int vouch_ocsp_on_staple(SSL *ssl, void *arg);
const char *vouch_staple_text(enum vouch_staple staple);

/* Choose identity and ciphers for a server name. */
int vouch_server_name_choose(SSL *ssl, int *alert, void *arg);
void vouch_names_free(struct vouch_map *names);
int vouch_names_add(struct vouch_config *config, const char *name,
                    struct vouch_identity *identity, struct vouch_error *err);
int vouch_names_set_ciphers(struct vouch_config *config, const char *name,
                            const char *list, struct vouch_error *err);

#endif
