/*
 * Many waiters are handed over in linear time; many holders are small.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lock/table.h"
#include "tap.h"

#define FEW 2000
#define MANY (4 * FEW)
#define TRIES 8
#define RATIO 9.0 /* linear is 4, quadratic 16 */
#define HOLDERS 5000
#define HOLDERS_KB 8000 /* of the 25 MB for the daemon with as many clients */

struct load {
    const char *about;
    const char *first;   /* held while the others come */
    const char *waiting; /* what they want; "%d" is their number */
    int mode;
    int64_t quantity;
    int64_t fairness_ms;
};

static const struct load loads[] = {
    {"EX", "R", "R", VOUCH_LOCK_EX, 1, 10000},
    {"EX, strictly in turn", "R", "R", VOUCH_LOCK_EX, 1, 0},
    {"PR, all at once", "R", "R", VOUCH_LOCK_PR, 1, 10000},
    {"units", "p[9]", "p[9]", 0, 5, 10000},
    {"units, small ones", "p[9]", "p[9]", 0, 1, -1},
    {"set", "a.b", "a.b", 0, 1, 10000},
    {"sequence", "_s_n[1]", "_s_n[1]", 0, 1, 10000},
    {"numbers that go back", "_S_n[1]", "_S_n[1]", 0, 1, 10000},
    {"one path", "/a", "/a/b/c", VOUCH_LOCK_EX, 1, 10000},
    {"one path, strictly in turn", "/a", "/a/b/c", VOUCH_LOCK_EX, 1, 0},
    {"many paths", "/a", "/a/b/%d", VOUCH_LOCK_EX, 1, 10000},
    {"the root of many paths", "/a/b", "/a", VOUCH_LOCK_EX, 1, 10000},
};

static struct vouch_table_time now;

static struct vouch_lock_name
name_of(const char *format, int number)
{
    struct vouch_lock_name name;
    char text[64];

    if (strstr(format, "%d") != NULL)
        (void) snprintf(text, sizeof(text), "%.*s%d", (int) strlen(format) - 2,
                        format, number);
    else
        (void) snprintf(text, sizeof(text), "%s", format);
    (void) vouch_lock_name_parse(text, strlen(text), &name);
    return name;
}

static void
request(struct vouch_table *table, struct vouch_decisions *list, int owner,
        const struct vouch_lock_name *name, int mode, int64_t quantity)
{
    struct vouch_table_want want;
    struct vouch_table_request ask;

    memset(&want, 0, sizeof(want));
    want.name = name;
    want.mode = mode;
    want.quantity = quantity;
    want.create = 1;
    memset(&ask, 0, sizeof(ask));
    ask.owner = (uint64_t) owner;
    ask.wants = &want;
    ask.count = 1;
    ask.wait = 1;
    ask.timeout_ms = -1;
    (void) vouch_table_request(table, &ask, &now, list);
}

/* Let go of all in the order in which they were granted. */
static int
hand_over(struct vouch_table *table, struct vouch_decisions *list, int count)
{
    uint64_t *holders = calloc((size_t) count + 2, sizeof(*holders));
    struct vouch_decision decision;
    int granted = 1;
    int done;
    size_t i;

    holders[0] = 1;
    for (done = 0; done < granted; done++) {
        vouch_decisions_clear(list);
        vouch_table_drop(table, holders[done], &now, list);
        for (i = 0; vouch_decisions_get(list, i, &decision); i++) {
            if (decision.kind == VOUCH_DECISION_GRANTED && granted <= count)
                holders[granted++] = decision.owner;
        }
    }
    free(holders);
    return granted;
}

/* The CPU time, in seconds, of handing over to so many; -1 if any of them
 * was not granted. */
static double
measure(const struct load *load, int count)
{
    struct vouch_decisions *list = vouch_decisions_new();
    struct vouch_table_limits limits;
    struct vouch_table *table;
    struct vouch_lock_name name = name_of(load->first, 0);
    clock_t start;
    double spent;
    int granted;
    int i;

    vouch_table_limits_default(&limits);
    limits.fairness_ms = load->fairness_ms;
    table = vouch_table_new(&limits);
    request(table, list, 1, &name, VOUCH_LOCK_EX, 9);
    if (strcmp(load->first, "a.b") == 0)
        request(table, list, 1, &name, VOUCH_LOCK_EX, 1);
    vouch_decisions_clear(list);
    start = clock();
    for (i = 0; i < count; i++) {
        name = name_of(load->waiting, i);
        request(table, list, i + 2, &name, load->mode, load->quantity);
        vouch_decisions_clear(list);
    }
    granted = hand_over(table, list, count);
    spent = (double) (clock() - start) / CLOCKS_PER_SEC;
    vouch_table_free(table);
    vouch_decisions_free(list);
    return granted == count + 1 ? spent : -1;
}

static void
test_linear(const struct load *load)
{
    double best = 1000;
    double few;
    double many;
    char name[128];
    int i;

    for (i = 0; i < TRIES && best > RATIO; i++) {
        few = measure(load, FEW);
        many = measure(load, MANY);
        if (few < 0 || many < 0)
            break;
        if (many / (few > 0 ? few : 1e-6) < best)
            best = many / (few > 0 ? few : 1e-6);
    }
    (void) snprintf(name, sizeof(name),
                    "%s: 4 times as many, no more than "
                    "%.0f times the time",
                    load->about, RATIO);
    if (!ok(best <= RATIO, name))
        printf("# best %.2f, last %.6f s and %.6f s\n", best, few, many);
}

/* The size of this process in KB, or -1 where that cannot be told. */
static long
resident_kb(void)
{
    FILE *in = fopen("/proc/self/statm", "r");
    char line[128];
    char *end;
    long pages = -1;

    if (in == NULL)
        return -1;
    if (fgets(line, sizeof(line), in) != NULL) {
        (void) strtol(line, &end, 10);
        pages = strtol(end, NULL, 10) * 4;
    }
    (void) fclose(in);
    return pages;
}

static void
test_memory(void)
{
    struct vouch_decisions *list = vouch_decisions_new();
    struct vouch_table_limits limits;
    struct vouch_table *table;
    struct vouch_lock_name name;
    long before = resident_kb();
    long used;
    int i;

    vouch_table_limits_default(&limits);
    table = vouch_table_new(&limits);
    for (i = 0; i < HOLDERS; i++) {
        name = name_of("resource%d", i);
        request(table, list, i + 1, &name, VOUCH_LOCK_EX, 1);
        vouch_decisions_clear(list);
    }
    is_int(vouch_table_holders(table), HOLDERS, "so many are held");
    used = resident_kb() - before;
    if (before < 0 || getenv("VOUCH_TEST_TOOL") != NULL)
        printf("# the size cannot be told here\n");
    else if (!ok(used < HOLDERS_KB, "in so much memory"))
        printf("# %ld KB for %d\n", used, HOLDERS);
    vouch_table_free(table);
    vouch_decisions_free(list);
}

int
main(void)
{
    size_t i;

    test_memory();
    for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
        test_linear(&loads[i]);
    return tap_done();
}
