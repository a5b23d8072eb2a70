/*
 * tls/failure: the cause of a failure from its facts, as a table; names;
 * and what connections know of theirs.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/failure.h"
#include "tls/private.h"
#include "tls_pair.h"

#define SSL_CODE(reason) ERR_PACK(ERR_LIB_SSL, 0, (reason))
#define ALERT_CODE(alert) ERR_PACK(ERR_LIB_SSL, 0, 1000 + (alert))
#define VERIFY_CODE SSL_CODE(SSL_R_CERTIFICATE_VERIFY_FAILED)

/* Text may hold NUL; its length comes with it. */
#define SAYS(text) (const unsigned char *) (text), sizeof(text) - 1

struct speech_row {
    enum vouch_role role;
    const unsigned char *first;
    size_t length;
    enum vouch_speech speech;
    const char *name;
};

#define S VOUCH_SERVER
#define C VOUCH_CLIENT

static const struct speech_row speeches[] = {
    {S, SAYS(""), VOUCH_SPEECH_NOTHING, "no byte"},
    {S, SAYS("GE"), VOUCH_SPEECH_NOTHING, "two bytes"},
    {S, SAYS("GET"), VOUCH_SPEECH_TEXT, "three bytes"},
    {S, SAYS("\x16\3\1\0\x80\1"), VOUCH_SPEECH_TLS, "a client to us"},
    {C, SAYS("\x16\3\3\0\x80\2"), VOUCH_SPEECH_TLS, "a server to us"},
    {C, SAYS("\x16\3\1\0\x80\1"), VOUCH_SPEECH_CLIENT, "a client to a client"},
    {S, SAYS("\x16\3\3\0\x80\2"), VOUCH_SPEECH_SERVER, "a server to a server"},
    {C, SAYS("\x16\3\1\0\x80"), VOUCH_SPEECH_TLS, "a record's head"},
    {C, SAYS("\x15\3\3\0\2\2\x28"), VOUCH_SPEECH_TLS, "an alert"},
    {S, SAYS("\x14\3\3"), VOUCH_SPEECH_TLS, "the lowest kind of record"},
    {S, SAYS("\x18\3\3"), VOUCH_SPEECH_TLS, "the highest"},
    {S, SAYS("\x13\3\3"), VOUCH_SPEECH_BYTES, "below"},
    {S, SAYS("\x19\3\3"), VOUCH_SPEECH_BYTES, "above"},
    {S, SAYS("\x16\2\0"), VOUCH_SPEECH_BYTES, "another version"},
    {S, SAYS("\x80\x2e\1\0\2"), VOUCH_SPEECH_TLS, "SSL 2"},
    {S, SAYS("GET / HTTP/1.1\r\n"), VOUCH_SPEECH_HTTP, "GET"},
    {S, SAYS("HEAD /"), VOUCH_SPEECH_HTTP, "HEAD"},
    {S, SAYS("OPTIONS * HTTP/1"), VOUCH_SPEECH_HTTP, "OPTIONS"},
    {S, SAYS("DELETE /x"), VOUCH_SPEECH_HTTP, "DELETE"},
    {S, SAYS("PRI * HTTP/2.0\r\n"), VOUCH_SPEECH_HTTP, "HTTP/2"},
    {S, SAYS("CONNE"), VOUCH_SPEECH_HTTP, "five bytes of CONNECT"},
    {S, SAYS("PROXY"), VOUCH_SPEECH_PROXY, "five bytes of PROXY"},
    {C, SAYS("HTTP/1.1 400 Bad"), VOUCH_SPEECH_HTTP, "an answer of HTTP"},
    {S, SAYS("GETTER"), VOUCH_SPEECH_TEXT, "no GET"},
    {C, SAYS("SSH-2.0-OpenSSH_"), VOUCH_SPEECH_SSH, "SSH"},
    {C, SAYS("220 mail.example"), VOUCH_SPEECH_GREETING, "SMTP"},
    {C, SAYS("220-ftp.example "), VOUCH_SPEECH_GREETING, "FTP"},
    {C, SAYS("200 news"), VOUCH_SPEECH_GREETING, "NNTP"},
    {C, SAYS("220"), VOUCH_SPEECH_TEXT, "three digits alone"},
    {C, SAYS("2200 x"), VOUCH_SPEECH_TEXT, "four digits"},
    {C, SAYS("+OK ready"), VOUCH_SPEECH_POP3, "POP3"},
    {C, SAYS("* OK [CAPABILITY"), VOUCH_SPEECH_IMAP, "IMAP"},
    {S, SAYS("PROXY TCP4 1.2.3"), VOUCH_SPEECH_PROXY, "PROXY"},
    {S, SAYS("\r\n\r\n\0\r\nQUIT\n"), VOUCH_SPEECH_PROXY, "PROXY, version 2"},
    {S, SAYS("gemini://x/\r\n"), VOUCH_SPEECH_TEXT, "text"},
    {S, SAYS("a\tb\r\n"), VOUCH_SPEECH_TEXT, "text with a tab"},
    {S, SAYS("a\0b"), VOUCH_SPEECH_BYTES, "a NUL in it"},
    {S, SAYS("\xff\xff\xff\xff"), VOUCH_SPEECH_BYTES, "no text"},
    {C, SAYS("J\0\0\0\n8.0.3"), VOUCH_SPEECH_BYTES, "a database"},
};

