/*
 * lock/decision: a list that keeps texts, grows, and is emptied.
 */
#include "lock/decision.h"

#include <string.h>

#include "lock/name.h"
#include "tap.h"

#define MANY 3000

static struct vouch_decision
decision(uint64_t owner, const char *name, const char *element)
{
    struct vouch_decision made;

    memset(&made, 0, sizeof(made));
    made.kind = VOUCH_DECISION_GRANTED;
    made.owner = owner;
    made.name = name;
    made.name_length = strlen(name);
    made.element = element;
    made.element_length = element != NULL ? strlen(element) : 0;
    return made;
}

static void
test_texts(void)
{
    struct vouch_decisions *list = vouch_decisions_new();
    struct vouch_decision made;
    struct vouch_decision got;
    char name[] = "a.b";

    is_int(vouch_decisions_count(list), 0, "empty");
    is_int(vouch_decisions_get(list, 0, &got), 0, "nothing to get");
    made = decision(7, name, "b");
    is_int(vouch_decisions_add(list, &made), 0, "added");
    name[0] = 'z';
    made = decision(8, "x", NULL);
    (void) vouch_decisions_add(list, &made);
    made = decision(9, "y", "");
    (void) vouch_decisions_add(list, &made);
    is_int(vouch_decisions_count(list), 3, "three");
    is_int(vouch_decisions_get(list, 0, &got), 1, "the first");
    is_int(got.owner, 7, "its owner");
    is_text(got.name, "a.b", "its name is a copy");
    is_text(got.element, "b", "its element");
    (void) vouch_decisions_get(list, 1, &got);
    ok(got.element == NULL, "no element is NULL");
    (void) vouch_decisions_get(list, 2, &got);
    is_text(got.element, "", "an empty element is not");
    vouch_decisions_clear(list);
    is_int(vouch_decisions_count(list), 0, "cleared");
    is_int(vouch_decisions_get(list, 0, &got), 0, "nothing left");
    vouch_decisions_free(list);
    vouch_decisions_free(NULL);
}

static void
test_many(void)
{
    struct vouch_decisions *list = vouch_decisions_new();
    struct vouch_decision made;
    struct vouch_decision got;
    char text[VOUCH_LOCK_NAME_MAX + 2];
    int wrong = 0;
    int i;

    memset(text, 'n', sizeof(text));
    text[VOUCH_LOCK_NAME_MAX] = '\0';
    for (i = 0; i < MANY; i++) {
        made = decision((uint64_t) i, text + i % 500, "element");
        wrong += vouch_decisions_add(list, &made) != 0;
    }
    for (i = 0; i < MANY; i++) {
        wrong += vouch_decisions_get(list, (size_t) i, &got) != 1;
        wrong += got.owner != (uint64_t) i;
        wrong += strcmp(got.name, text + i % 500) != 0;
        wrong += strcmp(got.element, "element") != 0;
    }
    is_int(wrong, 0, "all are kept");
    is_int(vouch_decisions_failed(list), 0, "not failed");
    text[VOUCH_LOCK_NAME_MAX] = 'n';
    text[VOUCH_LOCK_NAME_MAX + 1] = '\0';
    made = decision(1, text, NULL);
    is_int(vouch_decisions_add(list, &made), -1, "a name too long fails");
    is_int(vouch_decisions_failed(list), 1, "and is remembered");
    made = decision(1, "a", NULL);
    is_int(vouch_decisions_add(list, &made), -1, "so does the next");
    vouch_decisions_clear(list);
    is_int(vouch_decisions_failed(list), 0, "cleared: forgiven");
    is_int(vouch_decisions_reserve(list, (size_t) -1), -1, "no such memory");
    is_int(vouch_decisions_reserve(list, 10), 0, "but some");
    vouch_decisions_free(list);
}

static void
test_names(void)
{
    is_text(vouch_decision_name(VOUCH_DECISION_GRANTED), "granted", "first");
    is_text(vouch_decision_name(VOUCH_DECISION_ENDED), "ended", "the ninth");
    is_text(vouch_decision_name(VOUCH_RECORD_STAMP), "stamp", "last");
    is_text(vouch_decision_name(99), "none", "no such kind");
}

int
main(void)
{
    test_texts();
    test_many();
    test_names();
    return tap_done();
}
