/*
 * The pairing heap: each node is before its children, and the children of a
 * node are a list.
 */
#include "lock/heap.h"

#include <stddef.h>

static int
is_before(const struct vouch_heap_node *a, const struct vouch_heap_node *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->tie < b->tie;
}

/* Two heaps made one; neither top has siblings.  Either may be NULL. */
static struct vouch_heap_node *
merge(struct vouch_heap_node *a, struct vouch_heap_node *b)
{
    struct vouch_heap_node *low;

    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    low = is_before(b, a) ? b : a;
    if (low == b)
        b = a;
    b->prev = low;
    b->next = low->child;
    if (low->child != NULL)
        low->child->prev = b;
    low->child = b;
    return low;
}

/* A list of siblings made one heap: in pairs first, then together from the
 * last pair on, which is what keeps it fast. */
static struct vouch_heap_node *
merge_siblings(struct vouch_heap_node *first)
{
    struct vouch_heap_node *pairs = NULL;
    struct vouch_heap_node *whole = NULL;
    struct vouch_heap_node *second;
    struct vouch_heap_node *rest;

    while (first != NULL) {
        second = first->next;
        rest = second != NULL ? second->next : NULL;
        first->next = NULL;
        first->prev = NULL;
        if (second != NULL) {
            second->next = NULL;
            second->prev = NULL;
        }
        first = merge(first, second);
        first->next = pairs;
        pairs = first;
        first = rest;
    }
    while (pairs != NULL) {
        rest = pairs->next;
        pairs->next = NULL;
        whole = merge(whole, pairs);
        pairs = rest;
    }
    return whole;
}

void
vouch_heap_add(struct vouch_heap *heap, struct vouch_heap_node *node,
               int64_t key, uint64_t tie)
{
    node->child = NULL;
    node->next = NULL;
    node->prev = NULL;
    node->key = key;
    node->tie = tie;
    node->inside = 1;
    heap->top = merge(heap->top, node);
}

/* Cut a node, which is not the top, out of its parent's children. */
static void
cut(struct vouch_heap_node *node)
{
    if (node->prev->child == node)
        node->prev->child = node->next;
    else
        node->prev->next = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    node->next = NULL;
    node->prev = NULL;
}

void
vouch_heap_remove(struct vouch_heap *heap, struct vouch_heap_node *node)
{
    struct vouch_heap_node *rest;

    if (!node->inside)
        return;
    rest = merge_siblings(node->child);
    if (heap->top == node) {
        heap->top = rest;
    } else {
        cut(node);
        heap->top = merge(heap->top, rest);
    }
    node->child = NULL;
    node->inside = 0;
}
