/*
 * The tree of a hierarchy: nodes that come and go with their users.
 */
#include "lock/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

void
vouch_tree_free(struct vouch_tree *tree)
{
    if (tree == NULL)
        return;
    vouch_map_free(tree->map, free);
    free(tree->root);
    free(tree);
}

static struct vouch_node *
new_node(struct vouch_tree *tree, const unsigned char *key, size_t size)
{
    struct vouch_node *node = calloc(1, sizeof(*node) + size);

    if (node == NULL)
        return NULL;
    node->id = ++tree->last_id;
    node->key_size = size;
    if (size > 0)
        memcpy(node->key, key, size);
    return node;
}

struct vouch_tree *
vouch_tree_new(void)
{
    struct vouch_tree *tree = calloc(1, sizeof(*tree));

    if (tree == NULL)
        return NULL;
    tree->root = new_node(tree, NULL, 0);
    if (tree->root == NULL) {
        free(tree);
        return NULL;
    }
    tree->root->users = 1;
    return tree;
}

static void
add_child(struct vouch_node *parent, struct vouch_node *node)
{
    node->parent = parent;
    node->next = parent->first_child;
    if (node->next != NULL)
        node->next->prev = node;
    parent->first_child = node;
    parent->users++;
}

/* The child of a node at a level, made if it is not there. */
static struct vouch_node *
child_of(struct vouch_tree *tree, struct vouch_node *parent, const char *level,
         size_t length)
{
    unsigned char key[sizeof(parent->id) + VOUCH_LOCK_NAME_MAX];
    size_t size = sizeof(parent->id) + length;
    struct vouch_node *node;
    void *found;

    memcpy(key, &parent->id, sizeof(parent->id));
    memcpy(key + sizeof(parent->id), level, length);
    if (tree->map == NULL)
        tree->map = vouch_map_new();
    if (tree->map == NULL)
        return NULL;
    if (vouch_map_get(tree->map, key, size, &found))
        return found;
    node = new_node(tree, key, size);
    if (node == NULL || vouch_map_put(tree->map, key, size, node, NULL) < 0) {
        free(node);
        return NULL;
    }
    add_child(parent, node);
    return node;
}

/* Take a node that nobody uses out of its parent, and free it. */
static void
remove_node(struct vouch_tree *tree, struct vouch_node *node)
{
    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        node->parent->first_child = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    (void) vouch_map_remove(tree->map, node->key, node->key_size, NULL);
    free(node);
}

void
vouch_tree_leave(struct vouch_tree *tree, struct vouch_node *node)
{
    struct vouch_node *parent;

    while (node != NULL && --node->users == 0) {
        parent = node->parent;
        remove_node(tree, node);
        node = parent;
    }
}

struct vouch_node *
vouch_tree_enter(struct vouch_tree *tree, const char *path)
{
    struct vouch_node *node = tree->root;
    struct vouch_node *child;
    size_t length;

    node->users++;
    while (*path != '\0') {
        path++;
        length = strcspn(path, "/");
        child = child_of(tree, node, path, length);
        if (child == NULL) {
            vouch_tree_leave(tree, node);
            return NULL;
        }
        child->users++;
        /* The child counts as a user of its parent; we need not. */
        vouch_tree_leave(tree, node);
        node = child;
        path += length;
    }
    return node;
}

/* The node that has this heap node. */
static struct vouch_node *
node_of(struct vouch_heap_node *open)
{
    return (struct vouch_node *) ((char *) open
                                  - offsetof(struct vouch_node, open));
}

void
vouch_tree_mark(struct vouch_tree *tree, struct vouch_node *node,
                enum vouch_lot lot)
{
    int listed = node->changed != 0 && !node->open.inside;

    if (node->changed == 0)
        node->users++;
    vouch_heap_remove(&tree->open, &node->open);
    node->changed |= 1U << lot;
    if (listed)
        return;
    node->next_changed = tree->changed;
    tree->changed = node;
}

void
vouch_tree_mark_path(struct vouch_tree *tree, struct vouch_node *node)
{
    vouch_tree_mark(tree, node, VOUCH_LOT_OWN);
    for (; node != NULL; node = node->parent)
        vouch_tree_mark(tree, node, VOUCH_LOT_BELOW);
}

struct vouch_node *
vouch_tree_walk(const struct vouch_node *top, struct vouch_node *node,
                int skip)
{
    if (!skip && node->first_child != NULL)
        return node->first_child;
    while (node != top) {
        if (node->next != NULL)
            return node->next;
        node = node->parent;
    }
    return NULL;
}

int
vouch_tree_conflicts(const uint32_t counts[VOUCH_LOCK_MODES], int mode)
{
    int other;

    for (other = 0; other < VOUCH_LOCK_MODES; other++) {
        if (counts[other] > 0 && !vouch_lock_mode_compatible(other, mode))
            return 1;
    }
    return 0;
}

void
vouch_class_unpark(struct vouch_lock_class *class)
{
    const struct vouch_spot *spot = &class->spot;

    if (spot->node != NULL)
        vouch_heap_remove(&spot->node->lots[spot->lot][class->mode],
                          &class->parked);
    class->spot.node = NULL;
}

void
vouch_class_park(struct vouch_lock_class *class, const struct vouch_spot *spot)
{
    class->spot = *spot;
    vouch_heap_add(&spot->node->lots[spot->lot][class->mode], &class->parked,
                   (int64_t) class->list.head->serial, 0);
}

void
vouch_tree_count_waiting(struct vouch_node *node, int mode, int change)
{
    for (; node != NULL; node = node->parent)
        node->waiting[mode] += (uint32_t) change;
}

/* The oldest candidate in the marked lots of one node, or NULL. */
static struct vouch_heap_node *
best_of(const struct vouch_node *node)
{
    struct vouch_heap_node *best = NULL;
    struct vouch_heap_node *top;
    int lot;
    int mode;

    for (lot = 0; lot < VOUCH_LOTS; lot++) {
        if ((node->changed >> lot & 1U) == 0)
            continue;
        for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
            top = node->lots[lot][mode].top;
            if (top != NULL && (best == NULL || top->key < best->key)
                && !vouch_tree_conflicts(
                    lot == VOUCH_LOT_OWN ? node->held : node->below, mode))
                best = top;
        }
    }
    return best;
}

/* Put a marked node where it belongs by its best candidate; without one its
 * mark goes. */
static void
sort_node(struct vouch_tree *tree, struct vouch_node *node)
{
    const struct vouch_heap_node *best = best_of(node);

    vouch_heap_remove(&tree->open, &node->open);
    if (best != NULL) {
        vouch_heap_add(&tree->open, &node->open, best->key, 0);
        return;
    }
    node->changed = 0;
    vouch_tree_leave(tree, node);
}

struct vouch_lock_class *
vouch_tree_candidate(struct vouch_tree *tree)
{
    struct vouch_heap_node *top;
    struct vouch_heap_node *best;
    struct vouch_node *node;

    while ((node = tree->changed) != NULL) {
        tree->changed = node->next_changed;
        sort_node(tree, node);
    }
    /* Candidates of a node only become fewer and younger meanwhile, so that
     * the first one whose place is still right is the oldest of all. */
    while ((top = tree->open.top) != NULL) {
        node = node_of(top);
        best = best_of(node);
        if (best != NULL && best->key == top->key)
            return (struct vouch_lock_class *) best;
        sort_node(tree, node);
    }
    return NULL;
}
