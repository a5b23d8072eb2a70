/*
 * Allowances that fill with time and are used up by what is done.
 */
#include "base/rate.h"

#include <stdlib.h>

#include <openssl/rand.h>

#include "base/siphash.h"

#define PLACES 1024   /* of sources; 16 bytes each */
#define ONE 1000      /* an allowance is counted in thousandths */
#define BURST_S 2     /* one holds what comes in so many seconds */
#define REST_MS 10000 /* after which every allowance is full, see fill() */

struct allowance {
    int64_t left;
    int64_t since_ms; /* filled up to then */
};

struct vouch_rate {
    unsigned each;
    unsigned all;
    struct allowance total;
    struct allowance place[PLACES];
    unsigned char seed[VOUCH_SIPHASH_SEED_SIZE];
};

void
vouch_rate_free(struct vouch_rate *rate)
{
    free(rate);
}

struct vouch_rate *
vouch_rate_new(unsigned each, unsigned all)
{
    struct vouch_rate *rate = calloc(1, sizeof(*rate));
    size_t i;

    if (rate == NULL || RAND_bytes(rate->seed, sizeof(rate->seed)) != 1) {
        free(rate);
        return NULL;
    }
    rate->each = each;
    rate->all = all;
    rate->total.left = (int64_t) all * ONE * BURST_S;
    for (i = 0; i < PLACES; i++)
        rate->place[i].left = (int64_t) each * ONE * BURST_S;
    return rate;
}

/* A thousandth of an allowance a millisecond, times so many a second.  A
 * long rest fills it, however long: the product must not overflow. */
static void
fill(struct allowance *allowance, unsigned a_second, int64_t now_ms)
{
    int64_t most = (int64_t) a_second * ONE * BURST_S;
    int64_t passed = now_ms - allowance->since_ms;

    allowance->since_ms = now_ms;
    if (passed >= REST_MS)
        allowance->left = most;
    else if (passed > 0)
        allowance->left += passed * a_second;
    if (allowance->left > most)
        allowance->left = most;
}

int
vouch_rate_allows(struct vouch_rate *rate, const void *source, size_t length,
                  int64_t now_ms)
{
    struct allowance *place =
        &rate->place[vouch_siphash(rate->seed, source, length) % PLACES];

    fill(place, rate->each, now_ms);
    fill(&rate->total, rate->all, now_ms);
    if (place->left < ONE || rate->total.left < ONE)
        return 0;
    place->left -= ONE;
    rate->total.left -= ONE;
    return 1;
}
