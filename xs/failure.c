/*
 * Failures in words: who, where, and what to do about it, by the names of
 * our arguments.  The causes are the core's: tls/failure.h.
 */
#include "bridge.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define MAKE_ONE "make one with: vouch cert --cn NAME --out STEM"

/*
 * Words of these texts that programs look for in $SSL_ERROR must not stand
 * in others: HTTP::Daemon::SSL takes any that has "http" in it for plain
 * HTTP.
 */
struct advice {
    enum vouch_cause cause;
    enum vouch_side side; /* who refused */
    enum vouch_role role; /* ours */
    const char *text;
};

#define OURS VOUCH_SIDE_OURS
#define THEIRS VOUCH_SIDE_THEIRS
#define SERVER VOUCH_SERVER
#define CLIENT VOUCH_CLIENT

static const struct advice advices[] = {
    {VOUCH_CAUSE_PLAIN_HTTP, OURS, SERVER,
     "the client speaks HTTP without TLS: it must use https:// here"},
    {VOUCH_CAUSE_PLAIN_HTTP, OURS, CLIENT,
     "this port speaks HTTP without TLS: use the one for https"},
    {VOUCH_CAUSE_PROTOCOL, OURS, SERVER,
     "the client offers no TLS version that SSL_version allows (by default "
     "TLS 1.2 and 1.3): update it"},
    {VOUCH_CAUSE_PROTOCOL, OURS, CLIENT,
     "the server chose a TLS version that SSL_version does not allow (by "
     "default TLS 1.2 and 1.3 are): update it"},
    {VOUCH_CAUSE_PROTOCOL, THEIRS, SERVER,
     "the client does not take the TLS versions of this server: see "
     "SSL_version"},
    {VOUCH_CAUSE_PROTOCOL, THEIRS, CLIENT,
     "the server does not take the TLS versions offered to it: see "
     "SSL_version"},
    {VOUCH_CAUSE_CIPHER, OURS, SERVER,
     "the client offers no cipher, group or signature that this server has: "
     "see SSL_cipher_list, SSL_ciphersuites, SSL_ecdh_curve and the kind of "
     "key in SSL_key_file"},
    {VOUCH_CAUSE_CIPHER, OURS, CLIENT,
     "no cipher, group or signature is left, or the server chose one that "
     "was not offered: see SSL_cipher_list, SSL_ciphersuites and "
     "SSL_ecdh_curve"},
    {VOUCH_CAUSE_CIPHER, THEIRS, SERVER,
     "the client found no cipher, group or signature it has: see "
     "SSL_cipher_list, SSL_ciphersuites, SSL_ecdh_curve and the kind of key "
     "in SSL_key_file"},
    {VOUCH_CAUSE_CIPHER, THEIRS, CLIENT,
     "the server found no cipher, group or signature in common (see "
     "SSL_cipher_list, SSL_ciphersuites, SSL_ecdh_curve), or wants another "
     "SSL_hostname"},
    {VOUCH_CAUSE_ALPN, OURS, SERVER,
     "the client offers other application protocols than "
     "SSL_alpn_protocols"},
    {VOUCH_CAUSE_ALPN, THEIRS, CLIENT,
     "the server has none of the application protocols in "
     "SSL_alpn_protocols"},
    {VOUCH_CAUSE_UNTRUSTED, OURS, SERVER,
     "the client's certificate is self-signed or of an authority not known "
     "here: trust that with SSL_ca_file, pin the client with "
     "SSL_fingerprint, or take any with SSL_verify_mode => VOUCH_VERIFY_ANY"},
    {VOUCH_CAUSE_UNTRUSTED, OURS, CLIENT,
     "the server's certificate is self-signed or of an authority not known "
     "here: trust that with SSL_ca_file, or pin the server with "
     "SSL_fingerprint"},
    {VOUCH_CAUSE_UNTRUSTED, THEIRS, SERVER,
     "the client does not know the authority of our certificate: it must "
     "trust that, or our certificate itself; are all intermediate ones in "
     "SSL_cert_file?"},
    {VOUCH_CAUSE_UNTRUSTED, THEIRS, CLIENT,
     "the server does not accept our certificate: it must trust its "
     "authority, or know its fingerprint"},
    {VOUCH_CAUSE_EXPIRED, OURS, SERVER,
     "the client needs a certificate with new dates; or the clock here is "
     "wrong"},
    {VOUCH_CAUSE_EXPIRED, OURS, CLIENT,
     "the server needs a certificate with new dates; or the clock here is "
     "wrong"},
    {VOUCH_CAUSE_EXPIRED, THEIRS, SERVER,
     "the certificate in SSL_cert_file is over: renew it, for example with: "
     "vouch cert --renew STEM"},
    {VOUCH_CAUSE_EXPIRED, THEIRS, CLIENT,
     "the certificate in SSL_cert_file is over: renew it, for example with: "
     "vouch cert --renew STEM"},
    {VOUCH_CAUSE_NOT_YET_VALID, OURS, SERVER,
     "the client's certificate is not valid yet: is the clock right, here "
     "and where it was made?"},
    {VOUCH_CAUSE_NOT_YET_VALID, OURS, CLIENT,
     "the server's certificate is not valid yet: is the clock right, here "
     "and where it was made?"},
    {VOUCH_CAUSE_NOT_YET_VALID, THEIRS, SERVER,
     "the certificate in SSL_cert_file is not valid yet: is the clock "
     "right, here and where it was made?"},
    {VOUCH_CAUSE_NOT_YET_VALID, THEIRS, CLIENT,
     "the certificate in SSL_cert_file is not valid yet: is the clock "
     "right, here and where it was made?"},
    {VOUCH_CAUSE_NAME, OURS, CLIENT,
     "the server's certificate is for other names (vouch check shows them): "
     "connect by one of these, or name it in SSL_verifycn_name"},
    {VOUCH_CAUSE_NAME, THEIRS, SERVER,
     "the certificate in SSL_cert_file is not for the name the client asked "
     "for: make one that has it, for example with: vouch cert --san NAME"},
    {VOUCH_CAUSE_NAME, THEIRS, CLIENT,
     "the server does not know the name it was asked for: see SSL_hostname"},
    {VOUCH_CAUSE_PURPOSE, OURS, SERVER,
     "the client's certificate, or one above it, is not made for clients: "
     "see its extended key usage"},
    {VOUCH_CAUSE_PURPOSE, OURS, CLIENT,
     "the server's certificate, or one above it, is not made for servers: "
     "see its extended key usage"},
    {VOUCH_CAUSE_PURPOSE, THEIRS, SERVER,
     "the certificate in SSL_cert_file is not of a kind, or for a use, that "
     "the client takes"},
    {VOUCH_CAUSE_PURPOSE, THEIRS, CLIENT,
     "the certificate in SSL_cert_file is not of a kind, or for a use, that "
     "the server takes"},
    {VOUCH_CAUSE_WEAK, OURS, SERVER,
     "a key or a signature of the client is too weak for OpenSSL's security "
     "level: it needs a new certificate"},
    {VOUCH_CAUSE_WEAK, OURS, CLIENT,
     "a key or a signature of the server is too weak for OpenSSL's security "
     "level: it needs a new certificate"},
    {VOUCH_CAUSE_REVOKED, OURS, SERVER,
     "its authority has revoked the client's certificate, or SSL_crl_file "
     "has no list of that authority that is valid now"},
    {VOUCH_CAUSE_REVOKED, OURS, CLIENT,
     "its authority has revoked the server's certificate, or SSL_crl_file "
     "has no list of that authority that is valid now"},
    {VOUCH_CAUSE_REVOKED, THEIRS, SERVER,
     "the certificate in SSL_cert_file has been revoked: a new one is "
     "needed"},
    {VOUCH_CAUSE_REVOKED, THEIRS, CLIENT,
     "the certificate in SSL_cert_file has been revoked: a new one is "
     "needed"},
    {VOUCH_CAUSE_STAPLE, OURS, CLIENT,
     "the server must send an OCSP staple that is right, or none if none is "
     "demanded: see SSL_ocsp_mode"},
    {VOUCH_CAUSE_STAPLE, THEIRS, SERVER,
     "the client does not accept the OCSP staple, or wants one"},
    {VOUCH_CAUSE_NOT_PINNED, OURS, SERVER,
     "if this client may come in, add its fingerprint to SSL_fingerprint"},
    {VOUCH_CAUSE_NOT_PINNED, OURS, CLIENT,
     "if this is the right server, add its fingerprint to SSL_fingerprint; "
     "if not, somebody may be in between"},
    {VOUCH_CAUSE_CALLBACK, OURS, SERVER,
     "SSL_verify_callback must return 1 for who may come in"},
    {VOUCH_CAUSE_CALLBACK, OURS, CLIENT,
     "SSL_verify_callback must return 1 for who is the right server"},
    {VOUCH_CAUSE_REFUSED, OURS, SERVER,
     "the client needs another certificate"},
    {VOUCH_CAUSE_REFUSED, OURS, CLIENT,
     "the server needs another certificate"},
    {VOUCH_CAUSE_REFUSED, THEIRS, SERVER,
     "the client does not accept our certificate and does not say why: look "
     "at its names and dates, and ask there"},
    {VOUCH_CAUSE_REFUSED, THEIRS, CLIENT,
     "the server does not accept us and does not say why: it may know others "
     "by their fingerprints; ask there"},
    {VOUCH_CAUSE_BAD_PAIR, OURS, SERVER,
     "the client's key does not belong to the certificate it shows, or the "
     "bytes were changed on the way"},
    {VOUCH_CAUSE_BAD_PAIR, OURS, CLIENT,
     "the server's key does not belong to the certificate it shows, or the "
     "bytes were changed on the way"},
    {VOUCH_CAUSE_BAD_PAIR, THEIRS, SERVER,
     "to the client our key does not seem to belong to our certificate: were "
     "SSL_cert_file and SSL_key_file made together?"},
    {VOUCH_CAUSE_BAD_PAIR, THEIRS, CLIENT,
     "to the server our key does not seem to belong to our certificate: were "
     "SSL_cert_file and SSL_key_file made together?"},
    {VOUCH_CAUSE_NO_CERTIFICATE, OURS, SERVER,
     "the client must show a certificate (" MAKE_ONE "); to let others in "
     "too, leave out SSL_VERIFY_FAIL_IF_NO_PEER_CERT"},
    {VOUCH_CAUSE_NO_CERTIFICATE, OURS, CLIENT,
     "the server has shown no certificate: see SSL_cipher_list"},
    {VOUCH_CAUSE_NO_CERTIFICATE, THEIRS, CLIENT,
     "the server wants a certificate of us: give SSL_cert_file and "
     "SSL_key_file (" MAKE_ONE ")"},
    {VOUCH_CAUSE_CLOSED, THEIRS, SERVER,
     "the client went without giving a reason: it may be a health check or a "
     "port scanner, or may not like our certificate"},
    {VOUCH_CAUSE_CLOSED, THEIRS, CLIENT,
     "the server closed without giving a reason: is TLS spoken on this port, "
     "and is SSL_hostname a name it knows?"},
    {VOUCH_CAUSE_RESET, THEIRS, SERVER,
     "the client, or something in between, broke the connection: it may be a "
     "port scanner, or may not like our certificate"},
    {VOUCH_CAUSE_RESET, THEIRS, CLIENT,
     "the server, or something in between, broke the connection: is TLS "
     "spoken on this port?"},
};

