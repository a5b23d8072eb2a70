/*
 * base/map and base/siphash: vectors, put, get, remove, growth, iteration.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/map.h"
#include "base/siphash.h"
#include "tap.h"

#define MANY 5000
#define LONGEST 300

/* From the paper and its reference vectors: seed 00..0f, input 00, 01, ... */
static void
test_vectors(void)
{
    static const uint64_t want[] = {
        UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd),
        UINT64_C(0x0d6c8009d9a94f5a), UINT64_C(0x85676696d7fb7e2d),
        UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
        UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137),
        UINT64_C(0x93f5f5799a932462), UINT64_C(0x9e0082df0ba9e4b0),
        UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
        UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90),
        UINT64_C(0xf723ca908e7af2ee), UINT64_C(0xa129ca6149be45e5),
    };
    unsigned char seed[VOUCH_SIPHASH_SEED_SIZE];
    unsigned char data[64];
    char name[32];
    size_t i;

    for (i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char) i;
    memcpy(seed, data, sizeof(seed));
    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        (void) snprintf(name, sizeof(name), "%zu bytes", i);
        ok(vouch_siphash(seed, data, i) == want[i], name);
    }
    ok(vouch_siphash(seed, data, 63) == UINT64_C(0x958a324ceb064572),
       "63 bytes");
    ok(vouch_siphash(seed, NULL, 0) == want[0], "no bytes, no pointer");
}

/* The hash by OpenSSL.  0, or -1 where it was built without. */
static int
openssl_siphash(unsigned char *seed, const unsigned char *data, size_t length,
                uint64_t *hash_r)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t size = 8;
    unsigned char out[8];
    OSSL_PARAM params[2];
    size_t i;
    int result = -1;

    params[0] = OSSL_PARAM_construct_size_t("size", &size);
    params[1] = OSSL_PARAM_construct_end();
    if (ctx != NULL && EVP_MAC_init(ctx, seed, VOUCH_SIPHASH_SEED_SIZE, params)
        && EVP_MAC_update(ctx, data, length)
        && EVP_MAC_final(ctx, out, &size, sizeof(out))) {
        *hash_r = 0;
        for (i = 0; i < 8; i++)
            *hash_r |= (uint64_t) out[i] << (8 * i);
        result = 0;
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return result;
}

static void
test_against_openssl(void)
{
    unsigned char seed[VOUCH_SIPHASH_SEED_SIZE];
    unsigned char data[LONGEST];
    uint64_t want = 0;
    int wrong = 0;
    size_t i;

    for (i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char) (255 - i * 3);
    memcpy(seed, data + 40, sizeof(seed));
    for (i = 0; i <= LONGEST; i++) {
        if (openssl_siphash(seed, data, i, &want) != 0)
            break;
        wrong += vouch_siphash(seed, data, i) != want;
    }
    is_int(wrong, 0, "the same as OpenSSL's, where it has one");
}

static void
test_basics(void)
{
    struct vouch_map *map = vouch_map_new();
    int one = 1;
    int two = 2;
    void *value = &map;

    ok(map != NULL, "new");
    is_int(vouch_map_count(map), 0, "empty");
    is_int(vouch_map_get(map, "a", 1, &value), 0, "not there");
    is_int(vouch_map_remove(map, "a", 1, &value), 0, "nothing to remove");
    ok(value == &map, "out parameter is untouched");
    is_int(vouch_map_put(map, "a", 1, &one, &value), 0, "put: new");
    ok(value == &map, "no old value");
    is_int(vouch_map_put(map, "a", 1, &two, &value), 1, "put: there");
    ok(value == &one, "old value");
    is_int(vouch_map_put(map, "a", 1, NULL, NULL), 1, "put without old_r");
    is_int(vouch_map_get(map, "a", 1, &value), 1, "get");
    ok(value == NULL, "NULL is a value");
    is_int(vouch_map_get(map, "a", 1, NULL), 1, "get without value_r");
    is_int(vouch_map_count(map), 1, "one");
    is_int(vouch_map_remove(map, "a", 1, NULL), 1, "remove");
    is_int(vouch_map_count(map), 0, "empty again");
    vouch_map_free(map, NULL);
    vouch_map_free(NULL, NULL);
}

