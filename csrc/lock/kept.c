/*
 * Numbers given back, and records for the journal.
 */
#include "lock/kept.h"

#include <stdlib.h>
#include <string.h>

#include "lock/name.h"

#define FIRST_ITEMS 4

void
vouch_kept_free(struct vouch_kept *kept)
{
    if (kept == NULL)
        return;
    free(kept->returned.items);
    free(kept->taken.items);
    free(kept);
}

struct vouch_kept *
vouch_kept_new(const char *name, size_t length, int type, int transactional)
{
    struct vouch_kept *kept = calloc(1, sizeof(*kept) + length + 1);

    if (kept == NULL)
        return NULL;
    kept->next = type == VOUCH_LOCK_SEQUENCE ? 1 : 0;
    kept->limit = kept->next;
    kept->type = type;
    kept->transactional = transactional;
    kept->name_length = length;
    memcpy(kept->name, name, length);
    return kept;
}

int
vouch_numbers_reserve(struct vouch_numbers *numbers, size_t count)
{
    size_t size = numbers->size > 0 ? numbers->size : FIRST_ITEMS;
    uint64_t *items;
    size_t i;

    if (count <= numbers->size)
        return 0;
    if (count > SIZE_MAX / 2 / sizeof(*items))
        return -1;
    while (size < count)
        size *= 2;
    items = malloc(size * sizeof(*items));
    if (items == NULL)
        return -1;
    for (i = 0; i < numbers->count; i++)
        items[i] = numbers->items[(numbers->first + i) & (numbers->size - 1)];
    free(numbers->items);
    numbers->items = items;
    numbers->size = size;
    numbers->first = 0;
    return 0;
}

/* The place of number index; sizes are powers of two. */
static uint64_t *
item_at(struct vouch_numbers *numbers, size_t index)
{
    return &numbers->items[(numbers->first + index) & (numbers->size - 1)];
}

void
vouch_numbers_append(struct vouch_numbers *numbers, uint64_t number)
{
    *item_at(numbers, numbers->count) = number;
    numbers->count++;
}

uint64_t
vouch_numbers_shift(struct vouch_numbers *numbers)
{
    uint64_t number = *item_at(numbers, 0);

    numbers->first = (numbers->first + 1) & (numbers->size - 1);
    numbers->count--;
    return number;
}

int
vouch_numbers_remove(struct vouch_numbers *numbers, uint64_t number)
{
    size_t i;

    for (i = 0; i < numbers->count; i++) {
        if (*item_at(numbers, i) == number)
            break;
    }
    if (i == numbers->count)
        return 0;
    for (; i + 1 < numbers->count; i++)
        *item_at(numbers, i) = *item_at(numbers, i + 1);
    numbers->count--;
    return 1;
}

void
vouch_kept_record(const struct vouch_kept *kept, enum vouch_decision_kind kind,
                  uint64_t value, struct vouch_decisions *out)
{
    struct vouch_decision record;

    memset(&record, 0, sizeof(record));
    record.kind = kind;
    record.type = kept->type;
    record.transactional = kept->transactional;
    record.value = value;
    record.name = kept->name;
    record.name_length = kept->name_length;
    (void) vouch_decisions_add(out, &record);
}
