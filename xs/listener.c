/*
 * Handshakes under way for a listening socket: what Perl waits for while it
 * accepts.  Until a handshake is done it costs no object of Perl's.
 */
#include "bridge.h"

#include <errno.h>

#include "base/clock.h"

SV *
vxs_listener_new(pTHX_ int fd, SV *callback,
                 const struct vouch_listener_limits *limits, IV io_timeout,
                 UV max_line, int tell)
{
    struct vxs_listener *self;
    struct vouch_error err;
    SV *object;

    vouch_error_clear(&err);
    Newxz(self, 1, struct vxs_listener);
    object = sv_2mortal(
        vxs_wrap(aTHX_ "Vouch::Handshakes", self, 0, &vxs_listener_vtbl));
    self->fd = fd;
    self->io_timeout = io_timeout;
    self->max_line = max_line;
    self->tell = tell;
#ifdef MULTIPLICITY
    self->asked.perl = aTHX;
#endif
    self->asked.verify_cb = SvOK(callback) ? newSVsv(callback) : NULL;
    if (vouch_listener_new(fd, limits, &self->asked, &self->core, &err) != 0)
        vxs_throw(aTHX_ & err);
    return newSVsv(object);
}

void
vxs_listener_check_busy(pTHX_ struct vxs_listener *self)
{
    if (self->busy)
        croak("this listener is in a handshake: its verify callback cannot "
              "use it");
}

/* Whether the handle still has the descriptor that we listen on: whatever
 * Perl has run since may have closed it. */
static int
is_listening(pTHX_ const struct vxs_listener *self, SV *socket)
{
    IO *io = NULL;

    if (SvROK(socket) && isGV_with_GP(SvRV(socket)))
        io = GvIO((GV *) SvRV(socket));
    return io != NULL && IoIFP(io) != NULL
           && PerlIO_fileno(IoIFP(io)) == self->fd;
}

static void
push_text(pTHX_ AV *record, const char *text)
{
    av_push(record, newSVpv(text, 0));
}

/* What happened, for whom, and why; and what the callback died with. */
static SV *
record_of(pTHX_ struct vxs_listener *self,
          const struct vouch_listener_event *event)
{
    char peer[VOUCH_HOST_SIZE + VOUCH_PORT_SIZE] = "";
    AV *record = newAV();
    SV *exception = self->asked.pending;

    self->asked.pending = NULL;
    if (event->peer.length > 0)
        vouch_address_text(&event->peer, peer, sizeof(peer));
    push_text(aTHX_ record, vouch_listener_failure_name(event->what));
    push_text(aTHX_ record, peer);
    av_push(record, vxs_failure_facts(
                        aTHX_ & event->error,
                        event->why.peer[0] == '\0' ? NULL : &event->why));
    av_push(record, exception == NULL ? newSV(0) : exception);
    return newRV_noinc((SV *) record);
}

/* Something to do: what came of it, or NULL for nothing to hand out. */
static SV *
next_of(pTHX_ struct vxs_listener *self, SV *config, SV *class_name,
        int *idle_r)
{
    struct vxs_config *settings =
        vxs_unwrap(aTHX_ config, &vxs_config_vtbl, "Vouch::Config");
    struct vouch_listener_event event;
    enum vouch_listener_outcome outcome;

    self->busy = 1;
    outcome = vouch_listener_next(self->core, settings->config, &event);
    self->busy = 0;
    *idle_r = outcome == VOUCH_LISTENER_IDLE;
    if (outcome == VOUCH_LISTENER_READY && SvCUR(class_name) == 0)
        return vxs_stream_alone(aTHX_ & event, config);
    if (outcome == VOUCH_LISTENER_READY)
        return vxs_stream_adopt(aTHX_ & event, SvPV_nolen(class_name), config,
                                self->io_timeout, self->max_line);
    if (outcome == VOUCH_LISTENER_FAILED
        && (self->tell || self->asked.pending != NULL))
        return record_of(aTHX_ self, &event);
    return NULL;
}

static SV *
nothing(pTHX_ int why)
{
    SETERRNO(why, 0);
    return newSV(0);
}

SV *
vxs_listener_next(pTHX_ struct vxs_listener *self, SV *socket, SV *config,
                  SV *class_name, IV wait_ms, int looked)
{
    int64_t deadline = wait_ms < 0 ? VOUCH_FOREVER : 0;
    SV *result;
    int idle;

    vxs_listener_check_busy(aTHX_ self);
    /* Perl that runs meanwhile may change the variables these are in. */
    socket = sv_2mortal(newSVsv(socket));
    config = sv_2mortal(newSVsv(config));
    class_name = sv_2mortal(newSVsv(class_name));
    if (wait_ms > 0)
        deadline = vouch_clock_monotonic_ms() + wait_ms;
    if (wait_ms != 0)
        vouch_listener_excuse(self->core);
    for (;;) {
        PERL_ASYNC_CHECK(); /* a signal's handler may die, or do anything */
        if (!is_listening(aTHX_ self, socket)) {
            vouch_listener_stop(self->core);
            (void) next_of(aTHX_ self, config, class_name, &idle);
            return nothing(aTHX_ EBADF);
        }
        result = next_of(aTHX_ self, config, class_name, &idle);
        if (result != NULL)
            return result;
        if (!idle || PL_sig_pending)
            continue;
        if (looked && deadline != VOUCH_FOREVER
            && vouch_clock_monotonic_ms() >= deadline)
            return nothing(aTHX_ ETIMEDOUT);
        looked = 1;
        if (vouch_listener_wait(self->core, deadline) == -1 && errno != EINTR)
            return nothing(aTHX_ errno);
    }
}
