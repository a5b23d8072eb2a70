/*
 * The doctor looks at certificates, ours and the daemon's, and at TLS.
 */
#include "cmd/doctor_private.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "flom/error_codes.h"
#include "flom/machine_id.h"
#include "flom/peer_id.h"
#include "flom/tls_files.h"
#include "flom/tls_words.h"
#include "net/socket.h"
#include "tls/authorities.h"
#include "tls/certificate.h"
#include "tls/config.h"
#include "tls/connection.h"
#include "tls/failure.h"
#include "tls/identity.h"

#define CHAIN_MAX 8
#define NAME_MAX_TEXT 256
#define DAY_S 86400
#define NAMELESS "no or several common names (CN)"

/* --- a certificate --------------------------------------------------------*/

static void
date_text(int64_t epoch, char out[VOUCH_ISO8601_SIZE])
{
    if (vouch_text_iso8601(epoch, out) != 0)
        (void) snprintf(out, VOUCH_ISO8601_SIZE, "an odd date");
}

/* "for 'node7', by /CN=authority, SHA256:..., valid from ... to ..." */
static void
describe(const struct vouch_cert *cert, char *text, size_t size)
{
    char name[VOUCH_FLOM_CN_MAX + 1] = "";
    char from[VOUCH_ISO8601_SIZE] = "an odd date";
    char to[VOUCH_ISO8601_SIZE] = "an odd date";
    char digits[VOUCH_FINGERPRINT_TEXT] = "";
    struct vouch_fingerprint fingerprint;
    struct vouch_buf *issuer = vouch_buf_new(NAME_MAX_TEXT);
    int64_t epoch;
    int is_named = vouch_flom_common_name(cert, name, NULL) == 0;

    if (vouch_cert_not_before(cert, &epoch) == 0)
        date_text(epoch, from);
    if (vouch_cert_not_after(cert, &epoch) == 0)
        date_text(epoch, to);
    if (vouch_cert_fingerprint(cert, VOUCH_SHA256, VOUCH_OF_CERT, &fingerprint)
        == 0)
        vouch_fingerprint_text(&fingerprint, VOUCH_SPELL_LOWER, digits);
    if (issuer != NULL)
        (void) vouch_cert_name_line(cert, VOUCH_CERT_ISSUER, issuer);
    (void) snprintf(
        text, size, "for %s%s%s, by %s, %s, valid from %s to %s",
        is_named ? "'" : "", is_named ? name : NAMELESS, is_named ? "'" : "",
        issuer != NULL ? vouch_buf_text(issuer) : "?", digits, from, to);
    vouch_buf_free(issuer);
}

/* What OpenSSL's number means for the daemon's certificate. */
static const char *
advice_for(int error)
{
    struct vouch_failure_facts facts;
    struct vouch_failure failure;

    memset(&facts, 0, sizeof(facts));
    facts.role = VOUCH_CLIENT;
    facts.code = VOUCH_E_VERIFY;
    facts.lib_code = 1; /* there is a certificate, and a number */
    facts.alert_sent = -1;
    facts.alert_received = -1;
    facts.verdict.by = VOUCH_BY_CHAIN;
    facts.verdict.error = error;
    vouch_failure_judge(&facts, &failure);
    return vouch_flom_tls_advice(failure.cause, 1, VOUCH_CLIENT);
}

/* --- ours -----------------------------------------------------------------*/

struct chain {
    struct vouch_cert *cert[CHAIN_MAX];
    size_t count;
};

static void
take_cert(struct vouch_cert *cert, void *arg)
{
    struct chain *chain = arg;

    if (chain->count < CHAIN_MAX)
        chain->cert[chain->count++] = cert;
    else
        vouch_cert_free(cert);
}

static void
free_chain(struct chain *chain)
{
    while (chain->count > 0)
        vouch_cert_free(chain->cert[--chain->count]);
}

static void
read_chain(const char *path, struct chain *chain)
{
    struct vouch_buf *bytes = vouch_buf_new(VOUCH_CERT_MAX);

    memset(chain, 0, sizeof(*chain));
    if (bytes != NULL && vouch_file_read(path, bytes, NULL) == 0)
        (void) vouch_cert_each_from_mem(vouch_buf_data(bytes),
                                        vouch_buf_length(bytes), path,
                                        take_cert, chain, NULL);
    vouch_buf_free(bytes);
}

