/*
 * The names in a certificate: subject, issuer, alternative names.
 *
 * Values come out with their length: they may hold NULs, and whoever
 * compares them must look at all of it.
 */
#include "tls/certificate.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "tls/private.h"

#define OID_TEXT 128 /* room for a dotted OID; a longer one is allocated */

typedef int (*field_fn)(const char *name, const unsigned char *value,
                        size_t length, void *arg);
typedef int (*san_fn)(enum vouch_san_type type, const unsigned char *value,
                      size_t length, void *arg);

static const X509_NAME *
name_of(const struct vouch_cert *cert, enum vouch_cert_name which)
{
    const X509 *x509 = vouch_cert_openssl(cert);

    return which == VOUCH_CERT_ISSUER ? X509_get_issuer_name(x509)
                                      : X509_get_subject_name(x509);
}

int
vouch_cert_name_line(const struct vouch_cert *cert, enum vouch_cert_name which,
                     struct vouch_buf *out)
{
    char *line;
    int rv = -1;

    ERR_set_mark();
    line = X509_NAME_oneline(name_of(cert, which), NULL, 0);
    if (line != NULL)
        rv = vouch_buf_append_text(out, line);
    OPENSSL_free(line);
    ERR_pop_to_mark();
    return rv;
}

/*
 * The dotted text of an OID, in room or, where that is too small, in new
 * memory.  Free it with free_oid().
 */
static char *
oid_text(const ASN1_OBJECT *oid, char room[OID_TEXT])
{
    int length = OBJ_obj2txt(room, OID_TEXT, oid, 1);
    char *text;

    if (length <= 0)
        return NULL;
    if (length < OID_TEXT)
        return room;
    text = OPENSSL_malloc((size_t) length + 1);
    if (text != NULL)
        (void) OBJ_obj2txt(text, length + 1, oid, 1);
    return text;
}

static void
free_oid(char *text, const char *room)
{
    if (text != room)
        OPENSSL_free(text);
}

/* Pass one part of a name on; what field() returns, or -1. */
static int
pass_entry(const X509_NAME_ENTRY *entry, field_fn field, void *arg)
{
    const ASN1_OBJECT *oid = X509_NAME_ENTRY_get_object(entry);
    int nid = OBJ_obj2nid(oid);
    char room[OID_TEXT];
    char *dotted = NULL;
    unsigned char *value = NULL;
    int length;
    int rv = -1;

    length = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
    if (length < 0)
        return -1;
    if (nid == NID_undef)
        dotted = oid_text(oid, room);
    if (nid != NID_undef || dotted != NULL)
        rv = field(dotted != NULL ? dotted : OBJ_nid2sn(nid), value,
                   (size_t) length, arg);
    free_oid(dotted, room);
    OPENSSL_free(value);
    return rv;
}

int
vouch_cert_name_each(const struct vouch_cert *cert, enum vouch_cert_name which,
                     int (*field)(const char *name, const unsigned char *value,
                                  size_t length, void *arg),
                     void *arg)
{
    const X509_NAME *name = name_of(cert, which);
    int count = X509_NAME_entry_count(name);
    int rv = 0;
    int i;

    ERR_set_mark();
    for (i = 0; i < count && rv == 0; i++)
        rv = pass_entry(X509_NAME_get_entry(name, i), field, arg);
    ERR_pop_to_mark();
    return rv;
}

int
vouch_cert_common_name(const struct vouch_cert *cert, struct vouch_buf *out)
{
    const X509_NAME *name = name_of(cert, VOUCH_CERT_SUBJECT);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *data;
    unsigned char *value = NULL;
    int length;
    int rv = -1;

    if (at < 0)
        return 0;
    ERR_set_mark();
    data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    length = ASN1_STRING_to_UTF8(&value, data);
    ERR_pop_to_mark();
    if (length < 0)
        return -1;
    if (vouch_buf_append(out, value, (size_t) length) == 0)
        rv = 1;
    OPENSSL_free(value);
    return rv;
}

