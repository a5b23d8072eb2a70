/*
 * Make a self-signed certificate and its key; renew one keeping its key.
 *
 * Signing for others is draft.c's.
 */
#include "tls/identity.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "tls/certificate.h"
#include "tls/issue.h"
#include "tls/pkey.h"
#include "tls/private.h"
#include "tls/san.h"

#define CN_MAX 64            /* characters: ub-common-name of RFC 5280 */
#define CERT_SENT_MAX 102400 /* peers refuse more: SSL_MAX_CERT_LIST_DEFAULT */

/* Extensions of a certificate that is no authority's. */
static const struct {
    int nid;
    const char *value;
} extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_ext_key_usage, "serverAuth,clientAuth"},
    {NID_subject_key_identifier, "hash"},
};

static int
check_cn(const char *cn, struct vouch_error *err)
{
    const unsigned char *at = (const unsigned char *) cn;
    size_t left = cn != NULL ? strlen(cn) : 0;
    unsigned long code;
    size_t characters;
    int length;

    if (left == 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "cn: is empty");
    for (characters = 0; left > 0; characters++) {
        if (characters >= CN_MAX)
            return vouch_error_set(err, VOUCH_E_ARGUMENT,
                                   "cn: longer than %d characters", CN_MAX);
        length = UTF8_getc(at, left > 6 ? 6 : (int) left, &code);
        if (length <= 0 || code > 0x10FFFF
            || (code >= 0xD800 && code <= 0xDFFF))
            return vouch_error_set(err, VOUCH_E_ARGUMENT,
                                   "cn: is not valid UTF-8");
        if (code < 0x20 || (code >= 0x7F && code < 0xA0))
            return vouch_error_set(err, VOUCH_E_ARGUMENT,
                                   "cn: has a control character");
        at += length;
        left -= (size_t) length;
    }
    return 0;
}

static int
check_dates(int64_t not_before, int64_t not_after, struct vouch_error *err)
{
    if (vouch_issue_check_date("not_before", not_before, err) != 0
        || vouch_issue_check_date("not_after", not_after, err) != 0)
        return -1;
    if (not_after <= not_before)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "not_after: is not later than not_before");
    return 0;
}

static int
set_subject(X509 *cert, const char *cn)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING,
                                      (const unsigned char *) cn, -1, -1, 0)
               == 1
           && X509_set_issuer_name(cert, name) == 1;
}

static int
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    int good;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    good = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static int
add_extensions(X509 *cert, const EVP_PKEY *key)
{
    const char *usage = EVP_PKEY_is_a(key, "RSA")
                            ? "critical,digitalSignature,keyEncipherment"
                            : "critical,digitalSignature";
    size_t i;

    for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (!add_extension(cert, extensions[i].nid, extensions[i].value))
            return 0;
    }
    return add_extension(cert, NID_key_usage, usage);
}

static int
add_san(X509 *cert, const GENERAL_NAMES *names)
{
    if (sk_GENERAL_NAME_num(names) == 0)
        return 1;
    return X509_add1_ext_i2d(cert, NID_subject_alt_name, (void *) names, 0,
                             X509V3_ADD_DEFAULT)
           == 1;
}

/* Read the names into a new list, or NULL. */
static GENERAL_NAMES *
read_san(const struct vouch_identity_spec *spec, struct vouch_error *err)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    size_t i;

    if (names == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    for (i = 0; names != NULL && i < spec->san_count; i++) {
        if (vouch_san_add(names, spec->san[i], err) != 0) {
            GENERAL_NAMES_free(names);
            names = NULL;
        }
    }
    return names;
}

/* A signed certificate, or NULL and the reason in OpenSSL's queue. */
static X509 *
make_cert(const struct vouch_identity_spec *spec, const GENERAL_NAMES *names,
          EVP_PKEY *key)
{
    X509 *cert = X509_new();

    if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1
        && vouch_issue_set_term(cert, spec->not_before, spec->not_after)
        && set_subject(cert, spec->cn) && X509_set_pubkey(cert, key) == 1
        && add_extensions(cert, key) && add_san(cert, names)
        && vouch_issue_sign(cert, key, EVP_sha256()))
        return cert;
    X509_free(cert);
    return NULL;
}

int
vouch_identity_create(const struct vouch_identity_spec *spec,
                      struct vouch_identity **identity_r,
                      struct vouch_error *err)
{
    GENERAL_NAMES *names = NULL;
    struct vouch_pkey *made = NULL;
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    int rv = -1;

    ERR_clear_error();
    if (check_cn(spec->cn, err) != 0
        || check_dates(spec->not_before, spec->not_after, err) != 0)
        return -1;
    names = read_san(spec, err);
    if (names == NULL)
        goto out;
    if (vouch_pkey_create(spec->key, &made, err) != 0)
        goto out;
    key = vouch_pkey_evp(made);
    cert = make_cert(spec, names, key);
    if (cert == NULL) {
        (void) vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "cannot make the certificate");
        goto out;
    }
    if (i2d_X509(cert, NULL) > CERT_SENT_MAX) {
        (void) vouch_error_set(err, VOUCH_E_LIMIT,
                               "san: the names make the certificate larger "
                               "than %d bytes, which peers refuse",
                               CERT_SENT_MAX);
        goto out;
    }
    rv = vouch_identity_from_openssl(cert, key, NULL, 0, identity_r, err);

out:
    X509_free(cert);
    vouch_pkey_free(made);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return rv;
}

/*
 * An authority key identifier may tell the serial of the signer, which for
 * us is the certificate itself and has just changed.
 */
static int
follow_serial(X509 *cert)
{
    AUTHORITY_KEYID *id;
    int critical = 0;
    int good = 1;

    id = X509_get_ext_d2i(cert, NID_authority_key_identifier, &critical, NULL);
    if (id != NULL && id->serial != NULL)
        good = ASN1_STRING_copy(id->serial, X509_get0_serialNumber(cert)) == 1
               && X509_add1_ext_i2d(cert, NID_authority_key_identifier, id,
                                    critical, X509V3_ADD_REPLACE)
                      == 1;
    AUTHORITY_KEYID_free(id);
    return good;
}

int
vouch_identity_renew(const struct vouch_identity *identity, int64_t not_before,
                     int64_t not_after, struct vouch_identity **identity_r,
                     struct vouch_error *err)
{
    EVP_PKEY *key = vouch_identity_pkey(identity);
    X509 *cert;
    int rv = -1;

    ERR_clear_error();
    if (check_dates(not_before, not_after, err) != 0)
        return -1;
    if (!vouch_cert_is_self_signed(vouch_identity_cert(identity)))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "the certificate was signed by another "
                               "authority; only that one can renew it");
    cert = X509_dup(vouch_identity_x509(identity));
    if (cert != NULL && vouch_issue_set_term(cert, not_before, not_after)
        && follow_serial(cert) && vouch_issue_sign(cert, key, EVP_sha256()))
        rv = vouch_identity_from_openssl(cert, key, NULL, 0, identity_r, err);
    else
        (void) vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "cannot renew the certificate");
    X509_free(cert);
    ERR_clear_error();
    return rv;
}
