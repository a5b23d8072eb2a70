MODULE = Vouch    PACKAGE = Vouch::Gemini::URL

SV *
_parse(text)
    SV *text
  PREINIT:
    struct vouch_url url;
  CODE:
    vxs_url_parse(aTHX_ text, &url);
    RETVAL = vxs_url_facts(aTHX_ &url);
  OUTPUT:
    RETVAL

SV *
_resolve(base, reference)
    SV *base
    SV *reference
  PREINIT:
    struct vouch_url from;
    struct vouch_url to;
    struct vouch_url url;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    vxs_url_parse(aTHX_ base, &from);
    vxs_url_parse(aTHX_ reference, &to);
    if (vouch_url_resolve(&from, &to, &url, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpvn(url.text, url.length);
  OUTPUT:
    RETVAL

SV *
_normalize(text)
    SV *text
  PREINIT:
    struct vouch_url given;
    struct vouch_url url;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    vxs_url_parse(aTHX_ text, &given);
    if (vouch_url_normalize(&given, &url, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpvn(url.text, url.length);
  OUTPUT:
    RETVAL

SV *
_path(raw)
    SV *raw
  PREINIT:
    char path[VOUCH_URL_MAX + 2];
    struct vouch_error err;
    const char *text;
    STRLEN length;
    long done;
  CODE:
    vouch_error_clear(&err);
    text = vxs_bytes(aTHX_ raw, "the path", &length);
    done = vouch_url_path(text, length, path, &err);
    if (done < 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpvn(path, (STRLEN) done);
  OUTPUT:
    RETVAL

SV *
_upload(text, size, mime, token)
    SV *text
    UV size
    SV *mime
    SV *token
  PREINIT:
    struct vouch_url given;
    struct vouch_url url;
    struct vouch_error err;
    const char *type = NULL;
    const char *secret = NULL;
  CODE:
    vouch_error_clear(&err);
    vxs_url_parse(aTHX_ text, &given);
    if (SvOK(mime))
        type = vxs_name(aTHX_ mime, "mime");
    if (SvOK(token))
        secret = vxs_name(aTHX_ token, "token");
    if (vouch_titan_url(&given, size, type, secret, &url, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpvn(url.text, url.length);
  OUTPUT:
    RETVAL

SV *
_decode(text)
    SV *text
  PREINIT:
    const char *bytes;
    STRLEN length;
    long done;
  CODE:
    bytes = vxs_bytes(aTHX_ text, "the text", &length);
    RETVAL = newSVpvn(bytes, length);
    done = vouch_url_decode(bytes, length, SvPVX(RETVAL));
    if (done < 0) {
        SvREFCNT_dec(RETVAL);
        vxs_fail(aTHX_ VOUCH_E_FORMAT,
                 "the text has a % that is not followed by two hexadecimal "
                 "digits");
    }
    SvCUR_set(RETVAL, (STRLEN) done);
    *SvEND(RETVAL) = '\0';
  OUTPUT:
    RETVAL

SV *
_encode(text, slashes)
    SV *text
    int slashes
  PREINIT:
    struct vouch_buf *buf;
    const char *bytes;
    STRLEN length;
  CODE:
    bytes = vxs_bytes(aTHX_ text, "the text", &length);
    buf = vxs_new_buf(aTHX);
    (void) vouch_url_encode(bytes, length, slashes, buf);
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL
