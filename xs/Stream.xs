MODULE = Vouch    PACKAGE = Vouch::Stream

SV *
_attach(socket, config, io_timeout, max_line)
    SV *socket
    SV *config
    IV io_timeout
    UV max_line
  CODE:
    RETVAL = vxs_stream_attach(aTHX_ socket, config, io_timeout, max_line);
  OUTPUT:
    RETVAL

void
_detach(self, quiet)
    struct vxs_stream *self
    int quiet
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    vxs_stream_detach(aTHX_ self, quiet);

SV *
_socket(self)
    struct vxs_stream *self
  CODE:
    RETVAL = newSVsv(self->socket);
  OUTPUT:
    RETVAL

void
_set_names(self, server_name, verify_host)
    struct vxs_stream *self
    SV *server_name
    SV *verify_host
  CODE:
    if ((SvOK(server_name)
         && vouch_conn_set_server_name(self->conn,
                vxs_name(aTHX_ server_name, "SSL_hostname")) != 0)
        || (SvOK(verify_host)
            && vouch_conn_set_verify_host(self->conn,
                   vxs_name(aTHX_ verify_host, "SSL_verifycn_name")) != 0))
        vxs_throw(aTHX_ vouch_conn_error(self->conn));

int
_handshake(self, timeout)
    struct vxs_stream *self
    IV timeout
  PREINIT:
    SV *hold;
  CODE:
    hold = sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    PERL_UNUSED_VAR(hold);
    RETVAL = vxs_stream_handshake(aTHX_ self, timeout);
  OUTPUT:
    RETVAL

SV *
READ(self, target, length, offset = 0)
    struct vxs_stream *self
    SV *target
    IV length
    IV offset
  ALIAS:
    _read_all = 1
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    RETVAL = vxs_stream_read(aTHX_ self, target, length, offset, ix);
  OUTPUT:
    RETVAL

void
READLINE(self)
    struct vxs_stream *self
  PREINIT:
    SV *line;
  PPCODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    PUTBACK;
    if (GIMME_V != G_LIST) {
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
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
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
    SV *comma;
    const char *data;
    STRLEN length;
    I32 i;
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    comma = GvSV(PL_ofsgv);
    if (items == 2 && (PL_ors_sv == NULL || !SvOK(PL_ors_sv))) {
        data = SvPV(ST(1), length);
    } else {
        joined = newSVpvn_flags("", 0, SVs_TEMP);
        for (i = 1; i < items; i++) {
            data = SvPV(ST(i), length);
            sv_catpvn(joined, data, length);
            if (i + 1 < items && comma != NULL && SvOK(comma)) {
                data = SvPV(comma, length);
                sv_catpvn(joined, data, length);
            }
        }
        if (PL_ors_sv != NULL && SvOK(PL_ors_sv)) {
            data = SvPV(PL_ors_sv, length);
            sv_catpvn(joined, data, length);
        }
        data = SvPV(joined, length);
    }
    RETVAL = vxs_stream_write(aTHX_ self, data, length, 1);
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
    IV length;
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    data = SvPV(source, have);
    if (items > 3 && SvOK(ST(3)))
        offset = SvIV(ST(3));
    if (offset < 0)
        offset += (IV) have;
    length = (IV) have - offset;
    if (items > 2 && SvOK(ST(2)) && SvIV(ST(2)) < length)
        length = SvIV(ST(2));
    if (offset < 0 || offset > (IV) have || length < 0) {
        vxs_set_ssl_error(aTHX_ EINVAL, "offset or length outside the string");
        SETERRNO(EINVAL, 0);
        RETVAL = newSV(0);
    } else {
        RETVAL = vxs_stream_write(aTHX_ self, data + offset, (size_t) length,
                                  ix);
    }
  OUTPUT:
    RETVAL

int
EOF(self, ...)
    struct vxs_stream *self
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
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
    IV length
  CODE:
    sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(ST(0))));
    RETVAL = vxs_stream_peek(aTHX_ self, target, length);
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

