/*
 * What outlives a daemon: restore, the grace period, resume, settle; and
 * views of what is held.
 */
#include "lock/private.h"

#include <string.h>

static int
restore_numbers(struct vouch_kept *kept, enum vouch_decision_kind kind,
                uint64_t value)
{
    struct vouch_numbers *numbers = &kept->returned;

    if (kind == VOUCH_RECORD_NUMBERS) {
        if (value > kept->next)
            kept->next = value;
        if (kept->next > kept->limit)
            kept->limit = kept->next;
        return 0;
    }
    if (!kept->transactional)
        return -1;
    if (kind == VOUCH_RECORD_TAKEN)
        numbers = &kept->taken;
    /* Whatever is out may come back. */
    if (vouch_numbers_reserve(&kept->returned,
                              kept->returned.count + kept->taken.count + 1)
            != 0
        || vouch_numbers_reserve(numbers, numbers->count + 1) != 0)
        return -1;
    vouch_numbers_append(numbers, value);
    if (value >= kept->next)
        kept->next = value + 1;
    return 0;
}

static int
restore_stamp(struct vouch_kept *kept, uint64_t value)
{
    if (value > INT64_MAX)
        return -1;
    if (value > kept->next)
        kept->next = value;
    kept->limit = kept->next;
    return 0;
}

int
vouch_table_restore(struct vouch_table *table, enum vouch_decision_kind kind,
                    const struct vouch_lock_name *name, uint64_t value)
{
    struct vouch_kept *kept;
    int numbers = kind == VOUCH_RECORD_NUMBERS || kind == VOUCH_RECORD_TAKEN
                  || kind == VOUCH_RECORD_RETURNED;

    if (table->kept == NULL || value == 0 || value == UINT64_MAX
        || !(numbers ? name->type == VOUCH_LOCK_SEQUENCE
                     : kind == VOUCH_RECORD_STAMP
                           && name->type == VOUCH_LOCK_TIMESTAMP))
        return -1;
    kept = table_keep(table, name->text, name->length, (int) name->type,
                      name->transactional);
    if (kept == NULL)
        return -1;
    if (kind == VOUCH_RECORD_TAKEN)
        table->taken = 1;
    return numbers ? restore_numbers(kept, kind, value)
                   : restore_stamp(kept, value);
}

void
vouch_table_begin_grace(struct vouch_table *table, int64_t until_ms)
{
    table->in_grace = 1;
    table->grace_until = until_ms;
}

int
vouch_table_in_grace(const struct vouch_table *table)
{
    return table->in_grace;
}

void
table_end_grace(struct vouch_table *table)
{
    struct vouch_lock_resource *resource;
    struct vouch_lock_resource *next;
    struct vouch_kept *kept;
    uint64_t value;

    table->in_grace = 0;
    table->taken = 0;
    for (kept = table->first_kept; kept != NULL; kept = kept->next_kept) {
        while (kept->taken.count > 0) {
            value = vouch_numbers_shift(&kept->taken);
            vouch_numbers_append(&kept->returned, value);
            vouch_kept_record(kept, VOUCH_RECORD_RETURNED, value,
                              table->turn.out);
        }
    }
    for (resource = table->first; resource != NULL; resource = next) {
        next = resource->next;
        if (resource->exists && resource->kind->rescan != NULL)
            resource->kind->rescan(resource);
        table_serve(table, resource);
    }
}

/* --- holders that come back --- */

/* 1 if nobody holds anything under this token. */
static int
is_unclaimed(const struct vouch_lock_resource *resource,
             struct vouch_fence fence)
{
    const struct vouch_entry *entry;

    for (entry = resource->holders.head; entry != NULL; entry = entry->next) {
        if (entry->fence.epoch == fence.epoch
            && entry->fence.counter == fence.counter)
            return 0;
    }
    return 1;
}

/* Hold again: 0, or a code. */
static int
hold_again(struct vouch_table *table, struct vouch_entry *entry,
           struct vouch_fence fence, const char *element)
{
    struct vouch_lock_resource *resource = entry->resource;
    const struct vouch_lock_kind *kind = resource->kind;

    if (table_enter(entry) != 0)
        return VOUCH_LOCK_NO_MEMORY;
    if (!is_unclaimed(resource, fence))
        return VOUCH_LOCK_IMPOSSIBLE;
    if (kind->join != NULL) {
        if (!kind->fits(resource, entry, &table->turn))
            return VOUCH_LOCK_BUSY;
        kind->join(resource, entry, entry->claim);
    } else {
        if (resource->holders.count >= (size_t) resource->capacity)
            return VOUCH_LOCK_BUSY;
        if (element == NULL || kind->resume(resource, entry, element) != 0)
            return VOUCH_LOCK_IMPOSSIBLE;
    }
    vouch_list_append(&resource->holders, entry);
    table->holders++;
    entry->state = VOUCH_ENTRY_HELD;
    entry->fence = fence;
    return 0;
}

/* The resource of one who comes back: 0, or a code. */
static int
resource_again(struct vouch_table *table, const struct vouch_table_want *want,
               struct vouch_lock_resource **resource_r)
{
    int code = 0;

    *resource_r = table_find(table, want->name);
    if (*resource_r == NULL)
        code = table_make_resource(table, want->name, resource_r);
    if (code == 0 && !(*resource_r)->exists)
        code = table_open_resource(table, *resource_r, want->lifespan_ms);
    return code;
}

