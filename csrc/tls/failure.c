/*
 * The cause of a failure, from facts.  No connection is touched here, and
 * no clock: see connection_failure.c for who collects them.
 */
#include "tls/failure.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct number_cause {
    int number;
    enum vouch_cause cause;
};

/* Alerts of the peer; the ones about certificates are about ours. */
static const struct number_cause alerts[] = {
    {SSL_AD_CLOSE_NOTIFY, VOUCH_CAUSE_CLOSED},
    {SSL_AD_HANDSHAKE_FAILURE, VOUCH_CAUSE_CIPHER},
    {SSL_AD_BAD_CERTIFICATE, VOUCH_CAUSE_REFUSED},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, VOUCH_CAUSE_PURPOSE},
    {SSL_AD_CERTIFICATE_REVOKED, VOUCH_CAUSE_REVOKED},
    {SSL_AD_CERTIFICATE_EXPIRED, VOUCH_CAUSE_EXPIRED},
    {SSL_AD_CERTIFICATE_UNKNOWN, VOUCH_CAUSE_UNTRUSTED},
    {SSL_AD_UNKNOWN_CA, VOUCH_CAUSE_UNTRUSTED},
    {SSL_AD_ACCESS_DENIED, VOUCH_CAUSE_REFUSED},
    {SSL_AD_DECRYPT_ERROR, VOUCH_CAUSE_BAD_PAIR},
    {SSL_AD_PROTOCOL_VERSION, VOUCH_CAUSE_PROTOCOL},
    {SSL_AD_INSUFFICIENT_SECURITY, VOUCH_CAUSE_CIPHER},
    {SSL_AD_INAPPROPRIATE_FALLBACK, VOUCH_CAUSE_PROTOCOL},
    {SSL_AD_UNRECOGNIZED_NAME, VOUCH_CAUSE_NAME},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, VOUCH_CAUSE_STAPLE},
    {SSL_AD_CERTIFICATE_REQUIRED, VOUCH_CAUSE_NO_CERTIFICATE},
    {SSL_AD_NO_APPLICATION_PROTOCOL, VOUCH_CAUSE_ALPN},
};

/* Reasons of OpenSSL, on our side. */
static const struct number_cause reasons[] = {
    {SSL_R_HTTP_REQUEST, VOUCH_CAUSE_PLAIN_HTTP},
    {SSL_R_HTTPS_PROXY_REQUEST, VOUCH_CAUSE_PLAIN_HTTP},
    {SSL_R_UNSUPPORTED_PROTOCOL, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_UNSUPPORTED_SSL_VERSION, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_UNKNOWN_PROTOCOL, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_UNKNOWN_SSL_VERSION, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_VERSION_TOO_LOW, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_VERSION_TOO_HIGH, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_WRONG_SSL_VERSION, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_WRONG_VERSION_NUMBER, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_BAD_PROTOCOL_VERSION_NUMBER, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_INAPPROPRIATE_FALLBACK, VOUCH_CAUSE_PROTOCOL},
    {SSL_R_NO_SHARED_CIPHER, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_CIPHERS_AVAILABLE, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_CIPHERS_SPECIFIED, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_CIPHER_MATCH, VOUCH_CAUSE_CIPHER},
    {SSL_R_UNKNOWN_CIPHER_RETURNED, VOUCH_CAUSE_CIPHER},
    {SSL_R_WRONG_CIPHER_RETURNED, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_SHARED_GROUPS, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_SUITABLE_GROUPS, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_SUITABLE_KEY_SHARE, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, VOUCH_CAUSE_CIPHER},
    {SSL_R_WRONG_CURVE, VOUCH_CAUSE_CIPHER},
    {SSL_R_WRONG_SIGNATURE_TYPE, VOUCH_CAUSE_CIPHER},
    {SSL_R_NO_APPLICATION_PROTOCOL, VOUCH_CAUSE_ALPN},
    {SSL_R_BAD_SIGNATURE, VOUCH_CAUSE_BAD_PAIR},
    {SSL_R_WRONG_SIGNATURE_LENGTH, VOUCH_CAUSE_BAD_PAIR},
    {SSL_R_WRONG_SIGNATURE_SIZE, VOUCH_CAUSE_BAD_PAIR},
    {SSL_R_NO_PRIVATE_KEY_ASSIGNED, VOUCH_CAUSE_BAD_PAIR},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, VOUCH_CAUSE_NO_CERTIFICATE},
    {SSL_R_INVALID_STATUS_RESPONSE, VOUCH_CAUSE_STAPLE},
    {SSL_R_EE_KEY_TOO_SMALL, VOUCH_CAUSE_WEAK},
    {SSL_R_CA_KEY_TOO_SMALL, VOUCH_CAUSE_WEAK},
    {SSL_R_CA_MD_TOO_WEAK, VOUCH_CAUSE_WEAK},
    {SSL_R_DH_KEY_TOO_SMALL, VOUCH_CAUSE_WEAK},
};

