/*
 * The lock table: who holds what, who waits for what.
 *
 * A deterministic machine.  It is told requests and the time, and answers
 * with decisions; the same calls give the same decisions.  It opens no
 * socket and no file, reads no clock, and keeps nothing outside itself.
 *
 * An owner is a number chosen by the caller, one for each session, never 0
 * and never used again.  What an owner asks for is remembered until it lets
 * go or is dropped.
 *
 * The queue.  A request is granted when it goes together with the holders;
 * else it waits.  When something is let go, the waiting are looked at from
 * the oldest on, and each that fits is granted.  So a newcomer, or a young
 * waiter, may pass an older one that does not fit yet; but nobody passes a
 * waiter that has waited for fairness_ms and that it would delay.
 */
#ifndef VOUCH_LOCK_TABLE_H
#define VOUCH_LOCK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lock/decision.h"
#include "lock/mode.h"
#include "lock/name.h"

struct vouch_table;

#define VOUCH_TABLE_PARTS_MAX 64 /* resources in one request */
#define VOUCH_TABLE_NEVER INT64_MAX

/* Everything a table is made with; vouch_table_limits_default() fills it. */
struct vouch_table_limits {
    size_t resources;       /* resources at the same time: 100000 */
    size_t queue;           /* waiting for one resource: 100000 */
    size_t name_length;     /* bytes: VOUCH_LOCK_NAME_MAX */
    int64_t fairness_ms;    /* 10000; 0: nobody is ever passed; -1: as FLoM */
    int persistent;         /* 1: numbers and stamps outlive their resource,
                            * and records for the journal are made */
    size_t kept;            /* names remembered so, at most: 100000 */
    uint64_t number_block;  /* numbers reserved by one record: 100 */
    int64_t stamp_block_us; /* time reserved by one record: 1000000 */
    uint64_t epoch;         /* of the fencing tokens; > 0; larger at each
                            * start: 1 */
};

/* Now: for deadlines a clock that never goes back, for stamps the time of
 * day and the zone it is told in. */
struct vouch_table_time {
    int64_t monotonic_ms;
    int64_t wall_us;       /* microseconds since 1970 UTC */
    int32_t zone_s;        /* seconds east of UTC */
    const char *zone_name; /* for "%Z"; NULL: "UTC" */
};

/* One resource of a request. */
struct vouch_table_want {
    const struct vouch_lock_name *name;
    int mode;            /* simple and hierarchy only, ignored elsewhere */
    int64_t quantity;    /* numeric only, ignored elsewhere */
    int create;          /* may the request create the resource? */
    int64_t lifespan_ms; /* how long one created so stays when unused */
};

struct vouch_table_request {
    uint64_t owner;
    uint64_t tag; /* the caller's; comes back in decisions */
    const struct vouch_table_want *wants;
    size_t count;       /* 1, or more: all or nothing */
    int wait;           /* 0: refuse what cannot be granted at once */
    int64_t timeout_ms; /* refuse after waiting that long; < 0: never */
    int64_t lease_ms;   /* > 0: drop the owner when it is silent that long
                         * (see vouch_table_touch); 0: as it was */
};

/* Set every limit to its default. */
void vouch_table_limits_default(struct vouch_table_limits *limits);

/* Free the table and all in it.  NULL is allowed. */
void vouch_table_free(struct vouch_table *table);

/* A new empty table, or NULL without memory or for limits that make no
 * sense (a zero, a name longer than VOUCH_LOCK_NAME_MAX). */
struct vouch_table *vouch_table_new(const struct vouch_table_limits *limits);

/*
 * Ask for resources.  For one: GRANTED, QUEUED, PARKED or REFUSED, told at
 * once, is the first decision with this owner and tag; what waits is told
 * GRANTED or REFUSED later, and from PARKED it may become QUEUED first.
 * For several: they are taken one after the other in the order of their
 * names, whatever order they are given in; then one GRANTED for each, with
 * part in the order of the request.  Before that QUEUED or PARKED is told
 * once, and after REFUSED nothing is held.
 *
 * 0, or -1 without memory, or for a count of 0 or above
 * VOUCH_TABLE_PARTS_MAX: then nothing was done and nothing decided.
 */
int vouch_table_request(struct vouch_table *table,
                        const struct vouch_table_request *request,
                        const struct vouch_table_time *now,
                        struct vouch_decisions *decisions);

/*
 * Let go: the oldest lock that the owner holds under exactly this name,
 * else its oldest waiting request for it (with all its parts).  With
 * rollback a transactional number goes back to be given again.
 *
 * 1 with RELEASED or WITHDRAWN, and with GRANTED for those that waited; 0 if
 * the owner has nothing of that name; -1 without memory, nothing done.
 */
int vouch_table_release(struct vouch_table *table, uint64_t owner,
                        const struct vouch_lock_name *name, int rollback,
                        const struct vouch_table_time *now,
                        struct vouch_decisions *decisions);

/*
 * Change the mode of a held simple or hierarchy lock, or the quantity of a
 * numeric one (mode and quantity as in a request, the other is ignored).
 * CONVERTED comes with a new token; QUEUED if it has to wait, keeping what
 * it holds; REFUSED BUSY when it may not wait, or when another conversion
 * waits for the same resource (each might wait for the other for ever);
 * REFUSED IMPOSSIBLE for another type, or for more units than there are.
 * A conversion that waits goes before the queue; it is given up by letting
 * go, or by converting to what is held.
 *
 * 1 with a decision; 0 if the owner holds nothing of that name; -1 without
 * memory, nothing done.
 */
