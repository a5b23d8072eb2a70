/*
 * Error storage: formatting into a fixed array, first error kept.
 *
 * Not a log: nothing is printed, and nothing is allocated.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_WORDS 128 /* ": " and what strerror_r(3) says */

void
vouch_error_clear(struct vouch_error *err)
{
    if (err == NULL)
        return;
    err->code = VOUCH_OK;
    err->sys_errno = 0;
    err->lib_code = 0;
    err->text[0] = '\0';
}

/* How many of length bytes remain when a cut character is taken off. */
static size_t
whole_characters(const char *text, size_t length)
{
    size_t back;
    unsigned char byte;

    for (back = 1; back <= 3 && back <= length; back++) {
        byte = (unsigned char) text[length - back];
        if (byte >= 0xC0)
            return length - back;
        if (byte < 0x80)
            return length;
    }
    return length;
}

/* Format into the first size bytes of the text; returns its length. */
static size_t
format_text(struct vouch_error *err, size_t size, const char *format,
            va_list args)
{
    int wanted;
    size_t length;
    size_t i;

    wanted = vsnprintf(err->text, size, format, args);
    if (wanted < 0) {
        err->text[0] = '\0';
        return 0;
    }
    length = (size_t) wanted;
    if (length >= size)
        length = whole_characters(err->text, size - 1);
    err->text[length] = '\0';

    /* File names and peers' words may hold line breaks and terminal
     * controls; an error is one line that is safe to show. */
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char) err->text[i];

        if (byte < 0x20 || byte == 0x7F)
            err->text[i] = '?';
    }
    return length;
}

/* ": " and the system's words for an errno; nothing for 0. */
static void
system_words(int sys_errno, char words[SYSTEM_WORDS])
{
    words[0] = '\0';
    if (sys_errno == 0)
        return;
    words[0] = ':';
    words[1] = ' ';
    words[2] = '\0';
    if (strerror_r(sys_errno, words + 2, SYSTEM_WORDS - 2) != 0)
        (void) snprintf(words + 2, SYSTEM_WORDS - 2, "system error %d",
                        sys_errno);
}

int
vouch_error_set(struct vouch_error *err, enum vouch_code code,
                const char *format, ...)
{
    va_list args;
    int saved = errno;

    if (err == NULL || err->code != VOUCH_OK)
        return -1;
    err->code = code;
    err->sys_errno = 0;
    err->lib_code = 0;
    va_start(args, format);
    (void) format_text(err, sizeof(err->text), format, args);
    va_end(args);
    errno = saved;
    return -1;
}

int
vouch_error_set_sys(struct vouch_error *err, enum vouch_code code,
                    int sys_errno, const char *format, ...)
{
    va_list args;
    char words[SYSTEM_WORDS];
    size_t words_length;
    size_t length;
    int saved = errno;

    if (err == NULL || err->code != VOUCH_OK)
        return -1;
    err->code = code;
    err->sys_errno = sys_errno;
    err->lib_code = 0;

    /* The reason matters more than the end of a long file name, so its
     * room is set aside first. */
    system_words(sys_errno, words);
    words_length = strlen(words);
    va_start(args, format);
    length = format_text(err, sizeof(err->text) - words_length, format, args);
    va_end(args);
    memcpy(err->text + length, words, words_length + 1);
    errno = saved;
    return -1;
}

const char *
vouch_code_name(enum vouch_code code)
{
    static const char *const names[] = {
        "ok",       "argument", "memory",  "system",  "file",   "format",
        "password", "mismatch", "expired", "exists",  "limit",  "config",
        "tls",      "alert",    "verify",  "timeout", "closed", "busy"};
    size_t count = sizeof(names) / sizeof(names[0]);

    if ((int) code < 0 || (size_t) code >= count)
        return "unknown";
    return names[code];
}
