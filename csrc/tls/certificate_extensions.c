/*
 * What a certificate is for, and all of its extensions.
 *
 * Trusts nothing: every getter must survive any certificate OpenSSL parses.
 */
#include "tls/certificate_extensions.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "tls/private.h"

#define OID_TEXT 256     /* of a dotted OID; a longer one is cut */
#define KEY_USAGE_BITS 9 /* RFC 5280, 4.2.1.3 */

typedef int (*oid_fn)(const struct vouch_oid *oid, void *arg);
typedef int (*extension_fn)(const struct vouch_cert_extension *extension,
                            void *arg);
typedef int (*uri_fn)(const unsigned char *value, size_t length, void *arg);

long
vouch_cert_version(const struct vouch_cert *cert)
{
    return X509_get_version(vouch_cert_openssl(cert));
}

unsigned
vouch_cert_key_usage(const struct vouch_cert *cert)
{
    ASN1_BIT_STRING *usage;
    unsigned bits = 0;
    int i;

    ERR_set_mark();
    usage =
        X509_get_ext_d2i(vouch_cert_openssl(cert), NID_key_usage, NULL, NULL);
    for (i = 0; usage != NULL && i < KEY_USAGE_BITS; i++) {
        if (ASN1_BIT_STRING_get_bit(usage, i))
            bits |= 1u << i;
    }
    ASN1_BIT_STRING_free(usage);
    ERR_pop_to_mark();
    return bits;
}

/* Describe an OID; dotted is room for its text. */
static void
describe(const ASN1_OBJECT *object, char dotted[OID_TEXT],
         struct vouch_oid *oid_r)
{
    int nid = OBJ_obj2nid(object);

    dotted[0] = '\0';
    (void) OBJ_obj2txt(dotted, OID_TEXT, object, 1);
    oid_r->dotted = dotted;
    oid_r->nid = nid;
    oid_r->short_name = nid != NID_undef ? OBJ_nid2sn(nid) : NULL;
    oid_r->long_name = nid != NID_undef ? OBJ_nid2ln(nid) : NULL;
}

int
vouch_cert_purpose_each(const struct vouch_cert *cert, oid_fn purpose,
                        void *arg)
{
    EXTENDED_KEY_USAGE *usage;
    struct vouch_oid oid;
    char dotted[OID_TEXT];
    int critical = 0;
    int rv = 0;
    int i;

    ERR_set_mark();
    usage = X509_get_ext_d2i(vouch_cert_openssl(cert), NID_ext_key_usage,
                             &critical, NULL);
    if (usage == NULL && critical != -1)
        rv = -1;
    for (i = 0; rv == 0 && i < sk_ASN1_OBJECT_num(usage); i++) {
        describe(sk_ASN1_OBJECT_value(usage, i), dotted, &oid);
        rv = purpose(&oid, arg);
    }
    EXTENDED_KEY_USAGE_free(usage);
    ERR_pop_to_mark();
    return rv;
}

/* Pass one extension on; what extension() returns, or -1. */
static int
pass_extension(X509_EXTENSION *from, extension_fn extension, void *arg)
{
    struct vouch_cert_extension facts = {{NULL, 0, NULL, NULL}, 0, NULL, 0};
    BIO *bio = BIO_new(BIO_s_mem());
    char dotted[OID_TEXT];
    char *text = NULL;
    long length;
    int rv;

    if (bio == NULL)
        return -1;
    describe(X509_EXTENSION_get_object(from), dotted, &facts.oid);
    facts.critical = X509_EXTENSION_get_critical(from) != 0;
    if (X509V3_EXT_print(bio, from, 0, 0) == 1) {
        length = BIO_get_mem_data(bio, &text);
        facts.text = length > 0 ? text : "";
        facts.text_length = length > 0 ? (size_t) length : 0;
    }
    rv = extension(&facts, arg);
    BIO_free(bio);
    return rv;
}

int
vouch_cert_extension_each(const struct vouch_cert *cert,
                          extension_fn extension, void *arg)
{
    const X509 *x509 = vouch_cert_openssl(cert);
    int count = X509_get_ext_count(x509);
    int rv = 0;
    int i;

    ERR_set_mark();
    for (i = 0; i < count && rv == 0; i++)
        rv = pass_extension(X509_get_ext(x509, i), extension, arg);
    ERR_pop_to_mark();
    return rv;
}

static int
pass_uri(const GENERAL_NAME *name, uri_fn uri, void *arg)
{
    const ASN1_STRING *value;

    if (name->type != GEN_URI)
        return 0;
    value = name->d.uniformResourceIdentifier;
    return uri(ASN1_STRING_get0_data(value),
               (size_t) ASN1_STRING_length(value), arg);
}

static int
pass_crl_uris(const X509 *x509, uri_fn uri, void *arg)
{
    CRL_DIST_POINTS *points;
    const DIST_POINT_NAME *at;
    int critical = 0;
    int rv = 0;
    int i;
    int j;

    points =
        X509_get_ext_d2i(x509, NID_crl_distribution_points, &critical, NULL);
    if (points == NULL && critical != -1)
        rv = -1;
    for (i = 0; rv == 0 && i < sk_DIST_POINT_num(points); i++) {
        at = sk_DIST_POINT_value(points, i)->distpoint;
        if (at == NULL || at->type != 0)
            continue; /* a name relative to the issuer's */
        for (j = 0; rv == 0 && j < sk_GENERAL_NAME_num(at->name.fullname); j++)
            rv = pass_uri(sk_GENERAL_NAME_value(at->name.fullname, j), uri,
                          arg);
    }
    CRL_DIST_POINTS_free(points);
    return rv;
}

static int
pass_ocsp_uris(const X509 *x509, uri_fn uri, void *arg)
{
    AUTHORITY_INFO_ACCESS *places;
    const ACCESS_DESCRIPTION *place;
    int critical = 0;
    int rv = 0;
    int i;

    places = X509_get_ext_d2i(x509, NID_info_access, &critical, NULL);
    if (places == NULL && critical != -1)
        rv = -1;
    for (i = 0; rv == 0 && i < sk_ACCESS_DESCRIPTION_num(places); i++) {
        place = sk_ACCESS_DESCRIPTION_value(places, i);
        if (OBJ_obj2nid(place->method) == NID_ad_OCSP)
            rv = pass_uri(place->location, uri, arg);
    }
    AUTHORITY_INFO_ACCESS_free(places);
    return rv;
}

int
vouch_cert_uri_each(const struct vouch_cert *cert, enum vouch_cert_uri which,
                    uri_fn uri, void *arg)
{
    const X509 *x509 = vouch_cert_openssl(cert);
    int rv;

    ERR_set_mark();
    rv = which == VOUCH_URI_OCSP ? pass_ocsp_uris(x509, uri, arg)
                                 : pass_crl_uris(x509, uri, arg);
    ERR_pop_to_mark();
    return rv;
}

const char *
vouch_cert_field_long_name(const char *short_name)
{
    int nid = OBJ_sn2nid(short_name);

    return nid != NID_undef ? OBJ_nid2ln(nid) : short_name;
}
