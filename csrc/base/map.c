/*
 * The hash map: chains of entries under a table of a power of two slots.
 *
 * Not ordered, and it never shrinks.  Not for use by two threads at once.
 */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/siphash.h"

#define FIRST_SLOTS ((size_t) 16)

struct entry {
    struct entry *next;
    uint64_t hash;
    void *value;
    size_t length;
    unsigned char key[];
};

struct vouch_map {
    struct entry **slots;
    size_t slot_count; /* a power of two */
    size_t count;
    unsigned char seed[VOUCH_SIPHASH_SEED_SIZE];
};

void
vouch_map_free(struct vouch_map *map, void (*drop)(void *value))
{
    struct entry *entry;
    size_t i;

    if (map == NULL)
        return;
    for (i = 0; i < map->slot_count; i++) {
        while ((entry = map->slots[i]) != NULL) {
            map->slots[i] = entry->next;
            if (drop != NULL)
                drop(entry->value);
            free(entry);
        }
    }
    free(map->slots);
    free(map);
}

struct vouch_map *
vouch_map_new(void)
{
    struct vouch_map *map;

    map = calloc(1, sizeof(*map));
    if (map == NULL)
        return NULL;
    map->slots = calloc(FIRST_SLOTS, sizeof(*map->slots));
    if (map->slots == NULL)
        goto fail;
    map->slot_count = FIRST_SLOTS;
    if (RAND_bytes(map->seed, sizeof(map->seed)) != 1)
        goto fail;
    return map;

fail:
    vouch_map_free(map, NULL);
    return NULL;
}

static struct entry **
slot_of(const struct vouch_map *map, uint64_t hash)
{
    return &map->slots[hash & (map->slot_count - 1)];
}

/* The place that points to the entry of a key, or to NULL where it would
 * be added. */
static struct entry **
find_place(const struct vouch_map *map, uint64_t hash, const void *key,
           size_t length)
{
    struct entry **place = slot_of(map, hash);
    struct entry *entry;

    while ((entry = *place) != NULL) {
        if (entry->hash == hash && entry->length == length
            && (length == 0 || CRYPTO_memcmp(entry->key, key, length) == 0))
            break;
        place = &entry->next;
    }
    return place;
}

/* Double the table.  Without memory it stays: chains only get longer. */
static void
grow(struct vouch_map *map)
{
    struct entry **old = map->slots;
    size_t old_count = map->slot_count;
    struct entry **slots;
    struct entry **place;
    struct entry *entry;
    size_t i;

    if (old_count > SIZE_MAX / 2 / sizeof(*slots))
        return;
    slots = calloc(old_count * 2, sizeof(*slots));
    if (slots == NULL)
        return;
    map->slots = slots;
    map->slot_count = old_count * 2;
    for (i = 0; i < old_count; i++) {
        while ((entry = old[i]) != NULL) {
            old[i] = entry->next;
            place = slot_of(map, entry->hash);
            entry->next = *place;
            *place = entry;
        }
    }
    free(old);
}

static struct entry *
new_entry(uint64_t hash, const void *key, size_t length, void *value)
{
    struct entry *entry;

    if (length > SIZE_MAX - sizeof(*entry))
        return NULL;
    entry = malloc(sizeof(*entry) + length);
    if (entry == NULL)
        return NULL;
    entry->next = NULL;
    entry->hash = hash;
    entry->value = value;
    entry->length = length;
    if (length > 0)
        memcpy(entry->key, key, length);
    return entry;
}

int
vouch_map_put(struct vouch_map *map, const void *key, size_t length,
              void *value, void **old_r)
{
    uint64_t hash = vouch_siphash(map->seed, key, length);
    struct entry **place = find_place(map, hash, key, length);

    if (*place != NULL) {
        if (old_r != NULL)
            *old_r = (*place)->value;
        (*place)->value = value;
        return 1;
    }
    *place = new_entry(hash, key, length, value);
    if (*place == NULL)
        return -1;
    map->count++;
    if (map->count > map->slot_count)
        grow(map);
    return 0;
}

int
vouch_map_get(const struct vouch_map *map, const void *key, size_t length,
              void **value_r)
{
    uint64_t hash = vouch_siphash(map->seed, key, length);
    const struct entry *entry = *find_place(map, hash, key, length);

    if (entry == NULL)
        return 0;
    if (value_r != NULL)
        *value_r = entry->value;
    return 1;
}

int
vouch_map_remove(struct vouch_map *map, const void *key, size_t length,
                 void **value_r)
{
    uint64_t hash = vouch_siphash(map->seed, key, length);
    struct entry **place = find_place(map, hash, key, length);
    struct entry *entry = *place;

    if (entry == NULL)
        return 0;
    if (value_r != NULL)
        *value_r = entry->value;
    *place = entry->next;
    free(entry);
    map->count--;
    return 1;
}

size_t
vouch_map_count(const struct vouch_map *map)
{
    return map->count;
}

int
vouch_map_each(const struct vouch_map *map,
               int (*each)(const void *key, size_t length, void *value,
                           void *arg),
               void *arg)
{
    const struct entry *entry;
    size_t i;
    int result;

    for (i = 0; i < map->slot_count; i++) {
        for (entry = map->slots[i]; entry != NULL; entry = entry->next) {
            result = each(entry->key, entry->length, entry->value, arg);
            if (result != 0)
                return result;
        }
    }
    return 0;
}
