/*
 * The functions of the C core's callbacks that ask Perl.  Included by
 * bridge.h.
 */
#ifndef VOUCH_XS_CALLBACKS_H
#define VOUCH_XS_CALLBACKS_H

/* The verify callback: asks Perl.  arg is the struct vxs_stream. */
int vxs_verify(const struct vouch_verify *verify, void *arg);

/* The program's rules for names: asks Perl.  arg is the stream. */
int vxs_check_name(struct vouch_cert *cert, void *arg);

/* The handshake is over: let the program's functions go. */
void vxs_stream_forget_callbacks(pTHX_ struct vxs_stream *stream);

/* Asks Perl about an OCSP staple.  arg is the struct vxs_stream. */
int vxs_staple(void *response, void *arg);

/* Asking Perl for a password: the callback, and what it died with. */
struct vxs_password {
    SV *callback;
    SV *pending;
#ifdef MULTIPLICITY
    tTHX perl;
#endif
};

/* Ask for a password.  arg is a struct vxs_password. */
int vxs_password(char *password, size_t size, void *arg);

#endif
