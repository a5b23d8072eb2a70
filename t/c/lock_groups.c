/*
 * Several resources in one request: all or nothing.
 */
#include "lock_script_test.h"

static const struct script_line together[] = {
    {"new", ""},
    {"lock 1 z tag=5 + a + p[3] q=2",
     "granted 1 z t=5 p=0/3 f=1.3; granted 1 a t=5 p=1/3 f=1.1; "
     "granted 1 p[3] t=5 p=2/3 f=1.2"},
    {"lock 2 q.r + z wait=0", "queued 2 z p=1/2 pos=1"},
    {"lock 3 q.r wait=0", "granted 3 q.r f=1.5 e=r"},
    {"drop 3", "dropped 3 q.r e=r"},
    {"lock 4 q.r wait=0 + z", "refused 4 z p=1/2 code=4"},
    {"unlock 2 q.r", "withdrawn 2 z p=1/2"},
    {"unlock 1 z", "released 1 z t=5"},
    {"lock 2 q.r + z",
     "granted 2 q.r p=0/2 f=1.7 e=r; granted 2 z p=1/2 f=1.8"},
    {"unlock 2 q.r", "released 2 q.r e=r"},
    {"unlock 2 z", "released 2 z"},
    {NULL, NULL},
};

/* Two that want the same, each in its own order: no circle. */
static const struct script_line no_circle[] = {
    {"new", ""},
    {"lock 1 a", "granted 1 a f=1.1"},
    {"lock 2 b + a", "queued 2 a p=1/2 pos=1"},
    {"lock 3 a + b", "queued 3 a p=0/2 pos=2"},
    {"lock 4 b", "granted 4 b f=1.2"},
    {"drop 1", "dropped 1 a"},
    {"drop 4", "dropped 4 b; granted 2 b p=0/2 f=1.4; granted 2 a p=1/2 "
               "f=1.3"},
    {"drop 2", "dropped 2 a; dropped 2 b; granted 3 a p=0/2 f=1.5; "
               "granted 3 b p=1/2 f=1.6"},
    /* The order of paths is that of their levels. */
    {"lock 5 /m-x + /m/b", "granted 5 /m-x p=0/2 f=1.8; granted 5 /m/b p=1/2 "
                           "f=1.7"},
    {NULL, NULL},
};

static const struct script_line never[] = {
    {"new", ""},
    {"lock 1 a + a", "refused 1 a p=0/2 code=6"},
    {"lock 1 /a + /a/b", "refused 1 /a p=0/2 code=6"},
    {"lock 1 /a/b + /a mode=PR", "refused 1 /a p=1/2 code=-11"},
    {"lock 1 /a/b mode=PR + /a mode=PR",
     "granted 1 /a/b p=0/2 f=1.2; granted 1 /a p=1/2 f=1.1"},
    {"lock 1 x + a..b", "refused 1  code=-14"},
    {"lock 1 x + p[3] q=4", "refused 1 p[3] code=6"},
    {"lock 1 x + y mode=9", "refused 1 y code=-11"},
    {"counts", "1 2 0"},
    {NULL, NULL},
};

/* What was had already is let go again; a transactional number goes back. */
static const struct script_line undone[] = {
    {"new", ""},
    {"lock 1 b", "granted 1 b f=1.1"},
    {"lock 2 _S_n[1] + b", "queued 2 b p=1/2 pos=1"},
    {"dump",
     "held 1 b EX since=0 f=1.1; waiting 2 b EX since=0; held 2 _S_n[1] EX since=0 f=1.2 e=1"},
    {"lock 3 _S_n[1]", "queued 3 _S_n[1] pos=1"},
    {"drop 2", "withdrawn 2 b p=1/2; granted 3 _S_n[1] f=1.3 e=1"},
    {"lock 4 b timeout=30 + c", "queued 4 b p=0/2 pos=1"},
    {"lock 5 a timeout=30 + b", "queued 5 b p=1/2 pos=2"},
    {"lock 6 a", "queued 6 a pos=1"},
    {"at 30", ""},
    {"tick", "refused 4 b p=0/2 code=9; refused 5 b p=1/2 code=9; "
             "granted 6 a f=1.5"},
    {"counts", "3 3 0"},
    {NULL, NULL},
};

static const struct script_line absent[] = {
    {"new", ""},
    {"lock 1 a + b create=0", "parked 1 b p=1/2 code=2"},
    {"lock 2 a", "queued 2 a pos=1"},
    {"lock 3 b", "granted 3 b f=1.2"},
    {"drop 3", "dropped 3 b; granted 1 a p=0/2 f=1.1; granted 1 b p=1/2 "
               "f=1.3"},
    {"drop 1", "dropped 1 a; dropped 1 b; granted 2 a f=1.4"},
    {"lock 4 c wait=0 + d create=0", "refused 4 d p=1/2 code=5"},
    {"lock 5 c create=0 + d", "granted 5 c p=0/2 f=1.6; granted 5 d p=1/2 "
                              "f=1.7"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "together", together);
    script_test(&script, "no circle", no_circle);
    script_test(&script, "never", never);
    script_test(&script, "undone", undone);
    script_test(&script, "absent", absent);
    script_free(&script);
    return tap_done();
}