struct row {
    const char *name;
    enum vouch_role role;
    enum vouch_code code;
    unsigned long lib_code;
    int number; /* alert received, X509_V_ERR_..., or errno */
    enum vouch_decided_by by;
    int asked;     /* a client that was asked ... */
    int has_cert;  /* ... and has a certificate */
    int own_fault; /* X509_V_ERR_... */
    const char *first;
    enum vouch_cause cause;
    enum vouch_side side;
};

#define HELLO "\x16\3\1\0\x80\1"
#define ANSWER "\x16\3\3\0\x80\2"
#define OURS VOUCH_SIDE_OURS
#define THEIRS VOUCH_SIDE_THEIRS
#define NOBODY VOUCH_SIDE_NOBODY

/* What an alert is taken for, in a role of ours. */
#define ALERT(role, alert, asked, has, fault, cause) \
    { \
#role " alert " #alert " " #asked #has " " #fault, (role), \
            VOUCH_E_ALERT, ALERT_CODE(alert), (alert), VOUCH_BY_NOBODY, \
            (asked), (has), (fault), (role) == C ? ANSWER : HELLO, \
            VOUCH_CAUSE_##cause, THEIRS \
    }

/* A reason of ours. */
#define REASON(role, reason, cause) \
    { \
#role " " #reason, (role), VOUCH_E_TLS, SSL_CODE(SSL_R_##reason), 0, \
            VOUCH_BY_NOBODY, 0, 1, 0, (role) == C ? ANSWER : HELLO, \
            VOUCH_CAUSE_##cause, OURS \
    }

/* A certificate that we refused. */
#define VERIFY(by, fault, cause) \
    { \
        "verify " #by " " #fault, S, VOUCH_E_VERIFY, VERIFY_CODE, \
            X509_V_ERR_##fault, VOUCH_BY_##by, 0, 1, 0, HELLO, \
            VOUCH_CAUSE_##cause, OURS \
    }

/* Another end. */
#define END(role, code, number, first, cause, side) \
    { \
#role " " #code " " #number " " #first, (role), (code), 0, (number), \
            VOUCH_BY_NOBODY, 0, 1, 0, (first), VOUCH_CAUSE_##cause, (side) \
    }

