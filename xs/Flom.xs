MODULE = Vouch    PACKAGE = Vouch::Flom

void
_boot()
  CODE:
    vxs_flom_boot(aTHX);

MODULE = Vouch    PACKAGE = Vouch::Flom::Handle

SV *
new(class_name)
    const char *class_name
  CODE:
    RETVAL = vxs_flom_raw(aTHX_ class_name);
  OUTPUT:
    RETVAL

void
DISOWN(self)
    SV *self
  ALIAS:
    ACQUIRE = 1
  CODE:
    vxs_flom_own(aTHX_ self, ix);

void
DESTROY(self)
    SV *self
  CODE:
    vxs_flom_destroy(aTHX_ self);

SV *
FETCH(self, name)
    SV *self
    const char *name
  CODE:
    RETVAL = vxs_flom_field(aTHX_ self, name);
  OUTPUT:
    RETVAL
