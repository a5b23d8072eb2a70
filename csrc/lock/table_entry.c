/*
 * Resources, owners and entries: made, found, freed.
 */
#include "lock/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define IDLE_MS 1000 /* FLoM: two silent periods, the second one this long */

void
table_set_timer(struct vouch_table *table, struct vouch_timer *timer,
                enum vouch_timer_kind kind, int64_t at_ms)
{
    vouch_heap_remove(&table->timers, &timer->node);
    timer->kind = kind;
    vouch_heap_add(&table->timers, &timer->node, at_ms, ++table->last_timer);
}

void
table_cancel_timer(struct vouch_table *table, struct vouch_timer *timer)
{
    vouch_heap_remove(&table->timers, &timer->node);
}

struct vouch_lock_resource *
table_find(const struct vouch_table *table, const struct vouch_lock_name *name)
{
    void *found;

    if (!vouch_map_get(table->resources, name->text, name->key_length, &found))
        return NULL;
    return found;
}

static const struct vouch_lock_kind *
kind_of(enum vouch_lock_type type)
{
    static const struct vouch_lock_kind *const kinds[] = {
        [VOUCH_LOCK_SIMPLE] = &vouch_kind_simple,
        [VOUCH_LOCK_NUMERIC] = &vouch_kind_numeric,
        [VOUCH_LOCK_SET] = &vouch_kind_set,
        [VOUCH_LOCK_HIERARCHY] = &vouch_kind_hierarchy,
        [VOUCH_LOCK_SEQUENCE] = &vouch_kind_sequence,
        [VOUCH_LOCK_TIMESTAMP] = &vouch_kind_timestamp,
    };

    return kinds[type];
}

int
table_make_resource(struct vouch_table *table,
                    const struct vouch_lock_name *name,
                    struct vouch_lock_resource **resource_r)
{
    struct vouch_lock_resource *resource;

    if (vouch_map_count(table->resources) >= table->limits.resources)
        return VOUCH_LOCK_NO_RESOURCE;
    resource = calloc(1, sizeof(*resource) + name->key_length + 1);
    if (resource == NULL)
        return VOUCH_LOCK_NO_MEMORY;
    resource->kind = kind_of(name->type);
    resource->type = name->type;
    resource->capacity = name->capacity;
    resource->transactional = name->transactional;
    resource->key_length = name->key_length;
    memcpy(resource->key, name->text, name->key_length);
    if (vouch_map_put(table->resources, resource->key, name->key_length,
                      resource, NULL)
        != 0) {
        free(resource);
        return VOUCH_LOCK_NO_MEMORY;
    }
    resource->prev = table->last;
    if (table->last != NULL)
        table->last->next = resource;
    else
        table->first = resource;
    table->last = resource;
    *resource_r = resource;
    return 0;
}

struct vouch_kept *
table_keep(struct vouch_table *table, const char *name, size_t length,
           int type, int transactional)
{
    struct vouch_kept *kept;
    void *found;

    if (vouch_map_get(table->kept, name, length, &found))
        return found;
    if (vouch_map_count(table->kept) >= table->limits.kept)
        return NULL;
    kept = vouch_kept_new(name, length, type, transactional);
    if (kept == NULL
        || vouch_map_put(table->kept, name, length, kept, NULL) != 0) {
        vouch_kept_free(kept);
        return NULL;
    }
    kept->shared = 1;
    if (table->last_kept != NULL)
        table->last_kept->next_kept = kept;
    else
        table->first_kept = kept;
    table->last_kept = kept;
    return kept;
}

/* What a sequence or timestamp must not forget; 0, or a code. */
static int
open_kept(struct vouch_table *table, struct vouch_lock_resource *resource)
{
    if (resource->type != VOUCH_LOCK_SEQUENCE
        && resource->type != VOUCH_LOCK_TIMESTAMP)
        return 0;
    if (table->kept != NULL)
        resource->kept = table_keep(table, resource->key, resource->key_length,
                                    resource->type, resource->transactional);
    else
        resource->kept =
            vouch_kept_new(resource->key, resource->key_length, resource->type,
                           resource->transactional);
    return resource->kept != NULL ? 0 : VOUCH_LOCK_NO_RESOURCE;
}

