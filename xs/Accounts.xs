MODULE = Vouch    PACKAGE = Vouch::Accounts

SV *
_make_password(password, cost)
    SV *password
    int cost
  PREINIT:
    struct vouch_error err;
    char text[VOUCH_PASSWORD_TEXT];
    const char *bytes;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    bytes = vxs_bytes(aTHX_ password, "a password", &length);
    if (vouch_password_make(bytes, length, cost, text, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpv(text, 0);
  OUTPUT:
    RETVAL

int
_is_password(password, text)
    SV *password
    SV *text
  PREINIT:
    struct vouch_error err;
    const char *bytes;
    const char *kept;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    bytes = vxs_bytes(aTHX_ password, "a password", &length);
    kept = vxs_name(aTHX_ text, "a kept password");
    RETVAL = vouch_password_check(bytes, length, kept, &err);
    if (RETVAL < 0)
        vxs_throw(aTHX_ &err);
  OUTPUT:
    RETVAL

SV *
_random(count)
    int count
  PREINIT:
    struct vouch_error err;
    unsigned char bytes[64];
  CODE:
    vouch_error_clear(&err);
    if (count < 0 || (size_t) count > sizeof(bytes))
        vxs_fail(aTHX_ VOUCH_E_ARGUMENT, "0 to 64 random bytes at once");
    if (vouch_password_random(bytes, (size_t) count, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpvn((char *) bytes, (STRLEN) count);
  OUTPUT:
    RETVAL