static void
refuse_again(struct vouch_table *table, uint64_t owner, uint64_t tag,
             const struct vouch_lock_name *name, int code)
{
    struct vouch_decision decision;

    memset(&decision, 0, sizeof(decision));
    decision.kind = VOUCH_DECISION_REFUSED;
    decision.code = code;
    decision.owner = owner;
    decision.tag = tag;
    decision.parts = 1;
    decision.type = (int) name->type;
    decision.name = name->text;
    decision.name_length = name->length;
    (void) vouch_decisions_add(table->turn.out, &decision);
}

/* 0 and *entry_r holds again, or a code. */
static int
resume(struct vouch_table *table, struct vouch_lock_owner *owner, uint64_t tag,
       const struct vouch_table_want *want, struct vouch_fence fence,
       const char *element)
{
    struct vouch_lock_resource *resource = NULL;
    struct vouch_entry *entry;
    struct vouch_ask ask;
    int code;

    memset(&ask, 0, sizeof(ask));
    ask.name = want->name;
    ask.tag = tag;
    code = table_check(table, want, &ask.claim);
    if (code == 0)
        code = resource_again(table, want, &resource);
    if (code != 0) {
        if (resource != NULL)
            table_settle_resource(table, resource);
        return code;
    }
    entry = table_new_entry(table, owner, resource, &ask);
    if (entry == NULL) {
        table_settle_resource(table, resource);
        return VOUCH_LOCK_NO_MEMORY;
    }
    code = hold_again(table, entry, fence, element);
    if (code != 0)
        table_free_entry(table, entry);
    else
        table_tell(table, VOUCH_DECISION_GRANTED, 0, entry);
    table_serve(table, resource);
    return code;
}

int
vouch_table_resume(struct vouch_table *table, uint64_t owner, uint64_t tag,
                   const struct vouch_table_want *want,
                   struct vouch_fence fence, const char *element,
                   const struct vouch_table_time *now,
                   struct vouch_decisions *decisions)
{
    struct vouch_lock_owner *found;
    int code = VOUCH_LOCK_IMPOSSIBLE;

    if (vouch_decisions_reserve(decisions, STEP_DECISIONS) != 0)
        return -1;
    found = table_need_owner(table, owner);
    if (found == NULL)
        return -1;
    table_begin(table, now, decisions);
    if (table->in_grace && fence.epoch > 0
        && fence.epoch < table->limits.epoch)
        code = resume(table, found, tag, want, fence, element);
    if (code != 0)
        refuse_again(table, owner, tag, want->name, code);
    table_end(table);
    return 0;
}

int
vouch_table_settle(struct vouch_table *table,
                   struct vouch_decisions *decisions)
{
    struct vouch_kept *kept;
    enum vouch_decision_kind kind;

    for (kept = table->first_kept; kept != NULL; kept = kept->next_kept) {
        if (kept->limit <= kept->next || kept->transactional)
            continue;
        kind = kept->type == VOUCH_LOCK_SEQUENCE ? VOUCH_RECORD_NUMBERS
                                                 : VOUCH_RECORD_STAMP;
        vouch_kept_record(kept, kind, kept->next, decisions);
        kept->limit = kept->next;
    }
    return vouch_decisions_failed(decisions) ? -1 : 0;
}

/* --- views --- */

struct viewer {
    int (*each)(const struct vouch_table_view *view, void *arg);
    void *arg;
};

static enum vouch_table_state
state_of(const struct vouch_entry *entry)
{
    if (entry->state == VOUCH_ENTRY_WAITING)
        return VOUCH_TABLE_WAITING;
    if (entry->state == VOUCH_ENTRY_PARKED)
        return VOUCH_TABLE_PARKED;
    return entry->converting ? VOUCH_TABLE_CONVERTING : VOUCH_TABLE_HELD;
}

static int
view_entry(const struct vouch_entry *entry, const struct viewer *viewer)
{
    const struct vouch_lock_kind *kind = entry->resource->kind;
    char room[VOUCH_LOCK_ELEMENT_MAX + 1];
    struct vouch_table_view view;

    memset(&view, 0, sizeof(view));
    view.state = state_of(entry);
    view.owner = entry->owner->id;
    view.tag = entry->tag;
    view.type = (int) entry->resource->type;
    view.name = table_entry_name(entry, &view.name_length);
    view.mode = entry->claim.mode;
    view.quantity = entry->claim.quantity;
    view.wanted_mode =
        entry->converting ? entry->wanted.mode : entry->claim.mode;
    view.wanted_quantity =
        entry->converting ? entry->wanted.quantity : entry->claim.quantity;
    view.since_ms = entry->since_ms;
    if (entry->state == VOUCH_ENTRY_HELD) {
        view.fence = entry->fence;
        if (kind->element != NULL)
            view.element = kind->element(entry, room, &view.element_length);
    }
    return viewer->each(&view, viewer->arg);
}

static int
view_list(const struct vouch_entry_list *list, const struct viewer *viewer)
{
    const struct vouch_entry *entry;
    int result;

    for (entry = list->head; entry != NULL; entry = entry->next) {
        result = view_entry(entry, viewer);
        if (result != 0)
            return result;
    }
    return 0;
}

int
vouch_table_each(const struct vouch_table *table,
                 int (*each)(const struct vouch_table_view *view, void *arg),
                 void *arg)
{
    const struct vouch_lock_resource *resource;
    struct viewer viewer = {each, arg};
    int result = 0;

    for (resource = table->first; resource != NULL && result == 0;
         resource = resource->next) {
        result = view_list(&resource->holders, &viewer);
        if (result == 0)
            result = view_list(&resource->waiting, &viewer);
        if (result == 0)
            result = view_list(&resource->parked, &viewer);
    }
    return result;
}
