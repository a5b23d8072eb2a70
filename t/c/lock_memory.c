/*
 * The lock table when memory is out: each allocation fails once, and then
 * several in a row.  Nothing is lost, nothing stays behind, and whoever waits
 * is served when memory is back.
 *
 * The sources are taken in whole, so that their allocations can be ours.
 */
#include <stdlib.h>
#include <string.h>

static int until_failure = -1; /* < 0: never */
static int failures;

static int
fails(void)
{
    if (until_failure < 0)
        return 0;
    if (until_failure > 0) {
        until_failure--;
        return 0;
    }
    if (failures == 0) {
        until_failure = -1;
        return 0;
    }
    failures--;
    return 1;
}

static void *
failing_malloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

static void *
failing_calloc(size_t count, size_t size)
{
    return fails() ? NULL : calloc(count, size);
}

static void *
failing_realloc(void *block, size_t size)
{
    return fails() ? NULL : realloc(block, size);
}

static char *
failing_strdup(const char *text)
{
    return fails() ? NULL : strdup(text);
}

#undef strdup
#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc
#define strdup failing_strdup

#include "lock/table.c"
#include "lock/table_convert.c"
#include "lock/table_entry.c"
#include "lock/table_request.c"
#include "lock/table_serve.c"
#include "lock/table_state.c"
#include "lock/decision.c"
#include "lock/hierarchy.c"
#include "lock/kept.c"
#include "lock/numeric.c"
#include "lock/sequence.c"
#include "lock/set.c"
#include "lock/simple.c"
#include "lock/timestamp.c"
#include "lock/tree.c"
#undef FIRST_SLOTS
#define grow map_grow
#include "base/map.c"

#include "lock_script_run.h"
#include "tap.h"

#define SCENARIOS 2
#define LINES 64
#define MOST 2000 /* allocations of a scenario, at most */
#define OWNERS 30

static const char *const scenarios[SCENARIOS][LINES] = {
    {
        "lock 1 R",
        "lock 2 R mode=PR",
        "lock 3 R mode=PR timeout=5",
        "lock 4 p[5] q=3",
        "lock 5 p[5] q=4",
        "lock 6 p[5] q=2",
        "lock 7 p[5] q=1",
        "lock 8 p[5] q=1",
        "lock 9 p[5] q=1",
        "lock 10 a.b",
        "lock 11 a.b",
        "lock 12 a.b",
        "lock 13 /a/b/c",
        "lock 14 /a/b",
        "lock 15 /a/d/e mode=PR",
        "lock 16 /a mode=PR",
        "lock 17 _S_n[1]",
        "lock 18 _S_n[1]",
        "lock 19 _t_%S[2] wait=1",
        "lock 20 _t_%S[2]",
        "lock 21 x create=0",
        "lock 22 x create=0",
        "lock 23 y + R + /a/b/c",
        "lock 24 x",
        "convert 13 /a/b/c mode=PR",
        "unlock 17 _S_n[1] rollback=1",
        "unlock 4 p[5]",
        "at 20",
        "tick",
        "unlock 1 R",
        "unlock 10 a.b",
        "drop 24",
    },
    {
        "new persistent=1 block=2 epoch=3 fairness=0",
        "restore taken _S_n[9] 4",
        "restore numbers _s_n[9] 4",
        "grace 50",
        "lock 1 R",
        "lock 2 _S_n[9]",
        "resume 3 _S_n[9] epoch=2 counter=1 element=4",
        "resume 4 /a/b epoch=2 counter=2",
        "resume 5 c.d epoch=2 counter=3 element=d",
        "lock 6 /a + c.d",
        "at 50",
        "tick",
        "lock 7 _s_n[9]",
        "lock 8 _s_n[9]",
        "lock 9 _s_n[9]",
        "lock 10 _t_%S[1]",
        "convert 1 R mode=PR",
        "lock 11 R mode=PR",
        "convert 1 R mode=EX",
        "unlock 11 R",
        "settle",
    },
};

/* Run a line, again if it said that memory was out and nothing done. */
static void
run_line(struct script *s, const char *line)
{
    int tries;

    for (tries = 0; tries < 20; tries++) {
        if (strncmp(script_run(s, line), "-1", 2) != 0)
            break;
        if (strncmp(line, "restore", 7) == 0 && until_failure == -1)
            break;
    }
}