/* Keys are bytes: empty, with NULs, one the beginning of another. */
static void
test_keys(void)
{
    static const struct {
        const char *key;
        size_t length;
    } keys[] = {
        {NULL, 0},       {"\0", 1},        {"\0\0", 2}, {"a", 1},
        {"a\0", 2},      {"a\0b", 3},      {"a\0c", 3}, {"A", 1},
        {"12345678", 8}, {"123456789", 9},
    };
    size_t count = sizeof(keys) / sizeof(keys[0]);
    struct vouch_map *map = vouch_map_new();
    char copy[16];
    void *value;
    size_t i;

    for (i = 0; i < count; i++) {
        if (keys[i].length > 0)
            memcpy(copy, keys[i].key, keys[i].length);
        is_int(
            vouch_map_put(map, copy, keys[i].length, (void *) &keys[i], NULL),
            0, "each key is a new one");
    }
    memset(copy, 'z', sizeof(copy));
    for (i = 0; i < count; i++) {
        value = NULL;
        is_int(vouch_map_get(map, keys[i].key, keys[i].length, &value), 1,
               "found under its own copy");
        ok(value == &keys[i], "with its value");
    }
    is_int(vouch_map_count(map), count, "count");
    vouch_map_free(map, NULL);
}

static int dropped;

static void
count_drop(void *value)
{
    *(int *) value += 1;
    dropped++;
}

static int
mark(const void *key, size_t length, void *value, void *arg)
{
    (void) key;
    (void) length;
    *(int *) value += 1;
    *(int *) arg += 1;
    return 0;
}

static int
stop_at_third(const void *key, size_t length, void *value, void *arg)
{
    (void) key;
    (void) length;
    (void) value;
    *(int *) arg += 1;
    return *(int *) arg == 3 ? 33 : 0;
}

/* Whether exactly the numbers from first on are found; wrong ones counted. */
static int
wrong_lookups(const struct vouch_map *map, int *values, int first)
{
    void *value;
    int wrong = 0;
    int found;
    int i;

    for (i = 0; i < MANY; i++) {
        value = NULL;
        found = vouch_map_get(map, &i, sizeof(i), &value);
        wrong += found != (i >= first);
        wrong += found && value != &values[i];
    }
    return wrong;
}

static void
test_many(void)
{
    static int values[MANY];
    struct vouch_map *map = vouch_map_new();
    int visits = 0;
    int wrong = 0;
    int i;

    for (i = 0; i < MANY; i++)
        wrong += vouch_map_put(map, &i, sizeof(i), &values[i], NULL) != 0;
    is_int(wrong, 0, "all are put");
    is_int(vouch_map_count(map), MANY, "all are counted");
    is_int(wrong_lookups(map, values, 0), 0, "all are found");

    for (i = 0; i < MANY / 2; i++)
        wrong += vouch_map_remove(map, &i, sizeof(i), NULL) != 1;
    is_int(wrong, 0, "half is removed");
    is_int(wrong_lookups(map, values, MANY / 2), 0, "half is found");

    is_int(vouch_map_each(map, mark, &visits), 0, "each ends with 0");
    is_int(visits, MANY - MANY / 2, "each visits what is left");
    for (i = 0; i < MANY; i++)
        wrong += values[i] != (i >= MANY / 2);
    is_int(wrong, 0, "and each once");
    visits = 0;
    is_int(vouch_map_each(map, stop_at_third, &visits), 33, "each stops");
    is_int(visits, 3, "at once");

    vouch_map_free(map, count_drop);
    is_int(dropped, MANY - MANY / 2, "free drops the values left");
    for (i = 0; i < MANY; i++)
        wrong += values[i] != (i >= MANY / 2 ? 2 : 0);
    is_int(wrong, 0, "each once");
}

int
main(void)
{
    test_vectors();
    test_against_openssl();
    test_basics();
    test_keys();
    test_many();
    return tap_done();
}
