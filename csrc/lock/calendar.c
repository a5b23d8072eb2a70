/*
 * strftime without a locale and without a zone of its own.
 *
 * Not for reading dates.
 */
#include "lock/calendar.h"

#include <string.h>

#define DAY_SECONDS 86400
#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01T00:00:00 */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59 */
#define DAYS_TO_1970 719528                /* from 0000-01-01 */
#define NUMBER_SIZE 24

struct moment {
    int64_t epoch; /* UTC */
    int32_t zone_s;
    const char *zone_name;
    int year;
    int month; /* 0 to 11 */
    int day;   /* 1 to 31 */
    int week_day;
    int year_day; /* from 0 */
    int hour;
    int minute;
    int second;
};

struct writer {
    char *at;
    size_t left; /* with room for the NUL */
    int failed;
};

/* A conversion: its flags, width, modifier and letter. */
struct spec {
    int zero;
    int change_case;
    size_t width; /* 0: as usual */
    char modifier;
    char letter;
};

static int
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
year_length(int year)
{
    return is_leap(year) ? 366 : 365;
}

static void
set_date(struct moment *moment, int days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int length;

    moment->week_day = (days + 6) % 7; /* 0000-01-01 was a Saturday */
    moment->year = days / 146097 * 400;
    days %= 146097;
    while (days >= year_length(moment->year)) {
        days -= year_length(moment->year);
        moment->year++;
    }
    moment->year_day = days;
    for (moment->month = 0;; moment->month++) {
        length = lengths[moment->month];
        if (moment->month == 1 && is_leap(moment->year))
            length++;
        if (days < length)
            break;
        days -= length;
    }
    moment->day = days + 1;
}

static int
set_moment(struct moment *moment, int64_t seconds, int32_t zone_s,
           const char *zone_name)
{
    int64_t local = seconds + zone_s;
    int of_day;

    if (local < FIRST_SECOND || local > LAST_SECOND)
        return -1;
    moment->epoch = seconds;
    moment->zone_s = zone_s;
    moment->zone_name = zone_name;
    local -= FIRST_SECOND;
    of_day = (int) (local % DAY_SECONDS);
    moment->hour = of_day / 3600;
    moment->minute = of_day / 60 % 60;
    moment->second = of_day % 60;
    set_date(moment, (int) (local / DAY_SECONDS));
    return 0;
}

static void
put(struct writer *writer, const char *text, size_t length)
{
    if (length >= writer->left) {
        writer->failed = 1;
        return;
    }
    memcpy(writer->at, text, length);
    writer->at += length;
    writer->left -= length;
}

static void
put_repeated(struct writer *writer, char c, size_t count)
{
    if (count >= writer->left) {
        writer->failed = 1;
        return;
    }
    memset(writer->at, c, count);
    writer->at += count;
    writer->left -= count;
}

