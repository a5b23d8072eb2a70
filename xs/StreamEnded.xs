MODULE = Vouch    PACKAGE = Vouch::Stream::Ended

int
FILENO(self)
    SV *self
  CODE:
    RETVAL = vxs_ended_fileno(aTHX_ self);
  OUTPUT:
    RETVAL

void
_detach(self, quiet = 1)
    SV *self
    int quiet
  CODE:
    PERL_UNUSED_VAR(quiet);
    vxs_ended_untie(aTHX_ self);
