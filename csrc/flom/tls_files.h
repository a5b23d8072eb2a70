/*
 * FLoM's second level: TLS with a certificate, its key, the authority that
 * signs those of all peers, and perhaps revocation lists; each a PEM file.
 *
 * Both sides use it.  The files are read again when they have changed; until
 * they fit together the old ones stay in use.  A new configuration knows no
 * session of the one before, so that none outlives a change.
 */
#ifndef VOUCH_FLOM_TLS_FILES_H
#define VOUCH_FLOM_TLS_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "tls/config.h"

struct vouch_error;
struct vouch_flom_settings;
struct vouch_flom_tls;

/* The application protocol (ALPN) by which peers of Vouch know each other:
 * FLoM 1.7.2 neither offers nor answers any. */
#define VOUCH_FLOM_ALPN "vouch-flom"

/* Free it.  NULL is allowed. */
void vouch_flom_tls_free(struct vouch_flom_tls *tls);

/*
 * Read the files that the settings name (all three of
 * vouch_flom_settings_use_tls()).  A peer must show a certificate that the
 * authority has signed, and speak TLS 1.2 or later.  0; -1 with the code of
 * FLoM for the file that is bad, which the text names.
 */
int vouch_flom_tls_new(const struct vouch_flom_settings *settings,
                       enum vouch_role role, struct vouch_flom_tls **tls_r,
                       int *rc_r, struct vouch_error *err);

/*
 * Look whether the files have changed, or the settings name others; force
 * != 0: read them anyway.  1 they have been read again; 0 there is nothing
 * new; -1 as above, told once for each change: what was read before is still
 * in use, unless the settings name other files.
 */
int vouch_flom_tls_refresh(struct vouch_flom_tls *tls,
                           const struct vouch_flom_settings *settings,
                           int force, int *rc_r, struct vouch_error *err);

/* What connections are made with now, borrowed; NULL: the settings name
 * files that cannot be used. */
struct vouch_config *vouch_flom_tls_config(const struct vouch_flom_tls *tls);

/* When a certificate that still serves is worth a word. */
#define VOUCH_FLOM_SOON_DAYS 14

/*
 * 1 if peers refuse our own certificate now (seconds since 1970) because of
 * its dates, or soon will: the words, such as "has expired", into text, cut
 * to size.  Else 0, and no words.
 */
int vouch_flom_tls_is_dated(const struct vouch_flom_tls *tls, int64_t now,
                            char *text, size_t size);

#endif
