/*
 * The inside of the table, for the files table*.c.
 *
 * table.c         the public calls, owners, time
 * table_entry.c   resources, entries, timers
 * table_serve.c   granting, refusing, letting go, the queue
 * table_request.c requests, and those for several resources
 * table_convert.c another mode or quantity for what is held
 * table_state.c   restore, grace, resume, settle; views
 */
#ifndef VOUCH_LOCK_PRIVATE_H
#define VOUCH_LOCK_PRIVATE_H

#include "lock/resource.h"

struct vouch_map;

/* Room made in the list before each step: an answer and its records. */
#define STEP_DECISIONS 4

struct vouch_lock_owner {
    struct vouch_timer timer; /* the end of the lease */
    uint64_t id;
    struct vouch_entry *first; /* all entries, oldest first */
    struct vouch_entry *last;
    struct vouch_entry *idle; /* the one of them that is idle, or NULL */
    int64_t lease_ms;
};

/* What is asked of one resource; checked. */
struct vouch_ask {
    const struct vouch_lock_name *name;
    struct vouch_claim claim;
    int64_t lifespan_ms;
    int64_t timeout_ms; /* < 0: none */
    uint64_t tag;
    size_t part;
    int create;
    int wait;
};

struct vouch_group_part {
    struct vouch_lock_name name;
    struct vouch_claim claim;
    struct vouch_entry *entry; /* once it holds or waits */
    int64_t lifespan_ms;
    size_t index; /* in the request */
    int create;
};

/* A request for several resources that is not complete. */
struct vouch_lock_group {
    struct vouch_timer timer;
    struct vouch_lock_owner *owner;
    struct vouch_lock_group *next_moving;
    uint64_t tag;
    size_t count;
    size_t done; /* so many parts are held */
    int wait;
    int told;                        /* QUEUED or PARKED has been decided */
    int code;                        /* it fails for this reason; 0 */
    int moving;                      /* it is in the table's list */
    struct vouch_group_part parts[]; /* in the global order */
};

struct vouch_table {
    struct vouch_table_limits limits;
    struct vouch_map *resources; /* by key */
    struct vouch_map *owners;    /* by id */
    struct vouch_map *kept;      /* by name; persistent tables only */
    struct vouch_lock_resource *first;
    struct vouch_lock_resource *last;
    struct vouch_kept *first_kept;
    struct vouch_kept *last_kept;
    struct vouch_lock_group *first_moving; /* may go on */
    struct vouch_lock_group *last_moving;
    struct vouch_heap timers;
    struct vouch_turn turn;
    uint64_t last_serial;
    uint64_t last_timer;
    uint64_t last_fence;
    size_t holders;
    size_t waiters;
    int64_t grace_until;
    int in_grace;
    int taken; /* numbers were out when an earlier daemon ended */
};

/* --- table_entry.c --- */

void table_set_timer(struct vouch_table *table, struct vouch_timer *timer,
                     enum vouch_timer_kind kind, int64_t at_ms);
void table_cancel_timer(struct vouch_table *table, struct vouch_timer *timer);
struct vouch_lock_resource *table_find(const struct vouch_table *table,
                                       const struct vouch_lock_name *name);

/* A resource that does not exist yet: 0 and *resource_r, or a code. */
int table_make_resource(struct vouch_table *table,
                        const struct vouch_lock_name *name,
                        struct vouch_lock_resource **resource_r);

/* It exists from now on: 0, or a code. */
int table_open_resource(struct vouch_table *table,
                        struct vouch_lock_resource *resource,
                        int64_t lifespan_ms);
void table_free_resource(struct vouch_table *table,
                         struct vouch_lock_resource *resource);

/* Nobody uses it any more: free it, or let its idle life begin. */
void table_settle_resource(struct vouch_table *table,
                           struct vouch_lock_resource *resource);

/* What is kept of a name, made if it is not there; NULL without memory or
 * past the limit. */
struct vouch_kept *table_keep(struct vouch_table *table, const char *name,
                              size_t length, int type, int transactional);

