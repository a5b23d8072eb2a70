/*
 * Sequences: each holder gets the next number.
 *
 * A transactional sequence takes numbers back from those that roll back or
 * die, and gives them first, in the order they came back.
 */
#include "lock/resource.h"

#include <string.h>

#define NUMBER_DIGITS 20

static int
sequence_fits(const struct vouch_lock_resource *resource,
              const struct vouch_entry *entry, const struct vouch_turn *turn)
{
    (void) entry;
    (void) turn;
    return resource->holders.count < (size_t) resource->capacity;
}

/* A number never given before. */
static uint64_t
new_number(struct vouch_kept *kept, const struct vouch_turn *turn)
{
    uint64_t block = turn->limits->number_block;
    uint64_t number = kept->next;

    kept->next++;
    if (kept->shared && !kept->transactional && kept->next > kept->limit) {
        kept->limit =
            UINT64_MAX - number > block ? number + block : UINT64_MAX;
        vouch_kept_record(kept, VOUCH_RECORD_NUMBERS, kept->limit, turn->out);
    }
    return number;
}

/* Room for one number more that is out, so that giving it back later cannot
 * fail. */
static int
room_to_return(const struct vouch_lock_resource *resource)
{
    struct vouch_kept *kept = resource->kept;

    return vouch_numbers_reserve(&kept->returned,
                                 kept->returned.count + kept->taken.count
                                     + resource->holders.count + 1);
}

static int
sequence_take(struct vouch_lock_resource *resource, struct vouch_entry *entry,
              const struct vouch_turn *turn)
{
    struct vouch_kept *kept = resource->kept;

    if (room_to_return(resource) != 0)
        return VOUCH_LOCK_NO_MEMORY;
    if (kept->returned.count > 0)
        entry->value = vouch_numbers_shift(&kept->returned);
    else if (kept->next < UINT64_MAX)
        entry->value = new_number(kept, turn);
    else
        return VOUCH_LOCK_IMPOSSIBLE;
    if (kept->shared && kept->transactional)
        vouch_kept_record(kept, VOUCH_RECORD_TAKEN, entry->value, turn->out);
    return 0;
}

static void
sequence_put_back(struct vouch_lock_resource *resource,
                  struct vouch_entry *entry, int rollback,
                  const struct vouch_turn *turn)
{
    struct vouch_kept *kept = resource->kept;

    if (!kept->transactional)
        return;
    if (rollback)
        vouch_numbers_append(&kept->returned, entry->value);
    if (kept->shared)
        vouch_kept_record(
            kept, rollback ? VOUCH_RECORD_RETURNED : VOUCH_RECORD_SPENT,
            entry->value, turn->out);
}

/* The number that a text is, or 0. */
static uint64_t
parse_number(const char *text)
{
    uint64_t number = 0;

    if (text[0] < '1' || strlen(text) >= NUMBER_DIGITS)
        return 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t) (*text - '0');
    return *text == '\0' ? number : 0;
}

static int
sequence_resume(struct vouch_lock_resource *resource,
                struct vouch_entry *entry, const char *element)
{
    struct vouch_kept *kept = resource->kept;
    uint64_t number = parse_number(element);
    const struct vouch_entry *other;

    for (other = resource->holders.head; other != NULL; other = other->next) {
        if (other->value == number)
            return -1;
    }
    if (number == 0 || room_to_return(resource) != 0)
        return -1;
    if (kept->shared && kept->transactional
        && !vouch_numbers_remove(&kept->taken, number))
        return -1;
    if (kept->shared && number >= kept->next)
        return -1;
    if (number >= kept->next)
        kept->next = number + 1;
    entry->value = number;
    return 0;
}

static const char *
sequence_element(const struct vouch_entry *entry,
                 char room[VOUCH_LOCK_ELEMENT_MAX + 1], size_t *length_r)
{
    size_t at = NUMBER_DIGITS;
    uint64_t rest = entry->value;

    do {
        room[--at] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    *length_r = NUMBER_DIGITS - at;
    return room + at;
}

const struct vouch_lock_kind vouch_kind_sequence = {
    .fits = sequence_fits,
    .take = sequence_take,
    .put_back = sequence_put_back,
    .resume = sequence_resume,
    .element = sequence_element,
};