static const struct row rows[] = {
    /* HTTP, and what is not TLS at all: whatever OpenSSL calls it. */
    REASON(S, HTTP_REQUEST, PLAIN_HTTP),
    REASON(S, HTTPS_PROXY_REQUEST, PLAIN_HTTP),
    END(S, VOUCH_E_TLS, 0, "OPTIONS * H", PLAIN_HTTP, OURS),
    END(C, VOUCH_E_TLS, 0, "HTTP/1.1 400", PLAIN_HTTP, OURS),
    END(C, VOUCH_E_TLS, 0, "SSH-2.0-x", NOT_TLS, OURS),
    END(C, VOUCH_E_TLS, 0, "220 x ESMTP", NOT_TLS, OURS),
    END(C, VOUCH_E_CLOSED, 0, "+OK", NOT_TLS, THEIRS),
    END(C, VOUCH_OK, 0, "* OK", NOT_TLS, NOBODY),
    END(C, VOUCH_E_TLS, 0, HELLO, NOT_TLS, OURS),
    END(S, VOUCH_E_TLS, 0, "\1\2\3\4\5", NOT_TLS, OURS),
    /* Versions. */
    REASON(S, UNSUPPORTED_PROTOCOL, PROTOCOL),
    REASON(C, UNSUPPORTED_PROTOCOL, PROTOCOL),
    REASON(C, WRONG_VERSION_NUMBER, PROTOCOL),
    REASON(S, INAPPROPRIATE_FALLBACK, PROTOCOL),
    ALERT(C, 70, 0, 0, 0, PROTOCOL),
    ALERT(S, 70, 0, 0, 0, PROTOCOL),
    ALERT(C, 86, 0, 0, 0, PROTOCOL),
    /* Ciphers. */
    REASON(S, NO_SHARED_CIPHER, CIPHER),
    REASON(S, NO_SUITABLE_SIGNATURE_ALGORITHM, CIPHER),
    REASON(S, NO_SUITABLE_KEY_SHARE, CIPHER),
    REASON(C, NO_CIPHERS_AVAILABLE, CIPHER),
    ALERT(C, 40, 0, 0, 0, CIPHER),
    ALERT(C, 40, 0, 1, 0, CIPHER),
    ALERT(S, 40, 0, 1, 0, CIPHER),
    ALERT(C, 71, 0, 0, 0, CIPHER),
    /* Application protocols. */
    REASON(S, NO_APPLICATION_PROTOCOL, ALPN),
    ALERT(C, 120, 0, 0, 0, ALPN),
    /* Unknown authority. */
    VERIFY(CHAIN, DEPTH_ZERO_SELF_SIGNED_CERT, UNTRUSTED),
    VERIFY(CHAIN, SELF_SIGNED_CERT_IN_CHAIN, UNTRUSTED),
    VERIFY(CHAIN, UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNTRUSTED),
    VERIFY(CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNTRUSTED),
    VERIFY(CHAIN, INVALID_CA, UNTRUSTED),
    ALERT(C, 48, 1, 1, 0, UNTRUSTED),
    ALERT(S, 48, 0, 1, 0, UNTRUSTED),
    ALERT(S, 46, 0, 1, 0, UNTRUSTED),
    /* Dates. */
    VERIFY(CHAIN, CERT_HAS_EXPIRED, EXPIRED),
    VERIFY(CHAIN, CERT_NOT_YET_VALID, NOT_YET_VALID),
    ALERT(C, 45, 1, 1, 0, EXPIRED),
    ALERT(S, 45, 0, 1, X509_V_ERR_CERT_HAS_EXPIRED, EXPIRED),
    ALERT(S, 42, 0, 1, X509_V_ERR_CERT_HAS_EXPIRED, EXPIRED),
    ALERT(S, 42, 0, 1, X509_V_ERR_CERT_NOT_YET_VALID, NOT_YET_VALID),
    ALERT(S, 46, 0, 1, X509_V_ERR_CERT_HAS_EXPIRED, EXPIRED),
    /* Names. */
    VERIFY(CHAIN, HOSTNAME_MISMATCH, NAME),
    VERIFY(CHAIN, IP_ADDRESS_MISMATCH, NAME),
    ALERT(S, 42, 0, 1, X509_V_ERR_HOSTNAME_MISMATCH, NAME),
    ALERT(S, 48, 0, 1, X509_V_ERR_HOSTNAME_MISMATCH, UNTRUSTED),
    ALERT(C, 112, 0, 0, 0, NAME),
    /* Other faults of certificates. */
    VERIFY(CHAIN, INVALID_PURPOSE, PURPOSE),
    ALERT(S, 43, 0, 1, 0, PURPOSE),
    VERIFY(CHAIN, CERT_REVOKED, REVOKED),
    VERIFY(CHAIN, UNABLE_TO_GET_CRL, REVOKED),
    ALERT(C, 44, 1, 1, 0, REVOKED),
    VERIFY(CHAIN, OCSP_VERIFY_FAILED, STAPLE),
    ALERT(S, 113, 0, 1, 0, STAPLE),
    VERIFY(CHAIN, EE_KEY_TOO_SMALL, WEAK),
    VERIFY(CHAIN, CA_MD_TOO_WEAK, WEAK),
    REASON(C, EE_KEY_TOO_SMALL, WEAK),
    VERIFY(CHAIN, UNSPECIFIED, REFUSED),
    ALERT(C, 42, 1, 1, 0, REFUSED),
    ALERT(C, 49, 0, 0, 0, REFUSED),
    /* Pins and callbacks. */
    VERIFY(PIN, CERT_REJECTED, NOT_PINNED),
    VERIFY(CALLBACK, DEPTH_ZERO_SELF_SIGNED_CERT, CALLBACK),
    VERIFY(CALLBACK, CERT_HAS_EXPIRED, CALLBACK),
    /* Key and certificate. */
    REASON(C, BAD_SIGNATURE, BAD_PAIR),
    REASON(S, WRONG_SIGNATURE_SIZE, BAD_PAIR),
    ALERT(C, 51, 1, 1, 0, BAD_PAIR),
    ALERT(S, 51, 0, 1, 0, BAD_PAIR),
    END(S, VOUCH_E_MISMATCH, 0, "", BAD_PAIR, OURS),
    {"the library for certificates", S, VOUCH_E_TLS,
     ERR_PACK(ERR_LIB_X509, 0, X509_R_KEY_VALUES_MISMATCH), 0, VOUCH_BY_NOBODY,
     0, 1, 0, "", VOUCH_CAUSE_BAD_PAIR, OURS},
    /* No certificate: servers have five alerts for it. */
    REASON(S, PEER_DID_NOT_RETURN_A_CERTIFICATE, NO_CERTIFICATE),
    END(S, VOUCH_E_VERIFY, 0, HELLO, NO_CERTIFICATE, OURS),
    ALERT(C, 116, 1, 0, 0, NO_CERTIFICATE),
    ALERT(C, 40, 1, 0, 0, NO_CERTIFICATE),
    ALERT(C, 42, 1, 0, 0, NO_CERTIFICATE),
    ALERT(C, 46, 1, 0, 0, NO_CERTIFICATE),
    ALERT(C, 50, 1, 0, 0, NO_CERTIFICATE),
    ALERT(C, 50, 1, 1, 0, UNKNOWN),
    ALERT(C, 40, 1, 1, 0, CIPHER),
    /* Ends. */
    END(C, VOUCH_OK, 0, "", TIMEOUT, NOBODY),
    END(S, VOUCH_E_TIMEOUT, 0, HELLO, TIMEOUT, NOBODY),
    END(S, VOUCH_E_CLOSED, 0, "", CLOSED, THEIRS),
    END(C, VOUCH_E_CLOSED, 0, ANSWER, CLOSED, THEIRS),
    END(S, VOUCH_E_SYSTEM, ECONNRESET, HELLO, RESET, THEIRS),
    END(S, VOUCH_E_SYSTEM, EPIPE, HELLO, RESET, THEIRS),
    END(S, VOUCH_E_SYSTEM, EIO, HELLO, UNKNOWN, NOBODY),
    END(S, VOUCH_E_MEMORY, 0, HELLO, UNKNOWN, NOBODY),
    /* What nobody has a word for. */
    REASON(C, BAD_DIGEST_LENGTH, UNKNOWN),
    ALERT(C, 80, 1, 0, 0, UNKNOWN),
    ALERT(C, 255, 0, 0, 0, UNKNOWN),
    {"another library", S, VOUCH_E_TLS,
     ERR_PACK(ERR_LIB_ASN1, 0, SSL_R_NO_SHARED_CIPHER), 0, VOUCH_BY_NOBODY, 0,
     1, 0, HELLO, VOUCH_CAUSE_UNKNOWN, OURS},
};