struct vouch_lock_owner *table_find_owner(const struct vouch_table *table,
                                          uint64_t id);
struct vouch_lock_owner *table_need_owner(struct vouch_table *table,
                                          uint64_t id);

/* An entry of no state yet, or NULL without memory. */
struct vouch_entry *table_new_entry(struct vouch_table *table,
                                    struct vouch_lock_owner *owner,
                                    struct vouch_lock_resource *resource,
                                    const struct vouch_ask *ask);
void table_free_entry(struct vouch_table *table, struct vouch_entry *entry);

/* It holds nothing and waits for nothing: it stays as the owner's idle
 * entry, in the place of an earlier one. */
void table_idle_entry(struct vouch_table *table, struct vouch_entry *entry);

/* Tie an entry to its place in an existing resource: 0, or -1. */
int table_enter(struct vouch_entry *entry);

/* The owner's oldest entry of exactly this name, held (not for a request
 * still incomplete) or else waiting; NULL if none. */
struct vouch_entry *table_find_held(const struct vouch_table *table,
                                    uint64_t owner,
                                    const struct vouch_lock_name *name);
struct vouch_entry *table_find_waiting(const struct vouch_table *table,
                                       uint64_t owner,
                                       const struct vouch_lock_name *name);

/* The name an entry was asked for by, and its length. */
const char *table_entry_name(const struct vouch_entry *entry,
                             size_t *length_r);

/* --- table_serve.c --- */

/* Decide something about an entry. */
void table_tell(struct vouch_table *table, enum vouch_decision_kind kind,
                int code, const struct vouch_entry *entry);

/* Grant an entry or let it wait or refuse it; it is in no list. */
void table_admit(struct vouch_table *table, struct vouch_entry *entry,
                 int wait);

/* Grant an entry that fits: 0, or the code of a refusal, nothing done. */
int table_grant(struct vouch_table *table, struct vouch_entry *entry);

/* Refuse an entry that is in no list. */
void table_refuse(struct vouch_table *table, struct vouch_entry *entry,
                  int code);

/* Take a waiting or parked entry out of its queue, to be granted (1) or to
 * be given up (0). */
void table_unqueue(struct vouch_table *table, struct vouch_entry *entry,
                   int granted);

/* Let go of what is held; kind is told, 0 for none.  The entry is then to
 * be made idle or freed. */
void table_let_go(struct vouch_table *table, struct vouch_entry *entry,
                  enum vouch_decision_kind kind, int rollback);

/* Give to those that wait what they can have now. */
void table_serve(struct vouch_table *table,
                 struct vouch_lock_resource *resource);

/* --- table_request.c --- */

/* The code by which a want is refused whatever is held, or 0. */
int table_check(const struct vouch_table *table,
                const struct vouch_table_want *want,
                struct vouch_claim *claim_r);

/* A part was granted, refused, ...: the group goes on with the next. */
void table_move_group(struct vouch_table *table,
                      struct vouch_lock_group *group);

/* Give up a group; kind and code are told for it, kind 0 for none. */
void table_cancel_group(struct vouch_table *table,
                        struct vouch_lock_group *group,
                        enum vouch_decision_kind kind, int code);

/* Let the groups go on that can. */
void table_run_groups(struct vouch_table *table);

/* --- table_convert.c --- */

/* A waiting conversion: undo what it waits for. */
void table_stop_converting(struct vouch_entry *entry);

/* Do a waiting conversion if it can be done now. */
void table_try_converting(struct vouch_table *table,
                          struct vouch_lock_resource *resource);

/* --- table.c --- */

/* All calls begin and end with these. */
void table_begin(struct vouch_table *table, const struct vouch_table_time *now,
                 struct vouch_decisions *out);
void table_end(struct vouch_table *table);

/* --- table_state.c --- */

/* The grace period is over, or there was none: numbers that were out and
 * did not come back are returned; the waiting are served. */
void table_end_grace(struct vouch_table *table);

#endif
