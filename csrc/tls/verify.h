/*
 * Whether to accept the peer's certificate, and what was decided.
 *
 * Asked in this order: the pins (a match accepts), the program's callback,
 * OpenSSL's verdict on the chain.  A host name that does not match refuses
 * whatever the callback says.
 */
#ifndef VOUCH_TLS_VERIFY_H
#define VOUCH_TLS_VERIFY_H

struct vouch_cert;

/* The verify mode: a set of these, with OpenSSL's numbers.  For a client
 * any of them but NONE includes PEER, as with OpenSSL. */
enum vouch_verify_mode {
    VOUCH_VERIFY_NONE = 0x00,     /* server: do not ask; client: accept */
    VOUCH_VERIFY_PEER = 0x01,     /* ask for a certificate and check it */
    VOUCH_VERIFY_REQUIRED = 0x02, /* with PEER: refuse who has none */
    VOUCH_VERIFY_ONCE = 0x04,     /* accepted and without effect */
    VOUCH_VERIFY_ANY = 0x101      /* ask, accept any, say what was found */
};

/* What the callback is told; valid during the call only. */
struct vouch_verify {
    int ok;                  /* OpenSSL's verdict so far: 1 or 0 */
    int error;               /* X509_V_ERR_... of the run so far, 0 none */
    int depth;               /* 0 is the peer's own certificate */
    const char *names;       /* one-line issuer, then one-line subject */
    const char *error_text;  /* "error:00000012:lib(0)::reason(18)" */
    struct vouch_cert *cert; /* take a reference to keep it */
    void *store;             /* OpenSSL's X509_STORE_CTX * */
};

/*
 * The program's own decision, called for each certificate from the top of
 * the chain to the peer's own: once for each fault found (ok 0), once when
 * all that was found has been allowed (ok 1).  Returns 1 to go on, 0 to
 * refuse.  arg is vouch_conn_set_arg()'s.  It may not free or use the
 * connection it is called for.
 */
typedef int (*vouch_verify_fn)(const struct vouch_verify *verify, void *arg);

/*
 * The program's own rules for names: 1 if the certificate is for the host
 * that is wanted, else 0.  arg is as above.  Asked about the peer's own
 * certificate when all else about it has been accepted.
 */
typedef int (*vouch_name_fn)(struct vouch_cert *cert, void *arg);

enum vouch_decided_by {
    VOUCH_BY_NOBODY = 0,   /* there was nothing to decide */
    VOUCH_BY_PIN = 1,      /* pinned, or not pinned and pins decide alone */
    VOUCH_BY_CALLBACK = 2, /* the program */
    VOUCH_BY_CHAIN = 3,    /* OpenSSL: chain, dates, purpose, name */
    VOUCH_BY_ANY = 4,      /* accepted unchecked: mode ANY or NONE */
    VOUCH_BY_SESSION = 5   /* a resumed session: decided when it was made */
};

struct vouch_verdict {
    int accepted;             /* 1 or 0 */
    enum vouch_decided_by by; /* who decided */
    int error;                /* X509_V_ERR_... found, also if accepted */
    int depth;                /* where it was found */
};

/* OpenSSL's words for an X509_V_ERR_... number.  Static storage. */
const char *vouch_verify_error_text(int error);

/* "nobody", "pin", "callback", "chain", "any", "session". */
const char *vouch_decided_by_text(enum vouch_decided_by by);

/* Read or change the error of an X509_STORE_CTX * (struct vouch_verify's
 * store) from inside the callback. */
int vouch_verify_store_error(void *store);
void vouch_verify_store_set_error(void *store, int error);

#endif
