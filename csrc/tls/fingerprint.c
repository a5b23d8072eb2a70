/*
 * Fingerprints as text: write one spelling, read them all.
 *
 * No allocation and no digesting here.
 */
#include "tls/fingerprint.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/error.h"
#include "base/text.h"

static const struct {
    const char *name;
    size_t length;
} digests[VOUCH_DIGESTS] = {
    {"sha256", 32}, {"sha1", 20}, {"sha384", 48}, {"sha512", 64}, {"md5", 16},
};

static const char *const of_marks[VOUCH_OFS] = {"", "spki$", "pub$"};

/* tolower() would ask the locale. */
static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static char
upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 1 if text is the name in any case; a dash may precede its first digit. */
static int
is_name(const char *text, size_t length, const char *name)
{
    size_t at = 0;
    size_t i;

    for (i = 0; name[i] != '\0'; i++) {
        if (at < length && text[at] == '-' && i > 0 && is_digit(name[i])
            && !is_digit(name[i - 1]))
            at++;
        if (at >= length || lower(text[at]) != name[i])
            return 0;
        at++;
    }
    return at == length;
}

static int
find_name(const char *text, size_t length, enum vouch_digest *digest_r)
{
    int i;

    for (i = 0; i < VOUCH_DIGESTS; i++) {
        if (is_name(text, length, digests[i].name)) {
            *digest_r = (enum vouch_digest) i;
            return 1;
        }
    }
    return 0;
}

static int
find_length(size_t length, enum vouch_digest *digest_r)
{
    int i;

    for (i = 0; i < VOUCH_DIGESTS; i++) {
        if (digests[i].length == length) {
            *digest_r = (enum vouch_digest) i;
            return 1;
        }
    }
    return 0;
}

int
vouch_digest_by_name(const char *name, enum vouch_digest *digest_r)
{
    return name != NULL && find_name(name, strlen(name), digest_r);
}

const char *
vouch_digest_name(enum vouch_digest digest)
{
    return (unsigned) digest < VOUCH_DIGESTS ? digests[digest].name
                                             : "unknown";
}

size_t
vouch_digest_length(enum vouch_digest digest)
{
    return (unsigned) digest < VOUCH_DIGESTS ? digests[digest].length : 0;
}

static void
write_colons(const unsigned char *bytes, size_t length, char *out)
{
    size_t i;

    out[0] = '\0';
    for (i = 0; i < length; i++) {
        if (i > 0)
            *out++ = ':';
        vouch_text_hex(bytes + i, 1, 1, out);
        out += 2;
    }
}

/* "SHA256:" and the digits. */
static void
write_named(enum vouch_digest digest, const unsigned char *bytes,
            size_t length, int upper_digits, char *out)
{
    const char *name = vouch_digest_name(digest);

    while (*name != '\0')
        *out++ = upper(*name++);
    *out++ = ':';
    vouch_text_hex(bytes, length, upper_digits, out);
}

static void
write_dollar(const struct vouch_fingerprint *fp, size_t length, char *out)
{
    const char *mark = (unsigned) fp->of < VOUCH_OFS ? of_marks[fp->of] : "";
    int prefix = snprintf(out, VOUCH_FINGERPRINT_TEXT, "%s$%s",
                          vouch_digest_name(fp->digest), mark);

    vouch_text_hex(fp->bytes, length, 0, out + prefix);
}

void
vouch_fingerprint_text(const struct vouch_fingerprint *fingerprint,
                       enum vouch_spelling spelling,
                       char text_r[VOUCH_FINGERPRINT_TEXT])
{
    const unsigned char *bytes = fingerprint->bytes;
    size_t length = fingerprint->length;

    if (length > VOUCH_DIGEST_MAX)
        length = VOUCH_DIGEST_MAX;
    switch (spelling) {
    case VOUCH_SPELL_DOLLAR:
        write_dollar(fingerprint, length, text_r);
        break;
    case VOUCH_SPELL_LOWER:
    case VOUCH_SPELL_UPPER:
        write_named(fingerprint->digest, bytes, length,
                    spelling == VOUCH_SPELL_UPPER, text_r);
        break;
    case VOUCH_SPELL_COLONS:
        write_colons(bytes, length, text_r);
        break;
    case VOUCH_SPELL_BASE64URL:
        vouch_text_base64url(bytes, length, text_r);
        break;
    case VOUCH_SPELL_HEX:
    default:
        vouch_text_hex(bytes, length, 0, text_r);
        break;
    }
}

