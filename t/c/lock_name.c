/*
 * lock/name: each type, what is invalid, limits, and the parts.
 */
#include "lock/name.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

struct good {
    const char *text;
    enum vouch_lock_type type;
    long capacity;
    const char *key;
    const char *base;
};

static const struct good good[] = {
    {"_RESOURCE", VOUCH_LOCK_SIMPLE, 0, "_RESOURCE", "_RESOURCE"},
    {"a", VOUCH_LOCK_SIMPLE, 0, "a", "a"},
    {"Z9z", VOUCH_LOCK_SIMPLE, 0, "Z9z", "Z9z"},
    {"N[10]", VOUCH_LOCK_NUMERIC, 10, "N[10]", "N"},
    {"N[0]", VOUCH_LOCK_NUMERIC, 0, "N[0]", "N"},
    {"N[007]", VOUCH_LOCK_NUMERIC, 7, "N[007]", "N"},
    {"N[2147483647]", VOUCH_LOCK_NUMERIC, 2147483647, "N[2147483647]", "N"},
    {"N[2147483648]", VOUCH_LOCK_NUMERIC, -1, "N[2147483648]", "N"},
    {"N[99999999999999999999999]", VOUCH_LOCK_NUMERIC, -1,
     "N[99999999999999999999999]", "N"},
    {"a.b", VOUCH_LOCK_SET, 2, "a.b", "a.b"},
    {"red.green.red.b1", VOUCH_LOCK_SET, 4, "red.green.red.b1",
     "red.green.red.b1"},
    {"/a", VOUCH_LOCK_HIERARCHY, 0, "/a", "/a"},
    {"/a/b/c", VOUCH_LOCK_HIERARCHY, 0, "/a", "/a/b/c"},
    {"/ /. x/\x01\xff", VOUCH_LOCK_HIERARCHY, 0, "/ ", "/ /. x/\x01\xff"},
    {"/_s_a[1]", VOUCH_LOCK_HIERARCHY, 0, "/_s_a[1]", "/_s_a[1]"},
    {"_s_x[1]", VOUCH_LOCK_SEQUENCE, 1, "_s_x[1]", "x"},
    {"_S_x1[20]", VOUCH_LOCK_SEQUENCE, 20, "_S_x1[20]", "x1"},
    {"_t_%S[1]", VOUCH_LOCK_TIMESTAMP, 1, "_t_%S[1]", "%S"},
    {"_t_#f%S[3]", VOUCH_LOCK_TIMESTAMP, 3, "_t_#f%S[3]", "#f%S"},
    {"_t_ts.%H:%M#fff9[1]", VOUCH_LOCK_TIMESTAMP, 1, "_t_ts.%H:%M#fff9[1]",
     "ts.%H:%M#fff9"},
};

static const char *const bad[] = {
    "",
    "_",
    "_RESOURCES",
    "_resource",
    "_RESOURCE[1]",
    "_RESOURCE.a",
    "1a",
    "-",
    "a-b",
    "a b",
    "a_b",
    "a.",
    ".a",
    "a..b",
    "a.1",
    "a.b[1]",
    ".",
    "/",
    "//",
    "/a/",
    "/a//b",
    "a/b",
    "/a\nb",
    "/a\n/b",
    "/a/b\r",
    "a\n",
    "a[1]\n",
    "a[]",
    "a[-1]",
    "a[+1]",
    "a[1",
    "a1]",
    "a[1]]",
    "a[1][2]",
    "a[[1]",
    "[1]",
    "a[1]b",
    "a[1 ]",
    "1[1]",
    "_s_",
    "_s_x",
    "_s_[1]",
    "_s_x[]",
    "_s_1[1]",
    "_s_x.y[1]",
    "_T_%S[1]",
    "_t_[1]",
    "_t_%S",
    "_t_.%S[1]",
    "_t_:%S[1]",
    "_t_1%S[1]",
    "_t_%S-[1]",
    "_t_%S_%M[1]",
    "_s[1]",
    "_x_a[1]",
    "\xc3\xa9",
    "_bad",
    "_t_%S[x]",
    "a[1",
    "]",
};