/* Would a peer that trusts the same authority believe us? */
static void
check_own_chain(struct doctor *doctor, const struct chain *chain)
{
    const char *path = doctor->settings.tls_ca_certificate;
    struct vouch_authorities *authorities = NULL;
    struct vouch_error err;
    int64_t now = vouch_clock_epoch();
    int64_t end = 0;
    int error = 0;

    vouch_error_clear(&err);
    if (vouch_cert_is_expired(doctor->own, now))
        doctor_fail(doctor, "our certificate",
                    "get a new one from the authority, or set the clock",
                    "it has expired");
    else if (vouch_cert_is_not_yet_valid(doctor->own, now))
        doctor_fail(doctor, "our certificate",
                    "set the clock of this host, or wait",
                    "it is not valid yet");
    else if (vouch_authorities_from_file(path, &authorities, &err) != 0)
        doctor_fail(doctor, "our authority", "", "%s", err.text);
    else if (vouch_authorities_check(authorities, doctor->own, chain->cert + 1,
                                     chain->count - 1, now, &error)
             != 1)
        doctor_fail(doctor, "our certificate",
                    "both sides need certificates of the same authority",
                    "%s does not vouch for it: %s", path,
                    vouch_verify_error_text(error));
    else if (vouch_cert_not_after(doctor->own, &end) == 0
             && end - now < VOUCH_FLOM_SOON_DAYS * (int64_t) DAY_S)
        doctor_note("our certificate", "it expires in %lld days",
                    (long long) ((end - now) / DAY_S));
    vouch_authorities_free(authorities);
}

static void
check_own_name(struct doctor *doctor)
{
    char id[VOUCH_FLOM_MACHINE_ID_SIZE];
    char name[VOUCH_FLOM_CN_MAX + 1];
    struct vouch_error err;
    const char *advice =
        "make a certificate whose common name (CN) is what flom --unique-id "
        "prints on this host";

    vouch_error_clear(&err);
    if (vouch_flom_machine_id(id, &err) != 0)
        doctor_note("our unique id", "%s", err.text);
    else if (vouch_flom_check_peer_id(doctor->own, id, &err) == 0)
        doctor_ok("our unique id", "%s, as our certificate says", id);
    else if (doctor->settings.tls_check_peer_id)
        doctor_fail(doctor, "our unique id", advice, "%s is not %s", id,
                    vouch_flom_common_name(doctor->own, name, NULL) == 0
                        ? "the name in our certificate"
                        : "in our certificate, which has " NAMELESS);
    else
        doctor_note("our unique id",
                    "%s is not the name in our certificate: a daemon that "
                    "checks unique ids would not serve us",
                    id);
}

int
doctor_own_files(struct doctor *doctor)
{
    struct vouch_flom_tls *tls = NULL;
    struct vouch_error err;
    struct chain chain;
    char text[DOCTOR_TEXT];
    int rc = 0;

    vouch_error_clear(&err);
    if (vouch_flom_tls_new(&doctor->settings, VOUCH_CLIENT, &tls, &rc, &err)
        != 0) {
        doctor_fail(
            doctor, "our files",
            err.code == VOUCH_E_PASSWORD ? ""
            : rc == VOUCH_FLOM_RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR
                ? "the key must be the one that the certificate was made with"
                : "it must be a PEM file that this user can read",
            "%s", err.text);
        return -1;
    }
    vouch_flom_tls_free(tls);
    read_chain(doctor->settings.tls_certificate, &chain);
    if (chain.count == 0) {
        doctor_fail(doctor, "our files", "",
                    "the certificate went away while it was read");
        return -1;
    }
    doctor->own = vouch_cert_ref(chain.cert[0]);
    describe(doctor->own, text, sizeof(text));
    doctor_ok("our certificate", "%s", text);
    check_own_chain(doctor, &chain);
    check_own_name(doctor);
    free_chain(&chain);
    return 0;
}

/* --- the handshake --------------------------------------------------------*/

/* Remember what is wrong first, and go on. */
static int
take_any(const struct vouch_verify *verify, void *arg)
{
    int *error = arg;

    if (!verify->ok && *error == 0)
        *error = verify->error;
    return 1;
}

/* As a client's, but that whatever the daemon shows is taken, so that it can
 * be looked at.  Nothing is said over it. */
