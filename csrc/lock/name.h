/*
 * Resource names: which type of resource a name means, and its parts.
 *
 * The name alone tells the type, by FLoM's rules:
 *
 *   simple      _RESOURCE, or a letter and then letters and digits
 *   numeric     name[N]        N units
 *   set         a.b.c          one element for each holder
 *   hierarchy   /a/b/c         any bytes but '/', NUL and line breaks
 *   sequence    _s_name[N]     numbers; _S_name[N] takes them back
 *   timestamp   _t_FORMAT[N]   texts of the time
 *
 * Pure.  A timestamp's format is looked at when the resource is made, not
 * here.
 */
#ifndef VOUCH_LOCK_NAME_H
#define VOUCH_LOCK_NAME_H

#include <stddef.h>
#include <stdint.h>

#define VOUCH_LOCK_NAME_MAX 511 /* bytes; FLoM's messages carry about 240 */
#define VOUCH_LOCK_DEFAULT_NAME "_RESOURCE"

/* The numbers are those of FLoM. */
enum vouch_lock_type {
    VOUCH_LOCK_INVALID = 0,
    VOUCH_LOCK_SIMPLE = 1,
    VOUCH_LOCK_NUMERIC = 2,
    VOUCH_LOCK_SET = 3,
    VOUCH_LOCK_HIERARCHY = 4,
    VOUCH_LOCK_SEQUENCE = 5,
    VOUCH_LOCK_TIMESTAMP = 6
};

struct vouch_lock_name {
    enum vouch_lock_type type;
    int transactional; /* 1 for _S_ */
    int64_t capacity;  /* N of [N], or -1 if N is above 2147483647; of a
                        * set its number of elements; else 0 */
    size_t length;
    size_t key_length; /* how much of text names the resource: all, but of
                        * a hierarchy the first level only */
    char text[VOUCH_LOCK_NAME_MAX + 1];
};

/*
 * Take a name apart.  0, or -1 when it is invalid; name_r is then of type
 * VOUCH_LOCK_INVALID.  Bytes with a NUL in them are invalid.
 */
int vouch_lock_name_parse(const char *text, size_t length,
                          struct vouch_lock_name *name_r);

/*
 * The format or base name between the prefix and "[N]" of a numeric,
 * sequence or timestamp name; of another name all of it.  A pointer into
 * name->text.
 */
const char *vouch_lock_name_base(const struct vouch_lock_name *name,
                                 size_t *length_r);

/*
 * Element number index (from 0) of a set's name.  A pointer into
 * name->text, or NULL when there are fewer.
 */
const char *vouch_lock_name_element(const struct vouch_lock_name *name,
                                    size_t index, size_t *length_r);

/* "simple" to "timestamp", "invalid" for anything else.  Static storage. */
const char *vouch_lock_type_name(int type);

/* 1 if resources of this type are locked in a mode, else 0. */
int vouch_lock_type_has_mode(int type);

#endif
