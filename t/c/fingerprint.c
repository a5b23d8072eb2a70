/*
 * Fingerprints as text: every spelling out and in, and what is refused.
 */
#include "tls/fingerprint.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tap.h"

/* Digests of nothing at all. */
#define E256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define E256_UPPER \
    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
#define E256_COLONS \
    "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:" \
    "4C:A4:95:99:1B:78:52:B8:55"
#define E256_URL "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define E256_64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define E1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define E1_COLONS "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"
#define E384 \
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274ed" \
    "ebfe76f65fbd51ad2f14898b95b"
#define E512 \
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d" \
    "13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
#define EMD5 "d41d8cd98f00b204e9800998ecf8427e"

static const struct {
    const char *text;
    enum vouch_digest digest;
    enum vouch_digest_of of;
    const char *dollar; /* how we spell it */
} good[] = {
    {"sha256$" E256, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"SHA256$" E256_UPPER, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"sha-256$" E256, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"sha256$" E256_COLONS, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"sha256$pub$" E256, VOUCH_SHA256, VOUCH_OF_KEY, "sha256$pub$" E256},
    {"sha256$PUB$" E256, VOUCH_SHA256, VOUCH_OF_KEY, "sha256$pub$" E256},
    {"sha256$spki$" E256, VOUCH_SHA256, VOUCH_OF_SPKI, "sha256$spki$" E256},
    {"pub$" E256, VOUCH_SHA256, VOUCH_OF_KEY, "sha256$pub$" E256},
    {"spki$" E1, VOUCH_SHA1, VOUCH_OF_SPKI, "sha1$spki$" E1},
    {"SHA256:" E256, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"SHA256:" E256_UPPER, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"sha256:" E256, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"SHA-256:" E256, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"SHA256:" E256_COLONS, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {E256, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {E256_UPPER, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {E256_COLONS, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {E256_URL, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {E256_64, VOUCH_SHA256, VOUCH_OF_CERT, "sha256$" E256},
    {"sha256//" E256_64, VOUCH_SHA256, VOUCH_OF_SPKI, "sha256$spki$" E256},
    {"sha256//" E256_URL, VOUCH_SHA256, VOUCH_OF_SPKI, "sha256$spki$" E256},
    {"sha1$" E1, VOUCH_SHA1, VOUCH_OF_CERT, "sha1$" E1},
    {E1, VOUCH_SHA1, VOUCH_OF_CERT, "sha1$" E1},
    {E1_COLONS, VOUCH_SHA1, VOUCH_OF_CERT, "sha1$" E1},
    {"SHA-1:" E1_COLONS, VOUCH_SHA1, VOUCH_OF_CERT, "sha1$" E1},
    {"sha384$pub$" E384, VOUCH_SHA384, VOUCH_OF_KEY, "sha384$pub$" E384},
    {E384, VOUCH_SHA384, VOUCH_OF_CERT, "sha384$" E384},
    {"SHA512:" E512, VOUCH_SHA512, VOUCH_OF_CERT, "sha512$" E512},
    {E512, VOUCH_SHA512, VOUCH_OF_CERT, "sha512$" E512},
    {"md5$" EMD5, VOUCH_MD5, VOUCH_OF_CERT, "md5$" EMD5},
    {EMD5, VOUCH_MD5, VOUCH_OF_CERT, "md5$" EMD5},
};

static const char *const bad[] = {
    "",
    ":",
    "$",
    "//",
    "pub$",
    "spki$",
    "sha256",
    "sha256$",
    "sha256:",
    "sha256//",
    "sha256/" E256_64,
    "sha256$$" E256,
    "sha256$pub$spki$" E256,
    "sha256$key$" E256,
    "sha256:pub$" E256,
    "sha256$ " E256,
    " " E256,
    E256 " ",
    E256 "\n",
    "sha224$" E256,
    "sha-2-56$" E256,
    "-sha256$" E256,
    "sha--256$" E256,
    "sha256-$" E256,
    "sha1$" E256,
    "sha256$" E1,
    "sha512$" E256,
    "md5$" E1,
    "sha256$" E256 "00",
    "sha256$" E512 "00",
    E512 "00",
    "sha1//" E256_64,
    "sha256//" E256,
    "sha256//" E256_64 "=",
    "SHA256:" E256_URL,
    "0" E256,
    "zz" E256,
    "AA:BB",
    "\x01\xff\xfe",
};

static void
test_good(void)
{
    struct vouch_fingerprint fp;
    struct vouch_error err;
    char text[VOUCH_FINGERPRINT_TEXT];
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        vouch_error_clear(&err);
        memset(&fp, 0x5a, sizeof(fp));
        ok(vouch_fingerprint_parse(good[i].text, &fp, &err) == 0
               && err.code == VOUCH_OK && fp.digest == good[i].digest
               && fp.of == good[i].of
               && fp.length == vouch_digest_length(good[i].digest),
           good[i].text);
        vouch_fingerprint_text(&fp, VOUCH_SPELL_DOLLAR, text);
        is_text(text, good[i].dollar, "and spelled our way");
    }
}

static void
test_bad(void)
{
    struct vouch_fingerprint fp;
    struct vouch_fingerprint before;
    struct vouch_error err;
    size_t i;

    memset(&before, 0x5a, sizeof(before));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vouch_error_clear(&err);
        fp = before;
        ok(vouch_fingerprint_parse(bad[i], &fp, &err) == -1
               && err.code == VOUCH_E_FORMAT && err.text[0] != '\0'
               && memcmp(&fp, &before, sizeof(fp)) == 0,
           strpbrk(bad[i], "\n\x01") == NULL ? bad[i] : "control character");
    }
    ok(vouch_fingerprint_parse(NULL, &fp, NULL) == -1,
       "NULL is refused, also without an error to tell it in");
    vouch_error_clear(&err);
    (void) vouch_fingerprint_parse("nonsense", &fp, &err);
    ok(strstr(err.text, "\"nonsense\"") != NULL
           && strstr(err.text, "sha256$HEX") != NULL,
       "the error quotes the text and names spellings");
    vouch_error_clear(&err);
    (void) vouch_fingerprint_parse("sha256$" E1, &fp, &err);
    is_text(err.text,
            "fingerprint \"sha256$" E1 "\" has 20 bytes; sha256 "
            "has 32",
            "a wrong length is told");
}

/* A text longer than any buffer of ours, and one with controls in it. */
static void
test_hostile(void)
{
    static char huge[100001];
    struct vouch_fingerprint fp;
    struct vouch_error err;
    size_t i;

    memset(huge, 'a', sizeof(huge) - 1);
    vouch_error_clear(&err);
    ok(vouch_fingerprint_parse(huge, &fp, &err) == -1, "100000 digits");
    memset(huge, ':', sizeof(huge) - 1);
    ok(vouch_fingerprint_parse(huge, &fp, NULL) == -1, "100000 colons");
    memcpy(huge, "sha256$spki$", 12);
    memset(huge + 12, '0', sizeof(huge) - 13);
    ok(vouch_fingerprint_parse(huge, &fp, NULL) == -1,
       "a prefix and 100000 digits");
    vouch_error_clear(&err);
    (void) vouch_fingerprint_parse("a\nb\x1b[2Jc", &fp, &err);
    for (i = 0; err.text[i] != '\0'; i++) {
        if ((unsigned char) err.text[i] < ' ')
            break;
    }
    ok(err.text[i] == '\0', "no control characters in the error text");
}

/* Every beginning of every good text is either refused or good itself. */
static void
test_truncated(void)
{
    char text[VOUCH_FINGERPRINT_TEXT];
    struct vouch_fingerprint fp;
    size_t length;
    size_t cut;
    size_t i;
    int wrong = 0;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        length = strlen(good[i].text);
        memcpy(text, good[i].text, length + 1);
        for (cut = length; cut-- > 0;) {
            text[cut] = '\0';
            if (vouch_fingerprint_parse(text, &fp, NULL) == 0
                && fp.length != vouch_digest_length(fp.digest))
                wrong++;
        }
    }
    is_int(wrong, 0, "truncated texts never give half a fingerprint");
}

static void
test_limits(void)
{
    static const size_t lengths[] = {16, 20, 32, 48, 64};
    char text[2 * 65 + 1];
    char name[64];
    struct vouch_fingerprint fp;
    size_t i;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(text, 'b', sizeof(text) - 1);
        text[2 * lengths[i] - 2] = '\0';
        (void) snprintf(name, sizeof(name), "%d digits, one byte less",
                        (int) lengths[i] * 2);
        ok(vouch_fingerprint_parse(text, &fp, NULL) == -1, name);
        text[2 * lengths[i] - 2] = 'b';
        text[2 * lengths[i]] = '\0';
        ok(vouch_fingerprint_parse(text, &fp, NULL) == 0
               && fp.length == lengths[i],
           "exactly");
        text[2 * lengths[i]] = 'b';
        text[2 * lengths[i] + 1] = '\0';
        ok(vouch_fingerprint_parse(text, &fp, NULL) == -1, "one digit more");
        text[2 * lengths[i] + 1] = 'b';
        text[2 * lengths[i] + 2] = '\0';
        ok(vouch_fingerprint_parse(text, &fp, NULL) == -1, "one byte more");
    }
}

static void
test_spellings(void)
{
    static const struct {
        enum vouch_spelling spelling;
        const char *text;
    } cases[] = {
        {VOUCH_SPELL_DOLLAR, "sha256$" E256},
        {VOUCH_SPELL_LOWER, "SHA256:" E256},
        {VOUCH_SPELL_UPPER, "SHA256:" E256_UPPER},
        {VOUCH_SPELL_HEX, E256},
        {VOUCH_SPELL_COLONS, E256_COLONS},
        {VOUCH_SPELL_BASE64URL, E256_URL},
    };
    struct vouch_fingerprint fp;
    struct vouch_fingerprint back;
    char text[VOUCH_FINGERPRINT_TEXT];
    size_t longest = 0;
    size_t i;

    (void) vouch_fingerprint_parse(E256, &fp, NULL);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vouch_fingerprint_text(&fp, cases[i].spelling, text);
        is_text(text, cases[i].text, "spelling");
        ok(vouch_fingerprint_parse(text, &back, NULL) == 0
               && vouch_fingerprint_equal(&fp, &back),
           "and read back");
    }
    (void) vouch_fingerprint_parse("sha512$spki$" E512, &fp, NULL);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vouch_fingerprint_text(&fp, cases[i].spelling, text);
        if (strlen(text) > longest)
            longest = strlen(text);
    }
    ok(longest < VOUCH_FINGERPRINT_TEXT, "the longest has room");
    fp.length = (size_t) -1;
    fp.digest = (enum vouch_digest) 77;
    fp.of = (enum vouch_digest_of) 77;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        vouch_fingerprint_text(&fp, cases[i].spelling, text);
    ok(strlen(text) < VOUCH_FINGERPRINT_TEXT,
       "a fingerprint out of its bounds stays in the room");
}

