/*
 * The program's own look at an OCSP staple.
 */
#include "bridge.h"

/* Calls Perl with the socket and OpenSSL's OCSP_RESPONSE * as a number, or
 * undef; its answer is not looked at, but it may die. */
int
vxs_staple(void *response, void *arg)
{
    struct vxs_stream *self = arg;
    SV *callback;
    SV *error;
    dTHXa(self->perl);
    dSP;

    if (self->pending != NULL || self->staple_cb == NULL)
        return 0;
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv);
    /* A new stack: else "last" in the callback would unwind OpenSSL. */
    PUSHSTACKi(PERLSI_MAGIC);
    callback = sv_2mortal(newSVsv(self->staple_cb));
    PUSHMARK(SP);
    EXTEND(SP, 2);
    PUSHs(sv_2mortal(newSVsv(self->socket)));
    if (response == NULL)
        PUSHs(&PL_sv_undef);
    else
        mPUSHi(PTR2IV(response));
    PUTBACK;
    (void) call_sv(callback, G_SCALAR | G_EVAL | G_DISCARD);
    SPAGAIN;
    error = ERRSV;
    /* SvROK first: an exception object may say that it is false. */
    if (SvROK(error) || SvTRUE(error))
        self->pending = newSVsv(error);
    PUTBACK;
    POPSTACK;
    FREETMPS;
    LEAVE;
    return self->pending == NULL;
}
