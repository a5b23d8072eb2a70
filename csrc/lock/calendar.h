/*
 * The time as text, as strftime(3) writes it in the C locale.
 *
 * Pure: the zone is an argument, the locale is none.
 */
#ifndef VOUCH_LOCK_CALENDAR_H
#define VOUCH_LOCK_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

/*
 * Write a moment by a format: the conversions of POSIX and glibc, with
 * flags 0 and #, widths, E and O.  What is no conversion is copied.
 * seconds is since 1970 UTC, zone_s seconds east of UTC.  Returns the
 * length without the NUL, or -1 when it does not fit in size or the local
 * year is outside 0 to 9999.
 */
int vouch_calendar_format(char *out, size_t size, const char *format,
                          int64_t seconds, int32_t zone_s,
                          const char *zone_name);

#endif