static int
pass_string(enum vouch_san_type type, const ASN1_STRING *value, san_fn san,
            void *arg)
{
    return san(type, ASN1_STRING_get0_data(value),
               (size_t) ASN1_STRING_length(value), arg);
}

static int
pass_other(const OTHERNAME *other, san_fn san, void *arg)
{
    unsigned char *der = NULL;
    int length = i2d_OTHERNAME(other, &der);
    int rv;

    if (length < 0)
        return -1;
    rv = san(VOUCH_SAN_OTHER, der, (size_t) length, arg);
    OPENSSL_free(der);
    return rv;
}

static int
pass_directory(const X509_NAME *name, san_fn san, void *arg)
{
    char *line = X509_NAME_oneline(name, NULL, 0);
    int rv;

    if (line == NULL)
        return -1;
    rv = san(VOUCH_SAN_DIRECTORY, (const unsigned char *) line, strlen(line),
             arg);
    OPENSSL_free(line);
    return rv;
}

static int
pass_rid(const ASN1_OBJECT *oid, san_fn san, void *arg)
{
    char room[OID_TEXT];
    char *text = oid_text(oid, room);
    int rv;

    if (text == NULL)
        return -1;
    rv = san(VOUCH_SAN_RID, (const unsigned char *) text, strlen(text), arg);
    free_oid(text, room);
    return rv;
}

/* Who compares addresses relies on their having a length that exists. */
static int
pass_address(const ASN1_STRING *value, san_fn san, void *arg)
{
    int length = ASN1_STRING_length(value);

    if (length != 4 && length != 16)
        return -1;
    return pass_string(VOUCH_SAN_IP, value, san, arg);
}

/* Pass one alternative name on; what san() returns, or -1. */
static int
pass_san(const GENERAL_NAME *name, san_fn san, void *arg)
{
    switch (name->type) {
    case GEN_OTHERNAME:
        return pass_other(name->d.otherName, san, arg);
    case GEN_EMAIL:
        return pass_string(VOUCH_SAN_EMAIL, name->d.rfc822Name, san, arg);
    case GEN_DNS:
        return pass_string(VOUCH_SAN_DNS, name->d.dNSName, san, arg);
    case GEN_DIRNAME:
        return pass_directory(name->d.directoryName, san, arg);
    case GEN_URI:
        return pass_string(VOUCH_SAN_URI, name->d.uniformResourceIdentifier,
                           san, arg);
    case GEN_IPADD:
        return pass_address(name->d.iPAddress, san, arg);
    case GEN_RID:
        return pass_rid(name->d.registeredID, san, arg);
    default:
        return 0; /* X.400 and EDI names: nobody uses them with TLS */
    }
}

int
vouch_cert_san_each(const struct vouch_cert *cert,
                    int (*san)(enum vouch_san_type type,
                               const unsigned char *value, size_t length,
                               void *arg),
                    void *arg)
{
    GENERAL_NAMES *names;
    int critical = 0;
    int rv = 0;
    int i;

    ERR_set_mark();
    names = X509_get_ext_d2i(vouch_cert_openssl(cert), NID_subject_alt_name,
                             &critical, NULL);
    if (names == NULL && critical != -1)
        rv = -1; /* there are such names, but unreadable or twice */
    for (i = 0; i < sk_GENERAL_NAME_num(names) && rv == 0; i++)
        rv = pass_san(sk_GENERAL_NAME_value(names, i), san, arg);
    GENERAL_NAMES_free(names);
    ERR_pop_to_mark();
    return rv;
}

int
vouch_cert_is_for(const struct vouch_cert *cert, const char *host)
{
    X509 *x509 = vouch_cert_openssl(cert);
    int result;

    ERR_set_mark();
    result = X509_check_ip_asc(x509, host, 0);
    if (result == -2 && *host != '\0' && *host != '.') /* no address */
        result = X509_check_host(x509, host, 0,
                                 X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL);
    ERR_pop_to_mark();
    return result == 1;
}
