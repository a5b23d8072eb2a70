/*
 * The table: made, told the time, asked to let go.
 *
 * Nothing here waits, and nothing is read from outside: see table.h.
 */
#include "lock/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

void
vouch_table_limits_default(struct vouch_table_limits *limits)
{
    limits->resources = 100000;
    limits->queue = 100000;
    limits->name_length = VOUCH_LOCK_NAME_MAX;
    limits->fairness_ms = 10000;
    limits->persistent = 0;
    limits->kept = 100000;
    limits->number_block = 100;
    limits->stamp_block_us = 1000000;
    limits->epoch = 1;
}

static int
limits_make_sense(const struct vouch_table_limits *limits)
{
    return limits->resources > 0 && limits->queue > 0
           && limits->name_length > 0
           && limits->name_length <= VOUCH_LOCK_NAME_MAX
           && limits->fairness_ms >= -1 && limits->kept > 0
           && limits->number_block > 0 && limits->stamp_block_us >= 0
           && limits->epoch > 0;
}

/* Free all entries of an owner, telling nobody. */
static void
free_owner(struct vouch_lock_owner *owner)
{
    struct vouch_entry *entry;
    struct vouch_lock_group *group;
    size_t i;

    while ((entry = owner->first) != NULL) {
        group = entry->group;
        if (group != NULL) {
            for (i = 0; i < group->count; i++) {
                if (group->parts[i].entry != NULL)
                    group->parts[i].entry->group = NULL;
            }
            free(group);
        }
        owner->first = entry->owner_next;
        if (entry->place != NULL)
            entry->resource->kind->leave(entry->resource, entry);
        free(entry->name);
        free(entry->stamp);
        free(entry);
    }
    free(owner);
}

/* Take all that waits out of the queues of the types. */
static void
empty_queues(struct vouch_table *table)
{
    struct vouch_lock_resource *resource;

    for (resource = table->first; resource != NULL;
         resource = resource->next) {
        while (resource->waiting.head != NULL)
            table_unqueue(table, resource->waiting.head, 0);
    }
}

static int
free_each_owner(const void *key, size_t length, void *value, void *arg)
{
    (void) key;
    (void) length;
    (void) arg;
    free_owner(value);
    return 0;
}

void
vouch_table_free(struct vouch_table *table)
{
    struct vouch_lock_group *group;
    struct vouch_kept *kept;

    if (table == NULL)
        return;
    while (table->timers.top != NULL)
        vouch_heap_remove(&table->timers, table->timers.top);
    empty_queues(table);
    while ((group = table->first_moving) != NULL) {
        table->first_moving = group->next_moving;
        group->moving = 0;
        if (group->done == 0 && group->parts[0].entry == NULL)
            free(group);
    }
    if (table->owners != NULL)
        (void) vouch_map_each(table->owners, free_each_owner, NULL);
    while (table->first != NULL)
        table_free_resource(table, table->first);
    while ((kept = table->first_kept) != NULL) {
        table->first_kept = kept->next_kept;
        vouch_kept_free(kept);
    }
    vouch_map_free(table->owners, NULL);
    vouch_map_free(table->resources, NULL);
    vouch_map_free(table->kept, NULL);
    free(table);
}

struct vouch_table *
vouch_table_new(const struct vouch_table_limits *limits)
{
    struct vouch_table *table;

    if (!limits_make_sense(limits))
        return NULL;
    table = calloc(1, sizeof(*table));
    if (table == NULL)
        return NULL;
    table->limits = *limits;
    table->turn.limits = &table->limits;
    table->turn.now.monotonic_ms = INT64_MIN / 2;
    table->resources = vouch_map_new();
    table->owners = vouch_map_new();
    if (limits->persistent)
        table->kept = vouch_map_new();
    if (table->resources == NULL || table->owners == NULL
        || (limits->persistent && table->kept == NULL)) {
        vouch_table_free(table);
        return NULL;
    }
    return table;
}

