/*
 * What making any certificate takes: dates, serial number, signature;
 * shared by draft.c and identity_create.c only.
 */
#ifndef VOUCH_TLS_ISSUE_H
#define VOUCH_TLS_ISSUE_H

#include <stdint.h>

#include "tls/private.h"

/* 0 if the date is in the years 1950 to 9999, which a certificate can tell;
 * else VOUCH_E_ARGUMENT with the name of the field. */
int vouch_issue_check_date(const char *field, int64_t epoch,
                           struct vouch_error *err);

/* Set both dates, in seconds since 1970, and a random serial number.
 * 1 done, 0 not: OpenSSL's queue says why. */
int vouch_issue_set_term(X509 *cert, int64_t not_before, int64_t not_after);

/*
 * Sign with a key and a digest; kinds of key that have their own way
 * (Ed25519) do without.  1 done, 0 not: OpenSSL's queue says why.
 */
int vouch_issue_sign(X509 *cert, EVP_PKEY *key, const EVP_MD *method);

#endif
