MODULE = Vouch    PACKAGE = Vouch::Stream

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

void
_set_name_check(self, code, what)
    struct vxs_stream *self
    SV *code
    SV *what
  PREINIT:
    SV *copy;
  CODE:
    vxs_stream_check_busy(aTHX_ self);
    copy = newSVsv(code);
    SvREFCNT_dec(self->name_cb);
    self->name_cb = copy;
    if (vouch_conn_set_name_check(self->conn, vxs_check_name,
            SvOK(what) ? vxs_name(aTHX_ what, "SSL_verifycn_name") : NULL)
        != 0)
        vxs_throw(aTHX_ vouch_conn_error(self->conn));

void
_forget_callbacks(self)
    struct vxs_stream *self
  CODE:
    vxs_stream_forget_callbacks(aTHX_ self);