static void
close_resource(struct vouch_lock_resource *resource)
{
    if (resource->kind->close != NULL && resource->state != NULL)
        resource->kind->close(resource);
    if (resource->kept != NULL && !resource->kept->shared)
        vouch_kept_free(resource->kept);
    resource->state = NULL;
    resource->kept = NULL;
}

int
table_open_resource(struct vouch_table *table,
                    struct vouch_lock_resource *resource, int64_t lifespan_ms)
{
    int code = open_kept(table, resource);

    if (code != 0)
        return code;
    if (resource->kind->open != NULL && resource->kind->open(resource) != 0) {
        close_resource(resource);
        return VOUCH_LOCK_NO_MEMORY;
    }
    resource->lifespan_ms = lifespan_ms;
    resource->exists = 1;
    return 0;
}

void
table_free_resource(struct vouch_table *table,
                    struct vouch_lock_resource *resource)
{
    table_cancel_timer(table, &resource->timer);
    (void) vouch_map_remove(table->resources, resource->key,
                            resource->key_length, NULL);
    if (resource->prev != NULL)
        resource->prev->next = resource->next;
    else
        table->first = resource->next;
    if (resource->next != NULL)
        resource->next->prev = resource->prev;
    else
        table->last = resource->prev;
    close_resource(resource);
    free(resource);
}

void
table_settle_resource(struct vouch_table *table,
                      struct vouch_lock_resource *resource)
{
    int64_t silent = resource->lifespan_ms;

    if (resource->users > 0)
        return;
    if (!resource->exists) {
        table_free_resource(table, resource);
        return;
    }
    if (silent <= 0)
        silent = IDLE_MS;
    if (silent > VOUCH_TABLE_NEVER - table->turn.now.monotonic_ms - IDLE_MS)
        silent = VOUCH_TABLE_NEVER - table->turn.now.monotonic_ms - IDLE_MS;
    table_set_timer(table, &resource->timer, VOUCH_TIMER_RESOURCE,
                    table->turn.now.monotonic_ms + silent + IDLE_MS);
}

struct vouch_lock_owner *
table_find_owner(const struct vouch_table *table, uint64_t id)
{
    void *found;

    if (!vouch_map_get(table->owners, &id, sizeof(id), &found))
        return NULL;
    return found;
}

struct vouch_lock_owner *
table_need_owner(struct vouch_table *table, uint64_t id)
{
    struct vouch_lock_owner *owner = table_find_owner(table, id);

    if (owner != NULL)
        return owner;
    owner = calloc(1, sizeof(*owner));
    if (owner == NULL)
        return NULL;
    owner->id = id;
    if (vouch_map_put(table->owners, &id, sizeof(id), owner, NULL) != 0) {
        free(owner);
        return NULL;
    }
    return owner;
}

static void
join_owner(struct vouch_lock_owner *owner, struct vouch_entry *entry)
{
    entry->owner = owner;
    entry->owner_prev = owner->last;
    if (owner->last != NULL)
        owner->last->owner_next = entry;
    else
        owner->first = entry;
    owner->last = entry;
}

static void
leave_owner(struct vouch_entry *entry)
{
    struct vouch_lock_owner *owner = entry->owner;

    if (entry->owner_prev != NULL)
        entry->owner_prev->owner_next = entry->owner_next;
    else
        owner->first = entry->owner_next;
    if (entry->owner_next != NULL)
        entry->owner_next->owner_prev = entry->owner_prev;
    else
        owner->last = entry->owner_prev;
    if (owner->idle == entry)
        owner->idle = NULL;
}

