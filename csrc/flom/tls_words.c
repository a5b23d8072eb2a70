/*
 * Failures of TLS in words that name FLoM's options.
 */
#include "flom/tls_words.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tls/connection.h"

int
vouch_flom_is_tls(const unsigned char *first, size_t length)
{
    /* A record of an alert or of a handshake, of any version of TLS. */
    return length >= 2 && (first[0] == 21 || first[0] == 22) && first[1] == 3;
}

struct words {
    enum vouch_cause cause;
    const char *ours;
    const char *theirs;
};

static const struct words WORDS[] = {
    {VOUCH_CAUSE_PROTOCOL, "the peer speaks no version of TLS from 1.2 on",
     "the peer does not speak the versions of TLS that this side does"},
    {VOUCH_CAUSE_CIPHER, "there is no cipher that both sides have",
     "there is no cipher that both sides have"},
    {VOUCH_CAUSE_ALPN, "the peer is for another protocol than FLoM's",
     "the peer is for another protocol than FLoM's"},
    {VOUCH_CAUSE_UNTRUSTED,
     "the authority of --tls-ca-certificate has not signed the peer's "
     "certificate",
     "the peer's --tls-ca-certificate is not the authority that has signed "
     "our certificate"},
    {VOUCH_CAUSE_EXPIRED,
     "the peer's certificate has expired, or the clock here is wrong",
     "our certificate has expired, says the peer: renew it, or set the "
     "clocks"},
    {VOUCH_CAUSE_NOT_YET_VALID,
     "the peer's certificate is not valid yet: is a clock wrong?",
     "our certificate is not valid yet, says the peer: is a clock wrong?"},
    {VOUCH_CAUSE_NAME,
     "the daemon's certificate is not for the one that --tls-peer-name names",
     "our certificate is not for the name that the peer wants"},
    {VOUCH_CAUSE_PURPOSE,
     "the peer's certificate is not made for this use: it must allow TLS "
     "servers and clients",
     "our certificate is not made for this use, says the peer: it must allow "
     "TLS servers and clients"},
    {VOUCH_CAUSE_WEAK, "a key or a signature of the peer's is too weak",
     "a key or a signature of ours is too weak, says the peer"},
    {VOUCH_CAUSE_REVOKED, "the peer's certificate is revoked",
     "our certificate is revoked, says the peer"},
    {VOUCH_CAUSE_REFUSED, "the peer's certificate was refused",
     "the peer does not accept our certificate"},
    {VOUCH_CAUSE_BAD_PAIR, "the peer has not the key of its certificate",
     "our certificate and --tls-private-key do not belong together, says the "
     "peer"},
    {VOUCH_CAUSE_NO_CERTIFICATE,
     "the peer has shown no certificate: it needs --tls-certificate and "
     "--tls-private-key",
     "the peer wants a certificate: give --tls-certificate and "
     "--tls-private-key"},
    {VOUCH_CAUSE_RESET, "the peer broke the connection off",
     "the peer broke the connection off"},
};

/* What is no TLS, or nothing at all, depends on who asks. */
static const char *
other_speech(enum vouch_cause cause, enum vouch_role role)
{
    int client = role == VOUCH_CLIENT;

    switch (cause) {
    case VOUCH_CAUSE_NOT_TLS:
    case VOUCH_CAUSE_PLAIN_HTTP:
        return client ? "the daemon speaks no TLS: leave the --tls options "
                        "out, or start it with them"
                      : "the client speaks no TLS: it needs the --tls "
                        "options, as this daemon has them";
    case VOUCH_CAUSE_TIMEOUT:
        return client ? "the daemon does not answer in TLS: was it started "
                        "with the --tls options?"
                      : "no TLS handshake in time";
    case VOUCH_CAUSE_CLOSED:
        return client ? "the daemon closed the connection: it may speak no "
                        "TLS, or not like our certificate; see its log"
                      : "the client closed the connection";
    default:
        return "";
    }
}

const char *
vouch_flom_tls_advice(enum vouch_cause cause, int ours, enum vouch_role role)
{
    size_t i;

    for (i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (WORDS[i].cause == cause)
            return ours ? WORDS[i].ours : WORDS[i].theirs;
    }
    return other_speech(cause, role);
}

/* A list that is not there refuses as well as one that says so. */
static const char *
revocation(const struct vouch_conn *conn)
{
    const char *why = vouch_verify_error_text(vouch_conn_verdict(conn)->error);

    if (strcmp(why, "unable to get certificate CRL") == 0)
        return "--tls-crl holds no list of an authority of the peer's "
               "certificate";
    if (strcmp(why, "CRL has expired") == 0)
        return "a list in --tls-crl has expired: get a new one";
    if (strcmp(why, "CRL is not yet valid") == 0)
        return "a list in --tls-crl is not valid yet: is the clock wrong?";
    return NULL;
}

void
vouch_flom_tls_explain(const struct vouch_conn *conn, char *text, size_t size)
{
    const char *openssl = vouch_conn_error_text(conn);
    struct vouch_failure failure;
    const char *advice = NULL;
    int ours;

    vouch_conn_failure(conn, &failure);
    ours = failure.side != VOUCH_SIDE_THEIRS;
    if (failure.cause == VOUCH_CAUSE_REVOKED && ours)
        advice = revocation(conn);
    if (advice == NULL)
        advice = vouch_flom_tls_advice(failure.cause, ours, failure.role);
    if (*advice == '\0')
        (void) snprintf(text, size, "%s", openssl);
    else if (*openssl == '\0')
        (void) snprintf(text, size, "%s", advice);
    else
        (void) snprintf(text, size, "%s (%s)", advice, openssl);
}
