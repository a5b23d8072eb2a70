/*
 * Numeric resources: so many units, and requests for some of them.
 *
 * The queue is a tournament: the leaves are the waiting in the order of
 * age, and each inner node knows the smallest quantity below it.  So the
 * oldest that asks for no more than is free is found in a few steps.
 */
#include "lock/resource.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS ((size_t) 4)
#define NOBODY INT64_MAX

struct numeric {
    int64_t used; /* with what a conversion waits for: may pass capacity */
    struct vouch_entry **slots; /* count of them used, NULL where one left */
    int64_t *least;             /* 2 * size; the leaves from size on */
    size_t size;                /* a power of two, or 0 */
    size_t count;
};

static int
numeric_open(struct vouch_lock_resource *resource)
{
    resource->state = calloc(1, sizeof(struct numeric));
    return resource->state != NULL ? 0 : -1;
}

static void
numeric_close(struct vouch_lock_resource *resource)
{
    struct numeric *numeric = resource->state;

    free(numeric->slots);
    free(numeric->least);
    free(numeric);
}

static int
numeric_fits(const struct vouch_lock_resource *resource,
             const struct vouch_entry *entry, const struct vouch_turn *turn)
{
    const struct numeric *numeric = resource->state;

    (void) turn;
    return entry->claim.quantity == 0
           || entry->claim.quantity <= resource->capacity - numeric->used;
}

/* Whoever takes a unit delays the oldest; whoever takes none delays nobody,
 * and nobody waits for none. */
static int
numeric_held_back(const struct vouch_lock_resource *resource,
                  const struct vouch_entry *entry,
                  const struct vouch_turn *turn)
{
    return entry->claim.quantity > 0
           && vouch_entry_goes_first(resource->waiting.head, entry, turn);
}

static void
numeric_join(struct vouch_lock_resource *resource,
             const struct vouch_entry *entry, struct vouch_claim claim)
{
    struct numeric *numeric = resource->state;

    (void) entry;
    numeric->used += claim.quantity;
}

static void
numeric_part(struct vouch_lock_resource *resource,
             const struct vouch_entry *entry, struct vouch_claim claim)
{
    struct numeric *numeric = resource->state;

    (void) entry;
    numeric->used -= claim.quantity;
}

/* Set a leaf, and what is above it. */
static void
set_leaf(struct numeric *numeric, size_t slot, int64_t quantity)
{
    size_t at = numeric->size + slot;
    int64_t *least = numeric->least;

    least[at] = quantity;
    for (at /= 2; at > 0; at /= 2)
        least[at] = least[2 * at] < least[2 * at + 1] ? least[2 * at]
                                                      : least[2 * at + 1];
}

/* Move the waiting to the front of arrays of this size. */
static void
fill(struct numeric *numeric, struct vouch_entry **slots, int64_t *least,
     size_t size)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < numeric->count; i++) {
        if (numeric->slots[i] == NULL)
            continue;
        slots[count] = numeric->slots[i];
        slots[count]->slot = count;
        least[size + count] = slots[count]->claim.quantity;
        count++;
    }
    for (i = count; i < size; i++)
        least[size + i] = NOBODY;
    for (i = size - 1; i > 0; i--)
        least[i] =
            least[2 * i] < least[2 * i + 1] ? least[2 * i] : least[2 * i + 1];
    numeric->count = count;
}

/* Room for one more: in larger arrays, or in the same without the gaps. */
static int
make_room(struct numeric *numeric, size_t waiting)
{
    size_t size = numeric->size > 0 ? numeric->size : FIRST_SLOTS;
    struct vouch_entry **slots;
    int64_t *least;

    if (numeric->count < numeric->size)
        return 0;
    while (size / 2 < waiting + 1) {
        if (size > SIZE_MAX / 4 / sizeof(*least))
            return -1;
        size *= 2;
    }
    slots = malloc(size * sizeof(*slots));
    least = malloc(2 * size * sizeof(*least));
    if (slots == NULL || least == NULL) {
        free(slots);
        free(least);
        return -1;
    }
    fill(numeric, slots, least, size);
    free(numeric->slots);
    free(numeric->least);
    numeric->slots = slots;
    numeric->least = least;
    numeric->size = size;
    return 0;
}

static int
numeric_enqueue(struct vouch_lock_resource *resource,
                struct vouch_entry *entry, const struct vouch_turn *turn)
{
    struct numeric *numeric = resource->state;

    (void) turn;
    if (make_room(numeric, resource->waiting.count) != 0)
        return -1;
    entry->slot = numeric->count;
    numeric->slots[entry->slot] = entry;
    numeric->count++;
    set_leaf(numeric, entry->slot, entry->claim.quantity);
    return 0;
}

static void
numeric_dequeue(struct vouch_lock_resource *resource,
                struct vouch_entry *entry, int granted)
{
    struct numeric *numeric = resource->state;

    (void) granted;
    numeric->slots[entry->slot] = NULL;
    set_leaf(numeric, entry->slot, NOBODY);
}

/* The oldest that asks for no more than this, or NULL. */
static struct vouch_entry *
find(const struct numeric *numeric, int64_t most)
{
    size_t at = 1;

    if (numeric->size == 0 || numeric->least[1] > most)
        return NULL;
    while (at < numeric->size)
        at = numeric->least[2 * at] <= most ? 2 * at : 2 * at + 1;
    return numeric->slots[at - numeric->size];
}

static struct vouch_entry *
numeric_first(struct vouch_lock_resource *resource,
              const struct vouch_turn *turn)
{
    const struct numeric *numeric = resource->state;
    int64_t left = resource->capacity - numeric->used;
    struct vouch_entry *best = find(numeric, left > 0 ? left : 0);

    if (best != NULL && numeric_held_back(resource, best, turn))
        return find(numeric, 0);
    return best;
}

const struct vouch_lock_kind vouch_kind_numeric = {
    .open = numeric_open,
    .close = numeric_close,
    .fits = numeric_fits,
    .held_back = numeric_held_back,
    .join = numeric_join,
    .part = numeric_part,
    .enqueue = numeric_enqueue,
    .dequeue = numeric_dequeue,
    .first = numeric_first,
};
