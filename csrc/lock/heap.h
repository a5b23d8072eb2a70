/*
 * An ordered set whose members carry their own links: a pairing heap.
 *
 * Nothing is allocated, so adding cannot fail.  Members with the same key
 * come out in the order of their ties, which makes every run the same.
 */
#ifndef VOUCH_LOCK_HEAP_H
#define VOUCH_LOCK_HEAP_H

#include <stdint.h>

/* A member; it lies inside whatever is ordered.  All zero: in no heap. */
struct vouch_heap_node {
    struct vouch_heap_node *child;
    struct vouch_heap_node *next;
    struct vouch_heap_node *prev; /* parent, for the first child */
    int64_t key;
    uint64_t tie;
    int inside;
};

/* All zero: empty. */
struct vouch_heap {
    struct vouch_heap_node *top; /* the smallest, or NULL */
};

/* Add a member (which is in no heap) under a key. */
void vouch_heap_add(struct vouch_heap *heap, struct vouch_heap_node *node,
                    int64_t key, uint64_t tie);

/* Take a member out; one that is in no heap stays as it is. */
void vouch_heap_remove(struct vouch_heap *heap, struct vouch_heap_node *node);

#endif
