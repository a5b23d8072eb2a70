MODULE = Vouch    PACKAGE = Vouch::Draft

SV *
_new(key, issuer, issuer_key)
    struct vouch_pkey *key
    SV *issuer
    SV *issuer_key
  PREINIT:
    struct vouch_draft *draft = NULL;
    struct vouch_cert *authority = NULL;
    struct vouch_pkey *signer = NULL;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (SvOK(issuer))
        authority = vxs_unwrap_held(aTHX_ issuer, &vxs_cert_vtbl,
                                    "Vouch::Certificate");
    if (SvOK(issuer_key))
        signer = vxs_unwrap_held(aTHX_ issuer_key, &vxs_pkey_vtbl,
                                 "Vouch::Key");
    if (vouch_draft_new(key, authority, signer, &draft, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Draft", draft, PTR2IV(draft),
                      &vxs_draft_vtbl);
  OUTPUT:
    RETVAL

void
_set_dates(self, not_before, not_after)
    struct vouch_draft *self
    IV not_before
    IV not_after
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_draft_set_dates(self, not_before, not_after, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_set_serial(self, number)
    struct vouch_draft *self
    SV *number
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_draft_set_serial(self, vxs_name(aTHX_ number, "the serial"),
                               &err) != 0)
        vxs_throw(aTHX_ &err);

void
_add_subject(self, field, value)
    struct vouch_draft *self
    SV *field
    SV *value
  PREINIT:
    struct vouch_error err;
    const char *name;
    const char *bytes;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    name = vxs_name(aTHX_ field, "a field of the subject");
    bytes = vxs_bytes(aTHX_ value, name, &length);
    if (vouch_draft_add_subject(self, name, bytes, length, &err) != 0)
        vxs_throw(aTHX_ &err);

void
_add_san(self, type, value)
    struct vouch_draft *self
    int type
    SV *value
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_draft_add_san(self, (enum vouch_san_type) type,
                            vxs_name(aTHX_ value, "an alternative name"),
                            &err) != 0)
        vxs_throw(aTHX_ &err);

int
_add_extension(self, name, nid, value, critical)
    struct vouch_draft *self
    SV *name
    int nid
    SV *value
    int critical
  PREINIT:
    struct vouch_error err;
    const char *text = NULL;
    const char *data;
  CODE:
    vouch_error_clear(&err);
    if (SvOK(name))
        text = vxs_name(aTHX_ name, "the name of an extension");
    data = vxs_name(aTHX_ value, "the data of an extension");
    RETVAL = vouch_draft_add_extension(self, text, nid, data, critical, &err);
    if (RETVAL < 0)
        vxs_throw(aTHX_ &err);
  OUTPUT:
    RETVAL

SV *
_sign(self, digest)
    SV *self
    SV *digest
  PREINIT:
    struct vouch_draft *draft;
    struct vouch_cert *cert = NULL;
    struct vouch_error err;
    const char *name = NULL;
    int result;
  CODE:
    vouch_error_clear(&err);
    if (SvOK(digest))
        name = vxs_name(aTHX_ digest, "the digest");
    draft = vxs_unwrap(aTHX_ self, &vxs_draft_vtbl, "Vouch::Draft");
    result = vouch_draft_sign(draft, name, &cert, &err);
    vouch_draft_free(draft);
    vxs_forget(aTHX_ self, &vxs_draft_vtbl);
    if (result != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap_cert(aTHX_ cert);
    vouch_cert_free(cert);
  OUTPUT:
    RETVAL
