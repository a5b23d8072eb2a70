/*
 * Timestamps: each holder gets a text of the time that nobody had before.
 *
 * One for each interval in which the text would be the same; intervals
 * begin at whole multiples since 1970.  When the clock is set back, stamps
 * go on from the last one, at half the pace, until the clock has passed it.
 */
#include "lock/resource.h"

#include <stdlib.h>
#include <string.h>

#include "lock/stamp.h"

#define SMALL_STEP_US INT64_C(2000000) /* the clock catches up with this */
#define PREFIX 3                       /* "_t_" */

static const char *
format_of(const struct vouch_lock_resource *resource, size_t *length_r)
{
    *length_r = strcspn(resource->key + PREFIX, "[");
    return resource->key + PREFIX;
}

static int64_t
interval_of(const struct vouch_lock_resource *resource)
{
    size_t length;
    const char *format = format_of(resource, &length);

    return vouch_stamp_interval(format, length);
}

/* When, in monotonic milliseconds, the next stamp may be given; now or
 * earlier if it may be given now. */
static int64_t
ready_at(const struct vouch_lock_resource *resource,
         const struct vouch_turn *turn)
{
    const struct vouch_kept *kept = resource->kept;
    int64_t interval = interval_of(resource);
    int64_t now = turn->now.monotonic_ms;
    int64_t left = (int64_t) kept->next - turn->now.wall_us;
    int64_t by_clock = now + (left + 999) / 1000;
    int64_t by_pace = kept->given_ms + (2 * interval + 999) / 1000;

    if (left <= 0)
        return now;
    if (left <= interval || left <= SMALL_STEP_US || by_clock < by_pace)
        return by_clock;
    return by_pace;
}

static int
timestamp_fits(const struct vouch_lock_resource *resource,
               const struct vouch_entry *entry, const struct vouch_turn *turn)
{
    (void) entry;
    return resource->holders.count < (size_t) resource->capacity
           && ready_at(resource, turn) <= turn->now.monotonic_ms;
}

static int
timestamp_take(struct vouch_lock_resource *resource, struct vouch_entry *entry,
               const struct vouch_turn *turn)
{
    struct vouch_kept *kept = resource->kept;
    int64_t interval = interval_of(resource);
    int64_t at = turn->now.wall_us;
    char text[VOUCH_LOCK_ELEMENT_MAX + 1];
    size_t length;
    const char *format = format_of(resource, &length);

    if (at < (int64_t) kept->next)
        at = (int64_t) kept->next;
    if (vouch_stamp_text(text, sizeof(text), format, length, at,
                         turn->now.zone_s, turn->now.zone_name)
        < 0)
        return VOUCH_LOCK_BAD_FORMAT;
    entry->stamp = strdup(text);
    if (entry->stamp == NULL)
        return VOUCH_LOCK_NO_MEMORY;
    kept->next = (uint64_t) (at / interval + 1) * (uint64_t) interval;
    kept->given_ms = turn->now.monotonic_ms;
    if (kept->shared && kept->next > kept->limit) {
        kept->limit = kept->next + (uint64_t) turn->limits->stamp_block_us;
        vouch_kept_record(kept, VOUCH_RECORD_STAMP, kept->limit, turn->out);
    }
    return 0;
}

static void
timestamp_put_back(struct vouch_lock_resource *resource,
                   struct vouch_entry *entry, int rollback,
                   const struct vouch_turn *turn)
{
    (void) resource;
    (void) rollback;
    (void) turn;
    free(entry->stamp);
    entry->stamp = NULL;
}

static int
timestamp_resume(struct vouch_lock_resource *resource,
                 struct vouch_entry *entry, const char *element)
{
    (void) resource;
    if (strlen(element) > VOUCH_LOCK_ELEMENT_MAX)
        return -1;
    entry->stamp = strdup(element);
    return entry->stamp != NULL ? 0 : -1;
}

static const char *
timestamp_element(const struct vouch_entry *entry,
                  char room[VOUCH_LOCK_ELEMENT_MAX + 1], size_t *length_r)
{
    (void) room;
    *length_r = strlen(entry->stamp);
    return entry->stamp;
}

static int64_t
timestamp_wake(const struct vouch_lock_resource *resource,
               const struct vouch_turn *turn)
{
    int64_t at = ready_at(resource, turn);

    if (resource->holders.count >= (size_t) resource->capacity)
        return VOUCH_TABLE_NEVER;
    return at > turn->now.monotonic_ms ? at : turn->now.monotonic_ms + 1;
}

const struct vouch_lock_kind vouch_kind_timestamp = {
    .fits = timestamp_fits,
    .take = timestamp_take,
    .put_back = timestamp_put_back,
    .resume = timestamp_resume,
    .element = timestamp_element,
    .wake = timestamp_wake,
};