/* Step over "spki$" or "pub$", in any case. */
static const char *
skip_mark(const char *text, enum vouch_digest_of *of_r)
{
    size_t length;
    int i;

    for (i = VOUCH_OF_SPKI; i < VOUCH_OFS; i++) {
        length = strlen(of_marks[i]);
        if (strlen(text) >= length && is_name(text, length, of_marks[i])) {
            *of_r = (enum vouch_digest_of) i;
            return text + length;
        }
    }
    return text;
}

/*
 * Step over what precedes the digits.  Sets *named_r if the algorithm is
 * told and *base64_r if base64 must follow.
 */
static const char *
skip_prefix(const char *text, struct vouch_fingerprint *fp, int *named_r,
            int *base64_r)
{
    size_t length = strcspn(text, "$:/");

    *base64_r = 0;
    *named_r = find_name(text, length, &fp->digest);
    if (!*named_r)
        return skip_mark(text, &fp->of);
    text += length;
    if (text[0] == '$')
        return skip_mark(text + 1, &fp->of);
    if (text[0] == ':')
        return text + 1;
    if (text[0] == '/' && text[1] == '/') {
        *base64_r = 1;
        fp->of = VOUCH_OF_SPKI;
        return text + 2;
    }
    return text;
}

/* A SHA-256 digest in base64 has 43 characters, no other digest in any
 * spelling has; padding makes them 44. */
static int
is_bare_base64(const char *text, size_t length)
{
    return length == 43 || (length == 44 && text[43] == '=');
}

static int
refuse(const char *text, struct vouch_error *err)
{
    return vouch_error_set(
        err, VOUCH_E_FORMAT,
        "\"%.100s\" is not a fingerprint; write sha256$HEX, "
        "sha256$spki$HEX, sha256$pub$HEX, SHA256:HEX, "
        "HEX, AA:BB:..., sha256//BASE64 or 43 characters "
        "of base64url",
        text);
}

static int
refuse_length(const char *text, const struct vouch_fingerprint *fp,
              struct vouch_error *err)
{
    return vouch_error_set(err, VOUCH_E_FORMAT,
                           "fingerprint \"%.100s\" has %lu bytes; %s has %lu",
                           text, (unsigned long) fp->length,
                           vouch_digest_name(fp->digest),
                           (unsigned long) vouch_digest_length(fp->digest));
}

int
vouch_fingerprint_parse(const char *text,
                        struct vouch_fingerprint *fingerprint_r,
                        struct vouch_error *err)
{
    struct vouch_fingerprint fp;
    const char *digits;
    size_t length;
    long got;
    int named;
    int base64;

    if (text == NULL)
        return refuse("", err);
    memset(&fp, 0, sizeof(fp));
    digits = skip_prefix(text, &fp, &named, &base64);
    length = strlen(digits);
    if (!named && fp.of == VOUCH_OF_CERT)
        base64 = is_bare_base64(digits, length);
    if (base64)
        got = vouch_text_unbase64(digits, length, fp.bytes, sizeof(fp.bytes));
    else
        got = vouch_text_unhex(digits, length, fp.bytes, sizeof(fp.bytes));
    if (got <= 0)
        return refuse(text, err);
    fp.length = (size_t) got;
    if (!named && !find_length(fp.length, &fp.digest))
        return refuse(text, err);
    if (fp.length != vouch_digest_length(fp.digest))
        return refuse_length(text, &fp, err);
    *fingerprint_r = fp;
    return 0;
}

int
vouch_fingerprint_equal(const struct vouch_fingerprint *a,
                        const struct vouch_fingerprint *b)
{
    if (a->digest != b->digest || a->of != b->of || a->length != b->length
        || a->length > VOUCH_DIGEST_MAX)
        return 0;
    return CRYPTO_memcmp(a->bytes, b->bytes, a->length) == 0;
}
