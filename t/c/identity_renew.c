/*
 * Renewing: what is kept, what is new, what cannot be renewed.
 */
#include "tls/identity.h"

#include <stdint.h>

#include "pki.h"
#include "tap.h"

#define Y9999 INT64_C(253402300799)

/* An identity of OpenSSL's key and certificate, which are freed. */
static struct vouch_identity *
wrap(X509 *x509, EVP_PKEY *key)
{
    struct vouch_identity *identity = NULL;

    pki_need(vouch_identity_from_openssl(x509, key, NULL, 0, &identity, NULL)
                 == 0,
             "an identity");
    X509_free(x509);
    EVP_PKEY_free(key);
    return identity;
}

static struct vouch_identity *
renew(const struct vouch_identity *old, int64_t start, int64_t end)
{
    struct vouch_identity *identity = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_identity_renew(old, start, end, &identity, &err) != 0)
        printf("# %s\n", err.text);
    return identity;
}

static void
add_extension(X509 *x509, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    pki_need(extension != NULL && X509_add_ext(x509, extension, -1) == 1,
             "an extension");
    X509_EXTENSION_free(extension);
}

/* A digest of the key of a certificate. */
static struct vouch_fingerprint
key_digest(const struct vouch_identity *identity)
{
    struct vouch_fingerprint made;

    pki_need(vouch_cert_fingerprint(vouch_identity_cert(identity),
                                    VOUCH_SHA256, VOUCH_OF_SPKI, &made)
                 == 0,
             "a digest");
    return made;
}

/* 1 if both have the same extensions in the same order. */
static int
same_extensions(const X509 *a, const X509 *b)
{
    int i;

    if (X509_get_ext_count(a) != X509_get_ext_count(b))
        return 0;
    for (i = 0; i < X509_get_ext_count(a); i++) {
        X509_EXTENSION *x = X509_get_ext(a, i);
        X509_EXTENSION *y = X509_get_ext(b, i);

        if (OBJ_cmp(X509_EXTENSION_get_object(x), X509_EXTENSION_get_object(y))
                != 0
            || X509_EXTENSION_get_critical(x) != X509_EXTENSION_get_critical(y)
            || ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(x),
                                     X509_EXTENSION_get_data(y))
                   != 0)
            return 0;
    }
    return 1;
}

static void
test_kinds(void)
{
    static const char *const kinds[] = {"ec", "rsa:2048", "ed25519", "ed448"};
    static const char *const names[] = {"localhost", "::1", "EMAIL:a@b"};
    struct vouch_identity_spec spec = {"J\xc3\xbcrg", NULL, names, 3, 0, 5};
    struct vouch_identity *old;
    struct vouch_identity *new;
    struct vouch_fingerprint a;
    struct vouch_fingerprint b;
    X509 *x;
    X509 *y;
    int64_t when = 0;
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        old = NULL;
        spec.key = kinds[i];
        pki_need(vouch_identity_create(&spec, &old, NULL) == 0, "a spec");
        new = renew(old, 1000, Y9999);
        if (!ok(new != NULL, kinds[i])) {
            vouch_identity_free(old);
            continue;
        }
        x = vouch_cert_x509(vouch_identity_cert(old));
        y = vouch_cert_x509(vouch_identity_cert(new));
        a = key_digest(old);
        b = key_digest(new);
        ok(vouch_fingerprint_equal(&a, &b), "the same key");
        ok(X509_NAME_cmp(X509_get_subject_name(x), X509_get_subject_name(y))
               == 0,
           "the same subject");
        ok(same_extensions(x, y), "the same extensions and names");
        ok(ASN1_INTEGER_cmp(X509_get0_serialNumber(x),
                            X509_get0_serialNumber(y))
               != 0,
           "another serial");
        ok(vouch_cert_not_before(vouch_identity_cert(new), &when) == 0
               && when == 1000
               && vouch_cert_not_after(vouch_identity_cert(new), &when) == 0
               && when == Y9999,
           "other dates");
        ok(vouch_cert_is_self_signed(vouch_identity_cert(new)), "self-signed");
        ok(vouch_cert_not_after(vouch_identity_cert(old), &when) == 0
               && when == 5
               && vouch_cert_is_self_signed(vouch_identity_cert(old)),
           "the old one is as it was");
        vouch_identity_free(old);
        vouch_identity_free(new);
    }
}

