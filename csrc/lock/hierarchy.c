/*
 * Hierarchies: a lock on /a/b/c goes together by its mode with the locks on
 * /a, /a/b and /a/b/c and on everything below; others it never meets.
 */
#include <stdlib.h>

#include "lock/tree.h"

static int
hierarchy_open(struct vouch_lock_resource *resource)
{
    resource->state = vouch_tree_new();
    return resource->state != NULL ? 0 : -1;
}

static void
hierarchy_close(struct vouch_lock_resource *resource)
{
    vouch_tree_free(resource->state);
}

static int
hierarchy_enter(struct vouch_lock_resource *resource,
                struct vouch_entry *entry)
{
    const char *path =
        entry->name != NULL ? entry->name + resource->key_length : "";

    entry->place = vouch_tree_enter(resource->state, path);
    return entry->place != NULL ? 0 : -1;
}

static void
hierarchy_leave(struct vouch_lock_resource *resource,
                struct vouch_entry *entry)
{
    vouch_tree_leave(resource->state, entry->place);
    entry->place = NULL;
}

/* 1, and where, if a holder is in the way. */
static int
find_holder(struct vouch_node *node, int mode, struct vouch_spot *spot_r)
{
    struct vouch_node *above;

    for (above = node->parent; above != NULL; above = above->parent) {
        if (vouch_tree_conflicts(above->held, mode)) {
            spot_r->node = above;
            spot_r->lot = VOUCH_LOT_OWN;
            return 1;
        }
    }
    spot_r->node = node;
    spot_r->lot = VOUCH_LOT_BELOW;
    return vouch_tree_conflicts(node->below, mode);
}

/* 1 if one that waits at exactly this node goes before the entry. */
static int
waits_at(const struct vouch_node *node, const struct vouch_entry *entry,
         const struct vouch_turn *turn)
{
    int mode;

    for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
        if (node->classes[mode] != NULL
            && !vouch_lock_mode_compatible(mode, entry->claim.mode)
            && vouch_entry_goes_first(node->classes[mode]->list.head, entry,
                                      turn))
            return 1;
    }
    return 0;
}

/* 1, and where, if an older one must not be delayed. */
static int
find_waiter(const struct vouch_lock_resource *resource,
            const struct vouch_entry *entry, const struct vouch_turn *turn,
            struct vouch_spot *spot_r)
{
    struct vouch_node *node = entry->place;
    struct vouch_node *at;

    if (!vouch_entry_goes_first(resource->waiting.head, entry, turn))
        return 0;
    for (at = node->parent; at != NULL; at = at->parent) {
        if (waits_at(at, entry, turn)) {
            spot_r->node = at;
            spot_r->lot = VOUCH_LOT_OWN;
            return 1;
        }
    }
    spot_r->node = node;
    spot_r->lot = VOUCH_LOT_BELOW;
    at = node;
    while (at != NULL) {
        if (waits_at(at, entry, turn))
            return 1;
        at = vouch_tree_walk(
            node, at, !vouch_tree_conflicts(at->waiting, entry->claim.mode));
    }
    return 0;
}

static int
hierarchy_fits(const struct vouch_lock_resource *resource,
               const struct vouch_entry *entry, const struct vouch_turn *turn)
{
    struct vouch_spot spot;

    (void) resource;
    (void) turn;
    return !find_holder(entry->place, entry->claim.mode, &spot);
}

static int
hierarchy_held_back(const struct vouch_lock_resource *resource,
                    const struct vouch_entry *entry,
                    const struct vouch_turn *turn)
{
    struct vouch_spot spot;

    return find_waiter(resource, entry, turn, &spot);
}

/* 1, and where, if an entry has to wait. */
static int
find_obstacle(const struct vouch_lock_resource *resource,
              const struct vouch_entry *entry, const struct vouch_turn *turn,
              struct vouch_spot *spot_r)
{
    return find_holder(entry->place, entry->claim.mode, spot_r)
           || find_waiter(resource, entry, turn, spot_r);
}

