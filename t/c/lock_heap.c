/*
 * lock/heap against a search, and lock/kept's rings of numbers.
 */
#include "lock/heap.h"

#include <stdlib.h>
#include <string.h>

#include "lock/kept.h"
#include "lock/name.h"
#include "tap.h"

#define MEMBERS 200
#define STEPS 20000

/* xorshift: the same on each machine. */
static uint32_t
next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static const struct vouch_heap_node *
smallest(const struct vouch_heap_node *nodes)
{
    const struct vouch_heap_node *best = NULL;
    int i;

    for (i = 0; i < MEMBERS; i++) {
        if (nodes[i].inside
            && (best == NULL || nodes[i].key < best->key
                || (nodes[i].key == best->key && nodes[i].tie < best->tie)))
            best = &nodes[i];
    }
    return best;
}

static void
test_heap(void)
{
    static struct vouch_heap_node nodes[MEMBERS];
    struct vouch_heap heap = {NULL};
    uint32_t random = 20261121;
    uint64_t ties = 0;
    int wrong = 0;
    int i;
    int at;

    for (i = 0; i < STEPS; i++) {
        at = (int) (next_random(&random) % MEMBERS);
        if (nodes[at].inside)
            vouch_heap_remove(&heap, &nodes[at]);
        else
            vouch_heap_add(&heap, &nodes[at],
                           (int64_t) (next_random(&random) % 50) - 25, ++ties);
        if (i % 7 == 0 && heap.top != NULL)
            vouch_heap_remove(&heap, heap.top);
        wrong += heap.top != smallest(nodes);
    }
    is_int(wrong, 0, "the top is always the smallest");
    while (heap.top != NULL) {
        wrong += heap.top != smallest(nodes);
        vouch_heap_remove(&heap, heap.top);
    }
    is_int(wrong, 0, "to the end");
    ok(smallest(nodes) == NULL, "and none is left inside");
    vouch_heap_remove(&heap, &nodes[0]);
    ok(heap.top == NULL, "removing what is not inside does nothing");
}

static void
test_numbers(void)
{
    struct vouch_kept *kept =
        vouch_kept_new("_S_n[9]", 7, VOUCH_LOCK_SEQUENCE, 1);
    struct vouch_numbers *numbers = &kept->returned;
    uint64_t in = 0;
    uint64_t out = 0;
    int wrong = 0;
    int i;

    is_int(kept->next, 1, "numbers begin with 1");
    is_text(kept->name, "_S_n[9]", "the name");
    for (i = 0; i < 1000; i++) {
        wrong += vouch_numbers_reserve(numbers, numbers->count + 1) != 0;
        vouch_numbers_append(numbers, ++in);
        if (i % 3 != 0)
            wrong += vouch_numbers_shift(numbers) != ++out;
    }
    is_int(wrong, 0, "first in, first out");
    is_int(numbers->count, in - out, "the count");
    is_int(vouch_numbers_remove(numbers, in - 5), 1, "one from the middle");
    is_int(vouch_numbers_remove(numbers, in - 5), 0, "is there once");
    is_int(vouch_numbers_remove(numbers, 1), 0, "one that has left");
    while (numbers->count > 0) {
        out++;
        out += out == in - 5;
        wrong += vouch_numbers_shift(numbers) != out;
    }
    is_int(wrong, 0, "the others keep their order");
    is_int(out, in, "to the last");
    is_int(vouch_numbers_reserve(numbers, SIZE_MAX / 2), -1, "no such memory");
    vouch_kept_free(kept);
    vouch_kept_free(NULL);
    kept = vouch_kept_new("_t_%S[1]", 8, VOUCH_LOCK_TIMESTAMP, 0);
    is_int(kept->next, 0, "stamps begin in 1970");
    vouch_kept_free(kept);
}

int
main(void)
{
    test_heap();
    test_numbers();
    return tap_done();
}
