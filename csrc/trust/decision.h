/*
 * Trust on first use: is this the host that was here before?
 *
 * What is known and what was shown go in, a verdict comes out.  Pure: the
 * time comes in, and nothing is stored.
 */
#ifndef VOUCH_TRUST_DECISION_H
#define VOUCH_TRUST_DECISION_H

#include <stddef.h>
#include <stdint.h>

#include "tls/fingerprint.h"
#include "trust/known_host.h"

struct vouch_cert;

enum vouch_trust {
    VOUCH_TRUST_FIRST_USE = 0,            /* nothing is known of the host */
    VOUCH_TRUST_MATCH = 1,                /* the same certificate */
    VOUCH_TRUST_KEY_KEPT = 2,             /* another one, of the same key */
    VOUCH_TRUST_CHANGED_AFTER_EXPIRY = 3, /* another key; the known
                                             certificate has run out */
    VOUCH_TRUST_CHANGED = 4               /* another key, too early */
};

/* What a host has shown. */
struct vouch_shown {
    int64_t not_before; /* or VOUCH_NO_TIME */
    int64_t not_after;  /* or VOUCH_NO_TIME */
    int is_for;         /* 1 if the certificate names the host */
    size_t count;
    struct vouch_fingerprint prints[VOUCH_HOST_PRINTS];
};

/* The verdict; all but trust is information, and decides nothing. */
struct vouch_trust_verdict {
    enum vouch_trust trust;
    int name_matches;
    int expired;       /* what was shown is, or has no readable date */
    int not_yet_valid; /* the same of its first day */
};

/* The facts of a certificate.  0, or -1 if it cannot be digested. */
int vouch_shown_by_cert(const struct vouch_cert *cert, const char *host,
                        struct vouch_shown *shown_r);

/*
 * Decide.  known is NULL for a host nothing is known of.
 *
 * A match takes all the fingerprints that are known.  Where those of the
 * certificate differ and all of the key match, and there is at least one,
 * the key was kept.  A kind that shown lacks counts as different.  The known
 * certificate has run out if now is past its last second; one without a
 * date never does.
 */
void vouch_trust_decide(const struct vouch_known_host *known,
                        const struct vouch_shown *shown, int64_t now,
                        struct vouch_trust_verdict *verdict_r);

/* "first-use", "match", "key-kept", "changed-after-expiry", "changed".
 * Static storage. */
const char *vouch_trust_name(enum vouch_trust trust);

#endif
