MODULE = Vouch    PACKAGE = Vouch::Handshakes

SV *
_new(fd, callback, handshakes, per_address, connections, timeout_ms, io_timeout, max_line, tell)
    int fd
    SV *callback
    UV handshakes
    UV per_address
    UV connections
    IV timeout_ms
    IV io_timeout
    UV max_line
    int tell
  PREINIT:
    struct vouch_listener_limits limits;
  CODE:
    limits.handshakes = handshakes;
    limits.per_address = per_address;
    limits.connections = connections;
    limits.timeout_ms = timeout_ms;
    RETVAL = vxs_listener_new(aTHX_ fd, callback, &limits, io_timeout,
                              max_line, tell);
  OUTPUT:
    RETVAL

SV *
_next(self, socket, config, class_name, wait_ms, looked)
    struct vxs_listener *self
    SV *socket
    SV *config
    SV *class_name
    IV wait_ms
    int looked
  CODE:
    RETVAL = vxs_listener_next(aTHX_ self, socket, config, class_name,
                               wait_ms, looked);
  OUTPUT:
    RETVAL

void
_stop(self)
    struct vxs_listener *self
  CODE:
    vouch_listener_stop(self->core);

int
_fd(self)
    struct vxs_listener *self
  CODE:
    vxs_listener_check_busy(aTHX_ self);
    RETVAL = vouch_listener_fd(self->core);
  OUTPUT:
    RETVAL

IV
_timeout(self)
    struct vxs_listener *self
  CODE:
    vxs_listener_check_busy(aTHX_ self);
    RETVAL = (IV) vouch_listener_timeout(self->core);
  OUTPUT:
    RETVAL

UV
_pending(self)
    struct vxs_listener *self
  CODE:
    RETVAL = vouch_listener_pending(self->core);
  OUTPUT:
    RETVAL

void
_stats(self)
    struct vxs_listener *self
  PREINIT:
    struct vouch_listener_stats stats;
  PPCODE:
    vouch_listener_stats(self->core, &stats);
    EXTEND(SP, 9);
    mPUSHn((NV) stats.accepted);
    mPUSHn((NV) stats.ready);
    mPUSHn((NV) stats.failed);
    mPUSHn((NV) stats.timed_out);
    mPUSHn((NV) stats.refused);
    mPUSHn((NV) stats.displaced);
    mPUSHn((NV) stats.exhausted);
    mPUSHn((NV) stats.pending);
    mPUSHn((NV) stats.open);
