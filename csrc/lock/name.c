/*
 * Taking resource names apart.
 *
 * ASCII only, whatever the locale: letters are A to Z and a to z.
 */
#include "lock/name.h"

#include <string.h>

#define CAPACITY_MAX 2147483647 /* FLoM keeps it in 32 bits */

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static int
is_stamp_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '%' || c == '#' || c == '.'
           || c == ':';
}

/* A letter and then letters and digits. */
static int
is_simple(const char *text, size_t length)
{
    size_t i;

    if (length == 0 || !is_letter(text[0]))
        return 0;
    for (i = 1; i < length; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]))
            return 0;
    }
    return 1;
}

static int
is_stamp_format(const char *text, size_t length)
{
    size_t i;

    if (length == 0 || is_digit(text[0]) || text[0] == '.' || text[0] == ':')
        return 0;
    for (i = 0; i < length; i++) {
        if (!is_stamp_char(text[i]))
            return 0;
    }
    return 1;
}

/* Simple names between dots, two or more; their number, or 0. */
static size_t
count_elements(const char *text, size_t length)
{
    const char *dot;
    size_t count = 0;
    size_t part;

    for (;;) {
        dot = memchr(text, '.', length);
        part = dot != NULL ? (size_t) (dot - text) : length;
        if (!is_simple(text, part))
            return 0;
        count++;
        if (dot == NULL)
            return count > 1 ? count : 0;
        text += part + 1;
        length -= part + 1;
    }
}

/* The length of the first level if this is a path, else 0. */
static size_t
first_level(const char *text, size_t length)
{
    size_t first = 0;
    size_t i;

    if (length < 2 || text[0] != '/' || text[length - 1] == '/')
        return 0;
    for (i = 1; i < length; i++) {
        if (text[i] == '\n' || text[i] == '\r'
            || (text[i] == '/' && text[i - 1] == '/'))
            return 0;
        if (text[i] == '/' && first == 0)
            first = i;
    }
    return first != 0 ? first : length;
}

/*
 * Split "base[N]".  1 with the length of the base and the number (-1 when
 * it is too large), 0 if the text does not end so.
 */
static int
split_capacity(const char *text, size_t length, size_t *base_r,
               int64_t *capacity_r)
{
    const char *open = memchr(text, '[', length);
    int64_t capacity = 0;
    size_t base;
    size_t i;

    if (open == NULL || text[length - 1] != ']')
        return 0;
    base = (size_t) (open - text);
    if (base + 2 >= length)
        return 0;
    for (i = base + 1; i < length - 1; i++) {
        if (!is_digit(text[i]))
            return 0;
        if (capacity >= 0)
            capacity = capacity * 10 + (text[i] - '0');
        if (capacity > CAPACITY_MAX)
            capacity = -1;
    }
    *base_r = base;
    *capacity_r = capacity;
    return 1;
}

static int
starts_with(const char *text, size_t length, const char *prefix)
{
    size_t size = strlen(prefix);

    return length >= size && memcmp(text, prefix, size) == 0;
}

/* The length of the prefix of sequences and timestamps; others have none. */
static size_t
prefix_length(enum vouch_lock_type type)
{
    return type == VOUCH_LOCK_SEQUENCE || type == VOUCH_LOCK_TIMESTAMP ? 3 : 0;
}

/* The types whose names end with "[N]". */
static enum vouch_lock_type
classify_counted(const char *text, size_t base)
{
    if (is_simple(text, base))
        return VOUCH_LOCK_NUMERIC;
    if ((starts_with(text, base, "_s_") || starts_with(text, base, "_S_"))
        && is_simple(text + 3, base - 3))
        return VOUCH_LOCK_SEQUENCE;
    if (starts_with(text, base, "_t_") && is_stamp_format(text + 3, base - 3))
        return VOUCH_LOCK_TIMESTAMP;
    return VOUCH_LOCK_INVALID;
}

static void
classify(struct vouch_lock_name *name)
{
    const char *text = name->text;
    size_t length = name->length;
    size_t base;

    name->key_length = length;
    if (is_simple(text, length)
        || strcmp(text, VOUCH_LOCK_DEFAULT_NAME) == 0) {
        name->type = VOUCH_LOCK_SIMPLE;
    } else if (text[0] == '/') {
        name->key_length = first_level(text, length);
        if (name->key_length > 0)
            name->type = VOUCH_LOCK_HIERARCHY;
    } else if (split_capacity(text, length, &base, &name->capacity)) {
        name->type = classify_counted(text, base);
        name->transactional =
            name->type == VOUCH_LOCK_SEQUENCE && text[1] == 'S';
    } else {
        name->capacity = (int64_t) count_elements(text, length);
        if (name->capacity > 0)
            name->type = VOUCH_LOCK_SET;
    }
}

int
vouch_lock_name_parse(const char *text, size_t length,
                      struct vouch_lock_name *name_r)
{
    memset(name_r, 0, sizeof(*name_r));
    if (length == 0 || length > VOUCH_LOCK_NAME_MAX
        || memchr(text, '\0', length) != NULL)
        return -1;
    memcpy(name_r->text, text, length);
    name_r->length = length;
    classify(name_r);
    if (name_r->type == VOUCH_LOCK_INVALID) {
        memset(name_r, 0, sizeof(*name_r));
        return -1;
    }
    return 0;
}

const char *
vouch_lock_name_base(const struct vouch_lock_name *name, size_t *length_r)
{
    size_t prefix = prefix_length(name->type);
    const char *open = NULL;

    if (name->type == VOUCH_LOCK_NUMERIC || prefix > 0)
        open = memchr(name->text, '[', name->length);
    *length_r =
        (open != NULL ? (size_t) (open - name->text) : name->length) - prefix;
    return name->text + prefix;
}

const char *
vouch_lock_name_element(const struct vouch_lock_name *name, size_t index,
                        size_t *length_r)
{
    const char *at = name->text;
    const char *end = name->text + name->length;
    const char *dot;

    if (name->type != VOUCH_LOCK_SET || index >= (size_t) name->capacity)
        return NULL;
    for (;;) {
        dot = memchr(at, '.', (size_t) (end - at));
        if (index == 0)
            break;
        index--;
        at = dot + 1;
    }
    *length_r = (size_t) ((dot != NULL ? dot : end) - at);
    return at;
}

const char *
vouch_lock_type_name(int type)
{
    static const char *const names[] = {"invalid",  "simple",    "numeric",
                                        "set",      "hierarchy", "sequence",
                                        "timestamp"};

    if (type < 0 || type >= (int) (sizeof(names) / sizeof(names[0])))
        return names[0];
    return names[type];
}

int
vouch_lock_type_has_mode(int type)
{
    return type == VOUCH_LOCK_SIMPLE || type == VOUCH_LOCK_HIERARCHY;
}
