/*
 * Hexadecimal, base64, ISO 8601 and UTF-8.
 *
 * Not a character-set library: but for UTF-8 everything here is ASCII,
 * whatever the locale.  The base64 itself is OpenSSL's; here are its
 * strictness, its alphabets and its length limits.
 */
#include "base/text.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define CHUNK_BYTES 3072 /* multiple of 3, far below OpenSSL's int */
#define QUAD 4
#define UTF8_LONGEST 6 /* of what was once UTF-8 */

#define EPOCH_FIRST INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define EPOCH_LAST INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */
#define DAY_SECONDS 86400
#define YEAR_DAYS 365
#define ERA_DAYS 146097 /* 400 years */

void
vouch_text_hex(const unsigned char *data, size_t length, int upper, char *out)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t i;

    for (i = 0; i < length; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 0x0F];
    }
    out[2 * length] = '\0';
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

long
vouch_text_unhex(const char *text, size_t text_length, unsigned char *out,
                 size_t max)
{
    size_t at = 0;
    size_t count = 0;
    int high;
    int low;

    while (at < text_length) {
        if (count > 0 && text[at] == ':')
            at++;
        if (text_length - at < 2 || count >= max)
            return -1;
        high = hex_value(text[at]);
        low = hex_value(text[at + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[count] = (unsigned char) (high << 4 | low);
        count++;
        at += 2;
    }
    return (long) count;
}

void
vouch_text_base64(const unsigned char *data, size_t length, char *out)
{
    size_t part;

    *out = '\0';
    while (length > 0) {
        part = length < CHUNK_BYTES ? length : CHUNK_BYTES;
        out += EVP_EncodeBlock((unsigned char *) out, data, (int) part);
        data += part;
        length -= part;
    }
}

void
vouch_text_base64url(const unsigned char *data, size_t length, char *out)
{
    char *c;

    vouch_text_base64(data, length, out);
    for (c = out; *c != '\0' && *c != '='; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
    }
    *c = '\0';
}

/* The standard alphabet's character for one of either, or NUL. */
static unsigned char
base64_letter(char c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
        || (c >= '0' && c <= '9') || c == '+' || c == '/')
        return (unsigned char) c;
    if (c == '-')
        return '+';
    if (c == '_')
        return '/';
    return '\0';
}

/*
 * Decode count (2 to 4) characters into count - 1 bytes.  0, or -1.  Bits
 * left over must be zero: each value has one text only, so that nobody can
 * write the same pin in two ways.
 */
static int
unbase64_quad(const char *text, size_t count, unsigned char *out)
{
    unsigned char letters[QUAD] = {'A', 'A', 'A', 'A'};
    unsigned char bytes[QUAD];
    size_t i;
    int result = -1;

    for (i = 0; i < count; i++) {
        letters[i] = base64_letter(text[i]);
        if (letters[i] == '\0')
            goto out;
    }
    if (EVP_DecodeBlock(bytes, letters, QUAD) != QUAD - 1)
        goto out;
    for (i = count - 1; i < QUAD - 1; i++) {
        if (bytes[i] != 0)
            goto out;
    }
    memcpy(out, bytes, count - 1);
    result = 0;

out:
    OPENSSL_cleanse(letters, sizeof(letters));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return result;
}

/* The length without padding; padding that is not due stays, and is then
 * refused as a letter. */
static size_t
unpadded_length(const char *text, size_t length)
{
    if (length == 0 || length % QUAD != 0 || text[length - 1] != '=')
        return length;
    return text[length - 2] == '=' ? length - 2 : length - 1;
}

long
vouch_text_unbase64(const char *text, size_t text_length, unsigned char *out,
                    size_t max)
{
    size_t left = unpadded_length(text, text_length);
    size_t done = 0;
    size_t part;

    if (left % QUAD == 1)
        return -1;
    while (left > 0) {
        part = left < QUAD ? left : QUAD;
        if (part - 1 > max - done)
            return -1;
        if (unbase64_quad(text, part, out + done) != 0)
            return -1;
        text += part;
        left -= part;
        done += part - 1;
    }
    return (long) done;
}

/* Write value as exactly width digits. */
static char *
put_digits(char *out, unsigned value, int width)
{
    int i;

    for (i = width - 1; i >= 0; i--) {
        out[i] = (char) ('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

/*
 * Year, month and day of a day counted from 0000-03-01.  Years begin in
 * March here, so that the leap day is the last one; eras are 400 years.
 */
static void
civil_date(unsigned days, unsigned *year_r, unsigned *month_r, unsigned *day_r)
{
    unsigned era = days / ERA_DAYS;
    unsigned of_era = days % ERA_DAYS;
    unsigned year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1))
        / YEAR_DAYS;
    unsigned of_year = of_era - (YEAR_DAYS * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;

    *day_r = of_year - (153 * month + 2) / 5 + 1;
    *month_r = month < 10 ? month + 3 : month - 9;
    *year_r = year + era * 400 + (month < 10 ? 0 : 1);
}

int
vouch_text_iso8601(int64_t epoch, char out[VOUCH_ISO8601_SIZE])
{
    int64_t seconds;
    unsigned days;
    unsigned of_day;
    unsigned year;
    unsigned month;
    unsigned day;

    if (epoch < EPOCH_FIRST || epoch > EPOCH_LAST)
        return -1;
    /* Start one era early (the year -400), which keeps all unsigned. */
    seconds = epoch - EPOCH_FIRST;
    days = (unsigned) (seconds / DAY_SECONDS) + ERA_DAYS - 60;
    of_day = (unsigned) (seconds % DAY_SECONDS);
    civil_date(days, &year, &month, &day);

    out = put_digits(out, year - 400, 4);
    *out++ = '-';
    out = put_digits(out, month, 2);
    *out++ = '-';
    out = put_digits(out, day, 2);
    *out++ = 'T';
    out = put_digits(out, of_day / 3600, 2);
    *out++ = ':';
    out = put_digits(out, of_day / 60 % 60, 2);
    *out++ = ':';
    out = put_digits(out, of_day % 60, 2);
    *out++ = 'Z';
    *out = '\0';
    return 0;
}

int
vouch_text_matches(const char *pattern, const char *text)
{
    const char *star = NULL; /* without recursion */
    const char *resume = text;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else
            return 0;
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* The number that count digits say, or -1. */
static long
get_digits(const char *text, int count)
{
    long value = 0;
    int i;

    for (i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Days since 1970 of a day of the proleptic Gregorian calendar. */
static int64_t
days_of(long year, long month, long day)
{
    /* Years begin in March, so that a leap day is the last. */
    long since = year + 400 - (month <= 2 ? 1 : 0);
    long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return (int64_t) since * 365 + since / 4 - since / 100 + since / 400
           + of_year - ERA_DAYS - 719468;
}

int
vouch_text_from_iso8601(const char *text, size_t text_length, int64_t *epoch_r)
{
    char again[VOUCH_ISO8601_SIZE];
    long part[6];
    int64_t epoch;
    int i;

    if (text_length != VOUCH_ISO8601_LENGTH)
        return -1;
    part[0] = get_digits(text, 4);
    for (i = 1; i < 6; i++)
        part[i] = get_digits(text + 2 + 3 * i, 2);
    for (i = 0; i < 6; i++) {
        if (part[i] < 0)
            return -1;
    }
    epoch = days_of(part[0], part[1], part[2]) * DAY_SECONDS + part[3] * 3600
            + part[4] * 60 + part[5];
    /* The signs between, a 30th of February, 24 o'clock: not the same. */
    if (vouch_text_iso8601(epoch, again) != 0
        || memcmp(again, text, VOUCH_ISO8601_LENGTH) != 0)
        return -1;
    *epoch_r = epoch;
    return 0;
}

size_t
vouch_text_utf8(const char *text, size_t length, uint32_t *code_r)
{
    unsigned long code = 0;
    int step =
        UTF8_getc((const unsigned char *) text,
                  length > UTF8_LONGEST ? UTF8_LONGEST : (int) length, &code);

    if (step <= 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    *code_r = (uint32_t) code;
    return (size_t) step;
}

int
vouch_text_is_utf8(const char *text, size_t length)
{
    uint32_t code;
    size_t step;

    while (length > 0) {
        step = vouch_text_utf8(text, length, &code);
        if (step == 0)
            return 0;
        text += step;
        length -= step;
    }
    return 1;
}
