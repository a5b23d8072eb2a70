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
 * A handle of the class on a socket, which it owns.  Its bytes go through
 * TLS, so it has no buffering layer of Perl's.  NULL with errno, and the
 * socket closed.
 */
static SV *
new_handle(pTHX_ int fd, const char *class_name)
{
    PerlIO *stream =
        PerlIO_openn(aTHX_ ":unix", "r+", fd, 0, 0, NULL, 0, NULL);
    GV *gv;

    if (stream == NULL) {
        close(fd);
        return NULL;
    }
    gv = new_glob(aTHX);
    IoIFP(GvIOp(gv)) = stream;
    IoOFP(GvIOp(gv)) = stream;
    IoTYPE(GvIOp(gv)) = IoTYPE_SOCKET;
    return sv_bless(newRV_noinc((SV *) gv), gv_stashpv(class_name, GV_ADD));
}

/* Accept one TCP connection: a handle of the class, or undef with errno. */
SV *
vxs_accept(pTHX_ SV *listener, const char *class_name)
{
    IO *from = sv_2io(listener);
    SV *handle;
    int fd;

    if (IoIFP(from) == NULL) {
        SETERRNO(EBADF, 0);
        return newSV(0);
    }
    fd = accept(PerlIO_fileno(IoIFP(from)), NULL, NULL);
    if (fd < 0)
        return newSV(0);
    (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
    handle = new_handle(aTHX_ fd, class_name);
    return handle == NULL ? newSV(0) : handle;
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

/* The tied half of a handle, without a connection yet: mortal. */
static SV *
new_stream(pTHX_ SV *socket, SV *config, IV io_timeout, UV max_line,
           struct vxs_stream **stream_r)
{
    IO *io = sv_2io(socket);
    struct vxs_stream *self;
    SV *object;

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
    /* Vouch::Instead: as the class of that name does it. */
    self->utf8 = sv_derived_from(socket, "IO::Socket::SSL");
    self->config = newSVsv(config);
    self->socket = sv_rvweaken(newSVsv(socket));
    *stream_r = self;
    return object;
}

SV *
vxs_stream_attach(pTHX_ SV *socket, SV *config, SV *callback, IV io_timeout,
                  UV max_line)
{
    struct vxs_config *settings =
        vxs_unwrap(aTHX_ config, &vxs_config_vtbl, "Vouch::Config");
    struct vxs_stream *self;
    struct vouch_error err;
    SV *object;

    (void) sv_2io(socket);
    if (!SvROK(socket) || SvTYPE(SvRV(socket)) != SVt_PVGV)
        croak("argument is not a socket handle");
    vouch_error_clear(&err);
    object = new_stream(aTHX_ socket, config, io_timeout, max_line, &self);
    self->verify_cb = SvOK(callback) ? newSVsv(callback) : NULL;
    if (vouch_conn_new(settings->config, self->fd, &self->conn, &err) != 0)
        vxs_throw(aTHX_ & err);
    vouch_conn_set_arg(self->conn, self);
    tie(aTHX_ sv_2io(socket), object, self);
    return newSVsv(object);
}

/* A handle on a connection whose handshake is done; it owns the three.  NULL
 * with errno, and they are gone. */
SV *
vxs_stream_adopt(pTHX_ struct vouch_listener_event *ready,
                 const char *class_name, SV *config, IV io_timeout,
                 UV max_line)
{
    SV *socket = new_handle(aTHX_ ready->fd, class_name);
    struct vxs_stream *self;
    SV *object;

    if (socket == NULL) {
        vouch_conn_free(ready->conn);
        vouch_seat_free(ready->seat);
        return NULL;
    }
    object = new_stream(aTHX_ socket, config, io_timeout, max_line, &self);
    self->conn = ready->conn;
    self->seat = ready->seat;
    vouch_conn_set_arg(self->conn, self);
    tie(aTHX_ GvIOp((GV *) SvRV(socket)), object, self);
    return socket;
}

/* The same without a handle, for a loop that has a thousand of them and needs
 * no more than their bytes: the stream by itself owns the descriptor. */
SV *
vxs_stream_alone(pTHX_ struct vouch_listener_event *ready, SV *config)
{
    struct vxs_stream *self;
    SV *object;

    Newxz(self, 1, struct vxs_stream);
    object = vxs_wrap(aTHX_ "Vouch::Stream", self, 0, &vxs_stream_vtbl);
#ifdef MULTIPLICITY
    self->perl = aTHX;
#endif
    self->fd = ready->fd;
    self->owns_fd = 1;
    self->no_wait = 1;
    self->forks = vxs_forks;
    self->io_timeout = -1;
    self->config = newSVsv(config);
    self->conn = ready->conn;
    self->seat = ready->seat;
    vouch_conn_set_arg(self->conn, self);
    return object;
}

/* Say goodbye, unless quiet, and close the descriptor, or keep it: it. */
int
vxs_stream_end(pTHX_ struct vxs_stream *self, int quiet, int keep)
{
    int fd = self->fd;

    vxs_stream_detach(aTHX_ self, quiet);
    if (self->owns_fd && fd != -1 && !keep)
        (void) close(fd);
    self->owns_fd = 0;
    return fd;
}

/* Untie, so that the handle is a plain socket; and tie again. */
void
vxs_stream_set_aside(pTHX_ struct vxs_stream *self)
{
    if (self->io != NULL)
        (void) sv_unmagic((SV *) self->io, PERL_MAGIC_tiedscalar);
}

void
vxs_stream_take_back(pTHX_ struct vxs_stream *self, SV *object, SV *socket)
{
    tie(aTHX_ sv_2io(socket), sv_2mortal(newSVsv(object)), self);
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
    vouch_seat_free(self->seat);
    self->seat = NULL;
    vxs_stream_set_aside(aTHX_ self);
}

/*
 * What Vouch::Socket's method close does without arguments, for a handle of
 * just that class: a server does it for every connection.  Undef if another
 * class may do more.
 */
SV *
vxs_stream_close(pTHX_ struct vxs_stream *self)
{
    SV *handle = SvROK(self->socket) ? SvRV(self->socket) : NULL;
    const char *name = NULL;

    if (handle != NULL && SvOBJECT(handle))
        name = HvNAME_get(SvSTASH(handle));
    if (name == NULL || strNE(name, "Vouch::Socket"))
        return newSV(0);
    sv_2mortal(SvREFCNT_inc_simple_NN(handle));
    vxs_stream_detach(aTHX_ self, 0);
    if (GvHV((GV *) handle) != NULL)
        (void) hv_deletes(GvHV((GV *) handle), "vouch", G_DISCARD);
    return newSVsv(boolSV(do_close((GV *) handle, TRUE)));
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
