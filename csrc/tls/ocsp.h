/*
 * What a server staples to its certificate: an OCSP response, which says that
 * it has not been revoked.
 *
 * For clients.  A staple is asked for where a chain is checked, and checked
 * itself when the chain is right: who has signed it, for which certificate,
 * when.  No responder is asked over the network, and a server of ours staples
 * nothing.
 */
#ifndef VOUCH_TLS_OCSP_H
#define VOUCH_TLS_OCSP_H

struct vouch_config;
struct vouch_conn;
struct vouch_error;

/* A set of these; 0 is TRY where the chain of a server is checked. */
enum vouch_ocsp_mode {
    VOUCH_OCSP_NO_STAPLE = 1,   /* do not ask */
    VOUCH_OCSP_MUST_STAPLE = 2, /* ask, and refuse who has none */
    VOUCH_OCSP_FAIL_HARD = 4,   /* refuse a staple without an answer */
    VOUCH_OCSP_FULL_CHAIN = 8,  /* taken, and without effect */
    VOUCH_OCSP_TRY_STAPLE = 16  /* ask, and take what comes */
};

enum vouch_staple {
    VOUCH_STAPLE_NONE = 0, /* not asked for, not sent, or not to be checked */
    VOUCH_STAPLE_GOOD,     /* not revoked */
    VOUCH_STAPLE_REVOKED,  /* revoked */
    VOUCH_STAPLE_UNKNOWN,  /* the responder does not know the certificate */
    VOUCH_STAPLE_UNANSWERED, /* "try later" and the like */
    VOUCH_STAPLE_OLD,        /* outside its dates */
    VOUCH_STAPLE_OTHER,      /* for other certificates */
    VOUCH_STAPLE_FORGED,     /* signed by who may not */
    VOUCH_STAPLE_BROKEN,     /* not an OCSP response */
    VOUCH_STAPLE_PROGRAM     /* left to the callback */
};

/*
 * The program's own look at a staple: OpenSSL's OCSP_RESPONSE *, valid during
 * the call, or NULL if the server has sent none.  Returns 1 to go on, 0 to
 * refuse; the staple is not checked otherwise.  arg is
 * vouch_conn_set_arg()'s.  It may not free or use the connection.
 */
typedef int (*vouch_staple_fn)(void *response, void *arg);

/* How a client minds staples; callback may be NULL.  What could not be
 * enforced (MUST_STAPLE without the verify mode PEER) is refused when the
 * configuration is frozen.  0 or -1. */
int vouch_config_set_ocsp(struct vouch_config *config, int mode,
                          vouch_staple_fn callback, struct vouch_error *err);

/* What came of it, after the handshake, and "none", "good", "revoked",
 * "unknown", "unanswered", "old", "other", "forged", "broken" or "program". */
enum vouch_staple vouch_conn_staple_found(const struct vouch_conn *conn);
const char *vouch_staple_name(enum vouch_staple staple);

#endif
