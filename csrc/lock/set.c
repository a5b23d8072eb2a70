/*
 * Sets: each holder gets an element of its own.
 *
 * They are given in turn: the search for a free one begins one place
 * further for each grant.
 */
#include "lock/resource.h"

#include <stdlib.h>
#include <string.h>

struct set {
    size_t start; /* where the next search begins */
    unsigned char taken[];
};

static int
set_open(struct vouch_lock_resource *resource)
{
    resource->state =
        calloc(1, sizeof(struct set) + (size_t) resource->capacity);
    return resource->state != NULL ? 0 : -1;
}

static void
set_close(struct vouch_lock_resource *resource)
{
    free(resource->state);
}

static int
set_fits(const struct vouch_lock_resource *resource,
         const struct vouch_entry *entry, const struct vouch_turn *turn)
{
    (void) entry;
    (void) turn;
    return resource->holders.count < (size_t) resource->capacity;
}

static int
set_take(struct vouch_lock_resource *resource, struct vouch_entry *entry,
         const struct vouch_turn *turn)
{
    struct set *set = resource->state;
    size_t size = (size_t) resource->capacity;
    size_t at = set->start;

    (void) turn;
    while (set->taken[at])
        at = (at + 1) % size;
    set->taken[at] = 1;
    set->start = (set->start + 1) % size;
    entry->value = at;
    return 0;
}

static void
set_put_back(struct vouch_lock_resource *resource, struct vouch_entry *entry,
             int rollback, const struct vouch_turn *turn)
{
    struct set *set = resource->state;

    (void) rollback;
    (void) turn;
    set->taken[entry->value] = 0;
}

/* Element number index of a set's name, which has that many. */
static const char *
element_at(const char *text, size_t index, size_t *length_r)
{
    for (; index > 0; index--)
        text = strchr(text, '.') + 1;
    *length_r = strcspn(text, ".");
    return text;
}

static int
set_resume(struct vouch_lock_resource *resource, struct vouch_entry *entry,
           const char *element)
{
    struct set *set = resource->state;
    const char *text;
    size_t length;
    size_t i;

    for (i = 0; i < (size_t) resource->capacity; i++) {
        text = element_at(resource->key, i, &length);
        if (!set->taken[i] && strlen(element) == length
            && memcmp(text, element, length) == 0) {
            set->taken[i] = 1;
            entry->value = i;
            return 0;
        }
    }
    return -1;
}

static const char *
set_element(const struct vouch_entry *entry,
            char room[VOUCH_LOCK_ELEMENT_MAX + 1], size_t *length_r)
{
    (void) room;
    return element_at(entry->resource->key, (size_t) entry->value, length_r);
}

const struct vouch_lock_kind vouch_kind_set = {
    .open = set_open,
    .close = set_close,
    .fits = set_fits,
    .take = set_take,
    .put_back = set_put_back,
    .resume = set_resume,
    .element = set_element,
};
