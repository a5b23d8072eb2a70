/*
 * URLs, requests and headers of Gemini as Perl sees them.
 */
#include "bridge.h"

void
vxs_url_parse(pTHX_ SV *sv, struct vouch_url *url_r)
{
    struct vouch_error err;
    STRLEN length;
    const char *text = vxs_bytes(aTHX_ sv, "the URL", &length);

    vouch_error_clear(&err);
    if (vouch_url_parse(text, length, url_r, &err) != 0)
        vxs_throw(aTHX_ & err);
}

static void
store(pTHX_ HV *facts, const char *name, SV *value)
{
    (void) hv_store(facts, name, (I32) strlen(name), value, 0);
}

static void
store_part(pTHX_ HV *facts, const char *name, const struct vouch_url *url,
           struct vouch_url_part part)
{
    store(aTHX_ facts, name, newSVpvn(url->text + part.start, part.length));
}

/* What "%41" and the like stand for; the parser has seen to the digits. */
static SV *
decoded(pTHX_ const struct vouch_url *url, struct vouch_url_part part)
{
    SV *text = newSVpvn(url->text + part.start, part.length);
    long length = vouch_url_decode(SvPVX(text), part.length, SvPVX(text));

    SvCUR_set(text, length < 0 ? 0 : (STRLEN) length);
    *SvEND(text) = '\0';
    return text;
}

static HV *
url_facts(pTHX_ const struct vouch_url *url)
{
    HV *facts = newHV();

    store(aTHX_ facts, "text", newSVpvn(url->text, url->length));
    store(aTHX_ facts, "port", newSViv(vouch_url_port(url)));
    store_part(aTHX_ facts, "raw_path", url, url->path);
    if (url->has & VOUCH_URL_SCHEME)
        store(aTHX_ facts, "scheme", newSVpv(url->scheme, 0));
    if (url->has & VOUCH_URL_HOST)
        store(aTHX_ facts, "host", newSVpv(url->host, 0));
    if (url->has & VOUCH_URL_PORT)
        store(aTHX_ facts, "has_port", newSViv(1));
    if (url->has & VOUCH_URL_USERINFO)
        store(aTHX_ facts, "has_userinfo", newSViv(1));
    if (url->has & VOUCH_URL_FRAGMENT)
        store_part(aTHX_ facts, "fragment", url, url->fragment);
    if (url->has & VOUCH_URL_QUERY) {
        store_part(aTHX_ facts, "raw_query", url, url->query);
        store(aTHX_ facts, "query", decoded(aTHX_ url, url->query));
    }
    return facts;
}

SV *
vxs_url_facts(pTHX_ const struct vouch_url *url)
{
    return newRV_noinc((SV *) url_facts(aTHX_ url));
}

SV *
vxs_request_facts(pTHX_ const struct vouch_request *request)
{
    HV *facts;

    if (request == NULL)
        return newSV(0);
    facts = url_facts(aTHX_ & request->url);
    store(aTHX_ facts, "path", newSVpvn(request->path, request->path_length));
    if (request->titan) {
        store(aTHX_ facts, "is_titan", newSViv(1));
        store(aTHX_ facts, "raw_path",
              newSVpvn(request->url.text + request->url.path.start,
                       request->raw_path_length));
        store(aTHX_ facts, "is_edit", newSViv(request->body.edit));
        if (!request->body.edit)
            store(aTHX_ facts, "size", newSVuv((UV) request->body.size));
        store(aTHX_ facts, "mime", newSVpv(request->body.mime, 0));
        if (request->body.has_token)
            store(aTHX_ facts, "token", newSVpv(request->body.token, 0));
    }
    return newRV_noinc((SV *) facts);
}

SV *
vxs_request_reader_new(pTHX_ SV *hosts, IV port, int titan)
{
    struct vouch_request_reader *reader = NULL;
    struct vouch_error err;
    const char **names;
    SV **slot;
    AV *list;
    SSize_t count;
    SSize_t i;

    vouch_error_clear(&err);
    if (!SvROK(hosts) || SvTYPE(SvRV(hosts)) != SVt_PVAV)
        vxs_fail(aTHX_ VOUCH_E_ARGUMENT, "hosts: must be a list of names");
    list = (AV *) SvRV(hosts);
    count = av_len(list) + 1;
    if (count < 1 || count > VOUCH_REQUEST_HOSTS_MAX)
        vxs_fail(aTHX_ VOUCH_E_ARGUMENT, "hosts: no names, or too many");
    Newx(names, count, const char *);
    SAVEFREEPV(names);
    for (i = 0; i < count; i++) {
        slot = av_fetch(list, i, 0);
        names[i] = vxs_name(aTHX_ slot != NULL ? *slot : &PL_sv_undef,
                            "a name among hosts");
    }
    if (vouch_request_reader_new(names, (size_t) count,
                                 port < 0 || port > 65535 ? -1 : (int) port,
                                 titan, &reader, &err)
        != 0)
        vxs_throw(aTHX_ & err);
    return vxs_wrap(aTHX_ "Vouch::Gemini::RequestReader", reader,
                    PTR2IV(reader), &vxs_request_reader_vtbl);
}
