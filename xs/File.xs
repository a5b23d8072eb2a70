MODULE = Vouch    PACKAGE = Vouch::File

SV *
_read(path, max)
    SV *path
    UV max
  PREINIT:
    struct vouch_error err;
    struct vouch_buf *buf;
    const char *name;
  CODE:
    vouch_error_clear(&err);
    name = vxs_name(aTHX_ path, "a file name");
    buf = vouch_buf_new(max);
    if (buf == NULL)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");
    if (vouch_file_read(name, buf, &err) != 0) {
        vouch_buf_free(buf);
        vxs_throw(aTHX_ &err);
    }
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL

void
_write(path, bytes, flags)
    SV *path
    SV *bytes
    int flags
  PREINIT:
    struct vouch_error err;
    const char *name;
    const char *data;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    name = vxs_name(aTHX_ path, "a file name");
    data = vxs_bytes(aTHX_ bytes, "the text", &length);
    if (vouch_file_write(name, data, length, flags, &err) != 0)
        vxs_throw(aTHX_ &err);