/* The clock of a table never goes back. */
static void
set_time(struct vouch_table *table, const struct vouch_table_time *now)
{
    int64_t before = table->turn.now.monotonic_ms;

    table->turn.now = *now;
    if (table->turn.now.monotonic_ms < before)
        table->turn.now.monotonic_ms = before;
    if (table->turn.now.zone_name == NULL)
        table->turn.now.zone_name = "UTC";
}

void
table_begin(struct vouch_table *table, const struct vouch_table_time *now,
            struct vouch_decisions *out)
{
    set_time(table, now);
    table->turn.out = out;
    if (table->taken && !table->in_grace)
        table_end_grace(table);
}

void
table_end(struct vouch_table *table)
{
    table_run_groups(table);
    table->turn.out = NULL;
    table->turn.now.zone_name = NULL;
}

/* --- letting go --- */

int
vouch_table_release(struct vouch_table *table, uint64_t owner,
                    const struct vouch_lock_name *name, int rollback,
                    const struct vouch_table_time *now,
                    struct vouch_decisions *decisions)
{
    struct vouch_entry *entry = table_find_held(table, owner, name);
    struct vouch_lock_resource *resource;
    int exists;

    if (entry == NULL)
        entry = table_find_waiting(table, owner, name);
    if (entry == NULL)
        return 0;
    if (vouch_decisions_reserve(decisions, STEP_DECISIONS) != 0)
        return -1;
    table_begin(table, now, decisions);
    resource = entry->resource;
    exists = resource->exists;
    if (entry->group != NULL) {
        table_cancel_group(table, entry->group, VOUCH_DECISION_WITHDRAWN, 0);
        exists = 0;
    } else if (entry->state == VOUCH_ENTRY_HELD) {
        table_let_go(table, entry, VOUCH_DECISION_RELEASED, rollback);
        table_idle_entry(table, entry);
    } else {
        table_unqueue(table, entry, 0);
        table_tell(table, VOUCH_DECISION_WITHDRAWN, 0, entry);
        table_idle_entry(table, entry);
    }
    if (exists)
        table_serve(table, resource);
    table_end(table);
    return 1;
}

/* All that an owner holds or waits for by itself is taken out, and its
 * entries stay: so nothing of it can be granted while others are served. */
static void
take_out_all(struct vouch_table *table, struct vouch_lock_owner *owner)
{
    struct vouch_entry *entry;

    for (entry = owner->first; entry != NULL; entry = entry->owner_next) {
        if (entry->state == VOUCH_ENTRY_IDLE || entry->group != NULL)
            continue;
        if (entry->state == VOUCH_ENTRY_HELD) {
            table_let_go(table, entry, VOUCH_DECISION_DROPPED, 1);
        } else {
            table_unqueue(table, entry, 0);
            table_tell(table, VOUCH_DECISION_WITHDRAWN, 0, entry);
        }
    }
}

static struct vouch_lock_group *
first_group(const struct vouch_table *table,
            const struct vouch_lock_owner *owner)
{
    struct vouch_lock_group *group;
    const struct vouch_entry *entry;

    for (entry = owner->first; entry != NULL; entry = entry->owner_next) {
        if (entry->group != NULL)
            return entry->group;
    }
    for (group = table->first_moving; group != NULL;
         group = group->next_moving) {
        if (group->owner == owner)
            return group;
    }
    return NULL;
}

static void
drop_owner(struct vouch_table *table, struct vouch_lock_owner *owner)
{
    struct vouch_lock_group *group;
    struct vouch_entry *entry;

    take_out_all(table, owner);
    while ((group = first_group(table, owner)) != NULL)
        table_cancel_group(table, group, VOUCH_DECISION_WITHDRAWN, 0);
    for (entry = owner->first; entry != NULL; entry = entry->owner_next)
        table_serve(table, entry->resource);
    while (owner->first != NULL)
        table_free_entry(table, owner->first);
    table_cancel_timer(table, &owner->timer);
    (void) vouch_map_remove(table->owners, &owner->id, sizeof(owner->id),
                            NULL);
    free(owner);
}

