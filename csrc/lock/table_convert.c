/*
 * Another mode, or another quantity, for what is held already.
 *
 * While a conversion waits, what it wants is joined beside what it holds:
 * so nobody gets what would delay it.
 */
#include "lock/private.h"

/* What a waiting conversion has joined beside its claim. */
static struct vouch_claim
more_of(const struct vouch_entry *entry)
{
    struct vouch_claim more = entry->wanted;

    more.quantity -= entry->claim.quantity;
    return more;
}

void
table_stop_converting(struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;

    resource->kind->part(resource, entry, more_of(entry));
    resource->converting = NULL;
    entry->converting = 0;
}

static void
start_converting(struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;

    resource->kind->join(resource, entry, more_of(entry));
    resource->converting = entry;
    entry->converting = 1;
}

/* Hold what is wanted in the place of what is held, if that goes together
 * with the other holders: 1, else 0. */
static int
try_now(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;
    const struct vouch_lock_kind *kind = resource->kind;
    struct vouch_claim held = entry->claim;
    int fits;

    kind->part(resource, entry, held);
    entry->claim = entry->wanted;
    fits = kind->fits(resource, entry, &table->turn);
    if (!fits)
        entry->claim = held;
    kind->join(resource, entry, entry->claim);
    if (!fits)
        return 0;
    entry->fence.epoch = table->limits.epoch;
    entry->fence.counter = ++table->last_fence;
    return 1;
}

static void
tell_as(struct vouch_table *table, struct vouch_entry *entry,
        enum vouch_decision_kind kind, int code)
{
    uint64_t tag = entry->tag;

    entry->tag = entry->convert_tag;
    table_tell(table, kind, code, entry);
    entry->tag = tag;
}

void
table_try_converting(struct vouch_table *table,
                     struct vouch_lock_resource *resource)
{
    struct vouch_entry *entry = resource->converting;

    if (vouch_decisions_reserve(table->turn.out, STEP_DECISIONS) != 0)
        return;
    table_stop_converting(entry);
    if (try_now(table, entry))
        tell_as(table, entry, VOUCH_DECISION_CONVERTED, 0);
    else
        start_converting(entry);
}

/* The conversion of another holder that waits steps aside: whether this one
 * can be done now does not depend on it. */
static int
try_before(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_entry *other = entry->resource->converting;
    int done;

    if (other != NULL)
        table_stop_converting(other);
    done = try_now(table, entry);
    if (other != NULL)
        start_converting(other);
    return done;
}

static void
convert(struct vouch_table *table, struct vouch_entry *entry, int wait)
{
    struct vouch_lock_resource *resource = entry->resource;

    if (!table->in_grace && try_before(table, entry)) {
        tell_as(table, entry, VOUCH_DECISION_CONVERTED, 0);
    } else if (table->in_grace || !wait || resource->converting != NULL) {
        tell_as(table, entry, VOUCH_DECISION_REFUSED, VOUCH_LOCK_BUSY);
    } else {
        start_converting(entry);
        tell_as(table, entry, VOUCH_DECISION_QUEUED, VOUCH_LOCK_ENQUEUED);
    }
    table_serve(table, resource);
}

int
vouch_table_convert(struct vouch_table *table, uint64_t owner, uint64_t tag,
                    const struct vouch_table_want *want, int wait,
                    const struct vouch_table_time *now,
                    struct vouch_decisions *decisions)
{
    struct vouch_entry *entry = table_find_held(table, owner, want->name);
    struct vouch_claim claim;
    int code;

    if (entry == NULL)
        return 0;
    if (vouch_decisions_reserve(decisions, STEP_DECISIONS) != 0)
        return -1;
    table_begin(table, now, decisions);
    entry->convert_tag = tag;
    code = table_check(table, want, &claim);
    if (code == 0 && entry->resource->kind->join == NULL)
        code = VOUCH_LOCK_IMPOSSIBLE;
    if (code != 0) {
        tell_as(table, entry, VOUCH_DECISION_REFUSED, code);
    } else {
        if (entry->converting)
            table_stop_converting(entry);
        entry->wanted = claim;
        convert(table, entry, wait);
    }
    table_end(table);
    return 1;
}
