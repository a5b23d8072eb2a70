MODULE = Vouch    PACKAGE = Vouch::Authorities

SV *
_from_file(path)
    SV *path
  PREINIT:
    struct vouch_authorities *authorities = NULL;
    struct vouch_error err;
    const char *name;
  CODE:
    vouch_error_clear(&err);
    name = vxs_name(aTHX_ path, "a file name");
    if (vouch_authorities_from_file(name, &authorities, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Authorities", authorities, 0,
                      &vxs_authorities_vtbl);
  OUTPUT:
    RETVAL

SV *
_check(self, now, cert, ...)
    struct vouch_authorities *self
    NV now
    struct vouch_cert *cert
  PREINIT:
    struct vouch_cert **chain;
    size_t count;
    size_t i;
    int error = 0;
    int result;
  CODE:
    count = (size_t) items - 3;
    Newx(chain, count + 1, struct vouch_cert *);
    SAVEFREEPV(chain);
    for (i = 0; i < count; i++)
        chain[i] = vxs_unwrap_held(aTHX_ ST(i + 3), &vxs_cert_vtbl,
                                   "Vouch::Certificate");
    result = vouch_authorities_check(self, cert, chain, count, (int64_t) now,
                                     &error);
    if (result == 1)
        RETVAL = newSV(0);
    else if (result == 0)
        RETVAL = newSVpv(vouch_verify_error_text(error), 0);
    else
        RETVAL = newSVpvs("out of memory");
  OUTPUT:
    RETVAL
