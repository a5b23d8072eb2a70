/*
 * Simple resources: one lock in six modes.
 *
 * A queue for each mode, since all that wait for one mode are alike: only
 * the heads have to be looked at.
 */
#include "lock/resource.h"

#include <stdlib.h>

struct simple {
    size_t held[VOUCH_LOCK_MODES];
    struct vouch_entry_list queue[VOUCH_LOCK_MODES];
};

static int
simple_open(struct vouch_lock_resource *resource)
{
    resource->state = calloc(1, sizeof(struct simple));
    return resource->state != NULL ? 0 : -1;
}

static void
simple_close(struct vouch_lock_resource *resource)
{
    free(resource->state);
}

static int
simple_fits(const struct vouch_lock_resource *resource,
            const struct vouch_entry *entry, const struct vouch_turn *turn)
{
    const struct simple *simple = resource->state;
    int mode;

    (void) turn;
    for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
        if (simple->held[mode] > 0
            && !vouch_lock_mode_compatible(mode, entry->claim.mode))
            return 0;
    }
    return 1;
}

static int
simple_held_back(const struct vouch_lock_resource *resource,
                 const struct vouch_entry *entry,
                 const struct vouch_turn *turn)
{
    const struct simple *simple = resource->state;
    int mode;

    for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
        if (!vouch_lock_mode_compatible(mode, entry->claim.mode)
            && vouch_entry_goes_first(simple->queue[mode].head, entry, turn))
            return 1;
    }
    return 0;
}

static void
simple_join(struct vouch_lock_resource *resource,
            const struct vouch_entry *entry, struct vouch_claim claim)
{
    struct simple *simple = resource->state;

    (void) entry;
    simple->held[claim.mode]++;
}

static void
simple_part(struct vouch_lock_resource *resource,
            const struct vouch_entry *entry, struct vouch_claim claim)
{
    struct simple *simple = resource->state;

    (void) entry;
    simple->held[claim.mode]--;
}

static int
simple_enqueue(struct vouch_lock_resource *resource, struct vouch_entry *entry,
               const struct vouch_turn *turn)
{
    struct simple *simple = resource->state;

    (void) turn;
    vouch_kind_list_append(&simple->queue[entry->claim.mode], entry);
    return 0;
}

static void
simple_dequeue(struct vouch_lock_resource *resource, struct vouch_entry *entry,
               int granted)
{
    struct simple *simple = resource->state;

    (void) granted;
    vouch_kind_list_remove(&simple->queue[entry->claim.mode], entry);
}

static struct vouch_entry *
simple_first(struct vouch_lock_resource *resource,
             const struct vouch_turn *turn)
{
    const struct simple *simple = resource->state;
    struct vouch_entry *best = NULL;
    struct vouch_entry *head;
    int mode;

    for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
        head = simple->queue[mode].head;
        if (head != NULL && (best == NULL || head->serial < best->serial)
            && simple_fits(resource, head, turn)
            && !simple_held_back(resource, head, turn))
            best = head;
    }
    return best;
}

const struct vouch_lock_kind vouch_kind_simple = {
    .open = simple_open,
    .close = simple_close,
    .fits = simple_fits,
    .held_back = simple_held_back,
    .join = simple_join,
    .part = simple_part,
    .enqueue = simple_enqueue,
    .dequeue = simple_dequeue,
    .first = simple_first,
};
