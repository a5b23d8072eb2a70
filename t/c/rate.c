/*
 * base/rate: how often each source may, and all of them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rate.h"
#include "tap.h"

static struct vouch_rate *
make(unsigned each, unsigned all)
{
    struct vouch_rate *rate = vouch_rate_new(each, all);

    if (rate == NULL) {
        printf("Bail out! no memory\n");
        _Exit(255);
    }
    return rate;
}

/* How many of so many tries at this moment are allowed. */
static int
tries(struct vouch_rate *rate, const char *source, int count, int64_t now_ms)
{
    int allowed = 0;

    while (count-- > 0)
        allowed += vouch_rate_allows(rate, source, strlen(source), now_ms);
    return allowed;
}

static void
test_each(void)
{
    struct vouch_rate *rate = make(10, 1000000);

    is_int(tries(rate, "a", 100, 5000), 20, "two seconds' worth at once");
    is_int(tries(rate, "a", 100, 5000), 0, "then no more");
    is_int(tries(rate, "b", 100, 5000), 20, "of another source just as many");
    is_int(tries(rate, "a", 1, 5099), 0, "99 ms are too short for one more");
    is_int(tries(rate, "a", 2, 5100), 1, "100 ms are enough");
    is_int(tries(rate, "a", 100, 6100), 10, "a second gives ten");
    is_int(tries(rate, "a", 100, 8100), 20, "two seconds fill it");
    is_int(tries(rate, "a", 100, 99999999), 20, "a day does, too");
    is_int(tries(rate, "a", 100, INT64_MAX), 20, "and all of time");
    is_int(vouch_rate_allows(rate, NULL, 0, INT64_MAX), 1,
           "an empty source is one, too");
    vouch_rate_free(rate);
}

static void
test_all(void)
{
    struct vouch_rate *rate = make(100, 10);
    char source[16];
    int allowed = 0;
    int i;

    for (i = 0; i < 100; i++) {
        (void) snprintf(source, sizeof(source), "%d", i);
        allowed += tries(rate, source, 1, 1000);
    }
    is_int(allowed, 20, "a hundred sources share what there is");
    is_int(tries(rate, "one", 100, 2000), 10, "and one does not have more");
    vouch_rate_free(rate);
}

/* One that is refused does not use up what is there for the others. */
static void
test_refused(void)
{
    struct vouch_rate *rate = make(1, 100);

    is_int(tries(rate, "loud", 100000, 1000), 2, "a loud one has its share");
    is_int(tries(rate, "calm", 2, 1000), 2, "a calm one, too");
    vouch_rate_free(rate);
}

/* Sources without end take no memory, and the first one is not forgotten. */
static void
test_many(void)
{
    struct vouch_rate *rate = make(1, 1000000);
    char source[16];
    int allowed = 0;
    int i;

    (void) tries(rate, "first", 2, 1000);
    for (i = 0; i < 100000; i++) {
        (void) snprintf(source, sizeof(source), "%d", i);
        allowed += tries(rate, source, 1, 1000);
    }
    ok(allowed > 1000 && allowed <= 2048,
       "100,000 sources have no more than the places of the table");
    is_int(tries(rate, "first", 1, 1000), 0, "the first still waits");
    vouch_rate_free(rate);
}

int
main(void)
{
    test_each();
    test_all();
    test_refused();
    test_many();
    vouch_rate_free(NULL);
    return tap_done();
}
