/*
 * Reading and writing the formats of timestamp resources.
 */
#include "lock/stamp.h"

#include <string.h>

#include "lock/calendar.h"
#include "lock/name.h"

#define SECOND_US INT64_C(1000000)
#define DIGITS 6
#define FORMAT_SIZE (4 * VOUCH_LOCK_NAME_MAX) /* "#f" becomes ".1" at most */

static const int64_t fraction_us[DIGITS + 1] = {SECOND_US, 100000, 10000, 1000,
                                                100,       10,     1};

/* How many f (0 to 6) follow a '#' at the start of the text. */
static size_t
fraction_digits(const char *text, size_t length)
{
    size_t count = 0;

    if (length == 0 || text[0] != '#')
        return 0;
    while (count < DIGITS && count + 1 < length && text[count + 1] == 'f')
        count++;
    return count;
}

/* 1 if '%' and one of the letters stand anywhere in the format. */
static int
has_conversion(const char *format, size_t length, const char *letters)
{
    size_t i;

    for (i = 0; i + 1 < length; i++) {
        if (format[i] == '%' && strchr(letters, format[i + 1]) != NULL)
            return 1;
    }
    return 0;
}

int64_t
vouch_stamp_interval(const char *format, size_t length)
{
    size_t longest = 0;
    size_t digits;
    size_t i;

    for (i = 0; i < length; i++) {
        digits = fraction_digits(format + i, length - i);
        if (digits > longest)
            longest = digits;
    }
    if (longest > 0)
        return fraction_us[longest];
    if (has_conversion(format, length, "crsSTX"))
        return SECOND_US;
    if (has_conversion(format, length, "MR"))
        return 60 * SECOND_US;
    if (has_conversion(format, length, "HI"))
        return 3600 * SECOND_US;
    return 0;
}

/* Write ".123"; returns how many characters. */
static size_t
put_fraction(char *out, size_t digits, int64_t micro)
{
    int64_t rest = micro / fraction_us[digits];
    size_t i;

    out[0] = '.';
    for (i = digits; i > 0; i--) {
        out[i] = (char) ('0' + rest % 10);
        rest /= 10;
    }
    return digits + 1;
}

int
vouch_stamp_text(char *out, size_t size, const char *format, size_t length,
                 int64_t wall_us, int32_t zone_s, const char *zone_name)
{
    int64_t seconds = wall_us / SECOND_US;
    int64_t micro = wall_us % SECOND_US;
    char text[FORMAT_SIZE];
    size_t at = 0;
    size_t digits;
    size_t i;

    if (length > VOUCH_LOCK_NAME_MAX)
        return -1;
    if (micro < 0) {
        micro += SECOND_US;
        seconds--;
    }
    for (i = 0; i < length; i++) {
        digits = fraction_digits(format + i, length - i);
        if (digits > 0)
            at += put_fraction(text + at, digits, micro);
        else
            text[at++] = format[i];
        i += digits;
    }
    text[at] = '\0';
    return vouch_calendar_format(out, size, text, seconds, zone_s, zone_name);
}
