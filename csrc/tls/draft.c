/*
 * A certificate in the making.
 */
#include "tls/draft.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/text.h"
#include "tls/issue.h"
#include "tls/pkey.h"
#include "tls/private.h"

#define SERIAL_TEXT 52 /* "-0x" and 20 bytes in either notation, at most */
#define SERIAL_MAX 20  /* bytes: RFC 5280 */

struct vouch_draft {
    X509 *cert;
    X509 *issuer; /* NULL: the certificate itself */
    EVP_PKEY *signer;
    GENERAL_NAMES *names;
};

/* Fields whose type is not UTF8String. */
static const struct {
    int nid;
    int type;
} field_types[] = {
    {NID_countryName, V_ASN1_PRINTABLESTRING},
    {NID_serialNumber, V_ASN1_PRINTABLESTRING},
    {NID_dnQualifier, V_ASN1_PRINTABLESTRING},
    {NID_pkcs9_emailAddress, V_ASN1_IA5STRING},
    {NID_domainComponent, V_ASN1_IA5STRING},
};

void
vouch_draft_free(struct vouch_draft *draft)
{
    if (draft == NULL)
        return;
    GENERAL_NAMES_free(draft->names);
    EVP_PKEY_free(draft->signer);
    X509_free(draft->issuer);
    X509_free(draft->cert);
    free(draft);
}

/* Say that OpenSSL has failed at something. */
static int
failed(struct vouch_error *err, enum vouch_code code, const char *what)
{
    return vouch_error_set_openssl(err, code, "%s", what);
}

static int
check_issuer(X509 *issuer, EVP_PKEY *signer, struct vouch_error *err)
{
    if ((issuer == NULL) != (signer == NULL))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "who signs needs a certificate and a key");
    ERR_clear_error();
    if (issuer != NULL && X509_check_private_key(issuer, signer) != 1)
        return failed(err, VOUCH_E_MISMATCH,
                      "the issuer's key does not match its certificate");
    return 0;
}

int
vouch_draft_new(struct vouch_pkey *key, struct vouch_cert *issuer,
                struct vouch_pkey *issuer_key, struct vouch_draft **draft_r,
                struct vouch_error *err)
{
    X509 *authority = vouch_cert_openssl(issuer);
    EVP_PKEY *signer = vouch_pkey_evp(issuer_key);
    struct vouch_draft *draft;

    if (check_issuer(authority, signer, err) != 0)
        return -1;
    draft = calloc(1, sizeof(*draft));
    if (draft == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    draft->issuer = vouch_cert_openssl(vouch_cert_ref(issuer));
    draft->signer =
        vouch_pkey_evp(vouch_pkey_ref(issuer_key != NULL ? issuer_key : key));
    draft->names = GENERAL_NAMES_new();
    draft->cert = X509_new();
    ERR_clear_error();
    if (draft->names == NULL || draft->cert == NULL
        || X509_set_version(draft->cert, X509_VERSION_3) != 1
        || vouch_issue_set_term(draft->cert, 0, 0) != 1
        || X509_set_pubkey(draft->cert, vouch_pkey_evp(key)) != 1) {
        vouch_draft_free(draft);
        return failed(err, VOUCH_E_CONFIG, "cannot make a certificate");
    }
    *draft_r = draft;
    return 0;
}

int
vouch_draft_set_dates(struct vouch_draft *draft, int64_t not_before,
                      int64_t not_after, struct vouch_error *err)
{
    ASN1_INTEGER *serial;
    int good;

    if (vouch_issue_check_date("not_before", not_before, err) != 0
        || vouch_issue_check_date("not_after", not_after, err) != 0)
        return -1;
    serial = ASN1_INTEGER_dup(X509_get0_serialNumber(draft->cert));
    good = serial != NULL
           && vouch_issue_set_term(draft->cert, not_before, not_after)
           && X509_set_serialNumber(draft->cert, serial) == 1;
    ASN1_INTEGER_free(serial);
    return good ? 0 : failed(err, VOUCH_E_MEMORY, "cannot set the dates");
}

/* The number that text says, or NULL. */
static BIGNUM *
read_number(const char *text)
{
    BIGNUM *number = NULL;
    int minus = text[0] == '-';
    const char *digits = text + minus;
    int hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    int length;

    digits += hex ? 2 : 0;
    if (strlen(text) > SERIAL_TEXT || digits[0] == '-' || digits[0] == '\0')
        return NULL;
    length = hex ? BN_hex2bn(&number, digits) : BN_dec2bn(&number, digits);
    if (length != (int) strlen(digits) || BN_num_bytes(number) > SERIAL_MAX) {
        BN_free(number);
        return NULL;
    }
    BN_set_negative(number, minus);
    return number;
}

int
vouch_draft_set_serial(struct vouch_draft *draft, const char *text,
                       struct vouch_error *err)
{
    BIGNUM *number = read_number(text);
    int good =
        number != NULL
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(draft->cert))
               != NULL;

