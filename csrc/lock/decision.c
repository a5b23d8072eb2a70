/*
 * The list of decisions: an array, and one block of bytes for its texts.
 *
 * Texts are kept as offsets, since the block moves when it grows.
 */
#include "lock/decision.h"

#include <stdlib.h>
#include <string.h>

#include "lock/name.h"

#define NAME_ROOM (VOUCH_LOCK_NAME_MAX + 1)
#define FIRST_ITEMS 4
#define KEPT_ITEMS 64 /* memory kept by clear */

struct item {
    struct vouch_decision decision;
    size_t name_at;
    size_t element_at;
};

struct vouch_decisions {
    struct item *items;
    size_t count;
    size_t size;
    char *text;
    size_t text_length;
    size_t text_size;
    int failed;
};

void
vouch_decisions_free(struct vouch_decisions *list)
{
    if (list == NULL)
        return;
    free(list->items);
    free(list->text);
    free(list);
}

struct vouch_decisions *
vouch_decisions_new(void)
{
    return calloc(1, sizeof(struct vouch_decisions));
}

void
vouch_decisions_clear(struct vouch_decisions *list)
{
    if (list->size > KEPT_ITEMS) {
        free(list->items);
        free(list->text);
        memset(list, 0, sizeof(*list));
    }
    list->count = 0;
    list->text_length = 0;
    list->failed = 0;
}

size_t
vouch_decisions_count(const struct vouch_decisions *list)
{
    return list->count;
}

int
vouch_decisions_get(const struct vouch_decisions *list, size_t index,
                    struct vouch_decision *decision_r)
{
    const struct item *item;

    if (index >= list->count)
        return 0;
    item = &list->items[index];
    *decision_r = item->decision;
    decision_r->name = list->text + item->name_at;
    if (decision_r->element != NULL)
        decision_r->element = list->text + item->element_at;
    return 1;
}

/* Double until there is room for wanted things of some size. */
static int
grow(void **block, size_t *size, size_t wanted, size_t each)
{
    size_t more = *size > 0 ? *size : FIRST_ITEMS;
    void *moved;

    if (wanted <= *size)
        return 0;
    if (wanted > SIZE_MAX / 2 / each)
        return -1;
    while (more < wanted)
        more *= 2;
    moved = realloc(*block, more * each);
    if (moved == NULL)
        return -1;
    *block = moved;
    *size = more;
    return 0;
}

int
vouch_decisions_reserve(struct vouch_decisions *list, size_t count)
{
    const size_t text = NAME_ROOM + VOUCH_LOCK_ELEMENT_MAX + 1;
    void *block = list->items;
    int status;

    if (count > SIZE_MAX / 4 / text)
        return -1;
    status =
        grow(&block, &list->size, list->count + count, sizeof(*list->items));
    list->items = block;
    if (status != 0)
        return -1;
    block = list->text;
    status =
        grow(&block, &list->text_size, list->text_length + count * text, 1);
    list->text = block;
    return status;
}

/* Copy a text into the block, which has room, and end it with a NUL. */
static size_t
put_text(struct vouch_decisions *list, const char *text, size_t length)
{
    size_t at = list->text_length;

    if (length > 0)
        memcpy(list->text + at, text, length);
    list->text[at + length] = '\0';
    list->text_length += length + 1;
    return at;
}

int
vouch_decisions_add(struct vouch_decisions *list,
                    const struct vouch_decision *decision)
{
    struct item *item;

    if (list->failed || decision->name_length >= NAME_ROOM
        || decision->element_length > VOUCH_LOCK_ELEMENT_MAX
        || vouch_decisions_reserve(list, 1) != 0) {
        list->failed = 1;
        return -1;
    }
    item = &list->items[list->count];
    item->decision = *decision;
    item->name_at = put_text(list, decision->name, decision->name_length);
    if (decision->element != NULL)
        item->element_at =
            put_text(list, decision->element, decision->element_length);
    list->count++;
    return 0;
}

int
vouch_decisions_failed(const struct vouch_decisions *list)
{
    return list->failed;
}

const char *
vouch_decision_name(int kind)
{
    static const char *const names[] = {
        "none",     "granted",   "queued",  "parked",    "refused",
        "released", "withdrawn", "dropped", "converted", "ended",
        "numbers",  "taken",     "spent",   "returned",  "stamp"};

    if (kind < 0 || kind >= (int) (sizeof(names) / sizeof(names[0])))
        return names[0];
    return names[kind];
}
