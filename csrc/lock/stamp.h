/*
 * The format of a timestamp resource: how fine it is, and its text.
 *
 * For lock/ alone.  A format is strftime's, and #f to #ffffff stand for a
 * point and the first 1 to 6 digits of the second's fraction.
 */
#ifndef VOUCH_LOCK_STAMP_H
#define VOUCH_LOCK_STAMP_H

#include <stddef.h>
#include <stdint.h>

/*
 * How long the text of a format stays the same, in microseconds: by the
 * longest #f, else 1 s for %c %r %s %S %T %X, a minute for %M %R, an hour
 * for %H %I; 0 if it has none of these.
 */
int64_t vouch_stamp_interval(const char *format, size_t length);

/*
 * Write the text of a moment (microseconds since 1970).  The length without
 * the NUL, or -1 when it does not fit in size.
 */
int vouch_stamp_text(char *out, size_t size, const char *format, size_t length,
                     int64_t wall_us, int32_t zone_s, const char *zone_name);

#endif
