/*
 * What outlives a daemon: records, restore, the grace period, resume.
 */
#include "lock_script_test.h"

/* Blocks of numbers are told before the first of them is given. */
static const struct script_line blocks[] = {
    {"new persistent=1 block=3", ""},
    {"lock 1 _s_n[9]", "numbers _s_n[9] v=4; granted 1 _s_n[9] f=1.1 e=1"},
    {"lock 2 _s_n[9]", "granted 2 _s_n[9] f=1.2 e=2"},
    {"lock 3 _s_n[9]", "granted 3 _s_n[9] f=1.3 e=3"},
    {"lock 4 _s_n[9]", "numbers _s_n[9] v=7; granted 4 _s_n[9] f=1.4 e=4"},
    {"drop 1", "dropped 1 _s_n[9] e=1"},
    {"drop 2", "dropped 2 _s_n[9] e=2"},
    {"drop 3", "dropped 3 _s_n[9] e=3"},
    {"drop 4", "dropped 4 _s_n[9] e=4"},
    {"at 2000", ""},
    {"tick", "ended _s_n[9]"},
    {"lock 1 _s_n[9]", "granted 1 _s_n[9] f=1.5 e=5"},
    {"settle", "numbers _s_n[9] v=6"},
    {"settle", ""},
    {"lock 2 _s_n[9]", "numbers _s_n[9] v=9; granted 2 _s_n[9] f=1.6 e=6"},
    {NULL, NULL},
};

static const struct script_line transactional[] = {
    {"new persistent=1", ""},
    {"lock 1 _S_n[9]", "taken _S_n[9] v=1; granted 1 _S_n[9] f=1.1 e=1"},
    {"lock 2 _S_n[9]", "taken _S_n[9] v=2; granted 2 _S_n[9] f=1.2 e=2"},
    {"unlock 1 _S_n[9]", "released 1 _S_n[9] e=1; spent _S_n[9] v=1"},
    {"unlock 2 _S_n[9] rollback=1",
     "released 2 _S_n[9] e=2; returned _S_n[9] v=2"},
    {"lock 1 _S_n[9]", "taken _S_n[9] v=2; granted 1 _S_n[9] f=1.3 e=2"},
    {"drop 1", "dropped 1 _S_n[9] e=2; returned _S_n[9] v=2"},
    {"settle", ""},
    {NULL, NULL},
};

static const struct script_line stamps[] = {
    {"new persistent=1", ""},
    {"lock 1 _t_%S#fff[9]", "stamp _t_%S#fff[9] v=1001000; "
                            "granted 1 _t_%S#fff[9] f=1.1 e=00.000"},
    {"at 1000", ""},
    {"lock 2 _t_%S#fff[9]", "granted 2 _t_%S#fff[9] f=1.2 e=01.000"},
    {"at 1001", ""},
    {"lock 3 _t_%S#fff[9]", "stamp _t_%S#fff[9] v=2002000; "
                            "granted 3 _t_%S#fff[9] f=1.3 e=01.001"},
    {"settle", "stamp _t_%S#fff[9] v=1002000"},
    {NULL, NULL},
};

static const struct script_line restored[] = {
    {"new persistent=1 epoch=7", ""},
    {"restore numbers _s_n[9] 101", ""},
    {"restore returned _S_t[9] 5", ""},
    {"restore returned _S_t[9] 3", ""},
    {"restore taken _S_t[9] 8", ""},
    {"restore numbers _S_t[9] 7", ""},
    {"restore stamp _t_%S[9] 1700000", ""},
    {"restore stamp _s_n[9] 5", "-1"},
    {"restore numbers _t_%S[9] 5", "-1"},
    {"restore numbers R 5", "-1"},
    {"restore taken _s_n[9] 5", "-1"},
    {"restore returned _s_n[9] 5", "-1"},
    {"restore numbers _s_n[9] 0", "-1"},
    {"lock 1 _s_n[9]", "returned _S_t[9] v=8; numbers _s_n[9] v=201; "
                       "granted 1 _s_n[9] f=7.1 e=101"},
    {"lock 2 _S_t[9]", "taken _S_t[9] v=5; granted 2 _S_t[9] f=7.2 e=5"},
    {"lock 3 _S_t[9]", "taken _S_t[9] v=3; granted 3 _S_t[9] f=7.3 e=3"},
    {"lock 4 _S_t[9]", "taken _S_t[9] v=8; granted 4 _S_t[9] f=7.4 e=8"},
    {"lock 5 _S_t[9]", "taken _S_t[9] v=9; granted 5 _S_t[9] f=7.5 e=9"},
    {"lock 6 _t_%S[9]", "queued 6 _t_%S[9] pos=1"},
    {"deadline", "1700"},
    {"at 1700", ""},
    {"tick", "stamp _t_%S[9] v=3000000; granted 6 _t_%S[9] f=7.6 e=01"},
    {NULL, NULL},
};

static const struct script_line not_persistent[] = {
    {"new", ""},
    {"restore numbers _s_n[9] 101", "-1"},
    {"settle", ""},
    {"new persistent=1 kept=1", ""},
    {"restore numbers _s_n[9] 5", ""},
    {"restore numbers _s_m[9] 5", "-1"},
    {"lock 1 _s_m[9]", "refused 1 _s_m[9] code=-26"},
    {"counts", "0 0 0"},
    {"lock 1 R", "granted 1 R f=1.1"},
    {NULL, NULL},
};

