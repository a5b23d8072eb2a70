/*
 * The only place where the time is asked for.
 */
#include "base/clock.h"

#include <time.h>

int64_t
vouch_clock_monotonic_ms(void)
{
    struct timespec now = {0, 0};

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
vouch_clock_epoch(void)
{
    return (int64_t) time(NULL);
}