static void
test_speeches(void)
{
    size_t i;

    for (i = 0; i < sizeof(speeches) / sizeof(speeches[0]); i++) {
        const struct speech_row *row = &speeches[i];

        is_text(vouch_speech_name(
                    vouch_speech_of(row->role, row->first, row->length)),
                vouch_speech_name(row->speech), row->name);
    }
}

static void
judge_row(const struct row *row, int established,
          struct vouch_failure *failure)
{
    struct vouch_failure_facts facts;

    memset(&facts, 0, sizeof(facts));
    facts.role = row->role;
    facts.code = row->code;
    facts.lib_code = row->lib_code;
    facts.established = established;
    facts.alert_sent = 99;
    facts.alert_received = row->code == VOUCH_E_ALERT ? row->number : -1;
    facts.sys_errno = row->code == VOUCH_E_SYSTEM ? row->number : 0;
    facts.verdict.by = row->by;
    facts.verdict.error = row->number;
    facts.asked = row->asked;
    facts.has_cert = row->has_cert;
    facts.own_fault = row->own_fault;
    facts.first = (const unsigned char *) row->first;
    facts.first_length = strlen(row->first);
    if (row->first[0] == '\x16')
        facts.first_length = sizeof(HELLO) - 1; /* with NULs in it */
    vouch_failure_judge(&facts, failure);
}

