MODULE = Vouch    PACKAGE = Vouch::Lock::Link

SV *
_new(settings)
    struct vouch_flom_settings *settings
  CODE:
    RETVAL = vxs_link_new(aTHX_ settings);
  OUTPUT:
    RETVAL

int
_connect(self, deadline_ms)
    struct vxs_link *self
    NV deadline_ms
  CODE:
    RETVAL = vouch_flom_client_connect(self->client, (int64_t) deadline_ms);
  OUTPUT:
    RETVAL

int
_lock(self, name, mode, quantity, wait, create, idle_ms, lease_ms)
    struct vxs_link *self
    SV *name
    IV mode
    IV quantity
    int wait
    int create
    IV idle_ms
    IV lease_ms
  PREINIT:
    struct vxs_request request;
  CODE:
    request.mode = mode;
    request.quantity = quantity;
    request.wait = wait;
    request.create = create;
    request.idle_ms = idle_ms;
    request.lease_ms = lease_ms;
    RETVAL = vxs_link_lock(aTHX_ self, name, &request);
  OUTPUT:
    RETVAL

int
_convert(self, mode, quantity, wait)
    struct vxs_link *self
    IV mode
    IV quantity
    int wait
  CODE:
    RETVAL = vxs_link_convert(self, mode, quantity, wait);
  OUTPUT:
    RETVAL

int
_stay(self, mode, quantity)
    struct vxs_link *self
    IV mode
    IV quantity
  CODE:
    RETVAL = vxs_link_stay(self, mode, quantity);
  OUTPUT:
    RETVAL

int
_take_up(self, name, mode, quantity, create, idle_ms, lease_ms, token, element)
    struct vxs_link *self
    SV *name
    IV mode
    IV quantity
    int create
    IV idle_ms
    IV lease_ms
    SV *token
    SV *element
  PREINIT:
    struct vxs_request request;
  CODE:
    request.mode = mode;
    request.quantity = quantity;
    request.wait = 1;
    request.create = create;
    request.idle_ms = idle_ms;
    request.lease_ms = lease_ms;
    RETVAL = vxs_link_resume(aTHX_ self, name, &request, token, element);
  OUTPUT:
    RETVAL

int
_unlock(self, rollback)
    struct vxs_link *self
    int rollback
  CODE:
    RETVAL = vxs_link_unlock(self, rollback);
  OUTPUT:
    RETVAL

int
_advance(self)
    struct vxs_link *self
  CODE:
    RETVAL = vouch_flom_client_advance(self->client);
  OUTPUT:
    RETVAL

int
_wait(self, deadline_ms)
    struct vxs_link *self
    NV deadline_ms
  CODE:
    RETVAL = vxs_link_wait(aTHX_ self, (int64_t) deadline_ms);
  OUTPUT:
    RETVAL

int
_is_held(self)
    struct vxs_link *self
  CODE:
    RETVAL = vxs_link_is_held(self);
  OUTPUT:
    RETVAL

int
_is_locked(self)
    struct vxs_link *self
  ALIAS:
    _is_idle = 1
  PREINIT:
    enum vouch_flom_client_state state;
  CODE:
    state = vouch_flom_client_state(self->client);
    RETVAL = state == (ix ? VOUCH_FLOM_CLIENT_IDLE : VOUCH_FLOM_CLIENT_LOCKED);
  OUTPUT:
    RETVAL

int
_rc(self)
    struct vxs_link *self
  ALIAS:
    _errno = 1
    _fd = 2
  CODE:
    RETVAL = ix == 0   ? vouch_flom_client_rc(self->client)
             : ix == 1 ? vouch_flom_client_errno(self->client)
                       : vouch_flom_client_fd(self->client);
  OUTPUT:
    RETVAL

const char *
_reason(self)
    struct vxs_link *self
  CODE:
    RETVAL = vouch_flom_client_reason(self->client);
  OUTPUT:
    RETVAL

const char *
_why(self)
    struct vxs_link *self
  CODE:
    RETVAL = vouch_flom_client_answer(self->client)->reason;
  OUTPUT:
    RETVAL

SV *
_element(self)
    struct vxs_link *self
  PREINIT:
    const char *element;
  CODE:
    element = vouch_flom_client_element(self->client);
    RETVAL = element == NULL ? newSV(0) : newSVpv(element, 0);
  OUTPUT:
    RETVAL

SV *
_token(self)
    struct vxs_link *self
  PREINIT:
    uint64_t epoch;
    uint64_t counter;
    char text[VOUCH_FLOM_TOKEN_SIZE];
  CODE:
    if (vouch_flom_client_token(self->client, &epoch, &counter)) {
        vouch_flom_token_text(epoch, counter, text);
        RETVAL = newSVpv(text, 0);
    } else
        RETVAL = newSV(0);
  OUTPUT:
    RETVAL

int
_found(self, settings)
    struct vxs_link *self
    struct vouch_flom_settings *settings
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    RETVAL = vouch_flom_client_found(self->client, settings, &err);
    if (RETVAL == -1)
        vxs_throw(aTHX_ &err);
  OUTPUT:
    RETVAL

NV
_next_ping(self)
    struct vxs_link *self
  CODE:
    RETVAL = (NV) vouch_flom_client_next_ping(self->client);
  OUTPUT:
    RETVAL

void
_disconnect(self)
    struct vxs_link *self
  CODE:
    vouch_flom_client_disconnect(self->client);

void
_give(self, given)
    struct vxs_link *self
    int given
  CODE:
    vxs_link_give(self, given != 0);