struct vouch_entry *
table_new_entry(struct vouch_table *table, struct vouch_lock_owner *owner,
                struct vouch_lock_resource *resource,
                const struct vouch_ask *ask)
{
    struct vouch_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return NULL;
    if (ask->name->length > resource->key_length) {
        entry->name = strdup(ask->name->text);
        if (entry->name == NULL) {
            free(entry);
            return NULL;
        }
    }
    entry->resource = resource;
    entry->claim = ask->claim;
    entry->tag = ask->tag;
    entry->part = ask->part;
    entry->serial = ++table->last_serial;
    entry->since_ms = table->turn.now.monotonic_ms;
    entry->state = VOUCH_ENTRY_IDLE;
    join_owner(owner, entry);
    if (resource->users == 0)
        table_cancel_timer(table, &resource->timer);
    resource->users++;
    return entry;
}

int
table_enter(struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;

    if (resource->kind->enter == NULL)
        return 0;
    return resource->kind->enter(resource, entry);
}

static void
leave_place(struct vouch_entry *entry)
{
    if (entry->place != NULL)
        entry->resource->kind->leave(entry->resource, entry);
}

void
table_free_entry(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_lock_resource *resource = entry->resource;

    table_cancel_timer(table, &entry->timer);
    leave_place(entry);
    leave_owner(entry);
    free(entry->name);
    free(entry->stamp);
    free(entry);
    resource->users--;
    table_settle_resource(table, resource);
}

void
table_idle_entry(struct vouch_table *table, struct vouch_entry *entry)
{
    struct vouch_lock_owner *owner = entry->owner;

    if (!entry->resource->exists) {
        table_free_entry(table, entry);
        return;
    }
    table_cancel_timer(table, &entry->timer);
    leave_place(entry);
    entry->state = VOUCH_ENTRY_IDLE;
    if (owner->idle != NULL && owner->idle != entry)
        table_free_entry(table, owner->idle);
    owner->idle = entry;
}

const char *
table_entry_name(const struct vouch_entry *entry, size_t *length_r)
{
    if (entry->name == NULL) {
        *length_r = entry->resource->key_length;
        return entry->resource->key;
    }
    *length_r = strlen(entry->name);
    return entry->name;
}

static struct vouch_entry *
find_entry(const struct vouch_table *table, uint64_t id,
           const struct vouch_lock_name *name, int held)
{
    const struct vouch_lock_owner *owner = table_find_owner(table, id);
    const struct vouch_lock_resource *resource = table_find(table, name);
    struct vouch_entry *entry;
    const char *text;
    size_t length;

    if (owner == NULL || resource == NULL)
        return NULL;
    for (entry = owner->first; entry != NULL; entry = entry->owner_next) {
        if (entry->resource != resource || entry->state == VOUCH_ENTRY_IDLE
            || (entry->state == VOUCH_ENTRY_HELD && entry->group == NULL)
                   != held)
            continue;
        text = table_entry_name(entry, &length);
        if (length == name->length && memcmp(text, name->text, length) == 0)
            return entry;
    }
    return NULL;
}

struct vouch_entry *
table_find_held(const struct vouch_table *table, uint64_t owner,
                const struct vouch_lock_name *name)
{
    return find_entry(table, owner, name, 1);
}

struct vouch_entry *
table_find_waiting(const struct vouch_table *table, uint64_t owner,
                   const struct vouch_lock_name *name)
{
    return find_entry(table, owner, name, 0);
}

int
vouch_table_is_busy(const struct vouch_table *table, uint64_t id)
{
    const struct vouch_lock_owner *owner = table_find_owner(table, id);
    const struct vouch_entry *entry;

    if (owner == NULL)
        return 0;
    for (entry = owner->first; entry != NULL; entry = entry->owner_next) {
        if (entry->state != VOUCH_ENTRY_IDLE)
            return 1;
    }
    return 0;
}
