/*
 * The paths of a hierarchy that are in use, as a tree.
 *
 * For lock/ alone.  A node counts who holds and who waits there and below;
 * a class is all that wait at one node for one mode, which are alike.  A
 * class lies in the lot of the node that it waits for: in the lot OWN if
 * who holds (or waits) exactly there is in its way, in BELOW if somebody
 * there or beneath is.  Only lots marked as changed are looked through.
 */
#ifndef VOUCH_LOCK_TREE_H
#define VOUCH_LOCK_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "lock/heap.h"
#include "lock/mode.h"
#include "lock/resource.h"

struct vouch_map;

enum vouch_lot { VOUCH_LOT_OWN = 0, VOUCH_LOT_BELOW = 1 };

#define VOUCH_LOTS 2

/* Where a class lies. */
struct vouch_spot {
    struct vouch_node *node;
    enum vouch_lot lot;
};

struct vouch_lock_class {
    struct vouch_heap_node parked; /* in the lot; the first member */
    struct vouch_node *node;
    struct vouch_spot spot; /* node NULL: in no lot */
    int mode;
    struct vouch_entry_list list;
    struct vouch_lock_class *next; /* of those looked at in vain */
};

struct vouch_node {
    struct vouch_node *parent;
    struct vouch_node *first_child;
    struct vouch_node *next; /* of the parent's children */
    struct vouch_node *prev;
    struct vouch_heap_node open; /* by its oldest candidate */
    struct vouch_node *next_changed;
    uint64_t id;
    size_t users; /* entries, children, and 1 if changed */
    uint32_t held[VOUCH_LOCK_MODES];
    uint32_t below[VOUCH_LOCK_MODES];   /* held here and beneath */
    uint32_t waiting[VOUCH_LOCK_MODES]; /* waiting here and beneath */
    struct vouch_lock_class *classes[VOUCH_LOCK_MODES];
    struct vouch_heap lots[VOUCH_LOTS][VOUCH_LOCK_MODES];
    unsigned changed; /* bit of each lot to be looked through */
    size_t key_size;
    unsigned char key[]; /* of the map: the parent's id, the level */
};

struct vouch_tree {
    struct vouch_node *root;
    struct vouch_map *map; /* all others; NULL until there is one */
    uint64_t last_id;
    struct vouch_node *changed; /* marked, and not looked at yet */
    struct vouch_heap open;     /* marked, and there were candidates */
};

/* Free the tree and its nodes, which nobody uses any more.  NULL is
 * allowed. */
void vouch_tree_free(struct vouch_tree *tree);

/* A new tree of the root alone, or NULL without memory. */
struct vouch_tree *vouch_tree_new(void);

/* The node of a path below the root ("/b/c", "" for the root), made if it
 * is not there; NULL without memory.  It stays until it is left. */
struct vouch_node *vouch_tree_enter(struct vouch_tree *tree, const char *path);

/* Leave a node: it and those above go when nobody uses them. */
void vouch_tree_leave(struct vouch_tree *tree, struct vouch_node *node);

/* Mark a lot to be looked through. */
void vouch_tree_mark(struct vouch_tree *tree, struct vouch_node *node,
                     enum vouch_lot lot);

/* Mark all lots whose classes may wait for somebody at this node. */
void vouch_tree_mark_path(struct vouch_tree *tree, struct vouch_node *node);

/* The node after this one, in a walk of all beneath top; NULL at the end.
 * With skip what is beneath this one is left out. */
struct vouch_node *vouch_tree_walk(const struct vouch_node *top,
                                   struct vouch_node *node, int skip);

/* Count one more (1) or one less (-1) waiting at a node for a mode. */
void vouch_tree_count_waiting(struct vouch_node *node, int mode, int change);

/* 1 if any of the modes counted does not go together with mode, else 0. */
int vouch_tree_conflicts(const uint32_t counts[VOUCH_LOCK_MODES], int mode);

/* Lay a class, with somebody in it, into a lot; take it out of its lot, if
 * it is in one. */
void vouch_class_park(struct vouch_lock_class *class,
                      const struct vouch_spot *spot);
void vouch_class_unpark(struct vouch_lock_class *class);

/* The oldest class in the marked lots for whose mode the holders there
 * leave room; NULL, and all marks are gone, if none. */
struct vouch_lock_class *vouch_tree_candidate(struct vouch_tree *tree);

#endif
