/*
 * How often something may be done: so many times a second for each source,
 * and for all together.
 *
 * Sources are bytes of any kind, and there may be any number: they share a
 * table of fixed size, so that two of them may have to share one allowance.
 * Which ones do, nobody outside can choose.  Pure: the time is given.
 */
#ifndef VOUCH_BASE_RATE_H
#define VOUCH_BASE_RATE_H

#include <stddef.h>
#include <stdint.h>

struct vouch_rate;

/* Free it.  NULL is allowed. */
void vouch_rate_free(struct vouch_rate *rate);

/*
 * each: times a second of one source, all: of all; after a rest twice as
 * many at once.  Both at least 1.  NULL without memory or randomness.
 */
struct vouch_rate *vouch_rate_new(unsigned each, unsigned all);

/* 1 if the source may now, which is counted, or 0.  now_ms never goes
 * back. */
int vouch_rate_allows(struct vouch_rate *rate, const void *source,
                      size_t length, int64_t now_ms);

#endif