static char
in_case(char c, int upper)
{
    if (upper && c >= 'a' && c <= 'z')
        return (char) (c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z')
        return (char) (c - 'A' + 'a');
    return c;
}

/* What comes before length characters to fill the width. */
static void
pad_to(struct writer *writer, const struct spec *spec, size_t length)
{
    if (spec->width > length)
        put_repeated(writer, spec->zero ? '0' : ' ', spec->width - length);
}

/* Text, padded on the left to its width. */
static void
put_padded(struct writer *writer, const struct spec *spec, const char *text)
{
    pad_to(writer, spec, strlen(text));
    put(writer, text, strlen(text));
}

/* The same, changed to upper (1) or lower (0) case where '#' asks for it. */
static void
put_name(struct writer *writer, const struct spec *spec, const char *text,
         int upper)
{
    char copy[64];
    size_t i;

    if (!spec->change_case) {
        put_padded(writer, spec, text);
        return;
    }
    for (i = 0; i < sizeof(copy) - 1 && text[i] != '\0'; i++)
        copy[i] = in_case(text[i], upper);
    copy[i] = '\0';
    put_padded(writer, spec, copy);
}

/* A number of at least digits digits, filled with pad. */
static void
put_number(struct writer *writer, const struct spec *spec, int64_t number,
           size_t digits, char pad)
{
    char text[NUMBER_SIZE];
    size_t at = sizeof(text);
    size_t length;
    uint64_t rest = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;

    do {
        text[--at] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    length = sizeof(text) - at;
    if (spec->zero)
        pad = '0';
    if (spec->width > digits)
        digits = spec->width;
    if (number < 0)
        put(writer, "-", 1);
    if (digits > length)
        put_repeated(writer, pad, digits - length);
    put(writer, text + at, length);
}

static void
put_zone(struct writer *writer, const struct spec *spec,
         const struct moment *moment)
{
    int32_t offset = moment->zone_s;
    struct spec rest = *spec;

    put(writer, offset < 0 ? "-" : "+", 1);
    offset = (offset < 0 ? -offset : offset) / 60;
    if (rest.width > 0)
        rest.width--;
    put_number(writer, &rest, offset / 60 * 100 + offset % 60, 4, '0');
}

/* The week of the year when weeks begin on a day (0 is Sunday). */
static int
week_of(const struct moment *moment, int first_day)
{
    return (moment->year_day + 7 - (moment->week_day - first_day + 7) % 7) / 7;
}

/* ISO 8601: the year that the week of this day belongs to, and the week. */
static int
iso_year(const struct moment *moment, int *week_r)
{
    int year = moment->year;
    int monday = moment->year_day - (moment->week_day + 6) % 7;
    int week = (monday + 10) / 7; /* monday is at least -6 */

    if (week == 53 && monday + 3 >= year_length(year)) {
        year++;
        week = 1;
    } else if (week == 0) {
        year--;
        monday += year_length(year);
        week = (monday + 10) / 7;
    }
    *week_r = week;
    return year;
}

static const char *const days[] = {"Sunday",    "Monday",   "Tuesday",
                                   "Wednesday", "Thursday", "Friday",
                                   "Saturday"};
static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

/* The first three letters of a name. */
static void
put_short(struct writer *writer, const struct spec *spec, const char *name)
{
    char text[4];

    memcpy(text, name, 3);
    text[3] = '\0';
    put_name(writer, spec, text, 1);
}

/* Conversions that are a name or a character; 1, or 0 for others. */
static int
put_text_of(struct writer *writer, const struct spec *spec,
            const struct moment *moment)
{
    struct spec lower = *spec;

    switch (spec->letter) {
    case 'a':
        put_short(writer, spec, days[moment->week_day]);
        return 1;
    case 'A':
        put_name(writer, spec, days[moment->week_day], 1);
        return 1;
    case 'b':
    case 'h':
        put_short(writer, spec, months[moment->month]);
        return 1;
    case 'B':
        put_name(writer, spec, months[moment->month], 1);
        return 1;
    case 'P':
        lower.change_case = 1;
        put_name(writer, &lower, moment->hour < 12 ? "AM" : "PM", 0);
        return 1;
    case 'p':
        put_name(writer, spec, moment->hour < 12 ? "AM" : "PM", 0);
        return 1;
    case 'Z':
        put_name(writer, spec, moment->zone_name, 0);
        return 1;
    case 'z':
        put_zone(writer, spec, moment);
        return 1;
    case 'n':
        put_padded(writer, spec, "\n");
        return 1;
    case 't':
        put_padded(writer, spec, "\t");
        return 1;
    case '%':
        put_padded(writer, spec, "%");
        return 1;
    default:
        return 0;
    }
}

/* Numbers of a date; 1, or 0 for others. */
static int
put_date(struct writer *writer, const struct spec *spec,
         const struct moment *moment)
{
    int week;
    int year = iso_year(moment, &week);

    switch (spec->letter) {
    case 'C':
        put_number(writer, spec, moment->year / 100, 2, '0');
        return 1;
    case 'd':
        put_number(writer, spec, moment->day, 2, '0');
        return 1;
    case 'e':
        put_number(writer, spec, moment->day, 2, ' ');
        return 1;
    case 'g':
        put_number(writer, spec, (year + 100) % 100, 2, '0');
        return 1;
    case 'G':
        put_number(writer, spec, year, 4, '0');
        return 1;
    case 'j':
        put_number(writer, spec, moment->year_day + 1, 3, '0');
        return 1;
    case 'm':
        put_number(writer, spec, moment->month + 1, 2, '0');
        return 1;
    case 'u':
        put_number(writer, spec, (moment->week_day + 6) % 7 + 1, 1, '0');
        return 1;
    case 'U':
        put_number(writer, spec, week_of(moment, 0), 2, '0');
        return 1;
    case 'V':
        put_number(writer, spec, week, 2, '0');
        return 1;
    case 'w':
        put_number(writer, spec, moment->week_day, 1, '0');
        return 1;
    case 'W':
        put_number(writer, spec, week_of(moment, 1), 2, '0');
        return 1;
    case 'y':
        put_number(writer, spec, moment->year % 100, 2, '0');
        return 1;
    case 'Y':
        put_number(writer, spec, moment->year, 4, '0');
        return 1;
    default:
        return 0;
    }
}

/* Numbers of a time of day; 1, or 0 for others. */
static int
put_time(struct writer *writer, const struct spec *spec,
         const struct moment *moment)
{
    int twelve = (moment->hour + 11) % 12 + 1;

    switch (spec->letter) {
    case 'H':
        put_number(writer, spec, moment->hour, 2, '0');
        return 1;
    case 'I':
        put_number(writer, spec, twelve, 2, '0');
        return 1;
    case 'k':
        put_number(writer, spec, moment->hour, 2, ' ');
        return 1;
    case 'l':
        put_number(writer, spec, twelve, 2, ' ');
        return 1;
    case 'M':
        put_number(writer, spec, moment->minute, 2, '0');
        return 1;
    case 's':
        put_number(writer, spec, moment->epoch, 1, ' ');
        return 1;
    case 'S':
        put_number(writer, spec, moment->second, 2, '0');
        return 1;
    default:
        return 0;
    }
}

/* What a conversion that stands for several means, or NULL. */
static const char *
expansion(char letter)
{
    switch (letter) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'r':
        return "%I:%M:%S %p";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

static int
modifier_fits(const struct spec *spec)
{
    if (spec->modifier == 'E')
        return strchr("cCxXyYnprstuzPRTZ%", spec->letter) != NULL;
    if (spec->modifier == 'O')
        return strchr("BbCdeghGHIjklmMnpPrRsStTuUVwWyzZ%", spec->letter)
               != NULL;
    return 1;
}

static const char *
read_spec(const char *at, struct spec *spec)
{
    memset(spec, 0, sizeof(*spec));
    for (; *at == '0' || *at == '#'; at++) {
        if (*at == '0')
            spec->zero = 1;
        else
            spec->change_case = 1;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        if (spec->width < SIZE_MAX / 16)
            spec->width = spec->width * 10 + (size_t) (*at - '0');
    }
    if (*at == 'E' || *at == 'O')
        spec->modifier = *at++;
    spec->letter = *at;
    return at;
}

static void write_all(struct writer *writer, const char *format,
                      const struct moment *moment);

/* One that stands for several, padded as a whole. */
static void
put_several(struct writer *writer, const struct spec *spec,
            const struct moment *moment)
{
    char text[64];
    struct writer inner = {text, sizeof(text), 0};

    write_all(&inner, expansion(spec->letter), moment);
    *inner.at = '\0';
    put_padded(writer, spec, text);
}

static void
write_all(struct writer *writer, const char *format,
          const struct moment *moment)
{
    const char *start;
    struct spec spec;

    for (; *format != '\0' && !writer->failed; format++) {
        if (*format != '%') {
            put(writer, format, 1);
            continue;
        }
        start = format;
        format = read_spec(format + 1, &spec);
        if (spec.letter != '\0' && modifier_fits(&spec)) {
            if (expansion(spec.letter) != NULL) {
                put_several(writer, &spec, moment);
                continue;
            }
            if (put_text_of(writer, &spec, moment)
                || put_date(writer, &spec, moment)
                || put_time(writer, &spec, moment))
                continue;
        }
        if (spec.letter == '\0')
            format--;
        pad_to(writer, &spec, (size_t) (format - start) + 1);
        put(writer, start, (size_t) (format - start) + 1);
    }
}

int
vouch_calendar_format(char *out, size_t size, const char *format,
                      int64_t seconds, int32_t zone_s, const char *zone_name)
{
    struct writer writer = {out, size, size == 0};
    struct moment moment;

    if (set_moment(&moment, seconds, zone_s, zone_name) != 0)
        return -1;
    write_all(&writer, format, &moment);
    if (writer.failed)
        return -1;
    *writer.at = '\0';
    return (int) (writer.at - out);
}
