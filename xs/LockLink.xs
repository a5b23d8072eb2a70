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
_lock(self, name, request)
    struct vxs_link *self
    SV *name
    SV *request
  CODE:
    RETVAL = vxs_link_lock(aTHX_ self, name, request);
  OUTPUT:
    RETVAL

int
_take(self, name, request, deadline_ms)
    struct vxs_link *self
    SV *name
    SV *request
    NV deadline_ms
  CODE:
    RETVAL = vxs_link_lock(aTHX_ self, name, request);
    if (RETVAL == 0)
        RETVAL = vxs_link_wait(aTHX_ self, (int64_t) deadline_ms);
  OUTPUT:
    RETVAL

int
_convert(self, request)
    struct vxs_link *self
    SV *request
  ALIAS:
    _stay = 1
  CODE:
    vxs_link_prepare(aTHX_ self, NULL, request);
    RETVAL = ix ? vouch_flom_client_stay(self->client)
                : vouch_flom_client_convert(self->client);
  OUTPUT:
    RETVAL

int
_take_up(self, name, request, token, element)
    struct vxs_link *self
    SV *name
    SV *request
    SV *token
    SV *element
  CODE:
    RETVAL = vxs_link_resume(aTHX_ self, name, request, token, element);
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
    RETVAL = vxs_link_outcome(self, vouch_flom_client_advance(self->client));
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
_is_idle(self)
    struct vxs_link *self
  CODE:
    RETVAL =
        vouch_flom_client_state(self->client) == VOUCH_FLOM_CLIENT_IDLE;
  OUTPUT:
    RETVAL

bool
_is_ours(self)
    struct vxs_link *self
  CODE:
    RETVAL = self->pid == getpid();
  OUTPUT:
    RETVAL

void
_end(is_failed)
    int is_failed
  CODE:
    vxs_links_end(aTHX_ is_failed);

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
  PREINIT:
    int saved = errno;
  CODE:
    vouch_flom_client_disconnect(self->client);
    errno = saved;

void
_part(self)
    struct vxs_link *self
  CODE:
    vxs_link_part(self, vouch_clock_monotonic_ms() + 1000);

void
_give(self, given)
    struct vxs_link *self
    int given
  CODE:
    vxs_link_give(self, given != 0);
