/*
 * A program's own rules for the names in certificates; and the end of all
 * that a handshake asks Perl.
 */
#include "bridge.h"

/* Nobody asks it again; and a callback may hold the very socket it is for. */
void
vxs_stream_forget_callbacks(pTHX_ struct vxs_stream *self)
{
    SV *callback = self->verify_cb;
    SV *staple = self->staple_cb;
    SV *name = self->name_cb;

    self->verify_cb = NULL;
    self->staple_cb = NULL;
    self->name_cb = NULL;
    SvREFCNT_dec(callback);
    SvREFCNT_dec(staple);
    SvREFCNT_dec(name);
}

int
vxs_check_name(struct vouch_cert *cert, void *arg)
{
    struct vxs_stream *self = arg;
    SV *callback;
    SV *answer;
    SV *error;
    int accepted = 0;
    dTHXa(self->perl);
    dSP;

    if (self->pending != NULL || self->name_cb == NULL)
        return 0;
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv);
    /* A new stack: else "last" in the function would unwind OpenSSL. */
    PUSHSTACKi(PERLSI_MAGIC);
    callback = sv_2mortal(newSVsv(self->name_cb));
    PUSHMARK(SP);
    EXTEND(SP, 1);
    PUSHs(sv_2mortal(vxs_wrap_cert(aTHX_ cert)));
    PUTBACK;
    (void) call_sv(callback, G_SCALAR | G_EVAL);
    SPAGAIN;
    answer = POPs;
    error = ERRSV;
    /* SvROK first: an exception object may say that it is false. */
    if (SvROK(error) || SvTRUE(error))
        self->pending = newSVsv(error);
    else
        accepted = SvTRUE(answer) ? 1 : 0;
    PUTBACK;
    POPSTACK;
    FREETMPS;
    LEAVE;
    return accepted;
}
