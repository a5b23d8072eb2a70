MODULE = Vouch    PACKAGE = Vouch::Trust

SV *
_normal(fingerprint)
    SV *fingerprint
  PREINIT:
    struct vouch_fingerprint print;
    struct vouch_error err;
    char text[VOUCH_FINGERPRINT_TEXT];
  CODE:
    vouch_error_clear(&err);
    if (vouch_fingerprint_parse(vxs_name(aTHX_ fingerprint, "a fingerprint"),
                                &print, &err)
        != 0)
        vxs_throw(aTHX_ &err);
    vouch_fingerprint_text(&print, VOUCH_SPELL_DOLLAR, text);
    RETVAL = newSVpv(text, 0);
  OUTPUT:
    RETVAL
