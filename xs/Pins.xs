MODULE = Vouch    PACKAGE = Vouch::Pins

SV *
_new()
  PREINIT:
    struct vouch_pins *pins;
  CODE:
    pins = vouch_pins_new();
    if (pins == NULL)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");
    RETVAL = vxs_wrap(aTHX_ "Vouch::Pins", pins, 0, &vxs_pins_vtbl);
  OUTPUT:
    RETVAL

void
_add(self, pin)
    struct vouch_pins *self
    SV *pin
  PREINIT:
    struct vouch_fingerprint print;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_fingerprint_parse(vxs_name(aTHX_ pin, "a fingerprint"), &print,
                                &err)
        != 0)
        vxs_throw(aTHX_ &err);
    if (vouch_pins_add(self, &print) < 0)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");

int
_matches(self, cert)
    struct vouch_pins *self
    struct vouch_cert *cert
  CODE:
    RETVAL = vouch_pins_match(self, cert) == 1;
  OUTPUT:
    RETVAL
