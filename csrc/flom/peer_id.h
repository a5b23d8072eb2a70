/*
 * FLoM's third level: a peer tells its unique id, and its certificate must
 * have been made for that id.
 *
 * Both sides ask the same function.  Whether the certificate is to be
 * trusted has been decided before, in the handshake.
 */
#ifndef VOUCH_FLOM_PEER_ID_H
#define VOUCH_FLOM_PEER_ID_H

#include <stddef.h>

struct vouch_cert;
struct vouch_error;

#define VOUCH_FLOM_CN_MAX 255 /* bytes; X.520 allows 64 */

/*
 * The one common name of a certificate, for whom it was made.  0; or a code
 * of FLoM with the reason in words: NO_CERTIFICATE for NULL, NULL_OBJECT
 * where there is none, UNIQUE_ID_DOES_NOT_MATCH where it cannot be compared:
 * there are two, it holds a NUL, it is longer than any id.
 */
int vouch_flom_common_name(const struct vouch_cert *cert,
                           char name_r[VOUCH_FLOM_CN_MAX + 1],
                           struct vouch_error *err);

/*
 * 0 if the id that the peer has told (NULL: none) is the common name of its
 * certificate, byte for byte.  Else a code as above, NULL_OBJECT also for no
 * id, and in words who the peer says it is and for whom its certificate is.
 */
int vouch_flom_check_peer_id(const struct vouch_cert *cert, const char *id,
                             struct vouch_error *err);

/*
 * 1 if the certificate is for this one, else 0: its common name is the name
 * (a unique id), or it is made for the host of that name or address, or the
 * name is a fingerprint, "sha256:..." and the like, of it or of its key.
 */
int vouch_flom_is_named(const struct vouch_cert *cert, const char *name);

#endif
