/*
 * Why TLS between a client and a daemon failed, for the person who runs one
 * of them: what it is, and which option or file to look at.
 */
#ifndef VOUCH_FLOM_TLS_WORDS_H
#define VOUCH_FLOM_TLS_WORDS_H

#include <stddef.h>

#include "tls/failure.h"

struct vouch_conn;

/* The first bytes of a peer that speaks TLS: an alert of its, or a hello.
 * 1 or 0. */
int vouch_flom_is_tls(const unsigned char *first, size_t length);

/* What a TLS peer is told by who speaks none: the alert that its version of
 * TLS is not spoken here. */
#define VOUCH_FLOM_NO_TLS_ALERT "\025\003\001\000\002\002\106"

/*
 * Advice for a cause; ours: this side refused, or noticed.  role is ours.
 * Static; "" where there is nothing to say.
 */
const char *vouch_flom_tls_advice(enum vouch_cause cause, int ours,
                                  enum vouch_role role);

/* The failure of a connection (one without an error has run out of time) in
 * one line, cut to size: the advice, and what OpenSSL says. */
void vouch_flom_tls_explain(const struct vouch_conn *conn, char *text,
                            size_t size);

#endif