/* What is wrong with a certificate. */
static const struct number_cause faults[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_CERT_UNTRUSTED, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_INVALID_CA, VOUCH_CAUSE_UNTRUSTED},
    {X509_V_ERR_CERT_HAS_EXPIRED, VOUCH_CAUSE_EXPIRED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, VOUCH_CAUSE_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, VOUCH_CAUSE_NOT_YET_VALID},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, VOUCH_CAUSE_NOT_YET_VALID},
    {X509_V_ERR_HOSTNAME_MISMATCH, VOUCH_CAUSE_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, VOUCH_CAUSE_NAME},
    {X509_V_ERR_EMAIL_MISMATCH, VOUCH_CAUSE_NAME},
    {X509_V_ERR_INVALID_PURPOSE, VOUCH_CAUSE_PURPOSE},
    {X509_V_ERR_CERT_REVOKED, VOUCH_CAUSE_REVOKED},
    {X509_V_ERR_UNABLE_TO_GET_CRL, VOUCH_CAUSE_REVOKED},
    {X509_V_ERR_CRL_HAS_EXPIRED, VOUCH_CAUSE_REVOKED},
    {X509_V_ERR_CRL_NOT_YET_VALID, VOUCH_CAUSE_REVOKED},
    {X509_V_ERR_OCSP_VERIFY_NEEDED, VOUCH_CAUSE_STAPLE},
    {X509_V_ERR_OCSP_VERIFY_FAILED, VOUCH_CAUSE_STAPLE},
    {X509_V_ERR_OCSP_CERT_UNKNOWN, VOUCH_CAUSE_STAPLE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, VOUCH_CAUSE_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, VOUCH_CAUSE_WEAK},
    {X509_V_ERR_CA_MD_TOO_WEAK, VOUCH_CAUSE_WEAK},
};

static enum vouch_cause
find(const struct number_cause *list, size_t count, int number,
     enum vouch_cause otherwise)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (list[i].number == number)
            return list[i].cause;
    }
    return otherwise;
}

static int
begins(const unsigned char *bytes, size_t length, const char *with)
{
    size_t need = strlen(with);

    return length >= need && memcmp(bytes, with, need) == 0;
}

/* No more than a record's head, five bytes, may have been read. */
static int
is_http(const unsigned char *bytes, size_t length)
{
    static const char *const words[] = {"HTTP/", "GET ",  "HEAD ", "POST ",
                                        "PUT ",  "DELET", "OPTIO", "PATCH",
                                        "TRACE", "CONNE", "PRI *"};
    size_t i;

    for (i = 0; i < COUNT(words); i++) {
        if (begins(bytes, length, words[i]))
            return 1;
    }
    return 0;
}

/* "220 " or "220-", as SMTP, FTP and NNTP greet. */
static int
is_greeting(const unsigned char *bytes, size_t length)
{
    size_t i;

    if (length < 4 || (bytes[3] != ' ' && bytes[3] != '-'))
        return 0;
    for (i = 0; i < 3; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return 0;
    }
    return 1;
}

static int
is_text(const unsigned char *bytes, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if ((bytes[i] < 0x20 || bytes[i] > 0x7E) && bytes[i] != '\r'
            && bytes[i] != '\n' && bytes[i] != '\t')
            return 0;
    }
    return 1;
}

