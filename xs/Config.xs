MODULE = Vouch    PACKAGE = Vouch::Config

SV *
_new(server)
    int server
  PREINIT:
    struct vxs_config *self;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    Newxz(self, 1, struct vxs_config);
    self->forks = vxs_forks;
    RETVAL = vxs_wrap(aTHX_ "Vouch::Config", self, PTR2IV(self),
                      &vxs_config_vtbl);
    if (vouch_config_new(server ? VOUCH_SERVER : VOUCH_CLIENT, &self->config,
                         &err) != 0) {
        sv_2mortal(RETVAL);
        vxs_throw(aTHX_ &err);
    }
  OUTPUT:
    RETVAL

void
_add_identity(self, identity, name)
    struct vxs_config *self
    struct vouch_identity *identity
    SV *name
  PREINIT:
    struct vouch_error err;
    const char *host = NULL;
  CODE:
    vouch_error_clear(&err);
    if (SvOK(name))
        host = vxs_name(aTHX_ name, "a server name");
    if (vouch_config_add_identity(self->config, host, identity, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_add_ca_file(self, value)
    struct vxs_config *self
    SV *value
  ALIAS:
    _add_ca_path = 1
    _set_client_ca_file = 2
    _set_ciphers = 3
    _set_ciphersuites = 4
    _set_groups = 5
    _set_dh_file = 6
  PREINIT:
    static int (*const setters[])(struct vouch_config *, const char *,
                                  struct vouch_error *) = {
        vouch_config_add_ca_file,       vouch_config_add_ca_path,
        vouch_config_set_client_ca_file, vouch_config_set_ciphers,
        vouch_config_set_ciphersuites,  vouch_config_set_groups,
        vouch_config_set_dh_file};
    static const char *const names[] = {"SSL_ca_file", "SSL_ca_path",
        "SSL_client_ca_file", "SSL_cipher_list", "SSL_ciphersuites",
        "SSL_ecdh_curve", "SSL_dh_file"};
    struct vouch_error err;
    const char *text;
  CODE:
    vouch_error_clear(&err);
    text = vxs_name(aTHX_ value, names[ix]);
    if (setters[ix](self->config, text, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_add_ca_openssl(self, address)
    struct vxs_config *self
    IV address
  ALIAS:
    _add_client_ca_openssl = 1
    _set_dh_openssl = 2
  PREINIT:
    static int (*const setters[])(struct vouch_config *, void *,
                                  struct vouch_error *) = {
        vouch_config_add_ca_openssl, vouch_config_add_client_ca_openssl,
        vouch_config_set_dh_openssl};
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (setters[ix](self->config, INT2PTR(void *, address), &err) != 0)
        vxs_throw(aTHX_ &err);

void
_set_name_ciphers(self, name, list)
    struct vxs_config *self
    SV *name
    SV *list
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_config_set_name_ciphers(self->config,
            vxs_name(aTHX_ sv_mortalcopy(name), "a server name"),
            vxs_name(aTHX_ sv_mortalcopy(list), "SSL_cipher_list"), &err)
        != 0)
        vxs_throw(aTHX_ &err);

void
_set_verify(self, value)
    struct vxs_config *self
    int value
  ALIAS:
    _set_verify_depth = 1
    _set_tickets = 2
    _set_server_order = 3
    _set_release_buffers = 4
  PREINIT:
    static int (*const setters[])(struct vouch_config *, int,
                                  struct vouch_error *) = {
        vouch_config_set_verify, vouch_config_set_verify_depth,
        vouch_config_set_tickets, vouch_config_set_server_order,
        vouch_config_set_release_buffers};
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (setters[ix](self->config, value, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_add_ca_default(self)
    struct vxs_config *self
  ALIAS:
    _set_ca_none = 1
    _freeze = 2
  PREINIT:
    static int (*const setters[])(struct vouch_config *,
                                  struct vouch_error *) = {
        vouch_config_add_ca_default, vouch_config_set_ca_none,
        vouch_config_freeze};
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (setters[ix](self->config, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_add_ca_pem(self, pem)
    struct vxs_config *self
    SV *pem
  PREINIT:
    struct vouch_error err;
    const char *bytes;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    bytes = vxs_bytes(aTHX_ pem, "SSL_ca_pem", &length);
    if (vouch_config_add_ca_mem(self->config, bytes, length, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_set_crl(self, path, all)
    struct vxs_config *self
    SV *path
    int all
  PREINIT:
    struct vouch_error err;
    const char *name = NULL;
  CODE:
    vouch_error_clear(&err);
    if (SvOK(path))
        name = vxs_name(aTHX_ path, "SSL_crl_file");
    if (vouch_config_set_crl(self->config, name, all, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_set_protocols(self, lowest, highest)
    struct vxs_config *self
    int lowest
    int highest
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_config_set_protocols(self->config, lowest, highest, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_set_alpn(self, ...)
    struct vxs_config *self
  PREINIT:
    struct vouch_error err;
    const char **names;
    I32 i;
  CODE:
    vouch_error_clear(&err);
    Newx(names, items, const char *);
    SAVEFREEPV(names);
    for (i = 1; i < items; i++)
        names[i - 1] = vxs_name(aTHX_ sv_mortalcopy(ST(i)),
                                "an application protocol");
    if (vouch_config_set_alpn(self->config, names, (size_t) (items - 1),
                              &err) != 0)
        vxs_throw(aTHX_ &err);

void
_set_session_id_context(self, value)
    struct vxs_config *self
    SV *value
  PREINIT:
    struct vouch_error err;
    const char *bytes;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    bytes = vxs_bytes(aTHX_ value, "SSL_session_id_context", &length);
    if (vouch_config_set_session_id_context(self->config, bytes, length,
                                            &err) != 0)
        vxs_throw(aTHX_ &err);

void
_ask_callback(self)
    struct vxs_config *self
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_config_set_verify_callback(self->config, vxs_verify, &err)
        != 0)
        vxs_throw(aTHX_ &err);

const char *
_default_ca_file()
  ALIAS:
    _default_ca_path = 1
  CODE:
    RETVAL = ix ? vouch_config_default_ca_path()
                : vouch_config_default_ca_file();
  OUTPUT:
    RETVAL

IV
_ssl_ctx(self)
    struct vxs_config *self
  CODE:
    RETVAL = PTR2IV(vouch_config_ssl_ctx(self->config));
  OUTPUT:
    RETVAL
