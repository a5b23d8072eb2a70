/*
 * What FLoM 1.7.2 gets wrong in its lock table, and ours must not; each
 * test is named after the defect.
 */
#include "lock_script_test.h"

/* A request that waited for its resource turned out impossible, was told so
 * late, and its client took that for a grant. */
static const struct script_line impossible[] = {
    {"new", ""},
    {"lock 1 p[2] q=5 create=0", "refused 1 p[2] code=6"},
    {"lock 2 p[2] q=1", "granted 2 p[2] f=1.1"},
    {"drop 2", "dropped 2 p[2]"},
    {"tick", ""},
    {"counts", "1 0 0"},
    {NULL, NULL},
};

/* /a/b is held by one, /a/c by another that dies: /a/c stayed locked. */
static const struct script_line hierarchy_leak[] = {
    {"new", ""},
    {"lock 1 /a/c", "granted 1 /a/c f=1.1"},
    {"lock 2 /a/b", "granted 2 /a/b f=1.2"},
    {"lock 3 /a/c", "queued 3 /a/c pos=1"},
    {"drop 1", "dropped 1 /a/c; granted 3 /a/c f=1.3"},
    {"drop 3", "dropped 3 /a/c"},
    {"lock 4 /a/c wait=0", "granted 4 /a/c f=1.4"},
    {NULL, NULL},
};

/* The first of the queue vanished just when it was its turn, and the next
 * one was never told. */
static const struct script_line lost_wake_up[] = {
    {"new", ""},
    {"lock 1 R", "granted 1 R f=1.1"},
    {"lock 2 R", "queued 2 R pos=1"},
    {"lock 3 R", "queued 3 R pos=2"},
    {"unlock 1 R", "released 1 R; granted 2 R f=1.2"},
    {"drop 2", "dropped 2 R; granted 3 R f=1.3"},
    {"lock 4 p[4] q=3", "granted 4 p[4] f=1.4"},
    {"lock 5 p[4] q=4", "queued 5 p[4] pos=1"},
    {"at 10000", ""},
    {"lock 6 p[4] q=1", "queued 6 p[4] pos=2"},
    {"drop 5", "withdrawn 5 p[4]; granted 6 p[4] f=1.5"},
    {NULL, NULL},
};

/* A holder that dies gives its transactional number back. */
static const struct script_line death_commits[] = {
    {"new", ""},
    {"lock 1 _S_n[1]", "granted 1 _S_n[1] f=1.1 e=1"},
    {"drop 1", "dropped 1 _S_n[1] e=1"},
    {"lock 2 _S_n[1]", "granted 2 _S_n[1] f=1.2 e=1"},
    {NULL, NULL},
};

/* A session that asked for another resource got the first one again. */
static const struct script_line wrong_resource[] = {
    {"new", ""},
    {"lock 1 A", "granted 1 A f=1.1"},
    {"unlock 1 A", "released 1 A"},
    {"lock 1 B", "granted 1 B f=1.2"},
    {"dump", "held 1 B EX since=0 f=1.2"},
    {NULL, NULL},
};

/* An unlock of another name let go of what was held. */
static const struct script_line wrong_unlock[] = {
    {"new", ""},
    {"lock 1 A", "granted 1 A f=1.1"},
    {"lock 1 /a/b", "granted 1 /a/b f=1.2"},
    {"unlock 1 B", "0 "},
    {"unlock 1 /a", "0 "},
    {"unlock 1 /a/c", "0 "},
    {"lock 2 A wait=0", "refused 2 A code=4"},
    {"lock 2 /a/b wait=0", "refused 2 /a/b code=4"},
    {NULL, NULL},
};

/* A negative quantity made the pool larger. */
static const struct script_line negative_quantity[] = {
    {"new", ""},
    {"lock 1 p[2] q=-5", "refused 1 p[2] code=-7"},
    {"lock 1 p[2] q=2", "granted 1 p[2] f=1.1"},
    {"lock 2 p[2] q=-1", "refused 2 p[2] code=-7"},
    {"lock 2 p[2] q=1 wait=0", "refused 2 p[2] code=4"},
    {NULL, NULL},
};

static const struct script_line mode_outside[] = {
    {"new", ""},
    {"lock 1 R mode=6", "refused 1 R code=-11"},
    {"lock 1 R mode=-1", "refused 1 R code=-11"},
    {"lock 1 /a mode=99", "refused 1 /a code=-11"},
    {"counts", "0 0 0"},
    {NULL, NULL},
};

/* A session queued behind itself crashed the daemon when it closed. */
static const struct script_line self_queued[] = {
    {"new", ""},
    {"lock 1 R", "granted 1 R f=1.1"},
    {"lock 1 R", "queued 1 R pos=1"},
    {"drop 1", "dropped 1 R; withdrawn 1 R"},
    {"lock 1 R", "granted 1 R f=1.2"},
    {"lock 1 R", "queued 1 R pos=1"},
    {"unlock 1 R", "released 1 R; granted 1 R f=1.3"},
    {"unlock 1 R", "released 1 R"},
    {"unlock 1 R", "0 "},
    {"lock 1 R mode=PR", "granted 1 R f=1.4"},
    {"lock 1 R mode=PR", "granted 1 R f=1.5"},
    {"unlock 1 R", "released 1 R"},
    {"lock 2 R wait=0", "refused 2 R code=4"},
    {"unlock 1 R", "released 1 R"},
    {"lock 2 R wait=0", "granted 2 R f=1.6"},
    {NULL, NULL},
};

/* EX behind a stream of PR, a large request behind small ones. */
static const struct script_line starvation[] = {
    {"new", ""},
    {"lock 1 R mode=PR", "granted 1 R f=1.1"},
    {"lock 2 R", "queued 2 R pos=1"},
    {"at 5000", ""},
    {"lock 3 R mode=PR", "granted 3 R f=1.2"},
    {"drop 1", "dropped 1 R"},
    {"at 10000", ""},
    {"lock 1 R mode=PR", "queued 1 R pos=2"},
    {"drop 3", "dropped 3 R; granted 2 R f=1.3"},
    {NULL, NULL},
};

/* After a step back of the clock only the parts of the second were
 * compared: the same stamp could be given twice. */
static const struct script_line same_stamp[] = {
    {"new", ""},
    {"wall 5300000", ""},
    {"lock 1 _t_%S#f[2]", "granted 1 _t_%S#f[2] f=1.1 e=05.3"},
    {"at 1100", ""},
    {"unlock 1 _t_%S#f[2]", "released 1 _t_%S#f[2] e=05.3"},
    {"lock 1 _t_%S#f[2]", "granted 1 _t_%S#f[2] f=1.2 e=06.4"},
    {"wall 5300000", ""},
    {"lock 2 _t_%S#f[2] wait=0", "refused 2 _t_%S#f[2] code=4"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "impossible request granted", impossible);
    script_test(&script, "hierarchy leak", hierarchy_leak);
    script_test(&script, "lost wake-up", lost_wake_up);
    script_test(&script, "death commits a number", death_commits);
    script_test(&script, "wrong resource locked", wrong_resource);
    script_test(&script, "wrong name unlocked", wrong_unlock);
    script_test(&script, "negative quantity", negative_quantity);
    script_test(&script, "mode outside 0 to 5", mode_outside);
    script_test(&script, "queued behind itself", self_queued);
    script_test(&script, "starvation", starvation);
    script_test(&script, "same stamp twice", same_stamp);
    script_free(&script);
    return tap_done();
}