void
_error(self)
    struct vxs_stream *self
  PREINIT:
    const struct vouch_error *err;
  PPCODE:
    err = vouch_conn_error(self->conn);
    EXTEND(SP, 4);
    mPUSHp(vouch_code_name(err->code), strlen(vouch_code_name(err->code)));
    mPUSHp(err->text, strlen(err->text));
    mPUSHi(err->sys_errno);
    mPUSHu(err->lib_code);

int
_is_ready(self)
    struct vxs_stream *self
  ALIAS:
    _is_resumed = 1
    _protocol = 2
    _is_closed_by_peer = 3
  PREINIT:
    static int (*const getters[])(const struct vouch_conn *) = {
        vouch_conn_is_ready, vouch_conn_is_resumed, vouch_conn_protocol,
        vouch_conn_is_closed_by_peer};
  CODE:
    RETVAL = getters[ix](self->conn);
  OUTPUT:
    RETVAL

const char *
_cipher(self)
    struct vxs_stream *self
  ALIAS:
    _protocol_name = 1
    _alpn = 2
    _server_name = 3
  PREINIT:
    static const char *(*const getters[])(const struct vouch_conn *) = {
        vouch_conn_cipher, vouch_conn_protocol_name, vouch_conn_alpn,
        vouch_conn_server_name};
  CODE:
    RETVAL = getters[ix](self->conn);
  OUTPUT:
    RETVAL

SV *
_peer_certificate(self)
    struct vxs_stream *self
  ALIAS:
    _own_certificate = 1
  CODE:
    RETVAL = vxs_wrap_cert(aTHX_ ix ? vouch_conn_own_cert(self->conn)
                                    : vouch_conn_peer_cert(self->conn));
  OUTPUT:
    RETVAL

void
_peer_chain(self)
    struct vxs_stream *self
  PREINIT:
    size_t count;
    size_t i;
  PPCODE:
    count = vouch_conn_peer_chain_count(self->conn);
    EXTEND(SP, (SSize_t) count);
    for (i = 0; i < count; i++)
        mPUSHs(vxs_wrap_cert(aTHX_
                   vouch_conn_peer_chain_cert(self->conn, i)));

SV *
_peer_fingerprint(self, digest, of, spelling)
    struct vxs_stream *self
    const char *digest
    int of
    int spelling
  PREINIT:
    struct vouch_cert *cert;
  CODE:
    cert = vouch_conn_peer_cert(self->conn);
    RETVAL = cert == NULL ? newSV(0)
                          : vxs_fingerprint(aTHX_ cert, digest, of, spelling);
  OUTPUT:
    RETVAL

void
_verdict(self)
    struct vxs_stream *self
  PREINIT:
    const struct vouch_verdict *verdict;
    const char *by;
  PPCODE:
    verdict = vouch_conn_verdict(self->conn);
    by = vouch_decided_by_text(verdict->by);
    EXTEND(SP, 4);
    mPUSHi(verdict->accepted);
    mPUSHp(by, strlen(by));
    mPUSHi(verdict->error);
    mPUSHi(verdict->depth);

IV
_ssl(self)
    struct vxs_stream *self
  CODE:
    RETVAL = PTR2IV(vouch_conn_ssl(self->conn));
  OUTPUT:
    RETVAL

SV *
_session(self)
    struct vxs_stream *self
  PREINIT:
    struct vouch_session *session;
  CODE:
    session = vouch_session_from_conn(self->conn);
    RETVAL = session == NULL
                 ? newSV(0)
                 : vxs_wrap(aTHX_ "Vouch::Session", session,
                            PTR2IV(session), &vxs_session_vtbl);
  OUTPUT:
    RETVAL

int
_offer(self, session)
    struct vxs_stream *self
    struct vouch_session *session
  CODE:
    RETVAL = vouch_session_offer(session, self->conn);
  OUTPUT:
    RETVAL
