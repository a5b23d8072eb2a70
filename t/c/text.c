/*
 * base/text: hexadecimal, base64, ISO 8601, UTF-8.
 */
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "tap.h"

static void
test_hex(void)
{
    static const unsigned char bytes[] = {0x00, 0x09, 0xAF, 0xFF};
    char out[9];

    vouch_text_hex(bytes, 4, 0, out);
    is_text(out, "0009afff", "lower case");
    vouch_text_hex(bytes, 4, 1, out);
    is_text(out, "0009AFFF", "upper case");
    vouch_text_hex(bytes, 0, 0, out);
    is_text(out, "", "nothing");
}

static void
test_unhex(void)
{
    static const struct {
        const char *text;
        size_t max;
        long want;
        const char *bytes;
    } table[] = {
        {"", 0, 0, ""},        {"4a", 1, 1, "J"},     {"4A", 1, 1, "J"},
        {"4a4B", 2, 2, "JK"},  {"4a:4B", 2, 2, "JK"}, {"4a:4b4c", 3, 3, "JKL"},
        {"4a4b4c", 2, -1, ""}, {"4a", 0, -1, ""},     {"4", 8, -1, ""},
        {"4a4", 8, -1, ""},    {":4a", 8, -1, ""},    {"4a:", 8, -1, ""},
        {"4a::4b", 8, -1, ""}, {"4:a4", 8, -1, ""},   {":", 8, -1, ""},
        {"4g", 8, -1, ""},     {"g4", 8, -1, ""},     {" 4a", 8, -1, ""},
        {"4a ", 8, -1, ""},    {"0x4a", 8, -1, ""},   {"4a\n", 8, -1, ""},
    };
    unsigned char out[8];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(out, 0, sizeof(out));
        is_int(vouch_text_unhex(table[i].text, strlen(table[i].text), out,
                                table[i].max),
               table[i].want, table[i].text);
        if (table[i].want > 0)
            is_bytes(out, table[i].bytes, (size_t) table[i].want, "bytes");
    }
    is_int(vouch_text_unhex("4a\0004b", 5, out, 8), -1, "a NUL inside");
}

static void
test_base64(void)
{
    static const struct {
        const char *bytes;
        const char *text;
    } table[] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\xFB\xFF\xFE", "-__-"},
    };
    unsigned char back[16];
    char out[32];
    size_t length;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        length = strlen(table[i].bytes);
        vouch_text_base64url((const unsigned char *) table[i].bytes, length,
                             out);
        is_text(out, table[i].text, "encoded");
        is_int(vouch_text_unbase64(out, strlen(out), back, length), length,
               "decoded to N bytes");
        is_bytes(back, table[i].bytes, length, "the same bytes");
        if (length > 0)
            is_int(vouch_text_unbase64(out, strlen(out), back, length - 1), -1,
                   "no room for the last byte");
    }
}

static void
test_base64_padded(void)
{
    char out[32];

    vouch_text_base64((const unsigned char *) "", 0, out);
    is_text(out, "", "nothing");
    vouch_text_base64((const unsigned char *) "f", 1, out);
    is_text(out, "Zg==", "padded to four");
    vouch_text_base64((const unsigned char *) "\xFB\xFF\xFE", 3, out);
    is_text(out, "+//+", "the standard alphabet");
    is_int(VOUCH_BASE64_SIZE(0), 1, "room for nothing");
    is_int(VOUCH_BASE64_SIZE(3), 5, "room for three bytes");
    is_int(VOUCH_BASE64_SIZE(4), 9, "room for four");
}

static void
test_unbase64(void)
{
    static const struct {
        const char *text;
        long want;
    } table[] = {
        {"+//+", 3},      {"-__-", 3},    {"Zg==", 1},      {"Zm8=", 2},
        {"Zm9vZg==", 4},  {"AAAA", 3},    {"Z", -1},        {"Zm9vZ", -1},
        {"Zg=", -1},      {"Zm8==", -1},  {"Zm9v=", -1},    {"Zm9v==", -1},
        {"Zm9v====", -1}, {"=", -1},      {"==", -1},       {"====", -1},
        {"Z===", -1},     {"Z=g=", -1},   {"Zg==Zg==", -1}, {"Zh", -1},
        {"Zm9", -1},      {"Zh==", -1},   {"Zm9=", -1},     {" Zm8", -1},
        {"Zm8\n", -1},    {"Zm9v\n", -1}, {"Zm.v", -1},     {"Zm\xC3\xA9", -1},
    };
    unsigned char out[16];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        is_int(vouch_text_unbase64(table[i].text, strlen(table[i].text), out,
                                   sizeof(out)),
               table[i].want, table[i].text);
    is_int(vouch_text_unbase64("AA\0A", 4, out, sizeof(out)), -1,
           "a NUL inside");
}

/* Lengths around the encoder's chunk of 3072 bytes. */
static void
test_base64_long(void)
{
    static const size_t lengths[] = {3071, 3072, 3073, 6143, 6144, 6145};
    static unsigned char bytes[6145];
    static unsigned char back[6145];
    static char text[8197];
    size_t i;

    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char) (i * 7 + i / 256);
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        vouch_text_base64url(bytes, lengths[i], text);
        is_int(strlen(text), (lengths[i] * 4 + 2) / 3, "length of text");
        is_int(vouch_text_unbase64(text, strlen(text), back, sizeof(back)),
               lengths[i], "there and back");
        is_bytes(back, bytes, lengths[i], "the same bytes");
    }
}

