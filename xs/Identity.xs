MODULE = Vouch    PACKAGE = Vouch::Identity

SV *
_create(cn, key, not_before, not_after, ...)
    SV *cn
    SV *key
    IV not_before
    IV not_after
  PREINIT:
    struct vouch_identity_spec spec;
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    const char **names;
    I32 i;
  CODE:
    vouch_error_clear(&err);
    Zero(&spec, 1, struct vouch_identity_spec);
    spec.san_count = (size_t) (items - 4);
    Newx(names, spec.san_count + 1, const char *);
    SAVEFREEPV(names);
    for (i = 4; i < items; i++)
        names[i - 4] = vxs_name(aTHX_ sv_mortalcopy(ST(i)),
                                "an alternative name");
    spec.cn = vxs_name(aTHX_ cn, "the common name");
    spec.key = vxs_name(aTHX_ key, "the kind of key");
    spec.san = names;
    spec.not_before = not_before;
    spec.not_after = not_after;
    if (vouch_identity_create(&spec, &identity, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Identity", identity, PTR2IV(identity),
                      &vxs_identity_vtbl);
  OUTPUT:
    RETVAL

SV *
_renew(self, not_before, not_after)
    struct vouch_identity *self
    IV not_before
    IV not_after
  PREINIT:
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_identity_renew(self, not_before, not_after, &identity, &err)
        != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Identity", identity, PTR2IV(identity),
                      &vxs_identity_vtbl);
  OUTPUT:
    RETVAL

SV *
_load(cert_file, key, password)
    SV *cert_file
    SV *key
    SV *password
  ALIAS:
    _load_with = 1
  PREINIT:
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    struct vxs_password asker;
    vouch_password_fn ask;
    const char *cert;
    const char *text = NULL;
    STRLEN length = 0;
    int result;
  CODE:
    vouch_error_clear(&err);
    cert = vxs_name(aTHX_ cert_file, "SSL_cert_file");
    if (ix)
        text = vxs_bytes(aTHX_ key, "SSL_key", &length);
    else if (SvOK(key))
        text = vxs_name(aTHX_ key, "SSL_key_file");
    Zero(&asker, 1, struct vxs_password);
    asker.callback = sv_mortalcopy(password);
#ifdef MULTIPLICITY
    asker.perl = aTHX;
#endif
    ask = SvOK(password) ? vxs_password : NULL;
    result = ix ? vouch_identity_load_with(cert, text, length, "SSL_key", ask,
                                           &asker, &identity, &err)
                : vouch_identity_load(cert, text, ask, &asker, &identity,
                                      &err);
    if (asker.pending != NULL) {
        vouch_identity_free(identity);
        croak_sv(sv_2mortal(asker.pending));
    }
    if (result != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Identity", identity, PTR2IV(identity),
                      &vxs_identity_vtbl);
  OUTPUT:
    RETVAL

SV *
_from_bytes(cert, cert_name, key, key_name, password)
    SV *cert
    SV *cert_name
    SV *key
    SV *key_name
    SV *password
  PREINIT:
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    struct vxs_password asker;
    const char *names[2] = {NULL, NULL};
    const char *bytes[2] = {NULL, NULL};
    STRLEN length[2] = {0, 0};
    int result;
  CODE:
    vouch_error_clear(&err);
    bytes[0] = vxs_bytes(aTHX_ cert, "the certificate", &length[0]);
    names[0] = vxs_name(aTHX_ cert_name, "the certificate's name");
    if (SvOK(key)) {
        bytes[1] = vxs_bytes(aTHX_ key, "the key", &length[1]);
        names[1] = vxs_name(aTHX_ key_name, "the key's name");
    }
    Zero(&asker, 1, struct vxs_password);
    asker.callback = sv_mortalcopy(password);
#ifdef MULTIPLICITY
    asker.perl = aTHX;
#endif
    result = vouch_identity_from_mem(bytes[0], length[0], names[0], bytes[1],
                                     length[1], names[1],
                                     SvOK(password) ? vxs_password : NULL,
                                     &asker, &identity, &err);
    if (asker.pending != NULL) {
        vouch_identity_free(identity);
        croak_sv(sv_2mortal(asker.pending));
    }
    if (result != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Identity", identity, PTR2IV(identity),
                      &vxs_identity_vtbl);
  OUTPUT:
    RETVAL

SV *
_from_openssl(cert, key, ...)
    IV cert
    IV key
  PREINIT:
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    void **chain;
    I32 i;
  CODE:
    vouch_error_clear(&err);
    Newx(chain, items, void *);
    SAVEFREEPV(chain);
    for (i = 2; i < items; i++)
        chain[i - 2] = INT2PTR(void *, SvIV(ST(i)));
    if (vouch_identity_from_openssl(INT2PTR(void *, cert),
                                    INT2PTR(void *, key), chain,
                                    (size_t) (items - 2), &identity, &err)
        != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Identity", identity, PTR2IV(identity),
                      &vxs_identity_vtbl);
  OUTPUT:
    RETVAL

void
_save(self, cert_file, key_file, replace)
    struct vouch_identity *self
    SV *cert_file
    SV *key_file
    int replace
  PREINIT:
    struct vouch_error err;
    const char *cert;
    const char *key;
  CODE:
    vouch_error_clear(&err);
    cert = vxs_name(aTHX_ cert_file, "the certificate's file name");
    key = vxs_name(aTHX_ key_file, "the key's file name");
    if (vouch_identity_save(self, cert, key, replace, &err) != 0)
        vxs_throw(aTHX_ &err);

SV *
certificate(self)
    struct vouch_identity *self
  CODE:
    RETVAL = vxs_wrap_cert(aTHX_ vouch_identity_cert(self));
  OUTPUT:
    RETVAL

SV *
cert_pem(self)
    struct vouch_identity *self
  ALIAS:
    key_pem = 1
  PREINIT:
    struct vouch_buf *buf;
    int result;
  CODE:
    buf = vxs_new_buf(aTHX);
    result = ix ? vouch_identity_key_pem(self, buf)
                : vouch_identity_cert_pem(self, buf);
    if (result != 0) {
        vouch_buf_free(buf);
        vxs_fail(aTHX_ VOUCH_E_TLS, "OpenSSL cannot write this identity");
    }
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL
