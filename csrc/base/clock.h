/*
 * Time, read in one place.  Pure code takes `now` as an argument instead.
 */
#ifndef VOUCH_BASE_CLOCK_H
#define VOUCH_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back, for deadlines. */
int64_t vouch_clock_monotonic_ms(void);

/* Seconds since 1970 UTC, for the dates of certificates. */
int64_t vouch_clock_epoch(void);

#endif
