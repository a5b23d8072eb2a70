/*
 * Simple resources: the matrix, the queue, refusals, ends.
 */
#include <stdio.h>

#include "lock_script_run.h"
#include "lock_script_test.h"
#include "tap.h"

/* Rows held, columns wanted: NL CR CW PR PW EX. */
static const char *const matrix[VOUCH_LOCK_MODES] = {
    "111111", "111110", "111000", "110100", "110000", "100000"};

static void
test_matrix(struct script *s)
{
    char command[64];
    const char *answer;
    int held;
    int wanted;

    for (held = 0; held < VOUCH_LOCK_MODES; held++) {
        for (wanted = 0; wanted < VOUCH_LOCK_MODES; wanted++) {
            (void) script_run(s, "new");
            (void) snprintf(command, sizeof(command), "lock 1 R mode=%d",
                            held);
            (void) script_run(s, command);
            (void) snprintf(command, sizeof(command),
                            "lock 2 R mode=%d wait=0", wanted);
            answer = script_run(s, command);
            is_text(answer,
                    matrix[held][wanted] == '1' ? "granted 2 R f=1.2"
                                                : "refused 2 R code=4",
                    command);
        }
    }
}

static const struct script_line queue[] = {
    {"new", ""},
    {"lock 1 R mode=PR tag=7", "granted 1 R t=7 f=1.1"},
    {"lock 2 R mode=EX", "queued 2 R pos=1"},
    {"lock 3 R mode=PR", "granted 3 R f=1.2"},
    {"lock 4 R mode=EX wait=0", "refused 4 R code=4"},
    {"lock 5 R mode=CW tag=9", "queued 5 R t=9 pos=2"},
    {"lock 6 R mode=EX", "queued 6 R pos=3"},
    {"unlock 1 R", "released 1 R t=7"},
    {"unlock 3 R", "released 3 R; granted 2 R f=1.3"},
    {"lock 7 R mode=CR", "queued 7 R pos=3"},
    {"drop 2", "dropped 2 R; granted 5 R t=9 f=1.4; granted 7 R f=1.5"},
    {"unlock 6 R", "withdrawn 6 R"},
    {"unlock 6 R", "0 "},
    {"unlock 5 X", "0 "},
    {"unlock 99 R", "0 "},
    {"drop 99", ""},
    {"unlock 5 R rollback=1", "released 5 R t=9 code=12"},
    {"counts", "1 1 0"},
    {"drop 7", "dropped 7 R"},
    {NULL, NULL},
};

/* EX, PR, EX, PR wait: each EX alone, then all PR at once. */
static const struct script_line order[] = {
    {"new", ""},
    {"lock 1 R", "granted 1 R f=1.1"},
    {"lock 2 R mode=EX", "queued 2 R pos=1"},
    {"lock 3 R mode=PR", "queued 3 R pos=2"},
    {"lock 4 R mode=EX", "queued 4 R pos=3"},
    {"lock 5 R mode=PR", "queued 5 R pos=4"},
    {"unlock 1 R", "released 1 R; granted 2 R f=1.2"},
    {"unlock 2 R", "released 2 R; granted 3 R f=1.3; granted 5 R f=1.4"},
    {"unlock 5 R", "released 5 R"},
    {"unlock 3 R", "released 3 R; granted 4 R f=1.5"},
    {NULL, NULL},
};

static const struct script_line refusals[] = {
    {"new resources=2 queue=1 name=4", ""},
    {"lock 1 R mode=6", "refused 1 R code=-11"},
    {"lock 1 R mode=-1", "refused 1 R code=-11"},
    {"lock 1 R mode=99", "refused 1 R code=-11"},
    {"lock 1 a[2] mode=99", "granted 1 a[2] f=1.1"},
    {"lock 1 a..b", "refused 1  code=-14"},
    {"lock 1 abcd mode=NL", "granted 1 abcd f=1.2"},
    {"lock 1 abcde", "refused 1 abcde code=-14"},
    {"lock 2 more", "refused 2 more code=-26"},
    {"lock 2 more create=0", "refused 2 more code=-26"},
    {"lock 2 more create=0 wait=0", "refused 2 more code=5"},
    {"lock 2 a[2] q=2", "queued 2 a[2] pos=1"},
    {"lock 3 a[2] q=2", "refused 3 a[2] code=-12"},
    {"lock 3 a[2] q=2 wait=0", "refused 3 a[2] code=4"},
    {"lock 3 a[2] q=3", "refused 3 a[2] code=6"},
    {"counts", "2 2 1"},
    {NULL, NULL},
};