static void
check_row(const struct row *row)
{
    struct vouch_failure failure;
    int alert = -1;

    if (row->side == OURS)
        alert = 99;
    else if (row->code == VOUCH_E_ALERT)
        alert = row->number;
    judge_row(row, 0, &failure);
    is_text(vouch_cause_name(failure.cause), vouch_cause_name(row->cause),
            row->name);
    is_int(failure.side, row->side, "the side");
    is_int(failure.role, row->role, "our role");
    is_int(failure.alert, alert, "the alert of who refused");
    ok(failure.peer[0] == '\0' && failure.server_name[0] == '\0',
       "no texts yet");
}

static void
test_rows(void)
{
    struct vouch_failure failure;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
    judge_row(&rows[2], 1, &failure);
    is_text(vouch_cause_name(failure.cause), "unknown",
            "after the handshake the first bytes do not matter");
    is_int(failure.established, 1, "and it says so");
}

/* Each has a name of its own. */
static void
test_names(void)
{
    int i;

    for (i = 1; i < VOUCH_CAUSES; i++) {
        ok(strcmp(vouch_cause_name((enum vouch_cause) i), "unknown") != 0,
           vouch_cause_name((enum vouch_cause) i));
        ok(strcmp(vouch_cause_name((enum vouch_cause) i),
                  vouch_cause_name((enum vouch_cause)(i - 1)))
               != 0,
           "is not the one before");
    }
    for (i = 0; i < VOUCH_SPEECHES; i++)
        ok(strcmp(vouch_speech_name((enum vouch_speech) i), "unknown") != 0,
           vouch_speech_name((enum vouch_speech) i));
    is_text(vouch_cause_name(VOUCH_CAUSES), "unknown", "no cause");
    is_text(vouch_cause_name((enum vouch_cause) - 1), "unknown", "nor this");
    is_text(vouch_speech_name(VOUCH_SPEECHES), "unknown", "no speech");
    is_text(vouch_side_name(NOBODY), "", "nobody");
    is_text(vouch_side_name(OURS), "ours", "ours");
    is_text(vouch_side_name(THEIRS), "theirs", "theirs");
    is_text(vouch_side_name((enum vouch_side) 3), "unknown", "no side");
    is_text(vouch_alert_name(48), "unknown_ca", "an alert");
    is_text(vouch_alert_name(116), "certificate_required", "of TLS 1.3");
    is_text(vouch_alert_name(-1), "", "no alert");
    is_text(vouch_alert_name(254), "unknown", "none that exists");
}

static int
count_authority(const char *name, void *arg)
{
    int *left = arg;

    is_text(name, "/CN=Root", "its name");
    return --*left == 0;
}

/* Connections collect the facts themselves. */
static void
test_connection(int version)
{
    struct vouch_identity *alex = pair_identity("alex", NULL);
    struct vouch_config *server = pair_config(
        VOUCH_SERVER, alex, VOUCH_VERIFY_PEER | VOUCH_VERIFY_REQUIRED);
    struct vouch_config *client =
        pair_config(VOUCH_CLIENT, NULL, VOUCH_VERIFY_NONE);
    struct vouch_failure failure;
    struct pair *pair;
    char byte;

    pki_need(vouch_config_set_protocols(server, version, version, NULL) == 0,
             "a version");
    pair = pair_open(server, client);
    pki_need(vouch_conn_set_server_name(pair->client, "vouch.example") == 0,
             "a name");
    is_int(vouch_conn_is_asked(pair->client), 0, "not asked so far");
    ok(!pair_shake(pair), "the server wants a certificate");
    is_int(vouch_conn_is_asked(pair->client), 1, "the client was asked");
    is_int(vouch_conn_is_asked(pair->server), 0, "the server was not");
    vouch_conn_failure(pair->server, &failure);
    is_text(vouch_cause_name(failure.cause), "no_certificate", "the cause");
    is_int(failure.side, OURS, "the server refused");
    is_int(failure.alert, version == VOUCH_TLS1_3 ? 116 : 40, "told so");
    is_text(failure.server_name, "vouch.example", "the name asked for");
    is_text(failure.peer, "", "over a wire: no address");
    if (version == VOUCH_TLS1_3)
        is_int(vouch_conn_read(pair->client, &byte, 1), -1,
               "the client learns it when it reads");
    vouch_conn_failure(pair->client, &failure);
    is_text(vouch_cause_name(failure.cause), "no_certificate", "the cause");
    is_int(failure.side, THEIRS, "refused there");
    is_int(failure.established, version == VOUCH_TLS1_3, "after the end");
    is_int(failure.alert, version == VOUCH_TLS1_3 ? 116 : 40, "by alert");
    is_text(failure.server_name, "vouch.example", "the name asked for");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
    vouch_identity_free(alex);
}