/* A record of TLS: who sends it tells its first handshake message. */
static enum vouch_speech
tls_speech(enum vouch_role role, const unsigned char *bytes, size_t length)
{
    if (bytes[0] != 22 || length < 6)
        return VOUCH_SPEECH_TLS;
    if (role == VOUCH_CLIENT && bytes[5] == 1)
        return VOUCH_SPEECH_CLIENT;
    if (role == VOUCH_SERVER && bytes[5] == 2)
        return VOUCH_SPEECH_SERVER;
    return VOUCH_SPEECH_TLS;
}

enum vouch_speech
vouch_speech_of(enum vouch_role role, const unsigned char *first,
                size_t length)
{
    if (length < 3)
        return VOUCH_SPEECH_NOTHING;
    if (first[0] >= 20 && first[0] <= 24 && first[1] == 3)
        return tls_speech(role, first, length);
    if ((first[0] & 0x80) && first[2] == 1) /* the hello of SSL 2 */
        return VOUCH_SPEECH_TLS;
    if (is_http(first, length))
        return VOUCH_SPEECH_HTTP;
    if (begins(first, length, "SSH-"))
        return VOUCH_SPEECH_SSH;
    if (is_greeting(first, length))
        return VOUCH_SPEECH_GREETING;
    if (begins(first, length, "+OK"))
        return VOUCH_SPEECH_POP3;
    if (begins(first, length, "* OK"))
        return VOUCH_SPEECH_IMAP;
    if (begins(first, length, "PROXY")
        || (length > 4 && memcmp(first, "\r\n\r\n", 5) == 0))
        return VOUCH_SPEECH_PROXY;
    return is_text(first, length) ? VOUCH_SPEECH_TEXT : VOUCH_SPEECH_BYTES;
}

/* What our own certificate may have been refused for. */
static enum vouch_cause
own_fault(const struct vouch_failure_facts *facts, enum vouch_cause otherwise)
{
    return find(faults, COUNT(faults), facts->own_fault, otherwise);
}

/* An alert: some servers have but one for all sorts of reasons. */
static enum vouch_cause
alert_cause(const struct vouch_failure_facts *facts, int alert)
{
    enum vouch_cause cause =
        find(alerts, COUNT(alerts), alert, VOUCH_CAUSE_UNKNOWN);
    int about_cert =
        cause == VOUCH_CAUSE_REFUSED || alert == SSL_AD_CERTIFICATE_UNKNOWN;

    /* OpenSSL's servers say the one, GnuTLS's the other. */
    if (facts->asked && !facts->has_cert
        && (about_cert || alert == SSL_AD_HANDSHAKE_FAILURE
            || alert == SSL_AD_DECODE_ERROR))
        return VOUCH_CAUSE_NO_CERTIFICATE;
    return about_cert ? own_fault(facts, cause) : cause;
}

static enum vouch_cause
verify_cause(const struct vouch_failure_facts *facts)
{
    if (facts->lib_code == 0)
        return VOUCH_CAUSE_NO_CERTIFICATE;
    if (facts->verdict.by == VOUCH_BY_PIN)
        return VOUCH_CAUSE_NOT_PINNED;
    if (facts->verdict.by == VOUCH_BY_CALLBACK)
        return VOUCH_CAUSE_CALLBACK;
    return find(faults, COUNT(faults), facts->verdict.error,
                VOUCH_CAUSE_REFUSED);
}

static enum vouch_cause
library_cause(unsigned long lib_code)
{
    int reason = ERR_GET_REASON(lib_code);

    if (ERR_GET_LIB(lib_code) == ERR_LIB_X509
        && reason == X509_R_KEY_VALUES_MISMATCH)
        return VOUCH_CAUSE_BAD_PAIR;
    if (ERR_GET_LIB(lib_code) != ERR_LIB_SSL)
        return VOUCH_CAUSE_UNKNOWN;
    return find(reasons, COUNT(reasons), reason, VOUCH_CAUSE_UNKNOWN);
}

/* What the peer says is no TLS, or not of the other role: 1 if so. */
static int
judge_speech(const struct vouch_failure_facts *facts,
             struct vouch_failure *failure)
{
    if (facts->established || failure->speech == VOUCH_SPEECH_NOTHING
        || failure->speech == VOUCH_SPEECH_TLS)
        return 0;
    failure->cause = failure->speech == VOUCH_SPEECH_HTTP
                         ? VOUCH_CAUSE_PLAIN_HTTP
                         : VOUCH_CAUSE_NOT_TLS;
    if (facts->code == VOUCH_E_CLOSED)
        failure->side = VOUCH_SIDE_THEIRS;
    else if (facts->code != VOUCH_OK && facts->code != VOUCH_E_TIMEOUT)
        failure->side = VOUCH_SIDE_OURS;
    return 1;
}