static void
test_names(void)
{
    static const struct {
        const char *name;
        int found;
        enum vouch_digest digest;
    } cases[] = {
        {"sha256", 1, VOUCH_SHA256},  {"SHA256", 1, VOUCH_SHA256},
        {"Sha-256", 1, VOUCH_SHA256}, {"sha1", 1, VOUCH_SHA1},
        {"SHA-1", 1, VOUCH_SHA1},     {"sha384", 1, VOUCH_SHA384},
        {"SHA-512", 1, VOUCH_SHA512}, {"md5", 1, VOUCH_MD5},
        {"MD5", 1, VOUCH_MD5},        {"", 0, VOUCH_SHA256},
        {"sha", 0, VOUCH_SHA256},     {"sha2566", 0, VOUCH_SHA256},
        {"sha25", 0, VOUCH_SHA256},   {"sha256 ", 0, VOUCH_SHA256},
        {"sha224", 0, VOUCH_SHA256},  {"sha--1", 0, VOUCH_SHA256},
        {"s-ha1", 0, VOUCH_SHA256},   {"sha1-", 0, VOUCH_SHA256},
    };
    enum vouch_digest digest;
    size_t i;
    int found;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        digest = VOUCH_DIGESTS;
        found = vouch_digest_by_name(cases[i].name, &digest);
        ok(found == cases[i].found
               && digest == (found ? cases[i].digest : VOUCH_DIGESTS),
           cases[i].name);
    }
    ok(!vouch_digest_by_name(NULL, &digest), "NULL is no name");
    is_text(vouch_digest_name(VOUCH_SHA384), "sha384", "a name");
    is_text(vouch_digest_name(VOUCH_DIGESTS), "unknown", "no name");
    is_int(vouch_digest_length(VOUCH_SHA512), 64, "a length");
    is_int(vouch_digest_length((enum vouch_digest) - 1), 0, "no length");
}

