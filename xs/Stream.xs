MODULE = Vouch    PACKAGE = Vouch::Stream

SV *
_attach(socket, config, callback, io_timeout, max_line)
    SV *socket
    SV *config
    SV *callback
    IV io_timeout
    UV max_line
  CODE:
    RETVAL = vxs_stream_attach(aTHX_ socket, config, callback, io_timeout,
                               max_line);
  OUTPUT:
    RETVAL

int
_shutdown(self, timeout)
    struct vxs_stream *self
    IV timeout
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    RETVAL = vxs_stream_shutdown(aTHX_ self, timeout);
  OUTPUT:
    RETVAL

SV *
CLOSE(self)
    struct vxs_stream *self
  PREINIT:
    dSP;
  CODE:
    RETVAL = vxs_stream_close(aTHX_ self);
    if (!SvOK(RETVAL)) {
        SvREFCNT_dec(RETVAL);
        PUSHMARK(SP);
        XPUSHs(ST(0));
        PUTBACK;
        call_pv("Vouch::Stream::_close", G_SCALAR);
        SPAGAIN;
        RETVAL = newSVsv(POPs);
        PUTBACK;
    }
  OUTPUT:
    RETVAL

void
_detach(self, quiet)
    struct vxs_stream *self
    int quiet
  CODE:
    vxs_stream_detach(aTHX_ self, quiet);

void
_set_aside(self)
    struct vxs_stream *self
  CODE:
    vxs_stream_set_aside(aTHX_ self);

void
_take_back(self, socket)
    struct vxs_stream *self
    SV *socket
  CODE:
    vxs_stream_take_back(aTHX_ self, ST(0), socket);

SV *
_socket(self)
    struct vxs_stream *self
  CODE:
    RETVAL = newSVsv(self->socket);
  OUTPUT:
    RETVAL

int
_handshake(self, timeout)
    struct vxs_stream *self
    IV timeout
  CODE:
    RETVAL = vxs_stream_handshake(aTHX_ self, timeout);
  OUTPUT:
    RETVAL

SV *
READ(self, target, length, offset = NULL)
    struct vxs_stream *self
    SV *target
    SV *length
    SV *offset
  ALIAS:
    _read_all = 1
  CODE:
    /* What an object does to be a number, and a signal handler while we
     * wait, may drop the target. */
    sv_2mortal(SvREFCNT_inc_simple_NN(target));
    RETVAL = vxs_stream_read(aTHX_ self, target,
        vxs_number(aTHX_ length, "the length"),
        offset == NULL ? 0 : vxs_number(aTHX_ offset, "the offset"), ix);
  OUTPUT:
    RETVAL

void
READLINE(self)
    struct vxs_stream *self
  PREINIT:
    SV *line;
  PPCODE:
    PUTBACK;
    if (GIMME_V != G_ARRAY) {
        line = vxs_stream_line(aTHX_ self);
        SPAGAIN;
        XPUSHs(line == NULL ? &PL_sv_undef : sv_2mortal(line));
    } else {
        while ((line = vxs_stream_line(aTHX_ self)) != NULL) {
            SPAGAIN;
            XPUSHs(sv_2mortal(line));
            PUTBACK;
        }
        SPAGAIN;
    }

SV *
GETC(self)
    struct vxs_stream *self
  CODE:
    RETVAL = newSVpvs("");
    sv_2mortal(RETVAL);
    {
        SV *count = sv_2mortal(vxs_stream_read(aTHX_ self, RETVAL, 1, 0, 0));

        RETVAL = SvTRUE(count) ? SvREFCNT_inc_simple_NN(RETVAL) : newSV(0);
    }
  OUTPUT:
    RETVAL

SV *
PRINT(self, ...)
    struct vxs_stream *self
  PREINIT:
    SV *joined;
    const char *data = "";
    STRLEN length;
    I32 i;
  CODE:
    if (items == 2 && (PL_ors_sv == NULL || !SvOK(PL_ors_sv))) {
        data = vxs_octets(aTHX_ self, ST(1), "print", &length);
    } else {
        joined = newSVpvn_flags("", 0, SVs_TEMP);
        for (i = 1; i < items; i++) {
            vxs_join(aTHX_ self, joined, ST(i));
            if (i + 1 < items)
                vxs_join(aTHX_ self, joined, GvSV(PL_ofsgv));
        }
        vxs_join(aTHX_ self, joined, PL_ors_sv);
        data = SvPV(joined, length);
    }
    RETVAL = length == 0 ? newSVpvs("0 but true")
                         : vxs_stream_write(aTHX_ self, data, length, 1);
  OUTPUT:
    RETVAL

SV *
WRITE(self, source, ...)
    struct vxs_stream *self
    SV *source
  ALIAS:
    _write_all = 1
  PREINIT:
    const char *data;
    STRLEN have;
    IV offset = 0;
    IV length = IV_MAX;
  CODE:
    /* The numbers first, and each once: an object may change the source, or
     * its mind. */
    sv_2mortal(SvREFCNT_inc_simple_NN(source));
    if (items > 2 && SvOK(ST(2)))
        length = vxs_number(aTHX_ ST(2), "the length");
    if (items > 3 && SvOK(ST(3)))
        offset = vxs_number(aTHX_ ST(3), "the offset");
    data = vxs_octets(aTHX_ self, source, NULL, &have);
    if (offset < 0)
        offset += (IV) have;
    if (offset < 0 || offset > (IV) have || length < 0) {
        vxs_set_ssl_error(aTHX_ EINVAL, "offset or length outside the string");
        SETERRNO(EINVAL, 0);
        RETVAL = newSV(0);
    } else {
        if (length > (IV) have - offset)
            length = (IV) have - offset;
        RETVAL = vxs_stream_write(aTHX_ self, data + offset, (size_t) length,
                                  ix);
    }
  OUTPUT:
    RETVAL

int
EOF(self, ...)
    struct vxs_stream *self
  CODE:
    RETVAL = vxs_stream_eof(aTHX_ self);
  OUTPUT:
    RETVAL

int
FILENO(self)
    struct vxs_stream *self
  CODE:
    RETVAL = self->fd;
  OUTPUT:
    RETVAL

SV *
_peek(self, target, length)
    struct vxs_stream *self
    SV *target
    SV *length
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(target));
    RETVAL = vxs_stream_peek(aTHX_ self, target,
                             vxs_number(aTHX_ length, "the length"));
  OUTPUT:
    RETVAL

UV
_pending(self)
    struct vxs_stream *self
  CODE:
    RETVAL = vxs_stream_pending(self);
  OUTPUT:
    RETVAL

void
_unread(self, bytes)
    struct vxs_stream *self
    SV *bytes
  PREINIT:
    const char *data;
    STRLEN length;
  CODE:
    data = SvPVbyte(bytes, length);
    vxs_stream_unread(aTHX_ self, data, length);
