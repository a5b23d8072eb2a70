MODULE = Vouch    PACKAGE = Vouch::Gemini::RequestReader

SV *
_new(hosts, port, titan)
    SV *hosts
    IV port
    int titan
  CODE:
    RETVAL = vxs_request_reader_new(aTHX_ hosts, port, titan);
  OUTPUT:
    RETVAL

void
_feed(self, bytes)
    struct vouch_request_reader *self
    SV *bytes
  PREINIT:
    const char *data;
    STRLEN length;
    size_t used;
    enum vouch_request_state state;
  PPCODE:
    data = vxs_bytes(aTHX_ bytes, "what is fed", &length);
    state = vouch_request_reader_feed(self, data, length, &used);
    EXTEND(SP, 2);
    mPUSHi(state);
    mPUSHu(used);

SV *
_request(self)
    struct vouch_request_reader *self
  CODE:
    RETVAL = vxs_request_facts(aTHX_ vouch_request_reader_request(self));
  OUTPUT:
    RETVAL

void
_take(self, bytes, class_name)
    struct vouch_request_reader *self
    SV *bytes
    const char *class_name
  PREINIT:
    const char *data;
    STRLEN length;
    size_t used;
    enum vouch_request_state state;
    SV *request;
  PPCODE:
    /* All that a server does for most requests, in one call: a request and
     * the bytes behind it, or a status and a reason; nothing to wait for
     * more.  Where there is something, the reader is as new. */
    data = vxs_bytes(aTHX_ bytes, "what is fed", &length);
    state = vouch_request_reader_feed(self, data, length, &used);
    if (state == VOUCH_REQUEST_MORE)
        XSRETURN_EMPTY;
    EXTEND(SP, 2);
    if (state == VOUCH_REQUEST_DONE) {
        request =
            vxs_request_facts(aTHX_ vouch_request_reader_request(self));
        PUSHs(sv_2mortal(sv_bless(request, gv_stashpv(class_name, GV_ADD))));
        mPUSHp(data + used, length - used);
    } else {
        mPUSHi(vouch_request_reader_status(self));
        mPUSHp(vouch_request_reader_reason(self),
               strlen(vouch_request_reader_reason(self)));
    }
    vouch_request_reader_reset(self);

int
_status(self)
    struct vouch_request_reader *self
  CODE:
    RETVAL = vouch_request_reader_status(self);
  OUTPUT:
    RETVAL

const char *
_reason(self)
    struct vouch_request_reader *self
  CODE:
    RETVAL = vouch_request_reader_reason(self);
  OUTPUT:
    RETVAL

UV
_pending(self)
    struct vouch_request_reader *self
  CODE:
    RETVAL = vouch_request_reader_pending(self);
  OUTPUT:
    RETVAL

void
_reset(self)
    struct vouch_request_reader *self
  CODE:
    vouch_request_reader_reset(self);

MODULE = Vouch    PACKAGE = Vouch::Gemini::Response

SV *
_header(status, meta)
    IV status
    SV *meta
  PREINIT:
    struct vouch_buf *buf;
    struct vouch_error err;
    const char *text;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    text = vxs_bytes(aTHX_ meta, "meta", &length);
    buf = vxs_new_buf(aTHX);
    if (vouch_header_build(status < 0 || status > 99 ? 0 : (int) status, text,
                           length, buf, &err)
        != 0) {
        vouch_buf_free(buf);
        vxs_throw(aTHX_ &err);
    }
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL

const char *
_status_text(status)
    int status
  CODE:
    RETVAL = vouch_status_text(status);
  OUTPUT:
    RETVAL

MODULE = Vouch    PACKAGE = Vouch::Gemini::HeaderReader

SV *
_new()
  PREINIT:
    struct vouch_header_reader *reader;
  CODE:
    reader = vouch_header_reader_new();
    if (reader == NULL)
        croak("out of memory");
    RETVAL = vxs_wrap(aTHX_ "Vouch::Gemini::HeaderReader", reader, PTR2IV(reader),
                      &vxs_header_reader_vtbl);
  OUTPUT:
    RETVAL

void
_feed(self, bytes)
    struct vouch_header_reader *self
    SV *bytes
  PREINIT:
    struct vouch_error err;
    const char *data;
    STRLEN length;
    size_t used;
    int result;
  PPCODE:
    vouch_error_clear(&err);
    data = vxs_bytes(aTHX_ bytes, "what is fed", &length);
    result = vouch_header_reader_feed(self, data, length, &used, &err);
    if (result < 0)
        vxs_throw(aTHX_ &err);
    EXTEND(SP, 2);
    mPUSHi(result);
    mPUSHu(used);

void
_facts(self)
    struct vouch_header_reader *self
  PREINIT:
    const char *meta;
    size_t length;
    unsigned faults;
    int fault;
  PPCODE:
    meta = vouch_header_reader_meta(self, &length);
    faults = vouch_header_reader_faults(self);
    EXTEND(SP, 2 + VOUCH_HEADER_FAULTS);
    mPUSHi(vouch_header_reader_status(self));
    mPUSHp(meta, length);
    for (fault = 0; fault < VOUCH_HEADER_FAULTS; fault++) {
        if (faults & (1U << fault))
            mPUSHp(vouch_header_fault_text(1 << fault),
                   strlen(vouch_header_fault_text(1 << fault)));
    }