/* For what is not TLS, and is sent to us in a role. */
static const struct {
    enum vouch_speech speech;
    enum vouch_role role;
    const char *text;
} speech_advices[] = {
    {VOUCH_SPEECH_CLIENT, CLIENT,
     "the other end is a TLS client too: one of both must have SSL_server"},
    {VOUCH_SPEECH_SERVER, SERVER,
     "the other end is a TLS server too: one of both must be a client"},
    {VOUCH_SPEECH_SSH, CLIENT, "this is the port of an SSH server"},
    {VOUCH_SPEECH_GREETING, CLIENT,
     "this server (for mail, files or news) begins in plain text: use its "
     "TLS port, or start_SSL after its STARTTLS"},
    {VOUCH_SPEECH_POP3, CLIENT,
     "this POP3 server begins in plain text: use its TLS port (usually 995), "
     "or start_SSL after its STLS"},
    {VOUCH_SPEECH_IMAP, CLIENT,
     "this IMAP server begins in plain text: use its TLS port (usually 993), "
     "or start_SSL after its STARTTLS"},
    {VOUCH_SPEECH_PROXY, SERVER,
     "a proxy sends a PROXY header before TLS: switch that off there, or "
     "read it before start_SSL"},
};

static const char *
speech_advice(const struct vouch_failure *failure)
{
    size_t i;

    for (i = 0; i < COUNT(speech_advices); i++) {
        if (speech_advices[i].speech == failure->speech
            && speech_advices[i].role == failure->role)
            return speech_advices[i].text;
    }
    return failure->role == SERVER
               ? "the client does not speak TLS: is it one for another port?"
               : "what answers does not speak TLS: is this the right port?";
}

