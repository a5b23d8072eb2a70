MODULE = Vouch    PACKAGE = Vouch::Config

void
_set_ocsp(self, mode, ask)
    struct vxs_config *self
    int mode
    int ask
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_config_set_ocsp(self->config, mode, ask ? vxs_staple : NULL,
                              &err) != 0)
        vxs_throw(aTHX_ &err);
