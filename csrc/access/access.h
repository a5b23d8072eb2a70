/*
 * Who may do what with the locks: the decision.
 *
 * Pure: who asks, for which right, on which resource, and the rules; out
 * comes yes or no, and which rule said so.  Reading rules is access_file's,
 * finding out who asks is lockd's.
 *
 * The first rule that is for this client, right and resource decides; where
 * none is, the answer is no.  A rule for a node of a tree (/a/b) is for all
 * below it, as a lock is; and a lock of a node is refused where a rule that
 * comes first forbids anything below it.
 */
#ifndef VOUCH_ACCESS_ACCESS_H
#define VOUCH_ACCESS_ACCESS_H

#include <stddef.h>

struct vouch_access;
struct vouch_fingerprint;

/* Where a client is. */
enum vouch_access_place {
    VOUCH_ACCESS_OWNER = 0, /* unix socket: root, or the daemon's user */
    VOUCH_ACCESS_UNIX,      /* unix socket: another user */
    VOUCH_ACCESS_HOST,      /* TCP from this host */
    VOUCH_ACCESS_REMOTE     /* TCP from another host */
};

/* A client.  All is borrowed. */
struct vouch_access_who {
    enum vouch_access_place place;
    long uid;                /* of a unix socket; -1: not known */
    int is_verified;         /* it has a certificate that TLS has verified */
    const char *common_name; /* the only one in it, or NULL */
    const struct vouch_fingerprint *cert; /* SHA-256; or NULL */
    const struct vouch_fingerprint *key;  /* SHA-256 of its key; or NULL */
};

/* Rights; a set of them.  To lock in mode M is 1 << M; resources without
 * modes are locked in EX. */
#define VOUCH_ACCESS_LOCK_IN(mode) (1u << (mode))
enum vouch_access_right {
    VOUCH_ACCESS_LOCK = 0x3f, /* in any mode */
    VOUCH_ACCESS_CREATE = 1 << 6,
    VOUCH_ACCESS_STATUS = 1 << 7,
    VOUCH_ACCESS_KICK = 1 << 8,
    VOUCH_ACCESS_SHUTDOWN = 1 << 9,
    VOUCH_ACCESS_ALL = 0x3ff
};

struct vouch_access_verdict {
    int allowed;
    int line;      /* of the rule that decided; 0: there was none */
    int from_file; /* the rules are a user's, not the usual ones */
};

/* Free the rules.  NULL is allowed. */
void vouch_access_free(struct vouch_access *access);

/*
 * May this client do that, which is one right?  resource NULL: with the
 * daemon as a whole, for which only rules count that name no resources, or
 * "*".  Returns verdict_r->allowed.
 */
int vouch_access_decide(const struct vouch_access *access,
                        const struct vouch_access_who *who, unsigned right,
                        const char *resource,
                        struct vouch_access_verdict *verdict_r);

/* 1 if there may be a resource for which the client has one of these rights,
 * else 0. */
int vouch_access_has_some(const struct vouch_access *access,
                          const struct vouch_access_who *who, unsigned rights);

/*
 * The client in words, "CN 'node7'", "uid 1000", "another host, without
 * TLS"; and a verdict in words, such as "uid 1000 may not lock 'db' in mode
 * EX: line 3 of the access file".  Cut to size; what is not printable ASCII
 * is '?'.
 */
void vouch_access_who_text(const struct vouch_access_who *who, char *text,
                           size_t size);
void vouch_access_text(const struct vouch_access_who *who, unsigned right,
                       const char *resource,
                       const struct vouch_access_verdict *verdict, char *text,
                       size_t size);

#endif
