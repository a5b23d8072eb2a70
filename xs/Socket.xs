MODULE = Vouch    PACKAGE = Vouch::Socket

SV *
_tcp_accept(self, class_name)
    SV *self
    const char *class_name
  CODE:
    RETVAL = vxs_accept(aTHX_ self, class_name);
  OUTPUT:
    RETVAL
