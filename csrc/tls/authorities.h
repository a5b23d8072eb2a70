/*
 * A set of authorities that certificates are checked against when nobody
 * asks for a handshake: is this one, which the peer has shown, signed by
 * those?
 *
 * A server that asks every client for a certificate and takes any decides
 * so, for some of its pages, about connections that are long there.
 */
#ifndef VOUCH_TLS_AUTHORITIES_H
#define VOUCH_TLS_AUTHORITIES_H

#include <stddef.h>
#include <stdint.h>

struct vouch_authorities;
struct vouch_cert;
struct vouch_error;

/* Free the set.  NULL is allowed. */
void vouch_authorities_free(struct vouch_authorities *authorities);

/* The certificates of a PEM file; one that is no authority stands for
 * itself.  0, or -1 with VOUCH_E_FILE, VOUCH_E_FORMAT, VOUCH_E_LIMIT. */
int vouch_authorities_from_file(const char *path,
                                struct vouch_authorities **authorities_r,
                                struct vouch_error *err);

/*
 * Check a client's certificate at the time now (seconds since 1970), with
 * the others that it came with (chain may be NULL).  1 signed by one of
 * these, 0 not, with OpenSSL's number of the reason in *error_r (see
 * vouch_verify_error_text()), -1 without memory: count that as not.
 */
int vouch_authorities_check(struct vouch_authorities *authorities,
                            const struct vouch_cert *cert,
                            struct vouch_cert *const *chain, size_t count,
                            int64_t now, int *error_r);

#endif
