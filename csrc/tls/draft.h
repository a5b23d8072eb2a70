/*
 * A certificate in the making: filled in, then signed by its own key or by
 * an authority's.
 *
 * For test authorities and programs that issue certificates themselves.
 * Who wants one for a server or a client takes identity.h.
 */
#ifndef VOUCH_TLS_DRAFT_H
#define VOUCH_TLS_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "tls/certificate.h"

struct vouch_draft;
struct vouch_error;
struct vouch_pkey;

/* Free the draft.  NULL is allowed. */
void vouch_draft_free(struct vouch_draft *draft);

/*
 * Begin a certificate (X.509 v3, random serial number) for a key, of which
 * the public half will do if another one signs.  issuer and issuer_key are
 * both NULL (self-signed), or both given; VOUCH_E_MISMATCH if they do not
 * belong together.  References are taken.  0 or -1.
 */
int vouch_draft_new(struct vouch_pkey *key, struct vouch_cert *issuer,
                    struct vouch_pkey *issuer_key,
                    struct vouch_draft **draft_r, struct vouch_error *err);

/* Set the dates, in seconds since 1970, the years 1950 to 9999.  They need
 * not be in their order.  0 or -1. */
int vouch_draft_set_dates(struct vouch_draft *draft, int64_t not_before,
                          int64_t not_after, struct vouch_error *err);

/* Set the serial number: decimal digits, or 0x and hexadecimal ones, with a
 * minus sign in front if wanted, of at most 20 bytes.  0 or -1. */
int vouch_draft_set_serial(struct vouch_draft *draft, const char *text,
                           struct vouch_error *err);

/*
 * Append a part to the subject.  field is a name as OpenSSL knows it, short
 * ("CN") or long ("commonName"), or a dotted OID; value is UTF-8.  0 or -1.
 */
int vouch_draft_add_subject(struct vouch_draft *draft, const char *field,
                            const char *value, size_t length,
                            struct vouch_error *err);

/* Append an alternative name of type DNS, EMAIL, URI (printable ASCII), IP
 * (an address as text) or RID (a dotted OID).  0 or -1. */
int vouch_draft_add_san(struct vouch_draft *draft, enum vouch_san_type type,
                        const char *value, struct vouch_error *err);

/*
 * Append an extension: by name ("keyUsage", or a dotted OID for a value in
 * DER: or ASN1: form), or where name is NULL by OpenSSL's number; value as
 * in openssl.cnf, without sections.  The subject and alternative
 * names come before it.  1 appended, 0 there is one of that kind already and
 * it stays (value is not looked at), -1 error.
 */
int vouch_draft_add_extension(struct vouch_draft *draft, const char *name,
                              int nid, const char *value, int critical,
                              struct vouch_error *err);

/* Sign the certificate.  digest is a name as OpenSSL knows it, NULL for
 * SHA-256.  The draft is used up: free it.  0, or -1 with VOUCH_E_ARGUMENT
 * or VOUCH_E_LIMIT. */
int vouch_draft_sign(struct vouch_draft *draft, const char *digest,
                     struct vouch_cert **cert_r, struct vouch_error *err);

#endif