/* Only those that come back with what they held get it again. */
static const struct script_line grace[] = {
    {"new persistent=1 epoch=7", ""},
    {"restore taken _S_t[9] 8", ""},
    {"restore taken _S_t[9] 4", ""},
    {"grace 10000", ""},
    {"lock 1 R mode=PR", "queued 1 R pos=1"},
    {"lock 2 R mode=NL wait=0", "refused 2 R code=4"},
    {"lock 3 S create=0", "parked 3 S code=2"},
    {"lock 4 p[3] q=0", "queued 4 p[3] pos=1"},
    {"lock 6 /a/b", "queued 6 /a/b pos=1"},
    {"lock 7 a.b", "queued 7 a.b pos=1"},
    {"lock 8 _S_t[9]", "queued 8 _S_t[9] pos=1"},
    {"resume 10 R epoch=6 counter=99 mode=EX tag=2",
     "granted 10 R t=2 f=6.99"},
    {"resume 11 R epoch=6 counter=98 mode=PR", "refused 11 R code=4"},
    {"resume 11 R epoch=6 counter=99 mode=NL", "refused 11 R code=6"},
    {"resume 11 Q epoch=7 counter=1", "refused 11 Q code=6"},
    {"resume 11 Q epoch=0 counter=1", "refused 11 Q code=6"},
    {"resume 11 a..b epoch=6 counter=1", "refused 11  code=-14"},
    {"resume 12 p[3] q=2 epoch=6 counter=3", "granted 12 p[3] f=6.3"},
    {"resume 13 p[3] q=2 epoch=6 counter=4", "refused 13 p[3] code=4"},
    {"resume 14 a.b epoch=5 counter=1 element=b", "granted 14 a.b f=5.1 e=b"},
    {"resume 15 a.b epoch=5 counter=2 element=b", "refused 15 a.b code=6"},
    {"resume 15 a.b epoch=5 counter=2 element=", "refused 15 a.b code=6"},
    {"resume 15 a.b epoch=5 counter=2", "refused 15 a.b code=6"},
    {"resume 16 _S_t[9] epoch=6 counter=5 element=8",
     "granted 16 _S_t[9] f=6.5 e=8"},
    {"resume 17 _S_t[9] epoch=6 counter=6 element=8",
     "refused 17 _S_t[9] code=6"},
    {"resume 17 _S_t[9] epoch=6 counter=6 element=5",
     "refused 17 _S_t[9] code=6"},
    {"resume 17 _S_t[9] epoch=6 counter=6 element=x",
     "refused 17 _S_t[9] code=6"},
    {"resume 18 S epoch=6 counter=7 mode=CR",
     "granted 18 S f=6.7; queued 3 S pos=1"},
    {"resume 19 /a/b/c epoch=6 counter=8 mode=CR", "granted 19 /a/b/c f=6.8"},
    {"convert 19 /a/b/c mode=NL", "refused 19 /a/b/c code=4"},
    {"unlock 10 R", "released 10 R t=2"},
    {"lock 20 R mode=NL", "queued 20 R pos=2"},
    {"deadline", "10000"},
    {"at 9999", ""},
    {"tick", ""},
    {"at 10000", ""},
    {"tick", "returned _S_t[9] v=4; granted 1 R f=7.1; granted 20 R f=7.2; "
             "granted 4 p[3] f=7.3; granted 7 a.b f=7.4 e=a; "
             "taken _S_t[9] v=4; granted 8 _S_t[9] f=7.5 e=4"},
    {"drop 19", "dropped 19 /a/b/c; granted 6 /a/b f=7.6"},
    {"resume 21 Q epoch=6 counter=50", "refused 21 Q code=6"},
    {NULL, NULL},
};

/* Several in one request, and a hierarchy, over the end of the period. */
static const struct script_line grace_groups[] = {
    {"new epoch=2", ""},
    {"grace 100", ""},
    {"lock 1 b + a", "queued 1 a p=1/2 pos=1"},
    {"lock 2 /x/y mode=PR", "queued 2 /x/y pos=1"},
    {"lock 3 /x mode=PR", "queued 3 /x pos=2"},
    {"lock 4 _t_%S[1]", "queued 4 _t_%S[1] pos=1"},
    {"lock 5 _s_n[1]", "queued 5 _s_n[1] pos=1"},
    {"resume 9 _s_n[1] epoch=1 counter=3 element=41",
     "granted 9 _s_n[1] f=1.3 e=41"},
    {"resume 8 _t_%S[1] epoch=1 counter=4 element=17",
     "granted 8 _t_%S[1] f=1.4 e=17"},
    {"resume 8 _t_%S[1] epoch=1 counter=5 element=18",
     "refused 8 _t_%S[1] code=4"},
    {"at 100", ""},
    {"tick", "granted 2 /x/y f=2.2; granted 3 /x f=2.3; "
             "granted 1 b p=0/2 f=2.4; granted 1 a p=1/2 f=2.1"},
    {"drop 9", "dropped 9 _s_n[1] e=41; granted 5 _s_n[1] f=2.5 e=42"},
    {"drop 8", "dropped 8 _t_%S[1] e=17; granted 4 _t_%S[1] f=2.6 e=00"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "blocks", blocks);
    script_test(&script, "transactional", transactional);
    script_test(&script, "stamps", stamps);
    script_test(&script, "restored", restored);
    script_test(&script, "not persistent", not_persistent);
    script_test(&script, "grace", grace);
    script_test(&script, "grace and groups", grace_groups);
    script_free(&script);
    return tap_done();
}