/* L + 1 s; 2 s for no lifespan; a session that stays keeps it. */
static const struct script_line idle_life[] = {
    {"new", ""},
    {"lock 1 R", "granted 1 R f=1.1"},
    {"lock 2 L life=5000", "granted 2 L f=1.2"},
    {"drop 1", "dropped 1 R"},
    {"deadline", "2000"},
    {"unlock 2 L", "released 2 L"},
    {"at 1999", ""},
    {"tick", ""},
    {"at 2000", ""},
    {"tick", "ended R"},
    {"deadline", "never"},
    {"lock 2 M life=-7", "granted 2 M f=1.3"},
    {"deadline", "8000"},
    {"at 7999", ""},
    {"lock 3 L life=1", "granted 3 L f=1.4"},
    {"drop 3", "dropped 3 L"},
    {"deadline", "13999"},
    {"drop 2", "dropped 2 M"},
    {"deadline", "9999"},
    {"at 14000", ""},
    {"tick", "ended M; ended L"},
    {"counts", "0 0 0"},
    {NULL, NULL},
};

static const struct script_line waiting_for_creation[] = {
    {"new", ""},
    {"lock 1 R create=0 wait=0", "refused 1 R code=5"},
    {"lock 1 R create=0", "parked 1 R code=2"},
    {"lock 2 R create=0 mode=CR", "parked 2 R code=2"},
    {"lock 3 R create=0 timeout=50", "parked 3 R code=2"},
    {"lock 4 R create=0", "parked 4 R code=2"},
    {"dump", "parked 1 R EX since=0; parked 2 R CR since=0; parked 3 R EX "
             "since=0; parked 4 R EX since=0"},
    {"unlock 4 R", "withdrawn 4 R"},
    {"at 50", ""},
    {"tick", "refused 3 R code=9"},
    {"lock 5 R mode=PR",
     "granted 5 R f=1.1; queued 1 R pos=1; granted 2 R f=1.2"},
    {"drop 2", "dropped 2 R"},
    {"drop 5", "dropped 5 R; granted 1 R f=1.3"},
    {"lock 6 N create=0", "parked 6 N code=2"},
    {"counts", "2 1 1"},
    {"drop 6", "withdrawn 6 N"},
    {"counts", "1 1 0"},
    {"lock 7 R create=0 wait=0", "refused 7 R code=4"},
    {NULL, NULL},
};

static const struct script_line timeouts[] = {
    {"new", ""},
    {"lock 1 R", "granted 1 R f=1.1"},
    {"lock 2 R timeout=100", "queued 2 R pos=1"},
    {"lock 3 R timeout=50", "queued 3 R pos=2"},
    {"lock 4 R timeout=50", "queued 4 R pos=3"},
    {"deadline", "50"},
    {"at 49", ""},
    {"tick", ""},
    {"at 50", ""},
    {"tick", "refused 3 R code=9; refused 4 R code=9"},
    {"at 60", ""},
    {"unlock 1 R", "released 1 R; granted 2 R f=1.2"},
    {"deadline", "never"},
    {"at 30", ""},
    {"lock 5 R timeout=0", "queued 5 R pos=1"},
    {"deadline", "60"},
    {"at 60", ""},
    {"tick", "refused 5 R code=9"},
    {NULL, NULL},
};

static const struct script_line leases[] = {
    {"new", ""},
    {"lock 1 R lease=100", "granted 1 R f=1.1"},
    {"lock 1 S", "granted 1 S f=1.2"},
    {"lock 2 R", "queued 2 R pos=1"},
    {"at 99", ""},
    {"touch 1", ""},
    {"touch 77", ""},
    {"deadline", "199"},
    {"at 198", ""},
    {"tick", ""},
    {"at 199", ""},
    {"tick", "dropped 1 R; dropped 1 S; granted 2 R f=1.3"},
    {"unlock 1 R", "0 "},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    test_matrix(&script);
    script_test(&script, "queue", queue);
    script_test(&script, "order", order);
    script_test(&script, "refusals", refusals);
    script_test(&script, "idle life", idle_life);
    script_test(&script, "waiting for creation", waiting_for_creation);
    script_test(&script, "time-outs", timeouts);
    script_test(&script, "leases", leases);
    script_free(&script);
    return tap_done();
}
