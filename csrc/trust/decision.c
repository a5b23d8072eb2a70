/*
 * The decision of trust on first use.
 */
#include "trust/decision.h"

#include <string.h>

#include "tls/certificate.h"

int
vouch_shown_by_cert(const struct vouch_cert *cert, const char *host,
                    struct vouch_shown *shown_r)
{
    static const enum vouch_digest digests[] = {VOUCH_SHA256, VOUCH_SHA384,
                                                VOUCH_SHA512};
    struct vouch_shown shown;
    size_t i;

    memset(&shown, 0, sizeof(shown));
    for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        if (vouch_cert_fingerprint(cert, digests[i], VOUCH_OF_CERT,
                                   &shown.prints[shown.count++])
                != 0
            || vouch_cert_fingerprint(cert, digests[i], VOUCH_OF_SPKI,
                                      &shown.prints[shown.count++])
                   != 0)
            return -1;
    }
    if (vouch_cert_not_before(cert, &shown.not_before) != 0)
        shown.not_before = VOUCH_NO_TIME;
    if (vouch_cert_not_after(cert, &shown.not_after) != 0)
        shown.not_after = VOUCH_NO_TIME;
    shown.is_for = vouch_cert_is_for(cert, host) == 1;
    *shown_r = shown;
    return 0;
}

/* 1 if the very fingerprint was shown. */
static int
was_shown(const struct vouch_shown *shown,
          const struct vouch_fingerprint *print)
{
    size_t i;

    for (i = 0; i < shown->count && i < VOUCH_HOST_PRINTS; i++) {
        if (vouch_fingerprint_equal(&shown->prints[i], print))
            return 1;
    }
    return 0;
}

static enum vouch_trust
compare(const struct vouch_known_host *known, const struct vouch_shown *shown,
        int64_t now)
{
    size_t differ[VOUCH_OFS] = {0};
    size_t same[VOUCH_OFS] = {0};
    size_t i;

    for (i = 0; i < known->count && i < VOUCH_HOST_PRINTS; i++) {
        if (was_shown(shown, &known->prints[i]))
            same[known->prints[i].of]++;
        else
            differ[known->prints[i].of]++;
    }
    if (differ[VOUCH_OF_SPKI] == 0) {
        if (differ[VOUCH_OF_CERT] == 0
            && same[VOUCH_OF_CERT] + same[VOUCH_OF_SPKI] > 0)
            return VOUCH_TRUST_MATCH;
        if (same[VOUCH_OF_SPKI] > 0)
            return VOUCH_TRUST_KEY_KEPT;
    }
    if (known->expires != VOUCH_NO_TIME && now > known->expires)
        return VOUCH_TRUST_CHANGED_AFTER_EXPIRY;
    return VOUCH_TRUST_CHANGED;
}

void
vouch_trust_decide(const struct vouch_known_host *known,
                   const struct vouch_shown *shown, int64_t now,
                   struct vouch_trust_verdict *verdict_r)
{
    verdict_r->trust =
        known != NULL ? compare(known, shown, now) : VOUCH_TRUST_FIRST_USE;
    verdict_r->name_matches = shown->is_for;
    verdict_r->expired =
        shown->not_after == VOUCH_NO_TIME || now > shown->not_after;
    verdict_r->not_yet_valid =
        shown->not_before == VOUCH_NO_TIME || now < shown->not_before;
}

const char *
vouch_trust_name(enum vouch_trust trust)
{
    static const char *const names[] = {"first-use", "match", "key-kept",
                                        "changed-after-expiry", "changed"};

    return (unsigned) trust < sizeof(names) / sizeof(names[0]) ? names[trust]
                                                               : "changed";
}