/* With failing allocations from number first on; how many failed. */
static int
run(const char *const *lines, int first, int count, int *wrong)
{
    struct script *s = calloc(1, sizeof(*s));
    char line[64];
    int failed;
    int owner;

    until_failure = -1;
    (void) script_run(s, "new");
    if (strncmp(*lines, "new", 3) == 0)
        (void) script_run(s, *lines++);
    until_failure = first;
    failures = count;
    for (; *lines != NULL; lines++)
        run_line(s, *lines);
    failed = count - failures;
    until_failure = -1;

    /* Those that hold from the start go; then nobody may wait. */
    (void) script_run(s, "at 100000");
    for (owner = 0; owner < 4 * OWNERS; owner++) {
        (void) snprintf(line, sizeof(line), "drop %d", owner % OWNERS + 1);
        (void) script_run(s, line);
        (void) script_run(s, "tick");
    }
    *wrong += strstr(script_run(s, "counts"), " 0 0") == NULL;
    (void) script_run(s, "at 200000");
    (void) script_run(s, "tick");
    *wrong += strcmp(script_run(s, "counts"), "0 0 0") != 0;
    *wrong += strcmp(script_run(s, "deadline"), "never") != 0;
    script_free(s);
    free(s);
    return failed;
}

/* After the failure has passed, a tick gives to those that wait. */
static void
test_served_later(void)
{
    struct script *s = calloc(1, sizeof(*s));
    int wrong = 0;
    int first;
    int i;

    for (first = 0; first < 60; first++) {
        until_failure = -1;
        (void) script_run(s, "new");
        (void) script_run(s, "lock 1 R");
        for (i = 2; i < 30; i++) {
            char line[64];

            (void) snprintf(line, sizeof(line), "lock %d R mode=PR", i);
            (void) script_run(s, line);
        }
        vouch_decisions_free(s->list);
        s->list = vouch_decisions_new();
        until_failure = first;
        failures = 1;
        (void) script_run(s, "unlock 1 R");
        until_failure = -1;
        (void) script_run(s, "unlock 1 R");
        (void) script_run(s, "at 10");
        (void) script_run(s, "tick");
        wrong += strcmp(script_run(s, "counts"), "1 28 0") != 0;
    }
    is_int(wrong, 0, "all 28 are served when memory is back");
    script_free(s);
    free(s);
}

static void
test_new(void)
{
    struct vouch_table_limits limits;
    struct vouch_table *table;
    int first;

    vouch_table_limits_default(&limits);
    limits.persistent = 1;
    for (first = 0; first < 20; first++) {
        until_failure = first;
        failures = 1;
        table = vouch_table_new(&limits);
        if (table != NULL)
            break;
    }
    vouch_table_free(table);
    until_failure = -1;
    ok(first > 3 && first < 20, "a table is made, or it is not");
}

static void
test_limits(void)
{
    struct vouch_table_limits limits;

    vouch_table_limits_default(&limits);
    limits.epoch = 0;
    ok(vouch_table_new(&limits) == NULL, "no epoch");
    vouch_table_limits_default(&limits);
    limits.name_length = VOUCH_LOCK_NAME_MAX + 1;
    ok(vouch_table_new(&limits) == NULL, "names too long");
    vouch_table_limits_default(&limits);
    limits.fairness_ms = -2;
    ok(vouch_table_new(&limits) == NULL, "no such fairness");
    vouch_table_limits_default(&limits);
    limits.queue = 0;
    ok(vouch_table_new(&limits) == NULL, "no queue");
    vouch_table_free(NULL);
}

int
main(void)
{
    char name[80];
    int scenario;
    int wrong;
    int first;
    int in_row;

    for (scenario = 0; scenario < SCENARIOS; scenario++) {
        for (in_row = 1; in_row <= 5; in_row += 4) {
            wrong = 0;
            for (first = 0; first < MOST; first++) {
                if (run(scenarios[scenario], first, in_row, &wrong) == 0)
                    break;
            }
            (void) snprintf(name, sizeof(name),
                            "scenario %d, %d in a row: nothing stays behind",
                            scenario, in_row);
            is_int(wrong, 0, name);
            ok(first > 30 && first < MOST, "all allocations have failed once");
        }
    }
    test_served_later();
    test_new();
    test_limits();
    return tap_done();
}
