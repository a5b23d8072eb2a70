/*
 * A resource and what it is to each of the six types.
 *
 * For lock/ alone.  The table keeps resources, holders and queues; a type
 * (struct vouch_lock_kind) says who goes together with whom, which of the
 * waiting is next, and what a holder is given.
 */
#ifndef VOUCH_LOCK_RESOURCE_H
#define VOUCH_LOCK_RESOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "lock/decision.h"
#include "lock/heap.h"
#include "lock/kept.h"
#include "lock/mode.h"
#include "lock/name.h"
#include "lock/table.h"

struct vouch_lock_group;
struct vouch_lock_owner;
struct vouch_lock_resource;

/* Something that is due at a time; the first member of its owner. */
enum vouch_timer_kind {
    VOUCH_TIMER_ENTRY,
    VOUCH_TIMER_GROUP,
    VOUCH_TIMER_OWNER,
    VOUCH_TIMER_RESOURCE
};

struct vouch_timer {
    struct vouch_heap_node node;
    enum vouch_timer_kind kind;
};

enum vouch_entry_state {
    VOUCH_ENTRY_IDLE, /* let go or refused; its session still counts */
    VOUCH_ENTRY_HELD,
    VOUCH_ENTRY_WAITING,
    VOUCH_ENTRY_PARKED
};

/* What is asked of a resource: of types without modes mode is EX, of types
 * without quantities quantity is 1. */
struct vouch_claim {
    int mode;
    int64_t quantity;
};

/* One owner at one resource. */
struct vouch_entry {
    struct vouch_timer timer; /* the end of its waiting */
    struct vouch_lock_resource *resource;
    struct vouch_lock_owner *owner;
    struct vouch_entry *owner_next;
    struct vouch_entry *owner_prev;
    struct vouch_lock_group *group; /* of a request not yet complete */
    struct vouch_entry *next;       /* in a list of the resource */
    struct vouch_entry *prev;
    struct vouch_entry *kind_next; /* in a queue of the type */
    struct vouch_entry *kind_prev;
    void *place;     /* hierarchy: the node */
    size_t slot;     /* numeric: where in its queue */
    char *name;      /* hierarchy: the path; else NULL */
    char *stamp;     /* timestamp: the text */
    uint64_t serial; /* older ones have smaller numbers */
    uint64_t tag;
    uint64_t convert_tag;
    uint64_t value; /* set: index of the element; sequence: the number */
    struct vouch_fence fence;
    int64_t since_ms;
    struct vouch_claim claim;
    struct vouch_claim wanted; /* while converting */
    size_t part;
    enum vouch_entry_state state;
    int converting;
};

/* A queue in the order of age, linked by next and prev. */
struct vouch_entry_list {
    struct vouch_entry *head;
    struct vouch_entry *tail;
    size_t count;
};

/* What a call of the table carries. */
struct vouch_turn {
    struct vouch_table_time now;
    const struct vouch_table_limits *limits;
    struct vouch_decisions *out;
};

/*
 * A type.  Where a function is NULL the type needs none.
 *
 * A claim that is held has been joined; while a conversion waits, what it
 * waits for is joined too, so that it goes before the queue.
 */
struct vouch_lock_kind {
    /* Make and free the type's part of a resource.  open: 0, or -1 without
     * memory. */
    int (*open)(struct vouch_lock_resource *resource);
    void (*close)(struct vouch_lock_resource *resource);

    /* Tie an entry to its place, and untie it.  enter: 0, or -1. */
    int (*enter)(struct vouch_lock_resource *resource,
                 struct vouch_entry *entry);
    void (*leave)(struct vouch_lock_resource *resource,
                  struct vouch_entry *entry);

    /* 1 if entry's claim goes together with all that is joined. */
    int (*fits)(const struct vouch_lock_resource *resource,
                const struct vouch_entry *entry,
                const struct vouch_turn *turn);

    /* 1 if it would delay an older one that has waited long enough.  NULL:
     * it would if there is any. */
    int (*held_back)(const struct vouch_lock_resource *resource,
                     const struct vouch_entry *entry,
                     const struct vouch_turn *turn);

