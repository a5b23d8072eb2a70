/*
 * SipHash-2-4 as in the paper: two rounds per word, four at the end.
 */
#include "base/siphash.h"

#define WORD_SIZE 8
#define WORD_ROUNDS 2
#define FINAL_ROUNDS 4

struct state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static uint64_t
rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

/* A little-endian word of count (0 to 8) bytes, whatever the machine. */
static uint64_t
load(const unsigned char *bytes, size_t count)
{
    uint64_t word = 0;
    size_t i;

    for (i = 0; i < count; i++)
        word |= (uint64_t) bytes[i] << (8 * i);
    return word;
}

static void
rounds(struct state *s, int count)
{
    while (count-- > 0) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void
compress(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, WORD_ROUNDS);
    s->v0 ^= word;
}

uint64_t
vouch_siphash(const unsigned char seed[VOUCH_SIPHASH_SEED_SIZE],
              const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint64_t low = load(seed, WORD_SIZE);
    uint64_t high = load(seed + WORD_SIZE, WORD_SIZE);
    size_t left;
    struct state s;

    s.v0 = low ^ UINT64_C(0x736f6d6570736575);
    s.v1 = high ^ UINT64_C(0x646f72616e646f6d);
    s.v2 = low ^ UINT64_C(0x6c7967656e657261);
    s.v3 = high ^ UINT64_C(0x7465646279746573);
    for (left = length; left >= WORD_SIZE; left -= WORD_SIZE) {
        compress(&s, load(bytes, WORD_SIZE));
        bytes += WORD_SIZE;
    }
    compress(&s, load(bytes, left) | (uint64_t) length << 56);
    s.v2 ^= 0xFF;
    rounds(&s, FINAL_ROUNDS);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
