/*
 * Staples: asked for, read, judged.
 */
#include "tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "tls/private.h"

#define CLOCK_SKEW 300          /* seconds between our clock and theirs */
#define AGE_MAX (7 * 24 * 3600) /* of a response that does not say its end */

int
vouch_config_set_ocsp(struct vouch_config *config, int mode,
                      vouch_staple_fn callback, struct vouch_error *err)
{
    int asks = VOUCH_OCSP_MUST_STAPLE | VOUCH_OCSP_TRY_STAPLE;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (mode < 0 || mode > 31)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "OCSP mode %d is not a set of NO_STAPLE 1, "
                               "MUST_STAPLE 2, FAIL_HARD 4, FULL_CHAIN 8, "
                               "TRY_STAPLE 16",
                               mode);
    if (mode & VOUCH_OCSP_NO_STAPLE && (mode & asks || callback != NULL))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "OCSP mode %d: a staple is either asked for or "
                               "not",
                               mode);
    config->ocsp_mode = mode;
    config->staple_callback = callback;
    return 0;
}

/* 1 if this client checks chains, so that a staple has something to say. */
static int
checks_chain(const struct vouch_config *config)
{
    return (config->mode & VOUCH_VERIFY_PEER)
           && (config->mode & VOUCH_VERIFY_ANY) != VOUCH_VERIFY_ANY
           && !config->pins_alone;
}

int
vouch_ocsp_freeze(struct vouch_config *config, struct vouch_error *err)
{
    int checks = config->role == VOUCH_CLIENT && checks_chain(config);

    if (config->ocsp_mode & VOUCH_OCSP_MUST_STAPLE && !checks)
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "an OCSP staple is demanded only by a client "
                               "that checks the chain (verify mode PEER)");
    if (config->role != VOUCH_CLIENT
        || config->ocsp_mode & VOUCH_OCSP_NO_STAPLE
        || (!checks && config->staple_callback == NULL))
        return 0;
    if (!SSL_CTX_set_tlsext_status_type(config->ctx, TLSEXT_STATUSTYPE_ocsp)
        || !SSL_CTX_set_tlsext_status_cb(config->ctx, vouch_ocsp_on_staple))
        return vouch_error_set_openssl(err, VOUCH_E_TLS,
                                       "cannot ask for OCSP staples");
    return 0;
}

/* 1 if the response was made in time, and is not yet over. */
static int
is_current(const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *to)
{
    time_t now = (time_t) vouch_clock_epoch();
    time_t later = now + CLOCK_SKEW;
    time_t before = now - (to == NULL ? AGE_MAX : CLOCK_SKEW);
    const ASN1_GENERALIZEDTIME *end = to == NULL ? from : to;
    int begun = from == NULL ? 0 : X509_cmp_time(from, &later);
    int over = end == NULL ? 0 : X509_cmp_time(end, &before);

    return begun < 0 && over > 0; /* 0: not a time */
}

/* 1 if this part of a response is about the certificate. */
static int
is_about(const OCSP_SINGLERESP *single, const X509 *cert, const X509 *issuer)
{
    OCSP_CERTID *theirs = (OCSP_CERTID *) OCSP_SINGLERESP_get0_id(single);
    OCSP_CERTID *ours = NULL;
    ASN1_OBJECT *digest = NULL;
    const EVP_MD *md = NULL;
    int same;

    if (OCSP_id_get0_info(NULL, &digest, NULL, NULL, theirs) == 1)
        md = EVP_get_digestbyobj(digest);
    if (md != NULL)
        ours = OCSP_cert_to_id(md, cert, issuer);
    same = ours != NULL && OCSP_id_cmp(ours, theirs) == 0;
    OCSP_CERTID_free(ours);
    return same;
}

/* What a response whose signature is right says about the certificate. */
static enum vouch_staple
read_status(OCSP_BASICRESP *basic, const X509 *cert, const X509 *issuer)
{
    enum vouch_staple found = VOUCH_STAPLE_OTHER;
    int i;

    for (i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        ASN1_GENERALIZEDTIME *from = NULL;
        ASN1_GENERALIZEDTIME *to = NULL;
        int status;

        if (!is_about(single, cert, issuer))
            continue;
        status = OCSP_single_get0_status(single, NULL, NULL, &from, &to);
        if (status == V_OCSP_CERTSTATUS_REVOKED)
            return VOUCH_STAPLE_REVOKED; /* which never ends */
        if (!is_current(from, to))
            found = VOUCH_STAPLE_OLD;
        else
            return status == V_OCSP_CERTSTATUS_GOOD ? VOUCH_STAPLE_GOOD
                                                    : VOUCH_STAPLE_UNKNOWN;
    }
    return found;
}

/*
 * 1 if the issuer has signed the response, or who the issuer has appointed
 * (OCSPSigning) and a chain leads from to whom we trust.
 */
static int
is_signed(OCSP_BASICRESP *basic, X509 *issuer, X509_STORE *store)
{
    STACK_OF(X509) *issuers = sk_X509_new_null();
    int good;

    good = issuers != NULL && sk_X509_push(issuers, issuer) > 0
           && OCSP_basic_verify(basic, issuers, store,
                                OCSP_TRUSTOTHER | OCSP_PARTIAL_CHAIN)
                  == 1;
    sk_X509_free(issuers);
    ERR_clear_error();
    return good;
}

