MODULE = Vouch    PACKAGE = Vouch::Stream

void
_never_wait(self)
    struct vxs_stream *self
  CODE:
    self->no_wait = 1;

void
_queue(self, bytes)
    struct vxs_stream *self
    int bytes
  CODE:
    vouch_socket_set_queue(self->fd, bytes);

int
_end(self, quiet, keep)
    struct vxs_stream *self
    int quiet
    int keep
  CODE:
    RETVAL = vxs_stream_end(aTHX_ self, quiet, keep);
  OUTPUT:
    RETVAL

SV *
_peer_host(self)
    struct vxs_stream *self
  PREINIT:
    struct vouch_address address;
    char host[VOUCH_HOST_SIZE];
  CODE:
    address.length = sizeof(address.storage);
    RETVAL = newSV(0);
    if (getpeername(self->fd, (struct sockaddr *) &address.storage,
                    &address.length)
            == 0
        && (address.storage.ss_family == AF_INET
            || address.storage.ss_family == AF_INET6)) {
        vouch_address_host_text(&address, host, sizeof(host));
        /* An IPv4 peer of a socket that takes both. */
        if (strncmp(host, "::ffff:", 7) == 0 && strchr(host, '.') != NULL)
            sv_setpv(RETVAL, host + 7);
        else
            sv_setpv(RETVAL, host);
    }
  OUTPUT:
    RETVAL
