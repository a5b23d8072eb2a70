MODULE = Vouch    PACKAGE = Vouch::Gemini::Gemtext

void
_lines(text)
    SV *text
  PREINIT:
    struct vouch_gemtext_line line;
    const char *data;
    STRLEN left;
    size_t length;
    size_t step;
    int fenced = 0;
    AV *fields;
  PPCODE:
    data = vxs_bytes(aTHX_ text, "the text", &left);
    while ((step = vouch_gemtext_next(data, left, 1, &length)) > 0) {
        vouch_gemtext_read(data, length, &fenced, &line);
        fields = newAV();
        av_push(fields, newSViv(line.kind));
        av_push(fields, newSVpvn(line.text, line.text_length));
        if (line.kind == VOUCH_GEMTEXT_LINK)
            av_push(fields, newSVpvn(line.url, line.url_length));
        else if (line.kind == VOUCH_GEMTEXT_HEADING)
            av_push(fields, newSViv(line.level));
        mXPUSHs(newRV_noinc((SV *) fields));
        data += step;
        left -= step;
    }

SV *
_escape(text, fenced)
    SV *text
    int fenced
  PREINIT:
    struct vouch_buf *buf;
    const char *bytes;
    STRLEN length;
  CODE:
    bytes = vxs_bytes(aTHX_ text, "the text", &length);
    buf = vxs_new_buf(aTHX);
    (void) vouch_gemtext_escape(bytes, length, fenced, buf);
    RETVAL = vxs_take_buf(aTHX_ buf);
  OUTPUT:
    RETVAL
