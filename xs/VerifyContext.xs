MODULE = Vouch    PACKAGE = Vouch::VerifyContext

int
error(self)
    SV *self
  CODE:
    RETVAL = vouch_verify_store_error(vxs_unwrap(aTHX_ self, &vxs_store_vtbl,
                                                 "Vouch::VerifyContext"));
  OUTPUT:
    RETVAL

void
set_error(self, error)
    SV *self
    int error
  CODE:
    vouch_verify_store_set_error(vxs_unwrap(aTHX_ self, &vxs_store_vtbl,
                                            "Vouch::VerifyContext"), error);

const char *
_error_text(error)
    int error
  CODE:
    RETVAL = vouch_verify_error_text(error);
  OUTPUT:
    RETVAL
