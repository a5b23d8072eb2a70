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

static void
untie(pTHX_ SV *socket)
{
    IO *io = SvROK(socket) ? GvIOp((GV *) SvRV(socket)) : NULL;

    if (io != NULL)
        (void) sv_unmagic((SV *) io, PERL_MAGIC_tiedscalar);
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
    untie(aTHX_ socket);
    sv_magic((SV *) io, object, PERL_MAGIC_tiedscalar, NULL, 0);
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
    untie(aTHX_ self->socket);
}
