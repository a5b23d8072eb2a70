/*
 * Perl's handles: one made by accept(2), tied to a TLS connection, untied.
 *
 * What a program could do with Symbol, CORE::accept and tie, in a tenth of
 * the time: it is done for every connection of a server.
 */
#include "bridge.h"

#include <fcntl.h>
#include <sys/socket.h>

/* An anonymous glob with an IO of its own. */
static GV *
new_glob(pTHX)
{
    GV *gv = (GV *) newSV(0);

    gv_init_pvn(gv, gv_stashpvs("Vouch::Socket", GV_ADD), "_SOCKET", 7, 0);
    (void) GvIOn(gv);
    return gv;
}

/*
 * Accept one TCP connection: a handle of the class, or undef with errno.
 * Its bytes go through TLS, so it has no buffering layer of Perl's.
 */
SV *
vxs_accept(pTHX_ SV *listener, const char *class_name)
{
    IO *from = sv_2io(listener);
    PerlIO *stream;
    SV *handle;
    GV *gv;
    int fd;

    if (IoIFP(from) == NULL) {
        SETERRNO(EBADF, 0);
        return newSV(0);
    }
    fd = accept(PerlIO_fileno(IoIFP(from)), NULL, NULL);
    if (fd < 0)
        return newSV(0);
    (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
    stream = PerlIO_openn(aTHX_ ":unix", "r+", fd, 0, 0, NULL, 0, NULL);
    if (stream == NULL) {
        close(fd);
        return newSV(0);
    }
    gv = new_glob(aTHX);
    IoIFP(GvIOp(gv)) = stream;
    IoOFP(GvIOp(gv)) = stream;
    IoTYPE(GvIOp(gv)) = IoTYPE_SOCKET;
    handle = newRV_noinc((SV *) gv);
    return sv_bless(handle, gv_stashpv(class_name, GV_ADD));
}

/* Tie, as Perl does it, but so that either learns of the other's end. */
static void
tie(pTHX_ IO *io, SV *object, struct vxs_stream *self)
{
    MAGIC *mg;

    (void) sv_unmagic((SV *) io, PERL_MAGIC_tiedscalar);
    mg = sv_magicext((SV *) io, object, PERL_MAGIC_tiedscalar, &vxs_tie_vtbl,
                     (const char *) self, 0);
    mg->mg_flags |= MGf_DUP;
    self->io = io;
}

SV *
vxs_stream_attach(pTHX_ SV *socket, SV *config, SV *callback, IV io_timeout,
                  UV max_line)
{
    struct vxs_config *settings =
        vxs_unwrap(aTHX_ config, &vxs_config_vtbl, "Vouch::Config");
    IO *io = sv_2io(socket);
    struct vxs_stream *self;
    struct vouch_error err;
    SV *object;

    if (!SvROK(socket) || SvTYPE(SvRV(socket)) != SVt_PVGV)
        croak("argument is not a socket handle");
    vouch_error_clear(&err);
    Newxz(self, 1, struct vxs_stream);
    object =
        sv_2mortal(vxs_wrap(aTHX_ "Vouch::Stream", self, 0, &vxs_stream_vtbl));
#ifdef MULTIPLICITY
    self->perl = aTHX;
#endif
    self->fd = IoIFP(io) == NULL ? -1 : PerlIO_fileno(IoIFP(io));
    self->forks = vxs_forks;
    self->io_timeout = io_timeout;
    self->max_line = max_line;
    self->config = newSVsv(config);
    self->verify_cb = SvOK(callback) ? newSVsv(callback) : NULL;
    self->socket = sv_rvweaken(newSVsv(socket));
    if (vouch_conn_new(settings->config, self->fd, &self->conn, &err) != 0)
        vxs_throw(aTHX_ & err);
    vouch_conn_set_arg(self->conn, self);
    tie(aTHX_ io, object, self);
    return newSVsv(object);
}

/*
 * Say goodbye, unless quiet or another process used the connection last;
 * then the handle is a plain socket again.
 */
void
vxs_stream_detach(pTHX_ struct vxs_stream *self, int quiet)
{
    vxs_stream_check_busy(aTHX_ self);
    if (!quiet && self->forks == vxs_forks)
        (void) vouch_conn_close(self->conn);
    self->forks = vxs_forks - 1;
    self->fd = -1;
    if (self->io != NULL)
        (void) sv_unmagic((SV *) self->io, PERL_MAGIC_tiedscalar);
}

/*
 * The object is being freed.  When Perl ends that comes before its handle,
 * which destructors may yet use: it is tied to itself, as a
 * Vouch::Stream::Ended, so that nothing they print goes out in the clear.
 */
void
vxs_stream_leave(pTHX_ struct vxs_stream *self)
{
    HV *stash;
    SV *ref;
    MAGIC *mg;

    if (self->io == NULL)
        return;
    mg = mg_findext((SV *) self->io, PERL_MAGIC_tiedscalar, &vxs_tie_vtbl);
    mg->mg_ptr = NULL;
    stash = PL_defstash ? gv_stashpvs("Vouch::Stream::Ended", 0) : NULL;
    if (stash == NULL)
        return;
    if (mg->mg_flags & MGf_REFCOUNTED)
        sv_2mortal(mg->mg_obj); /* whoever is emptying it still looks at it */
    mg->mg_flags &= ~MGf_REFCOUNTED;
    mg->mg_obj = NULL;
    ref = newRV_inc((SV *) self->io);
    sv_bless(ref, stash);
    SvREFCNT_dec(ref);
    self->io = NULL;
}

static IO *
ended_io(pTHX_ SV *object)
{
    if (!SvROK(object) || SvTYPE(SvRV(object)) != SVt_PVIO)
        croak("argument is not a live Vouch::Stream::Ended object");
    return (IO *) SvRV(object);
}

int
vxs_ended_fileno(pTHX_ SV *object)
{
    IO *io = ended_io(aTHX_ object);

    return IoIFP(io) == NULL ? -1 : PerlIO_fileno(IoIFP(io));
}

void
vxs_ended_untie(pTHX_ SV *object)
{
    (void) sv_unmagic((SV *) ended_io(aTHX_ object), PERL_MAGIC_tiedscalar);
}
