/*
 * Granting, refusing, letting go, and who is next.
 */
#include "lock/private.h"

#include <string.h>

#define RETRY_MS 10 /* after memory was out */

void
table_tell(struct vouch_table *table, enum vouch_decision_kind kind, int code,
           const struct vouch_entry *entry)
{
    const struct vouch_lock_resource *resource = entry->resource;
    char room[VOUCH_LOCK_ELEMENT_MAX + 1];
    struct vouch_decision decision;

    memset(&decision, 0, sizeof(decision));
    decision.kind = kind;
    decision.code = code;
    decision.owner = entry->owner->id;
    decision.tag = entry->tag;
    decision.part = entry->part;
    decision.parts = entry->group != NULL ? entry->group->count : 1;
    decision.type = (int) resource->type;
    decision.transactional = resource->transactional;
    decision.mode = entry->claim.mode;
    decision.quantity = entry->claim.quantity;
    decision.name = table_entry_name(entry, &decision.name_length);
    if (kind == VOUCH_DECISION_QUEUED)
        decision.position = entry->converting ? 1 : resource->waiting.count;
    if (kind != VOUCH_DECISION_QUEUED && kind != VOUCH_DECISION_REFUSED
        && entry->state == VOUCH_ENTRY_HELD) {
        decision.fence = entry->fence;
        decision.value = entry->value;
        if (resource->kind->element != NULL)
            decision.element =
                resource->kind->element(entry, room, &decision.element_length);
    }
    (void) vouch_decisions_add(table->turn.out, &decision);
}

void
table_refuse(struct vouch_table *table, struct vouch_entry *entry, int code)
{
    struct vouch_lock_group *group = entry->group;

    if (group == NULL) {
        table_tell(table, VOUCH_DECISION_REFUSED, code, entry);
        table_idle_entry(table, entry);
        return;
    }
    group->code = code;
    group->parts[group->done].entry = NULL;
    table_move_group(table, group);
    table_free_entry(table, entry);
}

int
table_grant(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;
    const struct vouch_lock_kind *kind = resource->kind;
    int code = 0;

    if (kind->take != NULL)
        code = kind->take(resource, entry, &table->turn);
    if (code != 0)
        return code;
    if (kind->join != NULL)
        kind->join(resource, entry, entry->claim);
    table_cancel_timer(table, &entry->timer);
    vouch_list_append(&resource->holders, entry);
    table->holders++;
    entry->state = VOUCH_ENTRY_HELD;
    entry->since_ms = table->turn.now.monotonic_ms;
    entry->fence.epoch = table->limits.epoch;
    entry->fence.counter = ++table->last_fence;
    if (entry->group == NULL) {
        table_tell(table, VOUCH_DECISION_GRANTED, 0, entry);
    } else {
        entry->group->done++;
        table_move_group(table, entry->group);
    }
    return 0;
}

static void
grant_or_refuse(struct vouch_table *table, struct vouch_entry *entry)
{
    int code = table_grant(table, entry);

    if (code != 0)
        table_refuse(table, entry, code);
}

static void
enqueue(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;
    const struct vouch_lock_kind *kind = resource->kind;

    if (resource->waiting.count >= table->limits.queue) {
        table_refuse(table, entry, VOUCH_LOCK_FULL);
        return;
    }
    entry->since_ms = table->turn.now.monotonic_ms;
    if (kind->enqueue != NULL
        && kind->enqueue(resource, entry, &table->turn) != 0) {
        table_refuse(table, entry, VOUCH_LOCK_NO_MEMORY);
        return;
    }
    vouch_list_append(&resource->waiting, entry);
    table->waiters++;
    entry->state = VOUCH_ENTRY_WAITING;
    if (entry->group == NULL || !entry->group->told)
        table_tell(table, VOUCH_DECISION_QUEUED, VOUCH_LOCK_ENQUEUED, entry);
    if (entry->group != NULL)
        entry->group->told = 1;
}

static int
held_back(const struct vouch_table *table, const struct vouch_entry *entry)
{
    const struct vouch_lock_resource *resource = entry->resource;

    if (resource->kind->held_back != NULL)
        return resource->kind->held_back(resource, entry, &table->turn);
    return vouch_entry_goes_first(resource->waiting.head, entry, &table->turn);
}