/* Nobody refused; something did not come. */
static const char *
timeout_advice(const struct vouch_failure *failure)
{
    if (failure->speech != VOUCH_SPEECH_NOTHING)
        return "the other end began and did not go on: is it busy, or the "
               "network slow?";
    return failure->role == SERVER
               ? "the client has said nothing: it may wait for a greeting in "
                 "plain text, or be a health check or a port scanner"
               : "the server has said nothing: is TLS spoken on this port "
                 "from the beginning?";
}

static const char *
advice_for(const struct vouch_failure *failure)
{
    size_t i;

    if (failure->cause == VOUCH_CAUSE_NOT_TLS)
        return speech_advice(failure);
    if (failure->cause == VOUCH_CAUSE_TIMEOUT)
        return timeout_advice(failure);
    if (failure->established
        && (failure->cause == VOUCH_CAUSE_CLOSED
            || failure->cause == VOUCH_CAUSE_RESET))
        return "";
    for (i = 0; i < COUNT(advices); i++) {
        if (advices[i].cause == failure->cause
            && advices[i].side == failure->side
            && advices[i].role == failure->role)
            return advices[i].text;
    }
    return "";
}

/* "unknown_ca" reads "unknown ca". */
static void
append_words(pTHX_ SV *text, const char *name)
{
    for (; *name != '\0'; name++)
        sv_catpvn(text, *name == '_' ? " " : name, 1);
}

