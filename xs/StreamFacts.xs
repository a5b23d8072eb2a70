MODULE = Vouch    PACKAGE = Vouch::Stream

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

SV *
_failure(self)
    struct vxs_stream *self
  PREINIT:
    struct vouch_failure failure;
  CODE:
    vouch_conn_failure(self->conn, &failure);
    RETVAL = vxs_failure_facts(aTHX_ vouch_conn_error(self->conn), &failure);
  OUTPUT:
    RETVAL

int
_is_ready(self)
    struct vxs_stream *self
  ALIAS:
    _is_resumed = 1
    _protocol = 2
    _is_closed_by_peer = 3
    _is_asked = 4
    _wants = 5
  PREINIT:
    static int (*const getters[])(const struct vouch_conn *) = {
        vouch_conn_is_ready, vouch_conn_is_resumed, vouch_conn_protocol,
        vouch_conn_is_closed_by_peer, vouch_conn_is_asked, vouch_conn_wants};
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
_authorities(self)
    struct vxs_stream *self
  PREINIT:
    struct vxs_list list;
  CODE:
    VXS_LIST_PERL(list);
    list.array = newAV();
    RETVAL = newRV_noinc((SV *) list.array);
    (void) vouch_conn_authorities(self->conn, vxs_push_text, &list);
  OUTPUT:
    RETVAL

SV *
_staple(self)
    struct vxs_stream *self
  PREINIT:
    const unsigned char *der = NULL;
    size_t length;
  CODE:
    length = vouch_conn_staple(self->conn, &der);
    RETVAL = length == 0 ? newSV(0) : newSVpvn((const char *) der, length);
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

const char *
_staple_found(self)
    struct vxs_stream *self
  CODE:
    RETVAL = vouch_staple_name(vouch_conn_staple_found(self->conn));
  OUTPUT:
    RETVAL

void
_set_staple_callback(self, callback)
    struct vxs_stream *self
    SV *callback
  CODE:
    SvREFCNT_dec(self->staple_cb);
    self->staple_cb = newSVsv(callback);

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
  ALIAS:
    _follow_session = 1
  PREINIT:
    struct vouch_session *session;
  CODE:
    session = ix ? vouch_session_follow(self->conn)
                 : vouch_session_from_conn(self->conn);
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