    BN_free(number);
    ERR_clear_error();
    if (good)
        return 0;
    return vouch_error_set(err, VOUCH_E_ARGUMENT,
                           "serial: \"%.60s\" is not a whole number of at "
                           "most %d bytes",
                           text, SERIAL_MAX);
}

/* 1 if these are characters that every ASN.1 text has. */
static int
is_printable(const char *value, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (value[i] < ' ' || value[i] > '~')
            return 0;
    }
    return 1;
}

static int
type_of(int nid, const char *value, size_t length)
{
    size_t i;

    for (i = 0; i < sizeof(field_types) / sizeof(field_types[0]); i++) {
        if (field_types[i].nid == nid && is_printable(value, length))
            return field_types[i].type;
    }
    return V_ASN1_UTF8STRING;
}

int
vouch_draft_add_subject(struct vouch_draft *draft, const char *field,
                        const char *value, size_t length,
                        struct vouch_error *err)
{
    X509_NAME *subject = X509_get_subject_name(draft->cert);
    ASN1_OBJECT *oid;
    int good;

    if (length > VOUCH_CERT_MAX || !vouch_text_is_utf8(value, length))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "subject: the value of \"%.60s\" is not valid "
                               "UTF-8, or too long",
                               field);
    ERR_clear_error();
    oid = OBJ_txt2obj(field, 0);
    if (oid == NULL) {
        ERR_clear_error();
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "subject: \"%.60s\" is not the name of a field",
                               field);
    }
    good = X509_NAME_add_entry_by_OBJ(
        subject, oid, type_of(OBJ_obj2nid(oid), value, length),
        (const unsigned char *) value, (int) length, -1, 0);
    ASN1_OBJECT_free(oid);
    return good == 1 ? 0 : failed(err, VOUCH_E_MEMORY, "cannot set a name");
}

/* The value of an alternative name, or NULL if text is none. */
static ASN1_STRING *
san_value(enum vouch_san_type type, const char *text)
{
    unsigned char address[16];
    const void *data = text;
    size_t length = strlen(text);
    ASN1_STRING *value;

    if (type == VOUCH_SAN_IP) {
        if (inet_pton(AF_INET, text, address) == 1)
            length = 4;
        else if (inet_pton(AF_INET6, text, address) == 1)
            length = 16;
        else
            return NULL;
        data = address;
    } else if (length == 0 || length > VOUCH_CERT_MAX
               || !is_printable(text, length)) {
        return NULL;
    }
    value =
        type == VOUCH_SAN_IP ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (value != NULL && ASN1_STRING_set(value, data, (int) length) == 1)
        return value;
    ASN1_STRING_free(value);
    return NULL;
}

/* Make the name, or NULL. */
static GENERAL_NAME *
san_name(enum vouch_san_type type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    void *value = NULL;

    switch (type) {
    case VOUCH_SAN_DNS:
    case VOUCH_SAN_EMAIL:
    case VOUCH_SAN_URI:
    case VOUCH_SAN_IP:
        value = san_value(type, text);
        break;
    case VOUCH_SAN_RID:
        value = OBJ_txt2obj(text, 1);
        break;
    default:
        break;
    }
    if (name == NULL || value == NULL) {
        GENERAL_NAME_free(name);
        return NULL; /* the value is NULL, or memory is out */
    }
    GENERAL_NAME_set0_value(name, (int) type, value);
    return name;
}

