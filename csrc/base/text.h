/*
 * Bytes as text: hexadecimal, base64, ISO 8601 times, UTF-8.
 *
 * Pure functions on caller's memory; no locale, no allocation.
 */
#ifndef VOUCH_BASE_TEXT_H
#define VOUCH_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define VOUCH_ISO8601_LENGTH 20 /* "9999-12-31T23:59:59Z" */
#define VOUCH_ISO8601_SIZE 24   /* with its NUL */

/* Write 2 * length lower-case (or upper-case) digits and a NUL to out,
 * which has room for 2 * length + 1. */
void vouch_text_hex(const unsigned char *data, size_t length, int upper,
                    char *out);

/*
 * Decode hexadecimal text of exactly text_length characters, colons allowed
 * between pairs ("AA:BB").  Writes at most max bytes.  Returns the number of
 * bytes, or -1 if the text is not that or does not fit.
 */
long vouch_text_unhex(const char *text, size_t text_length, unsigned char *out,
                      size_t max);

/* Room for length bytes in base64, with the NUL. */
#define VOUCH_BASE64_SIZE(length) (((length) + 2) / 3 * 4 + 1)

/* base64 with the standard alphabet, padded, into out, which has room for
 * VOUCH_BASE64_SIZE(length). */
void vouch_text_base64(const unsigned char *data, size_t length, char *out);

/*
 * base64 with the URL alphabet ("-_", no padding) into out, which has room
 * for VOUCH_BASE64_SIZE(length).
 */
void vouch_text_base64url(const unsigned char *data, size_t length, char *out);

/*
 * Decode base64 in either alphabet, padded or not.  Returns the number of
 * bytes, or -1 if the text is not base64 or does not fit in max.
 */
long vouch_text_unbase64(const char *text, size_t text_length,
                         unsigned char *out, size_t max);

/*
 * "2026-11-21T04:19:51Z" for seconds since 1970 (negative ones too).
 * 0, or -1 for years outside 0 to 9999.
 */
int vouch_text_iso8601(int64_t epoch, char out[VOUCH_ISO8601_SIZE]);

/* 1 if the whole text matches the pattern, in which '*' stands for any bytes
 * and '?' for one, else 0.  No pattern takes long. */
int vouch_text_matches(const char *pattern, const char *text);

/*
 * Read such a text of exactly text_length characters back.  0, or -1 if it
 * is another form or no date ("2026-02-29T00:00:00Z", 24 o'clock).
 */
int vouch_text_from_iso8601(const char *text, size_t text_length,
                            int64_t *epoch_r);

/*
 * The first character of UTF-8: how many bytes it has, and *code_r, its
 * number; or 0 if there is none or it is invalid (too long a form, a
 * surrogate, above U+10FFFF, cut off).
 */
size_t vouch_text_utf8(const char *text, size_t length, uint32_t *code_r);

/* 1 if all of text is UTF-8 (nothing is), else 0. */
int vouch_text_is_utf8(const char *text, size_t length);

#endif
