MODULE = Vouch    PACKAGE = Vouch::Key

SV *
_create(kind)
    SV *kind
  ALIAS:
    _create_ec = 1
  PREINIT:
    struct vouch_pkey *key = NULL;
    struct vouch_error err;
    const char *text;
    int result;
  CODE:
    vouch_error_clear(&err);
    text = vxs_name(aTHX_ kind, ix ? "the curve" : "the kind of key");
    result = ix ? vouch_pkey_create_ec(text, &key, &err)
                : vouch_pkey_create(text, &key, &err);
    if (result != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap_key(aTHX_ key);
  OUTPUT:
    RETVAL

SV *
_create_rsa(bits)
    UV bits
  PREINIT:
    struct vouch_pkey *key = NULL;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_pkey_create_rsa(bits > 1000000 ? 1000000 : (unsigned) bits,
                              &key, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap_key(aTHX_ key);
  OUTPUT:
    RETVAL

SV *
_from_file(source, password)
    SV *source
    SV *password
  ALIAS:
    _from_string = 1
  PREINIT:
    struct vouch_pkey *key = NULL;
    struct vouch_error err;
    struct vxs_password asker;
    vouch_password_fn ask;
    const char *text;
    STRLEN length;
    int result;
  CODE:
    vouch_error_clear(&err);
    text = ix ? vxs_bytes(aTHX_ source, "the key", &length)
              : vxs_name(aTHX_ source, "a file name");
    Zero(&asker, 1, struct vxs_password);
    asker.callback = sv_mortalcopy(password);
#ifdef MULTIPLICITY
    asker.perl = aTHX;
#endif
    ask = SvOK(password) ? vxs_password : NULL;
    result = ix ? vouch_pkey_from_mem(text, length, "this text", ask, &asker,
                                      &key, &err)
                : vouch_pkey_from_file(text, ask, &asker, &key, &err);
    if (asker.pending != NULL) {
        vouch_pkey_free(key);
        croak_sv(sv_2mortal(asker.pending));
    }
    if (result != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap_key(aTHX_ key);
  OUTPUT:
    RETVAL

SV *
_from_openssl(address)
    IV address
  CODE:
    RETVAL = vxs_wrap_key(aTHX_ vouch_pkey_of_evp(INT2PTR(void *, address)));
  OUTPUT:
    RETVAL

void
_free_openssl(address)
    IV address
  PREINIT:
    struct vouch_pkey *key;
  CODE:
    key = vouch_pkey_of_evp(INT2PTR(void *, address));
    vouch_pkey_free(key);
    vouch_pkey_free(key);

SV *
pem(self)
    struct vouch_pkey *self
  PREINIT:
    struct vouch_buf *buf;
  CODE:
    buf = vxs_new_buf(aTHX);
    if (vouch_pkey_pem(self, buf) != 0) {
        vouch_buf_free(buf);
        vxs_fail(aTHX_ VOUCH_E_TLS, "OpenSSL cannot write this key");
    }
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL

const char *
type(self)
    struct vouch_pkey *self
  CODE:
    RETVAL = vouch_pkey_type(self);
  OUTPUT:
    RETVAL

int
bits(self)
    struct vouch_pkey *self
  CODE:
    RETVAL = vouch_pkey_bits(self);
  OUTPUT:
    RETVAL

void
_save(self, path, replace)
    struct vouch_pkey *self
    SV *path
    int replace
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_pkey_save(self, vxs_name(aTHX_ path, "a file name"), replace,
                        &err) != 0)
        vxs_throw(aTHX_ &err);
