/*
 * Requests: checked, then one resource after the other.
 *
 * A request for several resources takes them in one order for all, by the
 * name of the resource and then by the path, level by level; in a hierarchy
 * all its paths are asked for in one mode.  So two such requests never wait
 * for each other in a circle.
 */
#include "lock/private.h"

#include <stdlib.h>
#include <string.h>

#include "lock/stamp.h"

/* --- what no state of the table can make right --- */

static int
check_name(const struct vouch_table *table, const struct vouch_lock_name *name)
{
    const char *format;
    size_t length;

    if (name->type == VOUCH_LOCK_INVALID
        || name->length > table->limits.name_length)
        return VOUCH_LOCK_BAD_NAME;
    if (name->capacity < 0)
        return VOUCH_LOCK_IMPOSSIBLE;
    if (name->capacity == 0
        && (name->type == VOUCH_LOCK_SEQUENCE
            || name->type == VOUCH_LOCK_TIMESTAMP))
        return VOUCH_LOCK_IMPOSSIBLE;
    format = vouch_lock_name_base(name, &length);
    if (name->type == VOUCH_LOCK_TIMESTAMP
        && vouch_stamp_interval(format, length) == 0)
        return VOUCH_LOCK_BAD_FORMAT;
    return 0;
}

int
table_check(const struct vouch_table *table,
            const struct vouch_table_want *want, struct vouch_claim *claim_r)
{
    int code = check_name(table, want->name);

    if (code != 0)
        return code;
    claim_r->mode = VOUCH_LOCK_EX;
    claim_r->quantity = 1;
    if (vouch_lock_type_has_mode((int) want->name->type)) {
        if (!vouch_lock_mode_valid(want->mode))
            return VOUCH_LOCK_BAD_MODE;
        claim_r->mode = want->mode;
    }
    if (want->name->type == VOUCH_LOCK_NUMERIC) {
        if (want->quantity < 0)
            return VOUCH_LOCK_BAD_QUANTITY;
        if (want->quantity > want->name->capacity)
            return VOUCH_LOCK_IMPOSSIBLE;
        claim_r->quantity = want->quantity;
    }
    return 0;
}

/* --- one resource --- */

struct start {
    struct vouch_lock_owner *owner;
    struct vouch_lock_group *group; /* or NULL */
    struct vouch_ask ask;
};

/* Refuse what has no entry. */
static void
refuse_ask(struct vouch_table *table, const struct start *start, int code)
{
    struct vouch_decision decision;

    if (start->group != NULL) {
        start->group->code = code;
        table_move_group(table, start->group);
        return;
    }
    memset(&decision, 0, sizeof(decision));
    decision.kind = VOUCH_DECISION_REFUSED;
    decision.code = code;
    decision.owner = start->owner->id;
    decision.tag = start->ask.tag;
    decision.part = start->ask.part;
    decision.parts = 1;
    decision.type = (int) start->ask.name->type;
    decision.mode = start->ask.claim.mode;
    decision.quantity = start->ask.claim.quantity;
    decision.name = start->ask.name->text;
    decision.name_length = start->ask.name->length;
    (void) vouch_decisions_add(table->turn.out, &decision);
}

/* The resource exists, or may wait to exist; *fresh_r if made just now. */
static int
need_resource(struct vouch_table *table, const struct vouch_ask *ask,
              struct vouch_lock_resource **resource_r, int *fresh_r)
{
    struct vouch_lock_resource *resource = table_find(table, ask->name);
    int code = 0;

    *fresh_r = 0;
    if (resource != NULL && resource->exists) {
        *resource_r = resource;
        return 0;
    }
    if (!ask->create && !ask->wait)
        return VOUCH_LOCK_CANT_WAIT;
    if (resource == NULL)
        code = table_make_resource(table, ask->name, &resource);
    if (code != 0)
        return code;
    if (ask->create) {
        code = table_open_resource(table, resource, ask->lifespan_ms);
        *fresh_r = 1;
    }
    if (code != 0)
        table_settle_resource(table, resource);
    else
        *resource_r = resource;
    return code;
}

