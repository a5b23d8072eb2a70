/*
 * Who may pass whom in the queue, and for how long.
 */
#include "lock_script_test.h"

static const struct script_line as_flom[] = {
    {"new fairness=-1", ""},
    {"lock 1 R mode=PR", "granted 1 R f=1.1"},
    {"lock 2 R mode=EX", "queued 2 R pos=1"},
    {"at 86400000", ""},
    {"lock 3 R mode=PR", "granted 3 R f=1.2"},
    {"lock 4 p[4] q=3", "granted 4 p[4] f=1.3"},
    {"lock 5 p[4] q=4", "queued 5 p[4] pos=1"},
    {"at 172800000", ""},
    {"lock 6 p[4] q=1", "granted 6 p[4] f=1.4"},
    {NULL, NULL},
};

static const struct script_line strict[] = {
    {"new fairness=0", ""},
    {"lock 1 R mode=PR", "granted 1 R f=1.1"},
    {"lock 2 R mode=EX", "queued 2 R pos=1"},
    {"lock 3 R mode=PR", "queued 3 R pos=2"},
    {"lock 4 R mode=NL", "granted 4 R f=1.2"},
    {"lock 5 R mode=PR wait=0", "refused 5 R code=4"},
    {"unlock 2 R", "withdrawn 2 R; granted 3 R f=1.3"},
    {"lock 6 p[4] q=3", "granted 6 p[4] f=1.4"},
    {"lock 7 p[4] q=4", "queued 7 p[4] pos=1"},
    {"lock 8 p[4] q=1", "queued 8 p[4] pos=2"},
    {"lock 9 p[4] q=0", "granted 9 p[4] f=1.5"},
    {"drop 7", "withdrawn 7 p[4]; granted 8 p[4] f=1.6"},
    {NULL, NULL},
};

/* The bound holds to the millisecond, in all types with a choice. */
static const struct script_line bound[] = {
    {"new", ""},
    {"lock 1 R mode=PR", "granted 1 R f=1.1"},
    {"lock 2 R mode=EX", "queued 2 R pos=1"},
    {"lock 11 p[4] q=3", "granted 11 p[4] f=1.2"},
    {"lock 12 p[4] q=4", "queued 12 p[4] pos=1"},
    {"lock 13 p[4] q=2", "queued 13 p[4] pos=2"},
    {"at 9999", ""},
    {"lock 3 R mode=PR", "granted 3 R f=1.3"},
    {"lock 14 p[4] q=1", "granted 14 p[4] f=1.4"},
    {"drop 14", "dropped 14 p[4]"},
    {"at 10000", ""},
    {"lock 4 R mode=PR", "queued 4 R pos=2"},
    {"lock 14 p[4] q=1", "queued 14 p[4] pos=3"},
    {"lock 15 p[4] q=1 wait=0", "refused 15 p[4] code=4"},
    {"drop 1", "dropped 1 R"},
    {"drop 3", "dropped 3 R; granted 2 R f=1.5"},
    {"drop 2", "dropped 2 R; granted 4 R f=1.6"},
    {"drop 11", "dropped 11 p[4]; granted 12 p[4] f=1.7"},
    {"drop 12",
     "dropped 12 p[4]; granted 13 p[4] f=1.8; granted 14 p[4] f=1.9"},
    {NULL, NULL},
};

/* What it would not delay may pass it. */
static const struct script_line harmless[] = {
    {"new fairness=10", ""},
    {"lock 1 R mode=PR", "granted 1 R f=1.1"},
    {"lock 2 R mode=CW", "queued 2 R pos=1"},
    {"at 20", ""},
    {"lock 3 R mode=CR", "granted 3 R f=1.2"},
    {"lock 4 R mode=PR", "queued 4 R pos=2"},
    {"drop 1", "dropped 1 R; granted 2 R f=1.3"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "as FLoM", as_flom);
    script_test(&script, "strict", strict);
    script_test(&script, "bound", bound);
    script_test(&script, "harmless", harmless);
    script_free(&script);
    return tap_done();
}