static void
judge_error(const struct vouch_failure_facts *facts,
            struct vouch_failure *failure)
{
    switch (facts->code) {
    case VOUCH_E_ALERT:
        failure->side = VOUCH_SIDE_THEIRS;
        failure->alert = facts->alert_received;
        failure->cause = alert_cause(facts, facts->alert_received);
        break;
    case VOUCH_E_VERIFY:
        failure->side = VOUCH_SIDE_OURS;
        failure->cause = verify_cause(facts);
        break;
    case VOUCH_E_TLS:
    case VOUCH_E_CONFIG:
        failure->side = VOUCH_SIDE_OURS;
        failure->cause = library_cause(facts->lib_code);
        break;
    case VOUCH_E_MISMATCH:
        failure->side = VOUCH_SIDE_OURS;
        failure->cause = VOUCH_CAUSE_BAD_PAIR;
        break;
    case VOUCH_E_CLOSED:
        failure->side = VOUCH_SIDE_THEIRS;
        failure->cause = VOUCH_CAUSE_CLOSED;
        break;
    case VOUCH_E_SYSTEM:
        if (facts->sys_errno == ECONNRESET || facts->sys_errno == EPIPE) {
            failure->side = VOUCH_SIDE_THEIRS;
            failure->cause = VOUCH_CAUSE_RESET;
        }
        break;
    case VOUCH_OK:
    case VOUCH_E_TIMEOUT:
        failure->cause = VOUCH_CAUSE_TIMEOUT;
        break;
    default:
        break;
    }
}

void
vouch_failure_judge(const struct vouch_failure_facts *facts,
                    struct vouch_failure *failure)
{
    memset(failure, 0, sizeof(*failure));
    failure->alert = -1;
    failure->role = facts->role;
    failure->established = facts->established;
    failure->speech =
        vouch_speech_of(facts->role, facts->first, facts->first_length);
    if (!judge_speech(facts, failure))
        judge_error(facts, failure);
    if (failure->side == VOUCH_SIDE_OURS)
        failure->alert = facts->alert_sent;
}

static const char *
name_in(const char *const names[], size_t count, int number)
{
    if (number < 0 || (size_t) number >= count)
        return "unknown";
    return names[number];
}

const char *
vouch_cause_name(enum vouch_cause cause)
{
    static const char *const names[] = {
        "unknown",  "plain_http", "not_tls",  "protocol",       "cipher",
        "alpn",     "untrusted",  "expired",  "not_yet_valid",  "name",
        "purpose",  "weak",       "revoked",  "staple",         "not_pinned",
        "callback", "refused",    "bad_pair", "no_certificate", "timeout",
        "closed",   "reset"};

    return name_in(names, COUNT(names), (int) cause);
}

const char *
vouch_side_name(enum vouch_side side)
{
    static const char *const names[] = {"", "ours", "theirs"};

    return name_in(names, COUNT(names), (int) side);
}

const char *
vouch_speech_name(enum vouch_speech speech)
{
    static const char *const names[] = {
        "nothing",  "tls",  "client", "server", "http", "ssh",
        "greeting", "pop3", "imap",   "proxy",  "text", "bytes"};

    return name_in(names, COUNT(names), (int) speech);
}

const char *
vouch_alert_name(int alert)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {-1, ""},
        {0, "close_notify"},
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {21, "decryption_failed"},
        {22, "record_overflow"},
        {30, "decompression_failure"},
        {40, "handshake_failure"},
        {41, "no_certificate"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {60, "export_restriction"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {86, "inappropriate_fallback"},
        {90, "user_canceled"},
        {100, "no_renegotiation"},
        {109, "missing_extension"},
        {110, "unsupported_extension"},
        {111, "certificate_unobtainable"},
        {112, "unrecognized_name"},
        {113, "bad_certificate_status_response"},
        {114, "bad_certificate_hash_value"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        if (names[i].number == alert)
            return names[i].name;
    }
    return "unknown";
}