static void
park(struct vouch_table *table, struct vouch_entry *entry)
{
    vouch_list_append(&entry->resource->parked, entry);
    table->waiters++;
    entry->state = VOUCH_ENTRY_PARKED;
    if (entry->group == NULL || !entry->group->told)
        table_tell(table, VOUCH_DECISION_PARKED, VOUCH_LOCK_WAIT_RESOURCE,
                   entry);
    if (entry->group != NULL)
        entry->group->told = 1;
}

/* The entry has its resource: grant it, queue it, park it or refuse it. */
static void
place(struct vouch_table *table, struct vouch_entry *entry,
      const struct vouch_ask *ask, int fresh)
{
    struct vouch_lock_resource *resource = entry->resource;

    if (ask->timeout_ms >= 0 && ask->wait
        && ask->timeout_ms < VOUCH_TABLE_NEVER - table->turn.now.monotonic_ms)
        table_set_timer(table, &entry->timer, VOUCH_TIMER_ENTRY,
                        table->turn.now.monotonic_ms + ask->timeout_ms);
    if (!resource->exists) {
        park(table, entry);
        return;
    }
    /* Time alone may have made room for those that wait already. */
    if (resource->kind->wake != NULL && resource->waiting.head != NULL)
        table_serve(table, resource);
    table_admit(table, entry, ask->wait);
    if (fresh || resource->kind->wake != NULL)
        table_serve(table, resource);
}

static void
start_one(struct vouch_table *table, const struct start *start)
{
    struct vouch_lock_owner *owner = start->owner;
    struct vouch_entry *idle = owner->idle;
    struct vouch_lock_resource *resource = NULL;
    struct vouch_entry *entry;
    int fresh;
    int code = need_resource(table, &start->ask, &resource, &fresh);

    if (code != 0) {
        refuse_ask(table, start, code);
        return;
    }
    entry = table_new_entry(table, owner, resource, &start->ask);
    if (entry == NULL) {
        table_settle_resource(table, resource);
        refuse_ask(table, start, VOUCH_LOCK_NO_MEMORY);
        return;
    }
    if (idle != NULL)
        table_free_entry(table, idle);
    entry->group = start->group;
    if (start->group != NULL)
        start->group->parts[start->group->done].entry = entry;
    place(table, entry, &start->ask, fresh);
}

/* --- several --- */

void
table_move_group(struct vouch_table *table, struct vouch_lock_group *group)
{
    if (group->moving)
        return;
    group->moving = 1;
    group->next_moving = NULL;
    if (table->last_moving != NULL)
        table->last_moving->next_moving = group;
    else
        table->first_moving = group;
    table->last_moving = group;
}

static void
unmove(struct vouch_table *table, struct vouch_lock_group *group)
{
    struct vouch_lock_group **place = &table->first_moving;
    struct vouch_lock_group *before = NULL;

    if (!group->moving)
        return;
    while (*place != group) {
        before = *place;
        place = &before->next_moving;
    }
    *place = group->next_moving;
    if (table->last_moving == group)
        table->last_moving = before;
    group->moving = 0;
}

static void
free_group(struct vouch_table *table, struct vouch_lock_group *group)
{
    table_cancel_timer(table, &group->timer);
    unmove(table, group);
    free(group);
}

static void
tell_group(struct vouch_table *table, const struct vouch_lock_group *group,
           enum vouch_decision_kind kind, int code)
{
    size_t at = group->done < group->count ? group->done : 0;
    const struct vouch_group_part *part = &group->parts[at];
    struct vouch_decision decision;

    memset(&decision, 0, sizeof(decision));
    decision.kind = kind;
    decision.code = code;
    decision.owner = group->owner->id;
    decision.tag = group->tag;
    decision.part = part->index;
    decision.parts = group->count;
    decision.type = (int) part->name.type;
    decision.mode = part->claim.mode;
    decision.quantity = part->claim.quantity;
    decision.name = part->name.text;
    decision.name_length = part->name.length;
    (void) vouch_decisions_add(table->turn.out, &decision);
}

void
table_cancel_group(struct vouch_table *table, struct vouch_lock_group *group,
                   enum vouch_decision_kind kind, int code)
{
    struct vouch_lock_resource *resource;
    struct vouch_entry *entry;
    int exists;
    size_t i;