/* A certificate of another maker: more names, unknown and unusual
 * extensions, and an identifier of the signer by its serial. */
static void
test_foreign(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");
    X509 *x509 = pki_blank(key);
    struct vouch_identity *old;
    struct vouch_identity *new;
    AUTHORITY_KEYID *id;
    X509 *made;

    pki_name(x509, "C", MBSTRING_ASC, "CH", -1);
    pki_name(x509, "CN", V_ASN1_T61STRING, "J\xfcrg", -1);
    pki_need(X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1,
             "names");
    add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x509, NID_subject_key_identifier, "hash");
    add_extension(x509, NID_authority_key_identifier,
                  "keyid:always,issuer:always");
    add_extension(x509, NID_netscape_comment, "kept");
    old = wrap(pki_sign(x509, key), key);
    new = renew(old, 0, 1);
    if (ok(new != NULL, "a certificate of another maker")) {
        made = vouch_cert_x509(vouch_identity_cert(new));
        id = X509_get_ext_d2i(made, NID_authority_key_identifier, NULL, NULL);
        ok(id != NULL && id->keyid != NULL && id->issuer != NULL
               && id->serial != NULL
               && ASN1_INTEGER_cmp(id->serial, X509_get0_serialNumber(made))
                      == 0,
           "the identifier of the signer follows the new serial");
        AUTHORITY_KEYID_free(id);
        ok(vouch_cert_is_self_signed(vouch_identity_cert(new)),
           "OpenSSL sees it signed by itself");
        is_int(X509_get_ext_count(made), 4, "no extension is lost");
        is_int(X509_check_ca(made), 1, "an authority stays one");
    }
    vouch_identity_free(new);
    vouch_identity_free(old);
}

static void
test_version_1(void)
{
    EVP_PKEY *key = pki_rsa("RSA", 2048);
    X509 *x509 = pki_blank(key);
    struct vouch_identity *old;
    struct vouch_identity *new;

    (void) X509_set_version(x509, X509_VERSION_1);
    pki_name(x509, "CN", MBSTRING_ASC, "old", -1);
    old = wrap(pki_sign(x509, key), key);
    new = renew(old, 0, 1);
    ok(new
           != NULL &&X509_get_version(
               vouch_cert_x509(vouch_identity_cert(new)))
           == X509_VERSION_1 &&vouch_cert_is_self_signed(
               vouch_identity_cert(new)),
       "a certificate of version 1");
    vouch_identity_free(new);
    vouch_identity_free(old);
}

static void
test_refused(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");
    EVP_PKEY *authority = pki_key("EC", "prime256v1");
    X509 *x509 = pki_blank(key);
    struct vouch_identity *identity;
    struct vouch_identity *none = NULL;
    struct vouch_error err;

    pki_name(x509, "CN", MBSTRING_ASC, "leaf", -1);
    pki_name(x509, "O", MBSTRING_ASC, "of an authority", -1);
    identity = wrap(pki_sign(x509, authority), key);
    vouch_error_clear(&err);
    ok(vouch_identity_renew(identity, 0, 1, &none, &err) == -1
           && err.code == VOUCH_E_ARGUMENT && none == NULL
           && strstr(err.text, "signed by another authority") != NULL,
       "signed by another key");
    vouch_error_clear(&err);
    ok(vouch_identity_renew(identity, 1, 1, &none, &err) == -1
           && err.code == VOUCH_E_ARGUMENT
           && strncmp(err.text, "not_after: ", 11) == 0,
       "dates are looked at");
    EVP_PKEY_free(authority);
    vouch_identity_free(identity);
}

int
main(void)
{
    test_kinds();
    test_foreign();
    test_version_1();
    test_refused();
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    return tap_done();
}