void
table_admit(struct vouch_table *table, struct vouch_entry *entry, int wait)
{
    struct vouch_lock_resource *resource = entry->resource;

    if (table_enter(entry) != 0)
        table_refuse(table, entry, VOUCH_LOCK_NO_MEMORY);
    else if (!table->in_grace
             && resource->kind->fits(resource, entry, &table->turn)
             && !held_back(table, entry))
        grant_or_refuse(table, entry);
    else if (wait)
        enqueue(table, entry);
    else
        table_refuse(table, entry, VOUCH_LOCK_BUSY);
}

void
table_unqueue(struct vouch_table *table, struct vouch_entry *entry,
              int granted)
{
    struct vouch_lock_resource *resource = entry->resource;

    table->waiters--;
    if (entry->state == VOUCH_ENTRY_PARKED) {
        vouch_list_remove(&resource->parked, entry);
    } else {
        if (resource->kind->dequeue != NULL)
            resource->kind->dequeue(resource, entry, granted);
        vouch_list_remove(&resource->waiting, entry);
    }
    entry->state = VOUCH_ENTRY_IDLE;
}

void
table_let_go(struct vouch_table *table, struct vouch_entry *entry,
             enum vouch_decision_kind kind, int rollback)
{
    struct vouch_lock_resource *resource = entry->resource;
    int code = 0;

    if (kind == VOUCH_DECISION_RELEASED && rollback
        && !resource->transactional)
        code = VOUCH_LOCK_NOT_TRANSACTIONAL;
    if ((int) kind != 0)
        table_tell(table, kind, code, entry);
    if (entry->converting)
        table_stop_converting(entry);
    if (resource->kind->part != NULL)
        resource->kind->part(resource, entry, entry->claim);
    vouch_list_remove(&resource->holders, entry);
    table->holders--;
    if (resource->kind->put_back != NULL)
        resource->kind->put_back(resource, entry, rollback, &table->turn);
    entry->state = VOUCH_ENTRY_IDLE;
}

/* The resource has come to exist: those that were parked for it come in. */
static int
take_in_parked(struct vouch_table *table, struct vouch_lock_resource *resource)
{
    struct vouch_entry *entry;

    while ((entry = resource->parked.head) != NULL) {
        if (vouch_decisions_reserve(table->turn.out, STEP_DECISIONS) != 0)
            return -1;
        table_unqueue(table, entry, 0);
        entry->serial = ++table->last_serial;
        table_admit(table, entry, 1);
    }
    return 0;
}

static struct vouch_entry *
next_of(const struct vouch_table *table, struct vouch_lock_resource *resource)
{
    struct vouch_entry *head = resource->waiting.head;

    if (head == NULL)
        return NULL;
    if (resource->kind->first != NULL)
        return resource->kind->first(resource, &table->turn);
    return resource->kind->fits(resource, head, &table->turn) ? head : NULL;
}

static int
serve_waiting(struct vouch_table *table, struct vouch_lock_resource *resource)
{
    struct vouch_entry *entry;

    for (;;) {
        if (vouch_decisions_reserve(table->turn.out, STEP_DECISIONS) != 0)
            return -1;
        entry = next_of(table, resource);
        if (entry == NULL)
            return 0;
        table_unqueue(table, entry, 1);
        grant_or_refuse(table, entry);
    }
}

/* Come back when the first of those that wait for a time can have it. */
static void
set_wake(struct vouch_table *table, struct vouch_lock_resource *resource)
{
    int64_t at = VOUCH_TABLE_NEVER;

    if (resource->users == 0)
        return;
    if (resource->kind->wake != NULL && resource->waiting.head != NULL)
        at = resource->kind->wake(resource, &table->turn);
    if (at == VOUCH_TABLE_NEVER)
        table_cancel_timer(table, &resource->timer);
    else
        table_set_timer(table, &resource->timer, VOUCH_TIMER_RESOURCE, at);
}

void
table_serve(struct vouch_table *table, struct vouch_lock_resource *resource)
{
    int status = 0;

    if (!resource->exists)
        return;
    if (resource->parked.head != NULL)
        status = take_in_parked(table, resource);
    if (table->in_grace)
        return;
    if (status == 0 && resource->converting != NULL)
        table_try_converting(table, resource);
    if (status == 0 && resource->waiting.head != NULL)
        status = serve_waiting(table, resource);
    if (status != 0)
        table_set_timer(table, &resource->timer, VOUCH_TIMER_RESOURCE,
                        table->turn.now.monotonic_ms + RETRY_MS);
    else
        set_wake(table, resource);
}