    if ((int) kind != 0)
        tell_group(table, group, kind, code);
    for (i = group->count; i-- > 0;) {
        entry = group->parts[i].entry;
        if (entry == NULL)
            continue;
        group->parts[i].entry = NULL;
        entry->group = NULL;
        resource = entry->resource;
        exists = resource->exists;
        if (entry->state == VOUCH_ENTRY_HELD)
            table_let_go(table, entry, 0, 1);
        else
            table_unqueue(table, entry, 0);
        table_idle_entry(table, entry);
        if (exists)
            table_serve(table, resource);
    }
    free_group(table, group);
}

static void
complete(struct vouch_table *table, struct vouch_lock_group *group)
{
    struct vouch_entry *entry;
    size_t index;
    size_t i;

    for (index = 0; index < group->count; index++) {
        for (i = 0; group->parts[i].index != index; i++)
            continue;
        entry = group->parts[i].entry;
        table_tell(table, VOUCH_DECISION_GRANTED, 0, entry);
        entry->group = NULL;
    }
    free_group(table, group);
}

/* Ask for the next part; or it is all done, or all over. */
static void
step(struct vouch_table *table, struct vouch_lock_group *group)
{
    const struct vouch_group_part *part;
    struct start start;

    if (group->code != 0) {
        table_cancel_group(table, group, VOUCH_DECISION_REFUSED, group->code);
        return;
    }
    if (group->done == group->count) {
        complete(table, group);
        return;
    }
    part = &group->parts[group->done];
    memset(&start, 0, sizeof(start));
    start.owner = group->owner;
    start.group = group;
    start.ask.name = &part->name;
    start.ask.claim = part->claim;
    start.ask.lifespan_ms = part->lifespan_ms;
    start.ask.timeout_ms = -1;
    start.ask.tag = group->tag;
    start.ask.part = part->index;
    start.ask.create = part->create;
    start.ask.wait = group->wait;
    start_one(table, &start);
}

void
table_run_groups(struct vouch_table *table)
{
    struct vouch_lock_group *group;

    while ((group = table->first_moving) != NULL) {
        if (vouch_decisions_reserve(table->turn.out,
                                    group->count + STEP_DECISIONS)
            != 0)
            return;
        unmove(table, group);
        step(table, group);
    }
}

/* Two names, by what names the resource and then level by level. */
static int
compare_names(const struct vouch_lock_name *left,
              const struct vouch_lock_name *right)
{
    size_t i = 0;
    int x;
    int y;

    while (left->text[i] == right->text[i] && left->text[i] != '\0')
        i++;
    x = (unsigned char) left->text[i];
    y = (unsigned char) right->text[i];
    /* The end of a level comes before whatever may stand in one. */
    if (x == '/')
        x = 1;
    else if (x > 0)
        x++;
    if (y == '/')
        y = 1;
    else if (y > 0)
        y++;
    return x - y;
}

/* The global order; equal names stay as they were asked for. */
static int
compare_parts(const void *a, const void *b)
{
    const struct vouch_group_part *left = a;
    const struct vouch_group_part *right = b;
    int order = compare_names(&left->name, &right->name);

    if (order != 0)
        return order;
    return left->index < right->index ? -1 : 1;
}

static int
same_resource(const struct vouch_lock_name *a, const struct vouch_lock_name *b)
{
    return a->key_length == b->key_length
           && memcmp(a->text, b->text, a->key_length) == 0;
}

/* 1 if a is b or a path above it. */
static int
is_above(const struct vouch_lock_name *a, const struct vouch_lock_name *b)
{
    return a->length <= b->length && memcmp(a->text, b->text, a->length) == 0
           && (b->text[a->length] == '/' || b->text[a->length] == '\0');
}

/* A code if two parts would be in each other's way, else 0. */
static int
check_pair(const struct vouch_group_part *a, const struct vouch_group_part *b)
{
    if (!same_resource(&a->name, &b->name))
        return 0;
    if (a->name.type != VOUCH_LOCK_HIERARCHY
        || strcmp(a->name.text, b->name.text) == 0)
        return VOUCH_LOCK_IMPOSSIBLE;
    if (a->claim.mode != b->claim.mode)
        return VOUCH_LOCK_BAD_MODE;
    if (is_above(&a->name, &b->name)
        && !vouch_lock_mode_compatible(a->claim.mode, b->claim.mode))
        return VOUCH_LOCK_IMPOSSIBLE;
    return 0;
}