int
vouch_draft_add_san(struct vouch_draft *draft, enum vouch_san_type type,
                    const char *value, struct vouch_error *err)
{
    GENERAL_NAME *name;

    ERR_clear_error();
    name = san_name(type, value);
    ERR_clear_error();
    if (name == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "subjectAltNames: \"%.100s\" is not a name of "
                               "that type (addresses are text, names that "
                               "are not ASCII in their xn-- form)",
                               value);
    if (sk_GENERAL_NAME_push(draft->names, name) > 0)
        return 0;
    GENERAL_NAME_free(name);
    return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
}

/* 1 if there is an extension of this kind, or will be. */
static int
has_extension(const struct vouch_draft *draft, int nid)
{
    if (nid == NID_subject_alt_name && sk_GENERAL_NAME_num(draft->names) > 0)
        return 1;
    return nid != NID_undef && X509_get_ext_by_NID(draft->cert, nid, -1) >= 0;
}

/* Make an extension out of text, or NULL. */
static X509_EXTENSION *
make_extension(struct vouch_draft *draft, const char *name, int nid,
               const char *value)
{
    X509V3_CTX context;
    X509 *issuer = draft->issuer != NULL ? draft->issuer : draft->cert;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, draft->cert, NULL, NULL, 0);
    if (nid != NID_undef)
        return X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    return name != NULL ? X509V3_EXT_nconf(NULL, &context, name, value) : NULL;
}

int
vouch_draft_add_extension(struct vouch_draft *draft, const char *name, int nid,
                          const char *value, int critical,
                          struct vouch_error *err)
{
    X509_EXTENSION *extension;
    char number[24];
    int added = 1;

    (void) snprintf(number, sizeof(number), "number %d", nid);
    if (name != NULL)
        nid = OBJ_txt2nid(name);
    if (has_extension(draft, nid))
        return 0;
    ERR_clear_error();
    extension = make_extension(draft, name, nid, value);
    if (extension == NULL)
        return vouch_error_set_openssl(err, VOUCH_E_ARGUMENT,
                                       "extension %.60s: cannot be made of "
                                       "\"%.200s\"",
                                       name != NULL ? name : number, value);
    if (critical)
        (void) X509_EXTENSION_set_critical(extension, 1);
    if (nid == NID_undef
        && X509_get_ext_by_OBJ(draft->cert,
                               X509_EXTENSION_get_object(extension), -1)
               >= 0)
        added = 0;
    else if (X509_add_ext(draft->cert, extension, -1) != 1)
        added = -1;
    X509_EXTENSION_free(extension);
    return added >= 0 ? added
                      : failed(err, VOUCH_E_MEMORY, "cannot add an extension");
}

/* A certificate whose subject is empty is known by these names only, and
 * then they are critical: RFC 5280, 4.2.1.6. */
static int
add_names(struct vouch_draft *draft)
{
    const X509_NAME *subject = X509_get_subject_name(draft->cert);

    if (sk_GENERAL_NAME_num(draft->names) == 0)
        return 1;
    return X509_add1_ext_i2d(draft->cert, NID_subject_alt_name, draft->names,
                             X509_NAME_entry_count(subject) == 0,
                             X509V3_ADD_REPLACE)
           == 1;
}

int
vouch_draft_sign(struct vouch_draft *draft, const char *digest,
                 struct vouch_cert **cert_r, struct vouch_error *err)
{
    X509 *issuer = draft->issuer != NULL ? draft->issuer : draft->cert;
    const EVP_MD *method = EVP_sha256();
    int length;

    if (digest != NULL)
        method = EVP_get_digestbyname(digest);
    if (method == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "digest: \"%.60s\" is not one that OpenSSL "
                               "knows",
                               digest);
    ERR_clear_error();
    if (X509_set_issuer_name(draft->cert, X509_get_subject_name(issuer)) != 1
        || !add_names(draft)
        || !vouch_issue_sign(draft->cert, draft->signer, method))
        return failed(err, VOUCH_E_ARGUMENT,
                      "cannot sign the certificate with this key and digest");
    length = i2d_X509(draft->cert, NULL);
    if (length <= 0 || length > VOUCH_CERT_MAX)
        return vouch_error_set(err, VOUCH_E_LIMIT,
                               "the certificate is larger than %d bytes",
                               VOUCH_CERT_MAX);
    *cert_r = vouch_cert_borrow(draft->cert);
    draft->cert = NULL;
    return 0;
}
