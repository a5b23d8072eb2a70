/*
 * Text into subject alternative names, strictly: what a peer would never
 * match must not get into a certificate.
 */
#include "tls/san.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>

#include "base/error.h"

#define HOST_MAX 253   /* RFC 1035, as text */
#define LABEL_MAX 63   /* RFC 1035 */
#define VALUE_MAX 2048 /* of a mail address or URI: what browsers take */

struct kind {
    const char *prefix;
    int type;
    int (*valid)(const char *value);
    const char *wanted;
};

static int
is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}

/* One label of a host name; the underscore is met in practice. */
static int
valid_label(const char *label, size_t length)
{
    size_t i;

    if (length == 0 || length > LABEL_MAX || label[0] == '-'
        || label[length - 1] == '-')
        return 0;
    for (i = 0; i < length; i++) {
        if (!is_letter_or_digit(label[i]) && label[i] != '-'
            && label[i] != '_')
            return 0;
    }
    return 1;
}

static int
valid_host(const char *value)
{
    size_t length;

    if (strlen(value) > HOST_MAX)
        return 0;
    if (strncmp(value, "*.", 2) == 0)
        value += 2;
    for (;;) {
        length = strcspn(value, ".");
        if (!valid_label(value, length))
            return 0;
        if (value[length] == '\0')
            return 1;
        value += length + 1;
    }
}

/* Printable ASCII without blanks, and not too much of it. */
static int
valid_text(const char *value)
{
    size_t i;

    for (i = 0; value[i] != '\0'; i++) {
        if (value[i] <= ' ' || value[i] > '~' || i >= VALUE_MAX)
            return 0;
    }
    return i > 0;
}

static int
valid_mail(const char *value)
{
    const char *at = strrchr(value, '@');

    return valid_text(value) && at != NULL && at != value
           && strchr(value, '@') == at && valid_host(at + 1);
}

static int
valid_uri(const char *value)
{
    size_t scheme = strspn(value, "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789+-.");

    return valid_text(value) && scheme > 0 && value[scheme] == ':'
           && value[scheme + 1] != '\0';
}

/* Length of the address in bytes, 4 or 16, or 0. */
static int
read_address(const char *value, unsigned char bytes[16])
{
    if (inet_pton(AF_INET, value, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, value, bytes) == 1 ? 16 : 0;
}

static int
valid_address(const char *value)
{
    unsigned char bytes[16];

    return read_address(value, bytes) != 0;
}

static const struct kind kinds[] = {
    {"DNS:", GEN_DNS, valid_host,
     "a host name (a name that is not ASCII in its xn-- form)"},
    {"IP:", GEN_IPADD, valid_address, "an IPv4 or IPv6 address"},
    {"EMAIL:", GEN_EMAIL, valid_mail, "a mail address of ASCII characters"},
    {"URI:", GEN_URI, valid_uri, "a URI of ASCII characters"},
};

static const struct kind any_kind = {
    "", GEN_DNS, valid_host,
    "a host name, an address, or DNS:, IP:, EMAIL: or URI: and a value"};

/* The kind that text names, or that a bare name or address has. */
static const struct kind *
find_kind(const char *text)
{
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return &kinds[i];
    }
    return &any_kind;
}

/* Store bytes as the value of a name whose type is set.  0 or -1. */
static int
store(GENERAL_NAME *name, int type, const void *data, int length)
{
    ASN1_STRING *value =
        type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    if (value == NULL)
        return -1;
    if (ASN1_STRING_set(value, data, length) != 1) {
        ASN1_STRING_free(value);
        return -1;
    }
    GENERAL_NAME_set0_value(name, type, value);
    return 0;
}

static int
append(GENERAL_NAMES *names, int type, const void *data, int length,
       struct vouch_error *err)
{
    GENERAL_NAME *name = GENERAL_NAME_new();

    if (name != NULL && store(name, type, data, length) == 0
        && sk_GENERAL_NAME_push(names, name) > 0)
        return 0;
    GENERAL_NAME_free(name);
    ERR_clear_error();
    return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
}

int
vouch_san_add(GENERAL_NAMES *names, const char *text, struct vouch_error *err)
{
    const struct kind *kind;
    const char *value;
    unsigned char address[16];
    int length;

    if (text == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "san: a name is NULL");
    kind = find_kind(text);
    value = text + strlen(kind->prefix);
    length = read_address(value, address);
    if (length != 0 && (kind == &any_kind || kind->type == GEN_IPADD))
        return append(names, GEN_IPADD, address, length, err);
    if (!kind->valid(value) || (kind->type == GEN_DNS && length != 0))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "san: \"%.100s\" is not %s", text,
                               kind->wanted);
    return append(names, kind->type, value, (int) strlen(value), err);
}