    /* Count a claim of an entry as held, and no longer so. */
    void (*join)(struct vouch_lock_resource *resource,
                 const struct vouch_entry *entry, struct vouch_claim claim);
    void (*part)(struct vouch_lock_resource *resource,
                 const struct vouch_entry *entry, struct vouch_claim claim);

    /* Take what a holder is given: 0, or the code of a refusal; and put it
     * back. */
    int (*take)(struct vouch_lock_resource *resource,
                struct vouch_entry *entry, const struct vouch_turn *turn);
    void (*put_back)(struct vouch_lock_resource *resource,
                     struct vouch_entry *entry, int rollback,
                     const struct vouch_turn *turn);

    /* The same for a holder that comes back with it: 0, or -1. */
    int (*resume)(struct vouch_lock_resource *resource,
                  struct vouch_entry *entry, const char *element);

    /* The text of what it was given; NULL if nothing. */
    const char *(*element)(const struct vouch_entry *entry,
                           char room[VOUCH_LOCK_ELEMENT_MAX + 1],
                           size_t *length_r);

    /* Into and out of the type's queue.  enqueue: 0, or -1.  dequeue: to
     * be granted (1), or given up (0). */
    int (*enqueue)(struct vouch_lock_resource *resource,
                   struct vouch_entry *entry, const struct vouch_turn *turn);
    void (*dequeue)(struct vouch_lock_resource *resource,
                    struct vouch_entry *entry, int granted);

    /* The oldest that fits and is not held back; NULL if none.  NULL: only
     * the head of the queue comes into question. */
    struct vouch_entry *(*first)(struct vouch_lock_resource *resource,
                                 const struct vouch_turn *turn);

    /* All of the queue may have become possible. */
    void (*rescan)(struct vouch_lock_resource *resource);

    /* When the head of the queue fits just because time has passed. */
    int64_t (*wake)(const struct vouch_lock_resource *resource,
                    const struct vouch_turn *turn);
};

struct vouch_lock_resource {
    struct vouch_timer timer; /* unused: its end; else the next wake */
    const struct vouch_lock_kind *kind;
    struct vouch_lock_resource *next; /* of all, in the order of making */
    struct vouch_lock_resource *prev;
    struct vouch_entry_list holders;
    struct vouch_entry_list waiting;
    struct vouch_entry_list parked;
    struct vouch_entry *converting; /* the holder that waits, or NULL */
    void *state;                    /* of the type */
    struct vouch_kept *kept;        /* of sequences and timestamps, or NULL */
    int64_t lifespan_ms;
    int64_t capacity;
    size_t users; /* entries of all states */
    enum vouch_lock_type type;
    int transactional;
    int exists; /* 0: entries are parked for it */
    size_t key_length;
    char key[]; /* NUL-terminated */
};

extern const struct vouch_lock_kind vouch_kind_simple;
extern const struct vouch_lock_kind vouch_kind_numeric;
extern const struct vouch_lock_kind vouch_kind_set;
extern const struct vouch_lock_kind vouch_kind_hierarchy;
extern const struct vouch_lock_kind vouch_kind_sequence;
extern const struct vouch_lock_kind vouch_kind_timestamp;

/* Append to a list linked by next and prev, and take out. */
void vouch_list_append(struct vouch_entry_list *list,
                       struct vouch_entry *entry);
void vouch_list_remove(struct vouch_entry_list *list,
                       struct vouch_entry *entry);

/* The same for one linked by kind_next and kind_prev. */
void vouch_kind_list_append(struct vouch_entry_list *list,
                            struct vouch_entry *entry);
void vouch_kind_list_remove(struct vouch_entry_list *list,
                            struct vouch_entry *entry);

/* 1 if a waiting entry (NULL: 0) has waited so long that it may not be
 * passed any more, and is older than other. */
int vouch_entry_goes_first(const struct vouch_entry *entry,
                           const struct vouch_entry *other,
                           const struct vouch_turn *turn);

#endif
