MODULE = Vouch    PACKAGE = Vouch::Certificate

void
_list_from_file(source)
    SV *source
  ALIAS:
    _list_from_string = 1
  PREINIT:
    struct vouch_buf *buf;
    struct vouch_error err;
    struct vxs_list list;
    const char *text;
    STRLEN length;
    int result;
  PPCODE:
    vouch_error_clear(&err);
    text = ix ? vxs_bytes(aTHX_ source, "the certificate", &length)
              : vxs_name(aTHX_ source, "a file name");
    list.array = (AV *) sv_2mortal((SV *) newAV());
    VXS_LIST_PERL(list);
    if (ix) {
        result = vouch_cert_each_from_mem(text, length, "this text",
                                          vxs_push_cert, &list, &err);
    } else {
        buf = vxs_new_buf(aTHX);
        result = vouch_file_read(text, buf, &err);
        if (result == 0)
            result = vouch_cert_each_from_mem(vouch_buf_data(buf),
                                              vouch_buf_length(buf), text,
                                              vxs_push_cert, &list, &err);
        vouch_buf_free(buf);
    }
    if (result != 0)
        vxs_throw(aTHX_ &err);
    XPUSHs(sv_2mortal(newRV_inc((SV *) list.array)));

SV *
_from_openssl(address)
    IV address
  PREINIT:
    struct vouch_cert *cert;
  CODE:
    cert = vouch_cert_of_x509(INT2PTR(void *, address));
    RETVAL = vxs_wrap_cert(aTHX_ cert);
    vouch_cert_free(cert);
  OUTPUT:
    RETVAL

void
_free_openssl(address)
    IV address
  PREINIT:
    struct vouch_cert *cert;
  CODE:
    cert = vouch_cert_of_x509(INT2PTR(void *, address));
    vouch_cert_free(cert);
    vouch_cert_free(cert);

IV
_version(self)
    struct vouch_cert *self
  CODE:
    RETVAL = vouch_cert_version(self);
  OUTPUT:
    RETVAL

UV
_key_usage(self)
    struct vouch_cert *self
  CODE:
    RETVAL = vouch_cert_key_usage(self);
  OUTPUT:
    RETVAL

void
_purposes(self)
    struct vouch_cert *self
  ALIAS:
    _extensions = 1
    _crl_uris = 2
    _ocsp_uris = 3
  PREINIT:
    struct vxs_list list;
    int result;
  PPCODE:
    list.array = (AV *) sv_2mortal((SV *) newAV());
    VXS_LIST_PERL(list);
    if (ix == 0)
        result = vouch_cert_purpose_each(self, vxs_push_purpose, &list);
    else if (ix == 1)
        result = vouch_cert_extension_each(self, vxs_push_extension, &list);
    else
        result = vouch_cert_uri_each(self, ix == 2 ? VOUCH_URI_CRL
                                                   : VOUCH_URI_OCSP,
                                     vxs_push_uri, &list);
    if (result != 0)
        vxs_fail(aTHX_ VOUCH_E_FORMAT, "an extension cannot be decoded");
    XPUSHs(sv_2mortal(newRV_inc((SV *) list.array)));

const char *
_long_name(field)
    const char *field
  CODE:
    RETVAL = vouch_cert_field_long_name(field);
  OUTPUT:
    RETVAL
