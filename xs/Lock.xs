MODULE = Vouch    PACKAGE = Vouch::Lock

NV
_now()
  CODE:
    RETVAL = (NV) vouch_clock_monotonic_ms();
  OUTPUT:
    RETVAL

SV *
_at(address)
    UV address
  CODE:
    RETVAL = newRV_inc(INT2PTR(SV *, address));
  OUTPUT:
    RETVAL

int
_type(name)
    SV *name
  PREINIT:
    struct vouch_lock_name parsed;
    const char *text;
    STRLEN length;
  CODE:
    text = vxs_bytes(aTHX_ name, "the name of a lock", &length);
    RETVAL = vouch_lock_name_parse(text, length, &parsed) == 0
                 ? (int) parsed.type
                 : 0;
  OUTPUT:
    RETVAL
