/*
 * Numeric resources, sets and sequences.
 */
#include "lock_script_test.h"

static const struct script_line units[] = {
    {"new", ""},
    {"lock 1 p[5] q=3", "granted 1 p[5] f=1.1"},
    {"lock 2 p[5] q=4", "queued 2 p[5] pos=1"},
    {"lock 3 p[5] q=2", "granted 3 p[5] f=1.2"},
    {"lock 4 p[5] q=0", "granted 4 p[5] f=1.3"},
    {"lock 5 p[5] q=1 wait=0", "refused 5 p[5] code=4"},
    {"lock 5 p[5]", "queued 5 p[5] pos=2"},
    {"lock 6 p[5] q=3", "queued 6 p[5] pos=3"},
    {"lock 7 p[5] q=2", "queued 7 p[5] pos=4"},
    {"unlock 1 p[5]", "released 1 p[5]; granted 5 p[5] f=1.4; "
                      "granted 7 p[5] f=1.5"},
    {"drop 5", "dropped 5 p[5]"},
    {"drop 3", "dropped 3 p[5]; granted 6 p[5] f=1.6"},
    {"drop 7", "dropped 7 p[5]"},
    {"drop 6", "dropped 6 p[5]; granted 2 p[5] f=1.7"},
    {"dump", "held 4 p[5] EX q=0 since=0 f=1.3; held 2 p[5] EX q=4 since=0 "
             "f=1.7"},
    /* Another spelling is another resource. */
    {"lock 1 p[05] q=5", "granted 1 p[05] f=1.8"},
    {"lock 1 p q=5", "granted 1 p f=1.9"},
    {NULL, NULL},
};

static const struct script_line unit_limits[] = {
    {"new", ""},
    {"lock 1 a[0] q=1", "refused 1 a[0] code=6"},
    {"lock 1 a[0] q=0", "granted 1 a[0] f=1.1"},
    {"lock 1 a[2] q=3", "refused 1 a[2] code=6"},
    {"lock 1 a[2] q=3 wait=0", "refused 1 a[2] code=6"},
    {"lock 1 a[2] q=-1", "refused 1 a[2] code=-7"},
    {"lock 1 a[2] q=9223372036854775807", "refused 1 a[2] code=6"},
    {"lock 1 a[2147483647] q=2147483647", "granted 1 a[2147483647] f=1.2"},
    {"lock 2 a[2147483647] q=1 wait=0", "refused 2 a[2147483647] code=4"},
    {"lock 2 a[2147483647] q=2147483648", "refused 2 a[2147483647] code=6"},
    {"lock 2 a[2147483648] q=1", "refused 2 a[2147483648] code=6"},
    {"lock 2 a[2147483648] q=0", "refused 2 a[2147483648] code=6"},
    {"counts", "2 2 0"},
    {NULL, NULL},
};

/* Given in turn, also when the one in turn is out; equal names are two. */
static const struct script_line elements[] = {
    {"new", ""},
    {"lock 1 a.b.c", "granted 1 a.b.c f=1.1 e=a"},
    {"unlock 1 a.b.c", "released 1 a.b.c e=a"},
    {"lock 1 a.b.c", "granted 1 a.b.c f=1.2 e=b"},
    {"lock 2 a.b.c", "granted 2 a.b.c f=1.3 e=c"},
    {"unlock 1 a.b.c", "released 1 a.b.c e=b"},
    {"lock 1 a.b.c", "granted 1 a.b.c f=1.4 e=a"},
    {"lock 3 a.b.c", "granted 3 a.b.c f=1.5 e=b"},
    {"lock 4 a.b.c wait=0", "refused 4 a.b.c code=4"},
    {"lock 4 a.b.c", "queued 4 a.b.c pos=1"},
    {"lock 5 a.b.c", "queued 5 a.b.c pos=2"},
    {"drop 3", "dropped 3 a.b.c e=b; granted 4 a.b.c f=1.6 e=b"},
    {"drop 1", "dropped 1 a.b.c e=a; granted 5 a.b.c f=1.7 e=a"},
    {"lock 6 x.x", "granted 6 x.x f=1.8 e=x"},
    {"lock 7 x.x", "granted 7 x.x f=1.9 e=x"},
    {"lock 8 x.x wait=0", "refused 8 x.x code=4"},
    {"dump", "held 2 a.b.c EX since=0 f=1.3 e=c; held 4 a.b.c EX since=0 "
             "f=1.6 e=b; held 5 a.b.c EX since=0 f=1.7 e=a; held 6 x.x EX "
             "since=0 f=1.8 e=x; held 7 x.x EX since=0 f=1.9 e=x"},
    {NULL, NULL},
};

