/*
 * Any bytes as calls of the lock table: nothing crashes, its counts are
 * those of what it shows, and when all are gone nothing is left.
 */
#include "fuzz.h"

#include <string.h>

#include "lock/table.h"

#define OWNERS 8
#define RAW_NAME 24 /* bytes of the input taken as a name */

static const char *const names[] = {
    "R",        "S",       "p[4]", "q[2]",    "a.b.c",   "/a",
    "/a/b",     "/a/b/c",  "/a/d", "_s_n[2]", "_S_n[2]", "_t_%S#ff[2]",
    "_t_%T[1]", "_S_m[1]", "p[0]", "/z",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* The input, from its front; zeros when it is used up. */
struct input {
    const uint8_t *data;
    size_t size;
};

static unsigned
take(struct input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

static void
take_name(struct input *in, struct vouch_lock_name *name)
{
    unsigned which = take(in);
    size_t length = in->size < RAW_NAME ? in->size : RAW_NAME;

    if (which < 240) {
        which %= NAMES;
        (void) vouch_lock_name_parse(names[which], strlen(names[which]), name);
        return;
    }
    (void) vouch_lock_name_parse((const char *) in->data, length, name);
    in->data += length;
    in->size -= length;
}

static void
take_want(struct input *in, struct vouch_lock_name *name,
          struct vouch_table_want *want)
{
    unsigned bits;

    take_name(in, name);
    bits = take(in);
    want->name = name;
    want->mode = (int) (bits & 7U) - 1;
    want->create = (bits & 8U) == 0;
    want->quantity = (int64_t) (bits >> 4) - 2;
    want->lifespan_ms = (bits & 1U) != 0 ? 1 : 0;
}

static void
request(struct input *in, struct vouch_table *table, uint64_t owner,
        const struct vouch_table_time *now, struct vouch_decisions *list)
{
    struct vouch_lock_name parts[4];
    struct vouch_table_want wants[4];
    struct vouch_table_request ask;
    unsigned bits = take(in);
    size_t i;

    memset(&ask, 0, sizeof(ask));
    ask.owner = owner;
    ask.wants = wants;
    ask.count = (bits & 3U) + 1;
    ask.wait = (bits & 4U) == 0;
    ask.timeout_ms = (bits & 8U) != 0 ? (int64_t) (bits >> 4) : -1;
    ask.lease_ms = bits == 255 ? 50 : 0;
    for (i = 0; i < ask.count; i++)
        take_want(in, &parts[i], &wants[i]);
    FUZZ_CHECK(vouch_table_request(table, &ask, now, list) == 0);
    FUZZ_CHECK(vouch_decisions_count(list) > 0);
}

static void
call(struct input *in, struct vouch_table *table, struct vouch_table_time *now,
     struct vouch_decisions *list)
{
    unsigned what = take(in);
    uint64_t owner = what % OWNERS + 1;
    struct vouch_fence fence = {1, take(in)};
    struct vouch_lock_name name;
    struct vouch_table_want want;

    switch (what / OWNERS % 8) {
    case 0:
    case 1:
        request(in, table, owner, now, list);
        break;
    case 2:
        take_name(in, &name);
        (void) vouch_table_release(table, owner, &name, (int) (take(in) & 1U),
                                   now, list);
        break;
    case 3:
        take_want(in, &name, &want);
        (void) vouch_table_convert(table, owner, 1, &want,
                                   (int) (take(in) & 1U), now, list);
        break;
    case 4:
        vouch_table_drop(table, owner, now, list);
        break;
    case 5:
        take_want(in, &name, &want);
        FUZZ_CHECK(
            vouch_table_resume(table, owner, 2, &want, fence, "1", now, list)
            == 0);
        break;
    case 6:
        vouch_table_touch(table, owner, now);
        now->wall_us = (int64_t) take(in) * 1000000;
        break;
    default:
        now->monotonic_ms += take(in);
        now->wall_us += 1000 * (int64_t) take(in);
        vouch_table_tick(table, now, list);
        break;
    }
}

struct counted {
    size_t holders;
    size_t waiters;
};

static int
count(const struct vouch_table_view *view, void *arg)
{
    struct counted *counted = arg;

    FUZZ_CHECK(view->owner >= 1 && view->owner <= OWNERS);
    FUZZ_CHECK(strlen(view->name) == view->name_length);
    if (view->state == VOUCH_TABLE_HELD
        || view->state == VOUCH_TABLE_CONVERTING)
        counted->holders++;
    else
        counted->waiters++;
    return 0;
}

static void
check(const struct vouch_table *table, struct vouch_decisions *list)
{
    struct counted counted = {0, 0};

    (void) vouch_table_each(table, count, &counted);
    FUZZ_CHECK(counted.holders == vouch_table_holders(table));
    FUZZ_CHECK(counted.waiters == vouch_table_waiters(table));
    FUZZ_CHECK(!vouch_decisions_failed(list));
    vouch_decisions_clear(list);
}

static void
drop_all(struct vouch_table *table, struct vouch_table_time *now,
         struct vouch_decisions *list)
{
    uint64_t owner;

    for (owner = 1; owner <= OWNERS; owner++) {
        vouch_table_drop(table, owner, now, list);
        check(table, list);
    }
    FUZZ_CHECK(vouch_table_holders(table) == 0);
    FUZZ_CHECK(vouch_table_waiters(table) == 0);
    now->monotonic_ms += 10000;
    vouch_table_tick(table, now, list);
    FUZZ_CHECK(vouch_table_resources(table) == 0);
    FUZZ_CHECK(vouch_table_next_deadline(table) == VOUCH_TABLE_NEVER);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct vouch_decisions *list = vouch_decisions_new();
    struct vouch_table_limits limits;
    struct vouch_table_time now = {0, 0, 0, NULL};
    struct vouch_table *table;
    unsigned bits = take(&in);

    vouch_table_limits_default(&limits);
    limits.fairness_ms = (int64_t) (bits & 3U) * 40 - 1;
    limits.persistent = (bits & 4U) != 0;
    limits.queue = (bits & 8U) != 0 ? 3 : 100;
    limits.epoch = 2;
    table = vouch_table_new(&limits);
    if (table != NULL && list != NULL) {
        if ((bits & 16U) != 0)
            vouch_table_begin_grace(table, 200);
        while (in.size > 0) {
            call(&in, table, &now, list);
            check(table, list);
        }
        now.monotonic_ms += 1000;
        vouch_table_tick(table, &now, list);
        check(table, list);
        drop_all(table, &now, list);
    }
    vouch_table_free(table);
    vouch_decisions_free(list);
    return 0;
}