/* A name with anything in it, from a client that does not care. */
static void
test_name_of_a_stranger(void)
{
    static const char sent[] = "a b\x1b[31m\xc3\xbc.example";
    struct vouch_identity *alex = pair_identity("alex", NULL);
    struct vouch_config *server =
        pair_config(VOUCH_SERVER, alex, VOUCH_VERIFY_NONE);
    struct vouch_config *client =
        pair_config(VOUCH_CLIENT, NULL, VOUCH_VERIFY_PEER);
    struct vouch_failure failure;
    struct pair *pair;

    pair_trust(client, NULL);
    pair = pair_open(server, client);
    pki_need(
        SSL_set_tlsext_host_name((SSL *) vouch_conn_ssl(pair->client), sent)
            == 1,
        "a name");
    ok(!pair_shake(pair), "the client refuses the server");
    vouch_conn_failure(pair->server, &failure);
    is_text(failure.server_name, "a?b?[31m??.example", "nothing else in it");
    is_text(vouch_cause_name(failure.cause), "untrusted", "the cause");
    is_int(failure.side, THEIRS, "refused there");
    is_text(vouch_alert_name(failure.alert), "unknown_ca", "by alert");
    vouch_conn_failure(pair->client, &failure);
    is_text(vouch_cause_name(failure.cause), "untrusted", "the cause here");
    is_int(failure.side, OURS, "refused here");
    is_text(vouch_alert_name(failure.alert), "unknown_ca", "the same alert");
    is_int(vouch_conn_is_asked(pair->client), 0, "nobody asked");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
    vouch_identity_free(alex);
}

static void
test_authorities(int version)
{
    struct vouch_identity *alex = pair_identity("alex", NULL);
    struct vouch_config *server =
        pair_config(VOUCH_SERVER, alex, VOUCH_VERIFY_ANY);
    struct vouch_config *client =
        pair_config(VOUCH_CLIENT, NULL, VOUCH_VERIFY_NONE);
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    X509_NAME *root = X509_NAME_new();
    struct pair *pair;
    int left = 10;

    pki_need(names != NULL && root != NULL
                 && X509_NAME_add_entry_by_txt(root, "CN", MBSTRING_ASC,
                                               (const unsigned char *) "Root",
                                               -1, -1, 0)
                 && sk_X509_NAME_push(names, root)
                 && sk_X509_NAME_push(names, X509_NAME_dup(root))
                 && vouch_config_set_protocols(server, version, version, NULL)
                        == 0,
             "two names");
    SSL_CTX_set_client_CA_list(server->ctx, names);
    pair = pair_open(server, client);
    ok(pair_shake(pair), "connected");
    is_int(vouch_conn_authorities(pair->client, count_authority, &left), 2,
           "both are told");
    left = 1;
    is_int(vouch_conn_authorities(pair->client, count_authority, &left), 1,
           "or as many as wanted");
    pair_close(pair);
    vouch_config_free(server);
    vouch_config_free(client);
    vouch_identity_free(alex);
}

int
main(void)
{
    test_speeches();
    test_rows();
    test_names();
    test_connection(VOUCH_TLS1_2);
    test_connection(VOUCH_TLS1_3);
    test_name_of_a_stranger();
    test_authorities(VOUCH_TLS1_2);
    test_authorities(VOUCH_TLS1_3);
    return tap_done();
}