static int
check_parts(const struct vouch_lock_group *group)
{
    size_t i;
    size_t j;
    int code;

    for (i = 0; i < group->count; i++) {
        for (j = i + 1; j < group->count; j++) {
            code = check_pair(&group->parts[i], &group->parts[j]);
            if (code != 0)
                return code;
        }
    }
    return 0;
}

static struct vouch_lock_group *
new_group(const struct vouch_table *table,
          const struct vouch_table_request *request)
{
    size_t size = request->count * sizeof(struct vouch_group_part);
    struct vouch_lock_group *group = calloc(1, sizeof(*group) + size);
    size_t i;

    if (group == NULL)
        return NULL;
    group->tag = request->tag;
    group->count = request->count;
    group->wait = request->wait;
    for (i = 0; i < request->count; i++) {
        group->parts[i].name = *request->wants[i].name;
        group->parts[i].lifespan_ms = request->wants[i].lifespan_ms;
        group->parts[i].create = request->wants[i].create;
        group->parts[i].index = i;
        (void) table_check(table, &request->wants[i], &group->parts[i].claim);
    }
    qsort(group->parts, group->count, sizeof(group->parts[0]), compare_parts);
    group->code = check_parts(group);
    return group;
}

/* --- the call --- */

/* The first want that can never be right, and the code why; 0 if none. */
static int
check_all(const struct vouch_table *table,
          const struct vouch_table_request *request, size_t *bad_r)
{
    struct vouch_claim claim;
    int code;
    size_t i;

    for (i = 0; i < request->count; i++) {
        code = table_check(table, &request->wants[i], &claim);
        if (code != 0) {
            *bad_r = i;
            return code;
        }
    }
    return 0;
}

static void
fill_start(const struct vouch_table *table,
           const struct vouch_table_request *request, size_t index,
           struct start *start_r)
{
    const struct vouch_table_want *want = &request->wants[index];

    memset(start_r, 0, sizeof(*start_r));
    (void) table_check(table, want, &start_r->ask.claim);
    start_r->ask.name = want->name;
    start_r->ask.lifespan_ms = want->lifespan_ms;
    start_r->ask.timeout_ms = request->timeout_ms;
    start_r->ask.tag = request->tag;
    start_r->ask.part = index;
    start_r->ask.create = want->create;
    start_r->ask.wait = request->wait;
}

static int
start_request(struct vouch_table *table,
              const struct vouch_table_request *request,
              struct vouch_lock_owner *owner)
{
    struct vouch_lock_group *group;
    struct start start;

    if (request->count == 1) {
        fill_start(table, request, 0, &start);
        start.owner = owner;
        start_one(table, &start);
        return 0;
    }
    group = new_group(table, request);
    if (group == NULL)
        return -1;
    group->owner = owner;
    if (request->wait && request->timeout_ms >= 0
        && request->timeout_ms
               < VOUCH_TABLE_NEVER - table->turn.now.monotonic_ms)
        table_set_timer(table, &group->timer, VOUCH_TIMER_GROUP,
                        table->turn.now.monotonic_ms + request->timeout_ms);
    table_move_group(table, group);
    return 0;
}

int
vouch_table_request(struct vouch_table *table,
                    const struct vouch_table_request *request,
                    const struct vouch_table_time *now,
                    struct vouch_decisions *decisions)
{
    struct vouch_lock_owner *owner;
    struct vouch_lock_owner nobody;
    struct start start;
    size_t bad = 0;
    int status = 0;
    int code;

    if (request->count == 0 || request->count > VOUCH_TABLE_PARTS_MAX
        || vouch_decisions_reserve(decisions, request->count + STEP_DECISIONS)
               != 0)
        return -1;
    table_begin(table, now, decisions);
    code = check_all(table, request, &bad);
    if (code != 0) {
        memset(&nobody, 0, sizeof(nobody));
        nobody.id = request->owner;
        fill_start(table, request, bad, &start);
        start.owner = &nobody;
        refuse_ask(table, &start, code);
        table_end(table);
        return 0;
    }
    owner = table_need_owner(table, request->owner);
    if (owner == NULL)
        status = -1;
    else
        status = start_request(table, request, owner);
    if (status == 0 && request->lease_ms > 0)
        owner->lease_ms = request->lease_ms;
    table_end(table);
    if (status == 0)
        vouch_table_touch(table, request->owner, now);
    return status;
}
