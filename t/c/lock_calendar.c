/*
 * lock/calendar against strftime(3); lock/stamp.
 */
#include "lock/calendar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lock/stamp.h"
#include "tap.h"

#define DAY INT64_C(86400)

/* Every conversion that POSIX has for the C locale. */
static const char *const formats[] = {
    "%a|%A|%b|%B|%h|%p",    "%c",
    "%C|%d|%e|%g|%G|%j|%m", "%D|%F|%r|%R|%T|%x|%X",
    "%H|%I|%M|%S|%u|%U",    "%V|%w|%W|%y|%Y|%%|%n|%t",
    "%Ey|%EY|%Od|%OH|%OS",  "plain text:.",
};

static const int64_t moments[] = {
    0,          1,          86399,      951782400,  951868799,   1230768000,
    1293839999, 1609459199, 1735689599, 1763700000, 1767225599,  1767225600,
    4102444799, 7258118400, -1,         -86400,     -1000000000,
};

static void
compare(const char *format, int64_t at)
{
    time_t seconds = (time_t) at;
    struct tm tm;
    char want[256];
    char got[256];
    char name[300];
    size_t length;

    (void) gmtime_r(&seconds, &tm);
    length = strftime(want, sizeof(want), format, &tm);
    want[length] = '\0';
    got[0] = '\0';
    (void) snprintf(name, sizeof(name), "%s of %lld", format, (long long) at);
    is_int(vouch_calendar_format(got, sizeof(got), format, at, 0, "UTC"),
           length, name);
    is_text(got, want, name);
}

static void
test_moments(void)
{
    size_t i;
    size_t j;

    for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (j = 0; j < sizeof(moments) / sizeof(moments[0]); j++)
            compare(formats[i], moments[j]);
    }
}

/* Each day of 130 years: weeks and leap years. */
static void
test_days(void)
{
    const char *format = "%F %a %j %U %V %W %G %g %u %w";
    char want[128];
    char got[128];
    struct tm tm;
    time_t seconds;
    int wrong = 0;
    int64_t day;

    for (day = 0; day < 47500; day++) {
        seconds = (time_t) (day * DAY + 3601);
        (void) gmtime_r(&seconds, &tm);
        want[strftime(want, sizeof(want), format, &tm)] = '\0';
        wrong += vouch_calendar_format(got, sizeof(got), format,
                                       (int64_t) seconds, 0, "UTC")
                     < 0
                 || strcmp(got, want) != 0;
    }
    is_int(wrong, 0, "each day until 2100");
}

static const struct {
    const char *format;
    int32_t zone_s;
    const char *want;
} zoned[] = {
    {"%H:%M:%S %z %Z", 3600, "00:59:59 +0100 CET"},
    {"%F %T", -18000, "2025-12-31 18:59:59"},
    {"%z", -12600, "-0330"},
    {"%s", 3600, "1767225599"},
    {"%#Z %#a %#B %#p %P", 0, "cet WED DECEMBER pm pm"},
    {"%5d %05e %3y", 0, "00031 00031 025"},
    {"%k %l", -36000, "13  1"},
    {"%Q %", 0, "%Q %"},
    {"%", 0, "%"},
    {"%E", 0, "%E"},
    {"", 0, ""},
};

static void
test_zones(void)
{
    char got[64];
    size_t i;

    for (i = 0; i < sizeof(zoned) / sizeof(zoned[0]); i++) {
        got[0] = '\0';
        (void) vouch_calendar_format(got, sizeof(got), zoned[i].format,
                                     1767225599, zoned[i].zone_s, "CET");
        is_text(got, zoned[i].want, "a zone, a flag or a width");
    }
}

static void
test_limits(void)
{
    char got[12] = "untouched";
    int64_t last = INT64_C(253402300799);

    is_int(vouch_calendar_format(got, 11, "%F", 0, 0, "UTC"), 10, "fits");
    is_text(got, "1970-01-01", "to the NUL");
    is_int(vouch_calendar_format(got, 10, "%F", 0, 0, "UTC"), -1,
           "one less does not");
    is_int(vouch_calendar_format(got, 0, "", 0, 0, "UTC"), -1, "no room");
    is_int(
        vouch_calendar_format(got, 12, "%99999999999999999999d", 0, 0, "UTC"),
        -1, "a width beyond all");
    is_int(vouch_calendar_format(got, 12, "%F", last, 0, "UTC"), 10,
           "the last second");
    is_text(got, "9999-12-31", "of the year 9999");
    is_int(vouch_calendar_format(got, 12, "%F", last + 1, 0, "UTC"), -1,
           "the next is refused");
    is_int(vouch_calendar_format(got, 12, "%F", last, 1, "UTC"), -1,
           "in local time too");
    is_int(
        vouch_calendar_format(got, 12, "%F", INT64_C(-62167219200), 0, "UTC"),
        10, "the first second");
    is_text(got, "0000-01-01", "of the year 0");
    is_int(
        vouch_calendar_format(got, 12, "%F", INT64_C(-62167219201), 0, "UTC"),
        -1, "the one before is refused");
}

static const struct {
    const char *format;
    long long interval;
    const char *text; /* at 12:34:56.123456 */
} stamps[] = {
    {"%S", 1000000, "56"},
    {"%%S", 1000000, "%S"},
    {"ts.%S#fff", 1000, "ts.56.123"},
    {"%H:%M:%S#ffffff", 1, "12:34:56.123456"},
    {"#fffffff", 1, ".123456f"},
    {"#ff%S#f", 10000, ".1256.1"},
    {"%c", 1000000, "Thu Jan  1 12:34:56 1970"},
    {"%M", 60000000, "34"},
    {"%R", 60000000, "12:34"},
    {"%H", 3600000000LL, "12"},
    {"%I%M%S", 1000000, "123456"},
    {"a#f", 100000, "a.1"},
    {"#", 0, "#"},
    {"%d", 0, "01"},
    {"%", 0, "%"},
    {"abc", 0, "abc"},
};

static void
test_stamps(void)
{
    char got[64];
    size_t length;
    size_t i;

    for (i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
        length = strlen(stamps[i].format);
        is_int(vouch_stamp_interval(stamps[i].format, length),
               stamps[i].interval, stamps[i].text);
        (void) vouch_stamp_text(got, sizeof(got), stamps[i].format, length,
                                INT64_C(45296123456), 0, "UTC");
        is_text(got, stamps[i].text, "its text");
    }
    (void) vouch_stamp_text(got, sizeof(got), "%S#ff", 5, -1, 0, "UTC");
    is_text(got, "59.99", "a microsecond before 1970");
    is_int(vouch_stamp_text(got, 5, "%S#ff", 5, 0, 0, "UTC"), -1,
           "a text that does not fit");
}

int
main(void)
{
    test_moments();
    test_days();
    test_zones();
    test_limits();
    test_stamps();
    return tap_done();
}
