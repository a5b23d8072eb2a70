MODULE = Vouch    PACKAGE = Vouch::Certificate

SV *
_from_file(path)
    SV *path
  PREINIT:
    struct vouch_error err;
    struct vouch_cert *cert = NULL;
    const char *name;
  CODE:
    vouch_error_clear(&err);
    name = vxs_name(aTHX_ path, "a file name");
    if (vouch_cert_from_file(name, &cert, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Certificate", cert,
                      PTR2IV(vouch_cert_x509(cert)), &vxs_cert_vtbl);
  OUTPUT:
    RETVAL

SV *
_from_string(bytes)
    SV *bytes
  PREINIT:
    struct vouch_error err;
    struct vouch_cert *cert = NULL;
    const char *data;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    data = vxs_bytes(aTHX_ bytes, "the certificate", &length);
    if (vouch_cert_from_mem(data, length, "this text", &cert, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Certificate", cert,
                      PTR2IV(vouch_cert_x509(cert)), &vxs_cert_vtbl);
  OUTPUT:
    RETVAL

SV *
subject(self)
    struct vouch_cert *self
  ALIAS:
    issuer = 1
  PREINIT:
    struct vouch_buf *buf;
  CODE:
    buf = vxs_new_buf(aTHX);
    (void) vouch_cert_name_line(self, ix ? VOUCH_CERT_ISSUER
                                         : VOUCH_CERT_SUBJECT, buf);
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL

void
_name_fields(self, issuer)
    struct vouch_cert *self
    int issuer
  PREINIT:
    struct vxs_list list;
    int result;
  PPCODE:
    list.array = (AV *) sv_2mortal((SV *) newAV());
    VXS_LIST_PERL(list);
    result = vouch_cert_name_each(self, issuer ? VOUCH_CERT_ISSUER
                                               : VOUCH_CERT_SUBJECT,
                                  vxs_push_field, &list);
    if (result != 0)
        vxs_fail(aTHX_ VOUCH_E_FORMAT,
                 "a part of the name cannot be decoded");
    XPUSHs(sv_2mortal(newRV_inc((SV *) list.array)));

void
_alternative_names(self)
    struct vouch_cert *self
  PREINIT:
    struct vxs_list list;
  PPCODE:
    list.array = (AV *) sv_2mortal((SV *) newAV());
    VXS_LIST_PERL(list);
    if (vouch_cert_san_each(self, vxs_push_san, &list) != 0)
        vxs_fail(aTHX_ VOUCH_E_FORMAT,
                 "the alternative names cannot be decoded");
    XPUSHs(sv_2mortal(newRV_inc((SV *) list.array)));

SV *
common_name(self)
    struct vouch_cert *self
  PREINIT:
    struct vouch_buf *buf;
    int found;
  CODE:
    buf = vxs_new_buf(aTHX);
    found = vouch_cert_common_name(self, buf);
    if (found == 1) {
        RETVAL = vxs_take_buf(aTHX_ buf);
    } else {
        vouch_buf_free(buf);
        RETVAL = newSV(0);
    }
  OUTPUT:
    RETVAL

SV *
pem(self)
    struct vouch_cert *self
  ALIAS:
    der = 1
    text = 2
    serial_hex = 3
    serial = 4
  PREINIT:
    static int (*const getters[])(const struct vouch_cert *,
                                  struct vouch_buf *) = {
        vouch_cert_pem, vouch_cert_der, vouch_cert_text,
        vouch_cert_serial_hex, vouch_cert_serial_decimal};
    struct vouch_buf *buf;
  CODE:
    buf = vxs_new_buf(aTHX);
    if (getters[ix](self, buf) != 0) {
        vouch_buf_free(buf);
        vxs_fail(aTHX_ VOUCH_E_FORMAT,
                 "OpenSSL cannot write this certificate");
    }
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL

SV *
not_before(self)
    struct vouch_cert *self
  ALIAS:
    not_after = 1
  PREINIT:
    int64_t epoch = 0;
    int result;
  CODE:
    result = ix ? vouch_cert_not_after(self, &epoch)
                : vouch_cert_not_before(self, &epoch);
    RETVAL = result == 0 ? newSViv((IV) epoch) : newSV(0);
  OUTPUT:
    RETVAL

int
_is_expired(self, now)
    struct vouch_cert *self
    IV now
  ALIAS:
    _is_not_yet_valid = 1
  CODE:
    RETVAL = ix ? vouch_cert_is_not_yet_valid(self, now)
                : vouch_cert_is_expired(self, now);
  OUTPUT:
    RETVAL

int
_is_for(self, host)
    struct vouch_cert *self
    SV *host
  CODE:
    RETVAL = vouch_cert_is_for(self, vxs_name(aTHX_ host, "a host"));
  OUTPUT:
    RETVAL

int
is_self_signed(self)
    struct vouch_cert *self
  CODE:
    RETVAL = vouch_cert_is_self_signed(self);
  OUTPUT:
    RETVAL

int
key_bits(self)
    struct vouch_cert *self
  CODE:
    RETVAL = vouch_cert_key_bits(self);
  OUTPUT:
    RETVAL

const char *
key_type(self)
    struct vouch_cert *self
  ALIAS:
    key_curve = 1
    signature_algorithm = 2
  CODE:
    RETVAL = ix == 0   ? vouch_cert_key_type(self)
             : ix == 1 ? vouch_cert_key_curve(self)
                       : vouch_cert_signature_algorithm(self);
  OUTPUT:
    RETVAL

SV *
_digest(self, digest, of)
    struct vouch_cert *self
    SV *digest
    int of
  PREINIT:
    struct vouch_fingerprint print;
    const char *name;
    enum vouch_digest number;
  CODE:
    name = vxs_name(aTHX_ digest, "a digest");
    if (!vouch_digest_by_name(name, &number))
        croak("Digest algorithm %s is not available\n", name);
    if (vouch_cert_fingerprint(self, number, (enum vouch_digest_of) of,
                               &print) != 0)
        croak("this certificate cannot be digested with %s\n", name);
    RETVAL = newSVpvn((const char *) print.bytes, print.length);
  OUTPUT:
    RETVAL

SV *
_fingerprint(self, digest, of, spelling)
    struct vouch_cert *self
    SV *digest
    int of
    int spelling
  CODE:
    RETVAL = vxs_fingerprint(aTHX_ self, vxs_name(aTHX_ digest, "a digest"),
                             of, spelling);
  OUTPUT:
    RETVAL