/* Who refused, where somebody did. */
static void
append_side(pTHX_ SV *text, const struct vouch_failure *failure)
{
    const char *peer = failure->role == SERVER ? "client" : "server";

    if (failure->side == OURS)
        sv_catpvs(text, ", refused by us");
    else if (failure->side == THEIRS && failure->alert >= 0)
        sv_catpvf(text, ", refused by the %s", peer);
    if (failure->alert < 0)
        return;
    sv_catpvs(text, " with the alert ");
    append_words(aTHX_ text, vouch_alert_name(failure->alert));
}

static SV *
details_of(pTHX_ const struct vouch_failure *failure)
{
    const char *hint = advice_for(failure);
    SV *text =
        newSVpvf("%s%s%s", failure->role == SERVER ? "client" : "server",
                 failure->peer[0] == '\0' ? "" : " ", failure->peer);

    if (failure->server_name[0] != '\0')
        sv_catpvf(text, " (name %s)", failure->server_name);
    append_side(aTHX_ text, failure);
    if (hint[0] != '\0')
        sv_catpvf(text, "; hint: %s", hint);
    return text;
}

const char *
vxs_failure_text(pTHX_ const struct vouch_conn *conn)
{
    const struct vouch_error *err = vouch_conn_error(conn);
    struct vouch_failure failure;

    if (err->code == VOUCH_E_ARGUMENT || err->code == VOUCH_E_MEMORY)
        return err->text;
    vouch_conn_failure(conn, &failure);
    return Perl_form(aTHX_ "%s; %" SVf, err->text,
                     SVfARG(sv_2mortal(details_of(aTHX_ & failure))));
}

static void
put(pTHX_ HV *hash, const char *name, SV *value)
{
    if (hv_store(hash, name, (I32) strlen(name), value, 0) == NULL)
        SvREFCNT_dec(value);
}

/* A text, or nothing for an empty one. */
static void
put_text(pTHX_ HV *hash, const char *name, const char *text)
{
    if (text[0] != '\0')
        put(aTHX_ hash, name, newSVpv(text, 0));
}

SV *
vxs_failure_facts(pTHX_ const struct vouch_error *err,
                  const struct vouch_failure *failure)
{
    HV *hash = newHV();
    SV *facts = newRV_noinc((SV *) hash);

    put_text(aTHX_ hash, "code",
             err->code == VOUCH_OK ? "timeout" : vouch_code_name(err->code));
    put_text(aTHX_ hash, "message", err->text);
    put(aTHX_ hash, "errno", newSViv(err->sys_errno));
    put(aTHX_ hash, "library", newSVuv(err->lib_code));
    if (failure == NULL)
        return facts;
    put_text(aTHX_ hash, "cause", vouch_cause_name(failure->cause));
    put_text(aTHX_ hash, "side", vouch_side_name(failure->side));
    put_text(aTHX_ hash, "alert", vouch_alert_name(failure->alert));
    put_text(aTHX_ hash, "peer", failure->peer);
    put_text(aTHX_ hash, "server_name", failure->server_name);
    put_text(aTHX_ hash, "hint", advice_for(failure));
    put(aTHX_ hash, "details", details_of(aTHX_ failure));
    return facts;
}