static struct vouch_config *
open_minded(const struct vouch_flom_settings *settings,
            struct vouch_error *err)
{
    const char *const alpn = VOUCH_FLOM_ALPN;
    struct vouch_identity *identity = NULL;
    struct vouch_config *config = NULL;
    int status = -1;

    if (vouch_config_new(VOUCH_CLIENT, &config, err) == 0
        && vouch_identity_load(settings->tls_certificate,
                               settings->tls_private_key, NULL, NULL,
                               &identity, err)
               == 0
        && vouch_config_add_identity(config, NULL, identity, err) == 0
        && vouch_config_add_ca_file(config, settings->tls_ca_certificate, err)
               == 0
        && (settings->tls_crl == NULL
            || vouch_config_set_crl(config, settings->tls_crl, 1, err) == 0)
        && vouch_config_set_verify(config, VOUCH_VERIFY_PEER, err) == 0
        && vouch_config_set_verify_callback(config, take_any, err) == 0
        && vouch_config_set_alpn(config, &alpn, 1, err) == 0)
        status = vouch_config_freeze(config, err);
    vouch_identity_free(identity);
    if (status == 0)
        return config;
    vouch_config_free(config);
    return NULL;
}

/* 0, or -1: it failed, or the time is over. */
static int
shake_hands(struct vouch_conn *conn, int fd)
{
    int64_t deadline = vouch_clock_monotonic_ms() + DOCTOR_STEP_MS;
    int outcome;
    int events;

    for (;;) {
        outcome = vouch_conn_handshake(conn);
        if (outcome == 0 || outcome == -1)
            return outcome;
        events = outcome == VOUCH_WANT_READ ? VOUCH_SOCKET_READ
                                            : VOUCH_SOCKET_WRITE;
        if (vouch_socket_wait(fd, events, deadline) == 0)
            return -1;
    }
}

/* Is it the one that the settings want?  0 or -1. */
static int
check_wanted_name(struct doctor *doctor)
{
    const char *name = doctor->settings.tls_peer_name;

    if (name == NULL)
        return 0;
    if (vouch_flom_is_named(doctor->theirs, name)) {
        doctor_ok("its name", "%s, as --tls-peer-name says", name);
        return 0;
    }
    doctor_fail(doctor, "its name",
                "this is another node, or --tls-peer-name is wrong",
                "its certificate is not for %s", name);
    return -1;
}

/* 0 if a client would believe this daemon, else -1. */
static int
look_at_daemon(struct doctor *doctor, const struct vouch_conn *conn, int error)
{
    struct vouch_cert *cert = vouch_conn_peer_cert(conn);
    char text[DOCTOR_TEXT];

    doctor_ok("TLS", "%s, %s", vouch_conn_protocol_name(conn),
              vouch_conn_cipher(conn));
    if (cert == NULL) {
        doctor_fail(doctor, "its certificate",
                    "a daemon of flom has one: is it another service?",
                    "it has shown none");
        return -1;
    }
    doctor->theirs = vouch_cert_ref(cert);
    describe(cert, text, sizeof(text));
    doctor_ok("its certificate", "%s", text);
    if (error == 0) {
        doctor_ok("its chain", "signed by the authority in %s",
                  doctor->settings.tls_ca_certificate);
        return check_wanted_name(doctor);
    }
    doctor_fail(doctor, "its chain", advice_for(error), "%s",
                vouch_verify_error_text(error));
    return -1;
}

int
doctor_handshake(struct doctor *doctor)
{
    struct vouch_config *config;
    struct vouch_conn *conn = NULL;
    struct vouch_error err;
    char text[DOCTOR_TEXT];
    int status = -1;
    int error = 0;

    vouch_error_clear(&err);
    config = open_minded(&doctor->settings, &err);
    if (config == NULL || vouch_conn_new(config, doctor->fd, &conn, &err) != 0)
        doctor_fail(doctor, "TLS", "", "%s", err.text);
    else {
        vouch_conn_set_arg(conn, &error);
        if (shake_hands(conn, doctor->fd) != 0) {
            vouch_flom_tls_explain(conn, text, sizeof(text));
            doctor_fail(doctor, "TLS", "", "%s", text);
        } else {
            status = look_at_daemon(doctor, conn, error);
            (void) vouch_conn_close(conn);
        }
    }
    vouch_conn_free(conn);
    vouch_config_free(config);
    return status;
}
