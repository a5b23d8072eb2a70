/*
 * Any bytes as the name of a resource; its parts lie inside the name.
 */
#include "fuzz.h"

#include <string.h>

#include "lock/name.h"

static void
check_part(const struct vouch_lock_name *name, const char *part, size_t length)
{
    FUZZ_CHECK(part >= name->text);
    FUZZ_CHECK(length <= name->length);
    FUZZ_CHECK(part + length <= name->text + name->length);
}

/* The elements of a set fill it, with a dot between two. */
static void
check_elements(const struct vouch_lock_name *name)
{
    size_t count = 0;
    size_t total = 0;
    size_t length;
    const char *part;

    while ((part = vouch_lock_name_element(name, count, &length)) != NULL) {
        check_part(name, part, length);
        FUZZ_CHECK(length > 0);
        total += length;
        count++;
    }
    if (name->type == VOUCH_LOCK_SET)
        FUZZ_CHECK(count >= 2 && total + count - 1 == name->length);
    else
        FUZZ_CHECK(count == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_lock_name name;
    struct vouch_lock_name again;
    const char *part;
    size_t length;

    if (vouch_lock_name_parse((const char *) data, size, &name) != 0) {
        FUZZ_CHECK(name.type == VOUCH_LOCK_INVALID);
        return 0;
    }
    FUZZ_CHECK(name.type >= VOUCH_LOCK_SIMPLE);
    FUZZ_CHECK(name.type <= VOUCH_LOCK_TIMESTAMP);
    FUZZ_CHECK(name.length == size && memcmp(name.text, data, size) == 0);
    FUZZ_CHECK(strlen(name.text) == size);
    FUZZ_CHECK(name.key_length > 0 && name.key_length <= size);
    FUZZ_CHECK(name.capacity >= -1 && name.capacity <= 2147483647);
    part = vouch_lock_name_base(&name, &length);
    check_part(&name, part, length);
    FUZZ_CHECK(length > 0);
    check_elements(&name);
    /* What names the resource is a name of the same type. */
    FUZZ_CHECK(vouch_lock_name_parse(name.text, name.key_length, &again) == 0);
    FUZZ_CHECK(again.type == name.type);
    FUZZ_CHECK(again.key_length == name.key_length);
    return 0;
}