static void
test_equal(void)
{
    struct vouch_fingerprint a;
    struct vouch_fingerprint b;
    size_t i;
    int wrong = 0;

    (void) vouch_fingerprint_parse(E256, &a, NULL);
    b = a;
    ok(vouch_fingerprint_equal(&a, &b), "equal");
    for (i = 0; i < 256; i++) {
        b = a;
        b.bytes[i / 8] ^= (unsigned char) (1u << (i % 8));
        wrong += vouch_fingerprint_equal(&a, &b);
    }
    is_int(wrong, 0, "one bit anywhere makes them differ");
    b = a;
    b.bytes[32] ^= 1;
    ok(vouch_fingerprint_equal(&a, &b), "bytes beyond the length are nothing");
    b = a;
    b.of = VOUCH_OF_SPKI;
    ok(!vouch_fingerprint_equal(&a, &b), "certificate and key differ");
    b = a;
    b.digest = VOUCH_SHA1;
    ok(!vouch_fingerprint_equal(&a, &b), "kinds of digest differ");
    b = a;
    b.length = 31;
    ok(!vouch_fingerprint_equal(&a, &b), "lengths differ");
}

/* Texts of the characters that mean something, at random but the same each
 * time: none may crash, and what is taken must be whole. */
static void
test_random(void)
{
    static const char alphabet[] = "sha256md51$:/-=_+AbpubkiF0";
    char text[140];
    struct vouch_fingerprint fp;
    uint32_t state = 1;
    size_t length;
    size_t i;
    int round;
    int wrong = 0;

    for (round = 0; round < 200000; round++) {
        state = state * 1664525u + 1013904223u;
        length = (state >> 16) % sizeof(text);
        for (i = 0; i < length; i++) {
            state = state * 1664525u + 1013904223u;
            text[i] = alphabet[(state >> 16) % (sizeof(alphabet) - 1)];
        }
        text[length < sizeof(text) ? length : sizeof(text) - 1] = '\0';
        if (vouch_fingerprint_parse(text, &fp, NULL) == 0
            && fp.length != vouch_digest_length(fp.digest))
            wrong++;
    }
    is_int(wrong, 0, "200000 random texts");
}

int
main(void)
{
    test_good();
    test_bad();
    test_hostile();
    test_truncated();
    test_limits();
    test_spellings();
    test_names();
    test_equal();
    test_random();
    return tap_done();
}
