MODULE = Vouch    PACKAGE = Vouch::KnownHosts

SV *
_host_name(text)
    SV *text
  PREINIT:
    struct vouch_error err;
    char host[VOUCH_HOST_MAX + 1];
    const char *bytes;
    STRLEN length;
  CODE:
    vouch_error_clear(&err);
    bytes = vxs_bytes(aTHX_ text, "a host", &length);
    if (vouch_known_host_name(bytes, length, host, &err) != 0)
        vxs_throw(aTHX_ &err);
    RETVAL = newSVpv(host, 0);
  OUTPUT:
    RETVAL

void
_parse(line)
    SV *line
  PREINIT:
    struct vouch_known_host host;
    struct vouch_error err;
    struct vouch_buf *buf;
    char text[VOUCH_FINGERPRINT_TEXT];
    const char *bytes;
    STRLEN length;
    size_t i;
  PPCODE:
    vouch_error_clear(&err);
    bytes = vxs_bytes(aTHX_ line, "a line", &length);
    if (vouch_known_host_parse(bytes, length, &host, &err) != 0)
        vxs_throw(aTHX_ &err);
    buf = vxs_new_buf(aTHX);
    (void) vouch_known_host_line(&host, buf);
    EXTEND(SP, (SSize_t) (7 + host.count));
    PUSHs(sv_2mortal(vxs_take_buf(aTHX_ buf)));
    mPUSHp(host.host, strlen(host.host));
    mPUSHu(host.port);
    PUSHs(vxs_epoch(aTHX_ host.expires));
    PUSHs(vxs_epoch(aTHX_ host.first_seen));
    PUSHs(vxs_epoch(aTHX_ host.last_seen));
    mPUSHi(host.verified);
    for (i = 0; i < host.count; i++) {
        vouch_fingerprint_text(&host.prints[i], VOUCH_SPELL_DOLLAR, text);
        mPUSHp(text, strlen(text));
    }

void
_judge(line, certificate, host, now)
    SV *line
    struct vouch_cert *certificate
    SV *host
    IV now
  PREINIT:
    struct vouch_known_host known;
    struct vouch_trust_verdict verdict;
    struct vouch_shown shown;
    struct vouch_error err;
    const char *bytes;
    STRLEN length;
    int is_known;
  PPCODE:
    vouch_error_clear(&err);
    is_known = SvOK(line);
    if (is_known) {
        bytes = vxs_bytes(aTHX_ line, "a line", &length);
        if (vouch_known_host_parse(bytes, length, &known, &err) != 0)
            vxs_throw(aTHX_ &err);
    }
    if (vouch_shown_by_cert(certificate, vxs_name(aTHX_ host, "a host"),
                            &shown)
        != 0)
        vxs_fail(aTHX_ VOUCH_E_TLS, "OpenSSL cannot digest this certificate");
    vouch_trust_decide(is_known ? &known : NULL, &shown, now, &verdict);
    EXTEND(SP, 4);
    mPUSHp(vouch_trust_name(verdict.trust),
           strlen(vouch_trust_name(verdict.trust)));
    mPUSHi(verdict.name_matches);
    mPUSHi(verdict.expired);
    mPUSHi(verdict.not_yet_valid);
