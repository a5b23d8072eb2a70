/*
 * Why a TLS connection failed, as a person would sort it: what the cause
 * is, and which side refused.
 *
 * Pure: known facts in (numbers of OpenSSL, alerts, the first bytes that
 * came), a cause out.  Advice to users is worded by those who know how they
 * configure TLS.
 */
#ifndef VOUCH_TLS_FAILURE_H
#define VOUCH_TLS_FAILURE_H

#include <stddef.h>

#include "base/error.h"
#include "tls/config.h"
#include "tls/verify.h"

struct vouch_conn;

#define VOUCH_FIRST_BYTES 16 /* enough to tell one protocol from another */
#define VOUCH_PEER_SIZE 80   /* an IPv6 address with interface, and a port */
#define VOUCH_NAME_SIZE 256  /* a DNS name */

enum vouch_cause {
    VOUCH_CAUSE_UNKNOWN = 0,
    VOUCH_CAUSE_PLAIN_HTTP,     /* HTTP without TLS */
    VOUCH_CAUSE_NOT_TLS,        /* some other protocol */
    VOUCH_CAUSE_PROTOCOL,       /* no version of TLS in common */
    VOUCH_CAUSE_CIPHER,         /* no cipher, group or signature in common */
    VOUCH_CAUSE_ALPN,           /* no application protocol in common */
    VOUCH_CAUSE_UNTRUSTED,      /* unknown authority, or self-signed */
    VOUCH_CAUSE_EXPIRED,        /* certificate past its last date */
    VOUCH_CAUSE_NOT_YET_VALID,  /* certificate before its first date */
    VOUCH_CAUSE_NAME,           /* certificate for another name */
    VOUCH_CAUSE_PURPOSE,        /* certificate for another use */
    VOUCH_CAUSE_WEAK,           /* certificate with a key or digest too weak */
    VOUCH_CAUSE_REVOKED,        /* certificate revoked, or no list to ask */
    VOUCH_CAUSE_STAPLE,         /* no OCSP staple, or not a right one */
    VOUCH_CAUSE_NOT_PINNED,     /* certificate not among the pins */
    VOUCH_CAUSE_CALLBACK,       /* the program's callback said no */
    VOUCH_CAUSE_REFUSED,        /* certificate refused, not said why */
    VOUCH_CAUSE_BAD_PAIR,       /* the key does not fit the certificate */
    VOUCH_CAUSE_NO_CERTIFICATE, /* the client has sent no certificate */
    VOUCH_CAUSE_TIMEOUT,        /* no answer in time */
    VOUCH_CAUSE_CLOSED,         /* the peer went without a word */
    VOUCH_CAUSE_RESET,          /* the connection was reset */
    VOUCH_CAUSES                /* how many there are */
};

/* Who refused.  With NOBODY it broke, or nothing came. */
enum vouch_side { VOUCH_SIDE_NOBODY = 0, VOUCH_SIDE_OURS, VOUCH_SIDE_THEIRS };

/* What the first bytes of a peer look like. */
enum vouch_speech {
    VOUCH_SPEECH_NOTHING = 0, /* none came, or too few to tell */
    VOUCH_SPEECH_TLS,         /* what a peer in the other role sends */
    VOUCH_SPEECH_CLIENT,      /* TLS, of a client: nobody serves here */
    VOUCH_SPEECH_SERVER,      /* TLS, of a server: nobody asks here */
    VOUCH_SPEECH_HTTP,        /* a request or an answer */
    VOUCH_SPEECH_SSH,
    VOUCH_SPEECH_GREETING, /* SMTP, FTP, NNTP: three digits */
    VOUCH_SPEECH_POP3,
    VOUCH_SPEECH_IMAP,
    VOUCH_SPEECH_PROXY, /* the PROXY protocol, before TLS */
    VOUCH_SPEECH_TEXT,  /* other text */
    VOUCH_SPEECH_BYTES, /* anything else */
    VOUCH_SPEECHES      /* how many there are */
};

/* What is known of a connection that failed. */
struct vouch_failure_facts {
    enum vouch_role role;   /* ours */
    enum vouch_code code;   /* of its error; VOUCH_OK: the caller's deadline
                             passed */
    int sys_errno;          /* of its error, or 0 */
    unsigned long lib_code; /* OpenSSL's packed code, or 0 */
    int established;        /* 1 if our handshake was done before */
    int alert_sent;         /* number of the alert we sent, or -1 */
    int alert_received;     /* or received, or -1 */
    struct vouch_verdict verdict;
    int asked;     /* we are a client and were asked for a certificate */
    int has_cert;  /* we have one to show */
    int own_fault; /* X509_V_ERR_... a peer may find in ours, or 0 */
    const unsigned char *first; /* the first bytes received */
    size_t first_length;
};

struct vouch_failure {
    enum vouch_cause cause;
    enum vouch_side side;
    enum vouch_role role; /* ours */
    enum vouch_speech speech;
    int alert;       /* the one sent by the side that refused, or -1 */
    int established; /* 1 if it failed after our part of the handshake */
    char peer[VOUCH_PEER_SIZE];        /* "[::1]:1965", "unix", or "" */
    char server_name[VOUCH_NAME_SIZE]; /* asked for, printable, or "" */
};

/*
 * Judge by the facts alone: sets cause, side, role, speech, alert and
 * established of *failure_r, and empties its texts.
 */
void vouch_failure_judge(const struct vouch_failure_facts *facts,
                         struct vouch_failure *failure_r);

/*
 * The same for a connection, with its texts.  One whose error is VOUCH_OK is
 * taken for one that its owner gives up because time is over.
 */
void vouch_conn_failure(const struct vouch_conn *conn,
                        struct vouch_failure *failure_r);

/* What the first bytes received in this role of ours are. */
enum vouch_speech vouch_speech_of(enum vouch_role role,
                                  const unsigned char *first, size_t length);

/* Short names that stay the same: "plain_http"; "ours", "theirs", "";
 * "nothing", "ssh".  "unknown" for a number that has none.  Static. */
const char *vouch_cause_name(enum vouch_cause cause);
const char *vouch_side_name(enum vouch_side side);
const char *vouch_speech_name(enum vouch_speech speech);

/* The name of an alert as in RFC 8446, "unknown_ca"; "" for -1, and
 * "unknown" for a number that has none.  Static. */
const char *vouch_alert_name(int alert);

#endif