int vouch_table_convert(struct vouch_table *table, uint64_t owner,
                        uint64_t tag, const struct vouch_table_want *want,
                        int wait, const struct vouch_table_time *now,
                        struct vouch_decisions *decisions);

/*
 * The owner is gone: all it holds is freed (DROPPED; transactional numbers
 * go back), all it waits for is taken back (WITHDRAWN).  An owner that the
 * table does not know is no error.
 */
void vouch_table_drop(struct vouch_table *table, uint64_t owner,
                      const struct vouch_table_time *now,
                      struct vouch_decisions *decisions);

/* The owner gave a sign of life: its lease starts anew. */
void vouch_table_touch(struct vouch_table *table, uint64_t owner,
                       const struct vouch_table_time *now);

/*
 * Do what is due: time-outs (REFUSED TIMED_OUT), leases (as for drop),
 * stamps that waited for their interval, resources that nobody used
 * (ENDED), the end of the grace period.
 */
void vouch_table_tick(struct vouch_table *table,
                      const struct vouch_table_time *now,
                      struct vouch_decisions *decisions);

/* When vouch_table_tick() has something to do, in monotonic milliseconds;
 * VOUCH_TABLE_NEVER for nothing. */
int64_t vouch_table_next_deadline(const struct vouch_table *table);

/*
 * Before the first request: what a journal remembers.  A kind of
 * VOUCH_RECORD_... with the name of a sequence or timestamp and the value:
 * NUMBERS (goes on with value), RETURNED (give this one first; called in
 * order), TAKEN (out when the daemon ended: given back when the grace
 * period is over, unless resumed), STAMP (nothing before value).  0, or -1
 * for a name or kind that does not fit, past the limit, or without memory.
 */
int vouch_table_restore(struct vouch_table *table,
                        enum vouch_decision_kind kind,
                        const struct vouch_lock_name *name, uint64_t value);

/*
 * From now until the monotonic time given nothing is granted (requests that
 * may not wait are BUSY); only vouch_table_resume() gives locks back.
 */
void vouch_table_begin_grace(struct vouch_table *table, int64_t until_ms);

/* 1 while the grace period lasts, else 0. */
int vouch_table_in_grace(const struct vouch_table *table);

/*
 * In the grace period: a holder is back and says what it held, under which
 * token (of an earlier epoch) and with which element.  GRANTED with the old
 * token, or REFUSED when it cannot be (IMPOSSIBLE: not the grace period, a
 * token that is not older, an element or number that was not out; BUSY:
 * others who are back already do not go together with it).  0, or -1
 * without memory.
 */
int vouch_table_resume(struct vouch_table *table, uint64_t owner, uint64_t tag,
                       const struct vouch_table_want *want,
                       struct vouch_fence fence, const char *element,
                       const struct vouch_table_time *now,
                       struct vouch_decisions *decisions);

/* Before a clean end: exact NUMBERS and STAMP records in the place of those
 * that reserve a block.  0, or -1 without memory. */
int vouch_table_settle(struct vouch_table *table,
                       struct vouch_decisions *decisions);

/* 1 if the owner holds something or waits for something, else 0. */
int vouch_table_is_busy(const struct vouch_table *table, uint64_t owner);

/* How many resources, holders and waiters (parked ones too) there are. */
size_t vouch_table_resources(const struct vouch_table *table);
size_t vouch_table_holders(const struct vouch_table *table);
size_t vouch_table_waiters(const struct vouch_table *table);

/* 1 if the resource of that name is there (of a tree: its first level), so
 * that a request would not create it; else 0. */
int vouch_table_has(const struct vouch_table *table,
                    const struct vouch_lock_name *name);

enum vouch_table_state {
    VOUCH_TABLE_HELD = 1,
    VOUCH_TABLE_CONVERTING, /* held, and waits for another mode */
    VOUCH_TABLE_WAITING,
    VOUCH_TABLE_PARKED
};

/* One lock or waiting request, for status reports. */
struct vouch_table_view {
    enum vouch_table_state state;
    uint64_t owner;
    uint64_t tag;
    int type;
    const char *name; /* as asked for; of a hierarchy the whole path */
    size_t name_length;
    int mode;
    int64_t quantity;
    int wanted_mode;          /* of CONVERTING; else as mode */
    int64_t wanted_quantity;  /* of CONVERTING; else as quantity */
    int64_t since_ms;         /* held, or waiting, since (monotonic) */
    struct vouch_fence fence; /* of what is held */
    const char *element;      /* NULL if none */
    size_t element_length;
};

/*
 * Call each(view, arg) for everything held and waiting, resource by
 * resource in the order they were made, holders before waiters, oldest
 * first; until it returns other than 0.  Returns that, or 0.  The texts are
 * valid during the call, in which the table must not be changed.
 */
int vouch_table_each(const struct vouch_table *table,
                     int (*each)(const struct vouch_table_view *view,
                                 void *arg),
                     void *arg);

#endif
