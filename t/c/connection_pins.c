/*
 * tls/verify: pins that come and go, the length of a chain, revocation.
 */
#include "tls/pins.h"
#include "tls_people.h"

static struct vouch_fingerprint
print_of(const struct vouch_identity *who, enum vouch_digest digest,
         enum vouch_digest_of of)
{
    struct vouch_fingerprint print;

    pki_need(
        vouch_cert_fingerprint(vouch_identity_cert(who), digest, of, &print)
            == 0,
        "a fingerprint");
    return print;
}

static void
check_pin(int version, enum vouch_digest digest, enum vouch_digest_of of)
{
    struct log log = {0};
    struct vouch_config *server = server_that(PEER, NULL, &log);
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint print = print_of(expired, digest, of);
    struct pair *pair;

    pki_need(vouch_config_set_pins(server, pins, 0, NULL) == 0, "pins");
    ok(!call(server, expired, version, &log, &pair), "not pinned");
    pair_close(pair);
    is_int(vouch_pins_add(pins, &print), 1, "pin it at run time");
    clear_log(&log, 0);
    ok(call(server, expired, version, &log, &pair), "pinned");
    is_int(vouch_conn_verdict(pair->server)->by, VOUCH_BY_PIN, "by pin");
    is_int(log.count, 0, "without asking the callback");
    pair_close(pair);
    is_int(vouch_pins_remove(pins, &print), 1, "take it out");
    ok(!call(server, expired, version, &log, &pair), "not pinned any more");
    is_int(vouch_conn_verdict(pair->server)->by, VOUCH_BY_CALLBACK,
           "and the callback is asked");
    pair_close(pair);
    clear_log(&log, 0);
    vouch_pins_free(pins);
    vouch_config_free(server);
}

static void
test_pins(void)
{
    check_pin(VOUCH_TLS1_3, VOUCH_SHA256, VOUCH_OF_CERT);
    check_pin(VOUCH_TLS1_2, VOUCH_SHA256, VOUCH_OF_CERT);
    check_pin(VOUCH_TLS1_3, VOUCH_SHA256, VOUCH_OF_SPKI);
    check_pin(VOUCH_TLS1_3, VOUCH_SHA512, VOUCH_OF_KEY);
    check_pin(VOUCH_TLS1_2, VOUCH_SHA1, VOUCH_OF_CERT);
}

/* Pins alone refuse everybody else, a good chain and a callback or not. */
static void
test_pins_alone(void)
{
    struct log log = {0};
    struct vouch_config *server = server_that(PEER, root, &log);
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint print =
        print_of(alone, VOUCH_SHA256, VOUCH_OF_CERT);
    struct pair *pair;

    log.answer = 1;
    pki_need(vouch_config_set_pins(server, pins, 0, NULL) == 0
                 && vouch_config_set_pins(server, pins, 1, NULL) == 0
                 && vouch_pins_add(pins, &print) == 1,
             "pins");
    vouch_pins_free(pins);
    ok(call(server, alone, VOUCH_TLS1_3, &log, &pair), "the pinned one");
    pair_close(pair);
    ok(!call(server, leaf, VOUCH_TLS1_3, &log, &pair), "nobody else");
    is_int(vouch_conn_verdict(pair->server)->by, VOUCH_BY_PIN, "by pin");
    ok(strstr(vouch_conn_error_text(pair->server), "pinned") != NULL,
       vouch_conn_error_text(pair->server));
    is_int(log.count, 0, "without asking the callback");
    pair_close(pair);
    clear_log(&log, 0);
    vouch_config_free(server);
}

static void
test_depth(void)
{
    struct vouch_config *server = server_that(PEER, root, NULL);
    struct pair *pair;

    (void) vouch_config_set_verify_depth(server, 1, NULL);
    ok(call(server, leaf, VOUCH_TLS1_3, NULL, &pair), "one in between");
    pair_close(pair);
    vouch_config_free(server);
    server = server_that(PEER, root, NULL);
    (void) vouch_config_set_verify_depth(server, 0, NULL);
    ok(!call(server, leaf, VOUCH_TLS1_3, NULL, &pair), "is one too many");
    is_int(vouch_conn_error(pair->server)->code, VOUCH_E_VERIFY,
           vouch_conn_error_text(pair->server));
    pair_close(pair);
    vouch_config_free(server);
}

/* A list by the middle that revokes a certificate, as PEM. */
static void
revocation_list(struct vouch_buf *pem, const X509 *bad)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *later = X509_gmtime_adj(NULL, DAY);
    BIO *bio = BIO_new(BIO_s_mem());

    pki_need(
        X509_REVOKED_set_serialNumber(
            entry, (ASN1_INTEGER *) X509_get0_serialNumber(bad))
                == 1
            && X509_REVOKED_set_revocationDate(entry, now) == 1
            && X509_CRL_set_version(crl, 1) == 1
            && X509_CRL_set_issuer_name(crl, X509_get_subject_name(middle))
                   == 1
            && X509_CRL_set1_lastUpdate(crl, now) == 1
            && X509_CRL_set1_nextUpdate(crl, later) == 1
            && X509_CRL_add0_revoked(crl, entry) == 1
            && X509_CRL_sign(crl, key, EVP_sha256()) > 0,
        "a revocation list");
    pki_collect(pem, bio, PEM_write_bio_X509_CRL(bio, crl));
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    X509_CRL_free(crl);
}

/* Certificate and list in one text of authorities. */
static struct vouch_config *
server_with_list(const X509 *bad)
{
    struct vouch_config *server = pair_config(VOUCH_SERVER, alone, PEER);
    struct vouch_buf *pem = pki_buf();

    pki_cert_pem(pem, middle);
    if (bad != NULL)
        revocation_list(pem, bad);
    pki_need(vouch_config_add_ca_mem(server, vouch_buf_data(pem),
                                     vouch_buf_length(pem), NULL)
                     == 0
                 && vouch_config_set_crl(server, NULL, 0, NULL) == 0,
             "lists");
    vouch_buf_free(pem);
    return server;
}

static void
test_revocation(void)
{
    X509 *bad = issue("Bad", middle, 0, -DAY, DAY, NULL);
    struct vouch_config *server = server_with_list(bad);
    struct vouch_identity *who = identity_of(bad, NULL);
    struct pair *pair;

    ok(!call(server, who, VOUCH_TLS1_3, NULL, &pair), "revoked");
    is_int(vouch_conn_verdict(pair->server)->error, X509_V_ERR_CERT_REVOKED,
           vouch_conn_error_text(pair->server));
    pair_close(pair);
    vouch_config_free(server);

    server = server_with_list(NULL);
    ok(!call(server, orphan, VOUCH_TLS1_3, NULL, &pair), "no list at all");
    is_int(vouch_conn_verdict(pair->server)->error,
           X509_V_ERR_UNABLE_TO_GET_CRL, "is no good either");
    pair_close(pair);
    vouch_config_free(server);
    vouch_identity_free(who);
}

int
main(void)
{
    make_people();
    test_pins();
    test_pins_alone();
    test_depth();
    test_revocation();
    free_people();
    return tap_done();
}
