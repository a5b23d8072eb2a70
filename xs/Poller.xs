MODULE = Vouch    PACKAGE = Vouch::Poller

SV *
_new()
  PREINIT:
    struct vouch_poller *poller = NULL;
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_poller_new(VOUCH_POLLER_BEST, &poller, NULL) != 0
        && vouch_poller_new(VOUCH_POLLER_POLL, &poller, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = vxs_wrap(aTHX_ "Vouch::Poller", poller, 0, &vxs_poller_vtbl);
  OUTPUT:
    RETVAL

int
_add(self, fd, events)
    struct vouch_poller *self
    int fd
    int events
  ALIAS:
    _change = 1
  CODE:
    /* What is handed out when it is ready is the descriptor itself. */
    RETVAL = fd >= 0 && events > 0 && events <= 3
             && (ix ? vouch_poller_change : vouch_poller_add)(
                    self, fd, events, INT2PTR(void *, (IV) fd))
                    == 0;
  OUTPUT:
    RETVAL

int
_remove(self, fd)
    struct vouch_poller *self
    int fd
  CODE:
    RETVAL = vouch_poller_remove(self, fd) == 0;
  OUTPUT:
    RETVAL

void
_wait(self, timeout_ms)
    struct vouch_poller *self
    IV timeout_ms
  PREINIT:
    struct vouch_poller_event events[VXS_POLLER_BATCH];
    int64_t deadline = VOUCH_FOREVER;
    int count;
    int i;
  PPCODE:
    if (timeout_ms == 0 || PL_sig_pending)
        deadline = 0;
    else if (timeout_ms > 0)
        deadline = vouch_clock_monotonic_ms() + timeout_ms;
    count = vouch_poller_wait(self, events, VXS_POLLER_BATCH, deadline);
    EXTEND(SP, 2 * VXS_POLLER_BATCH);
    for (i = 0; i < count; i++) {
        mPUSHi(PTR2IV(events[i].data));
        mPUSHi(events[i].events);
    }
