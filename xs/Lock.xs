MODULE = Vouch    PACKAGE = Vouch::Lock

void
new(...)
  PREINIT:
    SV *lock = NULL;
    STRLEN length;
  PPCODE:
    if (items == 4 && SvPOK(ST(2)) && strEQ(SvPV(ST(2), length), "server"))
        lock = vxs_lock_quickly(aTHX_ ST(0), ST(1), ST(3));
    if (lock != NULL) {
        ST(0) = sv_2mortal(lock);
        XSRETURN(1);
    }
    PUSHMARK(MARK);
    SP = MARK + items;
    PUTBACK;
    (void) call_pv("Vouch::Lock::_new", G_SCALAR);
    return;

int
_drop(self)
    SV *self
  CODE:
    RETVAL = vxs_lock_drop(aTHX_ self);
  OUTPUT:
    RETVAL

MODULE = Vouch    PACKAGE = Vouch::Lock::Numbers

NV
now_ms()
  CODE:
    RETVAL = (NV) vouch_clock_monotonic_ms();
  OUTPUT:
    RETVAL

MODULE = Vouch    PACKAGE = Vouch::Lock::Request

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