static const struct script_line plain_numbers[] = {
    {"new", ""},
    {"lock 1 _s_n[2]", "granted 1 _s_n[2] f=1.1 e=1"},
    {"lock 2 _s_n[2]", "granted 2 _s_n[2] f=1.2 e=2"},
    {"lock 3 _s_n[2] wait=0", "refused 3 _s_n[2] code=4"},
    {"lock 3 _s_n[2]", "queued 3 _s_n[2] pos=1"},
    {"unlock 1 _s_n[2] rollback=1",
     "released 1 _s_n[2] code=12 e=1; granted 3 _s_n[2] f=1.3 e=3"},
    {"drop 2", "dropped 2 _s_n[2] e=2"},
    {"lock 4 _s_n[2]", "granted 4 _s_n[2] f=1.4 e=4"},
    {"lock 4 _s_n[0]", "refused 4 _s_n[0] code=6"},
    {"lock 4 _s_n[9999999999]", "refused 4 _s_n[9999999999] code=6"},
    /* They live as long as the resource. */
    {"drop 3", "dropped 3 _s_n[2] e=3"},
    {"unlock 4 _s_n[2]", "released 4 _s_n[2] e=4"},
    {"drop 1", ""},
    {"at 60000", ""},
    {"tick", ""},
    {"lock 4 _s_n[2]", "granted 4 _s_n[2] f=1.5 e=5"},
    {"drop 4", "dropped 4 _s_n[2] e=5"},
    {"at 62000", ""},
    {"tick", "ended _s_n[2]"},
    {"lock 4 _s_n[2]", "granted 4 _s_n[2] f=1.6 e=1"},
    {NULL, NULL},
};

/* Numbers given back or lost with their holder are given first, in the
 * order they came back. */
static const struct script_line transactional_numbers[] = {
    {"new", ""},
    {"lock 1 _S_n[3]", "granted 1 _S_n[3] f=1.1 e=1"},
    {"lock 2 _S_n[3]", "granted 2 _S_n[3] f=1.2 e=2"},
    {"lock 3 _S_n[3]", "granted 3 _S_n[3] f=1.3 e=3"},
    {"lock 4 _S_n[3]", "queued 4 _S_n[3] pos=1"},
    {"unlock 2 _S_n[3] rollback=1",
     "released 2 _S_n[3] e=2; granted 4 _S_n[3] f=1.4 e=2"},
    {"drop 3", "dropped 3 _S_n[3] e=3"},
    {"drop 1", "dropped 1 _S_n[3] e=1"},
    {"unlock 4 _S_n[3]", "released 4 _S_n[3] e=2"},
    {"lock 5 _S_n[3]", "granted 5 _S_n[3] f=1.5 e=3"},
    {"lock 6 _S_n[3]", "granted 6 _S_n[3] f=1.6 e=1"},
    {"lock 7 _S_n[3]", "granted 7 _S_n[3] f=1.7 e=4"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "units", units);
    script_test(&script, "limits of units", unit_limits);
    script_test(&script, "elements", elements);
    script_test(&script, "plain numbers", plain_numbers);
    script_test(&script, "transactional numbers", transactional_numbers);
    script_free(&script);
    return tap_done();
}