static void
test_good(void)
{
    struct vouch_lock_name name;
    char key[VOUCH_LOCK_NAME_MAX + 1];
    char base[VOUCH_LOCK_NAME_MAX + 1];
    const char *at;
    size_t length;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        is_int(
            vouch_lock_name_parse(good[i].text, strlen(good[i].text), &name),
            0, "taken");
        is_int(name.type, good[i].type, good[i].key);
        is_int(name.capacity, good[i].capacity, "its capacity");
        is_text(name.text, good[i].text, "its text");
        memcpy(key, name.text, name.key_length);
        key[name.key_length] = '\0';
        is_text(key, good[i].key, "what names the resource");
        at = vouch_lock_name_base(&name, &length);
        memcpy(base, at, length);
        base[length] = '\0';
        is_text(base, good[i].base, "its base");
        is_int(name.transactional, strncmp(good[i].text, "_S_", 3) == 0,
               "transactional or not");
    }
}

static void
test_bad(void)
{
    struct vouch_lock_name name;
    char what[64];
    size_t i;
    size_t j;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(what, sizeof(what), "refused: '%s'", bad[i]);
        for (j = 0; what[j] != '\0'; j++) {
            if (what[j] < ' ' || what[j] == '#')
                what[j] = '?';
        }
        is_int(vouch_lock_name_parse(bad[i], strlen(bad[i]), &name), -1, what);
        is_int(name.type, VOUCH_LOCK_INVALID, "and invalid");
    }
    is_int(vouch_lock_name_parse("a\0b", 3, &name), -1, "a NUL");
    is_int(vouch_lock_name_parse("/a\0b", 4, &name), -1, "a NUL in a path");
    is_int(vouch_lock_name_parse("ab", 1, &name), 0, "length counts");
    is_text(name.text, "a", "and no more is read");
}

static void
test_length(void)
{
    char text[VOUCH_LOCK_NAME_MAX + 1];
    struct vouch_lock_name name;

    memset(text, 'a', sizeof(text));
    is_int(vouch_lock_name_parse(text, VOUCH_LOCK_NAME_MAX - 1, &name), 0,
           "one below the longest name");
    is_int(vouch_lock_name_parse(text, VOUCH_LOCK_NAME_MAX, &name), 0,
           "the longest name");
    is_int(strlen(name.text), VOUCH_LOCK_NAME_MAX, "is kept whole");
    is_int(vouch_lock_name_parse(text, VOUCH_LOCK_NAME_MAX + 1, &name), -1,
           "one above");
}

static void
test_elements(void)
{
    static const char *const want[] = {"red", "g", "red", "b1"};
    struct vouch_lock_name name;
    const char *at;
    size_t length = 99;
    size_t i;

    (void) vouch_lock_name_parse("red.g.red.b1", 12, &name);
    for (i = 0; i < 4; i++) {
        at = vouch_lock_name_element(&name, i, &length);
        is_int(length, strlen(want[i]), "length of an element");
        ok(at != NULL && memcmp(at, want[i], length) == 0, want[i]);
    }
    ok(vouch_lock_name_element(&name, 4, &length) == NULL, "no fifth");
    (void) vouch_lock_name_parse("red", 3, &name);
    ok(vouch_lock_name_element(&name, 0, &length) == NULL,
       "a simple name has no elements");
}

static void
test_types(void)
{
    static const char *const want[] = {"invalid",  "simple",    "numeric",
                                       "set",      "hierarchy", "sequence",
                                       "timestamp"};
    int i;

    for (i = 0; i < 7; i++) {
        is_text(vouch_lock_type_name(i), want[i], want[i]);
        is_int(vouch_lock_type_has_mode(i),
               i == VOUCH_LOCK_SIMPLE || i == VOUCH_LOCK_HIERARCHY,
               "modes or not");
    }
    is_text(vouch_lock_type_name(7), "invalid", "a number above");
    is_text(vouch_lock_type_name(-1), "invalid", "a number below");
}

int
main(void)
{
    test_good();
    test_bad();
    test_length();
    test_elements();
    test_types();
    return tap_done();
}
