MODULE = Vouch    PACKAGE = Vouch::Config

void
_set_pins(self, other, alone)
    struct vxs_config *self
    SV *other
    int alone
  PREINIT:
    struct vouch_error err;
    struct vxs_config *from = NULL;
  CODE:
    vouch_error_clear(&err);
    if (SvOK(other))
        from = vxs_unwrap(aTHX_ other, &vxs_config_vtbl, "Vouch::Config");
    if (self->pins != NULL)
        vxs_fail(aTHX_ VOUCH_E_CONFIG, "the pins are set already");
    if (from != NULL && from->pins != NULL)
        self->pins = vouch_pins_ref(from->pins);
    else
        self->pins = vouch_pins_new();
    if (self->pins == NULL)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");
    if (vouch_config_set_pins(self->config, self->pins, alone, &err) != 0)
        vxs_throw(aTHX_ &err);

int
_add_pin(self, pin)
    struct vxs_config *self
    SV *pin
  ALIAS:
    _remove_pin = 1
    _has_pin = 2
  PREINIT:
    static int (*const verbs[])(struct vouch_pins *,
                                const struct vouch_fingerprint *) = {
        vouch_pins_add, vouch_pins_remove, vouch_pins_has};
    struct vouch_fingerprint print;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (self->pins == NULL)
        vxs_fail(aTHX_ VOUCH_E_CONFIG,
                 "this context was made without pins: give "
                 "SSL_fingerprint (an empty list will do)");
    if (vouch_fingerprint_parse(vxs_name(aTHX_ pin, "a pin"), &print, &err)
        != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = verbs[ix](self->pins, &print);
    if (RETVAL < 0)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");
  OUTPUT:
    RETVAL

void
_pins(self)
    struct vxs_config *self
  PREINIT:
    struct vxs_list list;
    SSize_t i;
  PPCODE:
    list.array = (AV *) sv_2mortal((SV *) newAV());
    VXS_LIST_PERL(list);
    if (self->pins != NULL)
        (void) vouch_pins_each(self->pins, vxs_push_pin, &list);
    for (i = 0; i <= av_len(list.array); i++)
        XPUSHs(*av_fetch(list.array, i, 0));