void
vouch_table_drop(struct vouch_table *table, uint64_t owner,
                 const struct vouch_table_time *now,
                 struct vouch_decisions *decisions)
{
    struct vouch_lock_owner *found;

    table_begin(table, now, decisions);
    found = table_find_owner(table, owner);
    if (found != NULL)
        drop_owner(table, found);
    table_end(table);
}

/* --- time --- */

void
vouch_table_touch(struct vouch_table *table, uint64_t owner,
                  const struct vouch_table_time *now)
{
    struct vouch_lock_owner *found = table_find_owner(table, owner);
    int64_t at;

    set_time(table, now);
    if (found == NULL || found->lease_ms <= 0)
        return;
    at = table->turn.now.monotonic_ms;
    at = found->lease_ms < VOUCH_TABLE_NEVER - at ? at + found->lease_ms
                                                  : VOUCH_TABLE_NEVER;
    table_set_timer(table, &found->timer, VOUCH_TIMER_OWNER, at);
}

static void
end_waiting(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;
    int exists = resource->exists;

    table_unqueue(table, entry, 0);
    table_refuse(table, entry, VOUCH_LOCK_TIMED_OUT);
    if (exists)
        table_serve(table, resource);
}

static void
resource_due(struct vouch_table *table, struct vouch_lock_resource *resource)
{
    struct vouch_decision decision;

    if (resource->users > 0) {
        table_serve(table, resource);
        return;
    }
    memset(&decision, 0, sizeof(decision));
    decision.kind = VOUCH_DECISION_ENDED;
    decision.type = (int) resource->type;
    decision.name = resource->key;
    decision.name_length = resource->key_length;
    (void) vouch_decisions_add(table->turn.out, &decision);
    table_free_resource(table, resource);
}

/* The timer is the first member of what it belongs to. */
static void
timer_due(struct vouch_table *table, struct vouch_timer *timer)
{
    switch (timer->kind) {
    case VOUCH_TIMER_ENTRY:
        end_waiting(table, (struct vouch_entry *) timer);
        break;
    case VOUCH_TIMER_GROUP:
        table_cancel_group(table, (struct vouch_lock_group *) timer,
                           VOUCH_DECISION_REFUSED, VOUCH_LOCK_TIMED_OUT);
        break;
    case VOUCH_TIMER_OWNER:
        drop_owner(table, (struct vouch_lock_owner *) timer);
        break;
    case VOUCH_TIMER_RESOURCE:
        resource_due(table, (struct vouch_lock_resource *) timer);
        break;
    }
}

void
vouch_table_tick(struct vouch_table *table, const struct vouch_table_time *now,
                 struct vouch_decisions *decisions)
{
    struct vouch_heap_node *top;

    table_begin(table, now, decisions);
    if (table->in_grace && table->grace_until <= table->turn.now.monotonic_ms)
        table_end_grace(table);
    while ((top = table->timers.top) != NULL
           && top->key <= table->turn.now.monotonic_ms
           && vouch_decisions_reserve(decisions, STEP_DECISIONS) == 0) {
        vouch_heap_remove(&table->timers, top);
        timer_due(table, (struct vouch_timer *) top);
        table_run_groups(table);
    }
    table_end(table);
}

int64_t
vouch_table_next_deadline(const struct vouch_table *table)
{
    int64_t at = VOUCH_TABLE_NEVER;

    if (table->first_moving != NULL)
        return table->turn.now.monotonic_ms;
    if (table->timers.top != NULL)
        at = table->timers.top->key;
    if (table->in_grace && table->grace_until < at)
        at = table->grace_until;
    return at;
}

/* --- counts --- */

int
vouch_table_has(const struct vouch_table *table,
                const struct vouch_lock_name *name)
{
    const struct vouch_lock_resource *resource = table_find(table, name);

    return resource != NULL && resource->exists;
}

size_t
vouch_table_resources(const struct vouch_table *table)
{
    return vouch_map_count(table->resources);
}

size_t
vouch_table_holders(const struct vouch_table *table)
{
    return table->holders;
}

size_t
vouch_table_waiters(const struct vouch_table *table)
{
    return table->waiters;
}