static void
test_iso8601(void)
{
    static const struct {
        int64_t epoch;
        const char *text;
    } table[] = {
        {INT64_C(0), "1970-01-01T00:00:00Z"},
        {INT64_C(-1), "1969-12-31T23:59:59Z"},
        {INT64_C(951782400), "2000-02-29T00:00:00Z"},
        {INT64_C(951868800), "2000-03-01T00:00:00Z"},
        {INT64_C(1704067199), "2023-12-31T23:59:59Z"},
        {INT64_C(1709164800), "2024-02-29T00:00:00Z"},
        {INT64_C(1795234791), "2026-11-21T04:19:51Z"},
        {INT64_C(2147483648), "2038-01-19T03:14:08Z"},
        {INT64_C(4107542400), "2100-03-01T00:00:00Z"},
        {INT64_C(4107542399), "2100-02-28T23:59:59Z"},
        {INT64_C(-2203891200), "1900-03-01T00:00:00Z"},
        {INT64_C(-62162121601), "0000-02-28T23:59:59Z"},
        {INT64_C(-62162121600), "0000-02-29T00:00:00Z"},
        {INT64_C(-62167219200), "0000-01-01T00:00:00Z"},
        {INT64_C(-62167219201), NULL},
        {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
        {INT64_C(253402300800), NULL},
        {INT64_MIN, NULL},
        {INT64_MAX, NULL},
    };
    char out[VOUCH_ISO8601_SIZE];
    int64_t back = 0;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memcpy(out, "as it was", 10);
        is_int(vouch_text_iso8601(table[i].epoch, out),
               table[i].text != NULL ? 0 : -1, "result");
        is_text(out, table[i].text != NULL ? table[i].text : "as it was",
                "text");
        if (table[i].text == NULL)
            continue;
        is_int(vouch_text_from_iso8601(out, strlen(out), &back), 0,
               "read back");
        is_int(back, table[i].epoch, "the same");
    }
}

static void
test_no_iso8601(void)
{
    static const char *const table[] = {
        "",
        "2026-11-21",
        "2026-11-21T04:19:51",
        "2026-11-21T04:19:51ZZ",
        "2026-11-21 04:19:51Z",
        "2026-11-21T04:19:51z",
        "2026-02-29T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-99-99T99:99:99Z",
        "2026-11-00T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T00:60:00Z",
        "2026-11-21T00:00:60Z",
        "-026-11-21T04:19:51Z",
        "2026-11-2\xb2T04:19:51Z",
    };
    int64_t epoch = 7;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        is_int(vouch_text_from_iso8601(table[i], strlen(table[i]), &epoch), -1,
               table[i]);
    is_int(epoch, 7, "the result is untouched");
}

static void
test_utf8(void)
{
    static const struct {
        const char *text;
        size_t length; /* of the first character; 0: none */
        uint32_t code;
    } table[] = {
        {"", 0, 0},
        {"A", 1, 0x41},
        {"\x7F", 1, 0x7F},
        {"\xC2\x80", 2, 0x80},
        {"\xDF\xBF", 2, 0x7FF},
        {"\xE0\xA0\x80", 3, 0x800},
        {"\xEF\xBF\xBF", 3, 0xFFFF},
        {"\xF0\x90\x80\x80", 4, 0x10000},
        {"\xF4\x8F\xBF\xBFx", 4, 0x10FFFF},
        {"\xF4\x90\x80\x80", 0, 0},
        {"\xED\x9F\xBF", 3, 0xD7FF},
        {"\xED\xA0\x80", 0, 0},
        {"\xC0\x80", 0, 0},
        {"\xC1\xBF", 0, 0},
        {"\xE0\x9F\xBF", 0, 0},
        {"\xF0\x8F\xBF\xBF", 0, 0},
        {"\x80", 0, 0},
        {"\xC2", 0, 0},
        {"\xC2x", 0, 0},
        {"\xE2\x82", 0, 0},
        {"\xFC\x84\x80\x80\x80\x80", 0, 0},
        {"\xFF", 0, 0},
    };
    uint32_t code;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        code = 0;
        is_int(vouch_text_utf8(table[i].text, strlen(table[i].text), &code),
               table[i].length, "bytes of the first character");
        is_int(code, table[i].code, "its number");
    }
    is_int(vouch_text_is_utf8("", 0), 1, "nothing is UTF-8");
    is_int(vouch_text_is_utf8("a\xC3\xBC\0b", 5), 1, "so is this");
    is_int(vouch_text_is_utf8("a\xC3\xBC\xC3", 4), 0, "not this");
}

int
main(void)
{
    test_hex();
    test_unhex();
    test_base64();
    test_base64_padded();
    test_unbase64();
    test_base64_long();
    test_iso8601();
    test_no_iso8601();
    test_utf8();
    return tap_done();
}