static void
hierarchy_join(struct vouch_lock_resource *resource,
               const struct vouch_entry *entry, struct vouch_claim claim)
{
    struct vouch_node *node = entry->place;

    (void) resource;
    node->held[claim.mode]++;
    for (; node != NULL; node = node->parent)
        node->below[claim.mode]++;
}

static void
hierarchy_part(struct vouch_lock_resource *resource,
               const struct vouch_entry *entry, struct vouch_claim claim)
{
    struct vouch_node *node = entry->place;

    vouch_tree_mark_path(resource->state, node);
    node->held[claim.mode]--;
    for (; node != NULL; node = node->parent)
        node->below[claim.mode]--;
}

static int
hierarchy_enqueue(struct vouch_lock_resource *resource,
                  struct vouch_entry *entry, const struct vouch_turn *turn)
{
    struct vouch_node *node = entry->place;
    struct vouch_lock_class *class = node->classes[entry->claim.mode];
    struct vouch_spot spot;

    if (class == NULL) {
        class = calloc(1, sizeof(*class));
        if (class == NULL)
            return -1;
        class->node = node;
        class->mode = entry->claim.mode;
        node->classes[class->mode] = class;
    }
    vouch_kind_list_append(&class->list, entry);
    vouch_tree_count_waiting(node, class->mode, 1);
    if (class->list.count == 1) {
        (void) find_obstacle(resource, entry, turn, &spot);
        vouch_class_park(class, &spot);
    }
    return 0;
}

static void
hierarchy_dequeue(struct vouch_lock_resource *resource,
                  struct vouch_entry *entry, int granted)
{
    struct vouch_node *node = entry->place;
    struct vouch_lock_class *class = node->classes[entry->claim.mode];
    struct vouch_spot spot = class->spot;

    /* Those that had to let it go first wait for it still when it holds. */
    if (!granted)
        vouch_tree_mark_path(resource->state, node);
    vouch_tree_count_waiting(node, class->mode, -1);
    vouch_class_unpark(class);
    vouch_kind_list_remove(&class->list, entry);
    if (class->list.head != NULL) {
        vouch_class_park(class, &spot);
        return;
    }
    node->classes[class->mode] = NULL;
    free(class);
}

/* Those looked at in vain lie down where they wait now. */
static void
park_all(struct vouch_lock_resource *resource, struct vouch_lock_class *list,
         const struct vouch_turn *turn)
{
    struct vouch_lock_class *class;
    struct vouch_spot spot;

    while ((class = list) != NULL) {
        list = class->next;
        (void) find_obstacle(resource, class->list.head, turn, &spot);
        vouch_class_park(class, &spot);
    }
}

static struct vouch_entry *
hierarchy_first(struct vouch_lock_resource *resource,
                const struct vouch_turn *turn)
{
    struct vouch_tree *tree = resource->state;
    struct vouch_lock_class *in_vain = NULL;
    struct vouch_lock_class *class;
    struct vouch_spot spot;

    while ((class = vouch_tree_candidate(tree)) != NULL) {
        if (!find_obstacle(resource, class->list.head, turn, &spot))
            break;
        vouch_class_unpark(class);
        class->next = in_vain;
        in_vain = class;
    }
    park_all(resource, in_vain, turn);
    if (class != NULL)
        return class->list.head;
    return NULL;
}

static void
hierarchy_rescan(struct vouch_lock_resource *resource)
{
    const struct vouch_lock_class *class;
    const struct vouch_entry *entry;
    const struct vouch_node *node;

    for (entry = resource->waiting.head; entry != NULL; entry = entry->next) {
        node = entry->place;
        class = node->classes[entry->claim.mode];
        vouch_tree_mark(resource->state, class->spot.node, class->spot.lot);
    }
}

const struct vouch_lock_kind vouch_kind_hierarchy = {
    .open = hierarchy_open,
    .close = hierarchy_close,
    .enter = hierarchy_enter,
    .leave = hierarchy_leave,
    .fits = hierarchy_fits,
    .held_back = hierarchy_held_back,
    .join = hierarchy_join,
    .part = hierarchy_part,
    .enqueue = hierarchy_enqueue,
    .dequeue = hierarchy_dequeue,
    .first = hierarchy_first,
    .rescan = hierarchy_rescan,
};
