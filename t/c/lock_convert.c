/*
 * Another mode or quantity for what is held.
 */
#include "lock_script_test.h"

static const struct script_line modes[] = {
    {"new", ""},
    {"convert 1 R mode=PR", "0 "},
    {"lock 1 R mode=EX tag=3", "granted 1 R t=3 f=1.1"},
    {"lock 2 R mode=PR", "queued 2 R pos=1"},
    {"convert 2 R mode=CR", "0 "},
    {"convert 1 R mode=PR tag=4",
     "converted 1 R t=4 f=1.2; granted 2 R f=1.3"},
    {"convert 1 R mode=EX wait=0", "refused 1 R code=4"},
    {"convert 1 R mode=EX tag=5", "queued 1 R t=5 pos=1"},
    {"dump", "converting 1 R PR to=EX/1 since=0 f=1.2; held 2 R PR since=0 "
             "f=1.3"},
    {"convert 2 R mode=EX", "refused 2 R code=4"},
    {"convert 2 R mode=CR", "converted 2 R f=1.4"},
    {"lock 3 R mode=PR", "queued 3 R pos=1"},
    {"lock 4 R mode=NL", "granted 4 R f=1.5"},
    {"drop 2", "dropped 2 R; converted 1 R t=5 f=1.6"},
    {"convert 1 R mode=9", "refused 1 R code=-11"},
    {"unlock 1 R", "released 1 R t=3; granted 3 R f=1.7"},
    {NULL, NULL},
};

/* Given up by letting go, or by asking for what is held. */
static const struct script_line giving_up[] = {
    {"new", ""},
    {"lock 1 R mode=PR", "granted 1 R f=1.1"},
    {"lock 2 R mode=PR", "granted 2 R f=1.2"},
    {"convert 1 R mode=EX", "queued 1 R pos=1"},
    {"lock 3 R mode=PR", "queued 3 R pos=1"},
    {"convert 1 R mode=PR", "converted 1 R f=1.3; granted 3 R f=1.4"},
    {"convert 2 R mode=EX", "queued 2 R pos=1"},
    {"lock 4 R mode=CR", "queued 4 R pos=1"},
    {"drop 2", "dropped 2 R; granted 4 R f=1.5"},
    {"convert 3 R mode=PW", "queued 3 R pos=1"},
    {"unlock 3 R", "released 3 R"},
    {"dump", "held 1 R PR since=0 f=1.3; held 4 R CR since=0 f=1.5"},
    {NULL, NULL},
};

static const struct script_line units[] = {
    {"new", ""},
    {"lock 1 p[5] q=2", "granted 1 p[5] f=1.1"},
    {"lock 2 p[5] q=2", "granted 2 p[5] f=1.2"},
    {"convert 1 p[5] q=6", "refused 1 p[5] code=6"},
    {"convert 1 p[5] q=-1", "refused 1 p[5] code=-7"},
    {"convert 1 p[5] q=4", "queued 1 p[5] pos=1"},
    {"lock 3 p[5] q=1", "queued 3 p[5] pos=1"},
    {"lock 4 p[5] q=0", "granted 4 p[5] f=1.3"},
    {"convert 2 p[5] q=3 wait=0", "converted 2 p[5] f=1.4"},
    {"convert 2 p[5] q=1", "converted 2 p[5] f=1.5; converted 1 p[5] f=1.6"},
    {"convert 1 p[5] q=3", "converted 1 p[5] f=1.7; granted 3 p[5] f=1.8"},
    {"dump", "held 1 p[5] EX q=3 since=0 f=1.7; held 2 p[5] EX since=0 "
             "f=1.5; held 4 p[5] EX q=0 since=0 f=1.3; held 3 p[5] EX "
             "since=0 f=1.8"},
    {NULL, NULL},
};

static const struct script_line paths[] = {
    {"new", ""},
    {"lock 1 /a/b mode=PR", "granted 1 /a/b f=1.1"},
    {"lock 2 /a mode=PR", "granted 2 /a f=1.2"},
    {"convert 1 /a/b mode=EX", "queued 1 /a/b pos=1"},
    {"lock 3 /a/b/c mode=PR", "queued 3 /a/b/c pos=1"},
    {"lock 4 /a/c mode=PR", "granted 4 /a/c f=1.3"},
    {"unlock 2 /a", "released 2 /a; converted 1 /a/b f=1.4"},
    {"convert 1 /a/b mode=PR", "converted 1 /a/b f=1.5; granted 3 /a/b/c "
                               "f=1.6"},
    {NULL, NULL},
};

static const struct script_line others[] = {
    {"new", ""},
    {"lock 1 a.b", "granted 1 a.b f=1.1 e=a"},
    {"convert 1 a.b", "refused 1 a.b code=6"},
    {"lock 1 _s_x[1]", "granted 1 _s_x[1] f=1.2 e=1"},
    {"convert 1 _s_x[1]", "refused 1 _s_x[1] code=6"},
    {"lock 1 x + y", "granted 1 x p=0/2 f=1.3; granted 1 y p=1/2 f=1.4"},
    {"convert 1 y mode=PR", "converted 1 y f=1.5"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "modes", modes);
    script_test(&script, "giving up", giving_up);
    script_test(&script, "units", units);
    script_test(&script, "paths", paths);
    script_test(&script, "others", others);
    script_free(&script);
    return tap_done();
}