static enum vouch_staple
judge(OCSP_RESPONSE *response, X509 *cert, X509 *issuer, X509_STORE *store)
{
    OCSP_BASICRESP *basic;
    enum vouch_staple staple;

    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return VOUCH_STAPLE_UNANSWERED;
    basic = OCSP_response_get1_basic(response);
    if (basic == NULL)
        return VOUCH_STAPLE_BROKEN;
    if (!is_signed(basic, issuer, store))
        staple = VOUCH_STAPLE_FORGED;
    else
        staple = read_status(basic, cert, issuer);
    OCSP_BASICRESP_free(basic);
    return staple;
}

/* The issuer of the peer's certificate, as the chain that was checked has it:
 * itself, if it is trusted and has signed itself.  NULL: not known. */
static X509 *
issuer_in(STACK_OF(X509) *chain)
{
    X509 *leaf = sk_X509_value(chain, 0);

    if (sk_X509_num(chain) > 1)
        return sk_X509_value(chain, 1);
    if (leaf != NULL && X509_self_signed(leaf, 0) == 1)
        return leaf;
    return NULL;
}

static enum vouch_staple
judge_bytes(SSL *ssl, const unsigned char *der, long length)
{
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    X509 *issuer = issuer_in(chain);
    const unsigned char *at = der;
    OCSP_RESPONSE *response;
    enum vouch_staple staple;

    if (der == NULL || length <= 0)
        return VOUCH_STAPLE_NONE;
    if (issuer == NULL)
        return VOUCH_STAPLE_OTHER;
    response = d2i_OCSP_RESPONSE(NULL, &at, length);
    if (response == NULL || at != der + length)
        staple = VOUCH_STAPLE_BROKEN;
    else
        staple = judge(response, sk_X509_value(chain, 0), issuer, store);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return staple;
}

static int
ask_program(struct vouch_conn *conn, const unsigned char *der, long length)
{
    OCSP_RESPONSE *response = NULL;
    int answer;

    if (der != NULL && length > 0)
        response = d2i_OCSP_RESPONSE(NULL, &der, length);
    ERR_clear_error();
    answer = conn->config->staple_callback(response, conn->arg) > 0;
    OCSP_RESPONSE_free(response);
    conn->staple = VOUCH_STAPLE_PROGRAM;
    return answer;
}

/* 1 if the mode lets the peer in with such a staple. */
static int
allows(int mode, enum vouch_staple staple)
{
    switch (staple) {
    case VOUCH_STAPLE_GOOD:
        return 1;
    case VOUCH_STAPLE_NONE:
        return !(mode & VOUCH_OCSP_MUST_STAPLE);
    case VOUCH_STAPLE_UNANSWERED:
        return !(mode & (VOUCH_OCSP_MUST_STAPLE | VOUCH_OCSP_FAIL_HARD));
    default:
        return 0;
    }
}

/* The verdict on the certificate as a whole is another one now. */
static void
refuse(struct vouch_conn *conn)
{
    conn->verdict.accepted = 0;
    conn->verdict.by = VOUCH_BY_CHAIN;
    conn->verdict.depth = 0;
    conn->verdict.error = conn->staple == VOUCH_STAPLE_REVOKED
                              ? X509_V_ERR_CERT_REVOKED
                              : X509_V_ERR_OCSP_VERIFY_FAILED;
}

/* 1 if there is something to check a staple by.  The program may have let a
 * certificate in for what it is, or trust it by itself, without its issuer. */
static int
is_checkable(SSL *ssl, const struct vouch_verdict *verdict)
{
    return verdict->error == X509_V_OK
           && issuer_in(SSL_get0_verified_chain(ssl)) != NULL;
}

int
vouch_ocsp_on_staple(SSL *ssl, void *arg)
{
    struct vouch_conn *conn = vouch_conn_of_ssl(ssl);
    const struct vouch_verdict *verdict;
    const unsigned char *der = NULL;
    long length;

    (void) arg;
    if (conn == NULL)
        return 0;
    if (SSL_session_reused(ssl))
        return 1; /* it was checked when the session was made */
    length = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
    if (conn->config->staple_callback != NULL)
        return ask_program(conn, der, length);
    verdict = &conn->verdict;
    if (verdict->by == VOUCH_BY_PIN)
        return 1;
    if (!(conn->config->ocsp_mode & VOUCH_OCSP_MUST_STAPLE)
        && !is_checkable(ssl, verdict))
        return 1;
    conn->staple = judge_bytes(ssl, der, length);
    if (allows(conn->config->ocsp_mode, conn->staple))
        return 1;
    refuse(conn);
    return 0;
}

enum vouch_staple
vouch_conn_staple_found(const struct vouch_conn *conn)
{
    return conn->staple;
}

const char *
vouch_staple_name(enum vouch_staple staple)
{
    static const char *const names[] = {
        "none", "good",  "revoked", "unknown", "unanswered",
        "old",  "other", "forged",  "broken",  "program"};

    if ((size_t) staple >= sizeof(names) / sizeof(names[0]))
        return "none";
    return names[staple];
}

const char *
vouch_staple_text(enum vouch_staple staple)
{
    static const char *const texts[] = {
        "it comes without an OCSP staple, which is demanded",
        "",
        "its OCSP staple says that it is revoked",
        "its OCSP staple says that the responder does not know it",
        "its OCSP staple has no answer",
        "its OCSP staple is outside its dates",
        "its OCSP staple is for another certificate, or its issuer is not "
        "known",
        "its OCSP staple is not signed by its issuer",
        "its OCSP staple cannot be read",
        "the staple callback said no"};

    if ((size_t) staple >= sizeof(texts) / sizeof(texts[0]))
        return "";
    return texts[staple];
}
