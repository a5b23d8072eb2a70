/*
 * TLS of the daemon; for the files of lockd/ only.
 */
#ifndef VOUCH_LOCKD_SECURE_H
#define VOUCH_LOCKD_SECURE_H

#include <stddef.h>

struct lockd;
struct session;
struct vouch_error;
struct vouch_flom_message;

/* Read the files of the settings, if they name any.  0 or -1. */
int secure_load(struct lockd *daemon, struct vouch_error *err);
/* Read the files again, changed or not. */
void secure_reload(struct lockd *daemon);
/* Begin with TLS, if the daemon speaks it.  0 or -1. */
int secure_start(struct session *session);
/* There is something to go on with: in its turn, so that those who are
 * connected do not wait for many who are not. */
void secure_continue(struct session *session);
/* It is to be closed, and not to be gone on with. */
void secure_forget(struct session *session);
/* 1 if these first bytes are TLS where none is spoken; it has been told. */
int secure_is_misplaced(struct session *session, const unsigned char *data,
                        size_t length);
/* The client's certificate is for the id it tells: 0 (also where that is not
 * asked for), or -1, and it was told. */
int secure_check_peer(struct session *session,
                      const struct vouch_flom_message *message);

#endif
