/*
 * Timestamp resources: one stamp for each interval.
 */
#include "lock_script_test.h"

static const struct script_line intervals[] = {
    {"new", ""},
    {"wall 500000", ""},
    {"lock 1 _t_ts.%S#fff[1]", "granted 1 _t_ts.%S#fff[1] f=1.1 e=ts.00.500"},
    {"lock 2 _t_ts.%S#fff[1] wait=0", "refused 2 _t_ts.%S#fff[1] code=4"},
    {"lock 2 _t_ts.%S#fff[1]", "queued 2 _t_ts.%S#fff[1] pos=1"},
    {"deadline", "never"},
    {"unlock 1 _t_ts.%S#fff[1]", "released 1 _t_ts.%S#fff[1] e=ts.00.500"},
    {"deadline", "1"},
    {"at 1", ""},
    {"tick", "granted 2 _t_ts.%S#fff[1] f=1.2 e=ts.00.501"},
    {"deadline", "never"},
    {"lock 3 _t_%S[2]", "granted 3 _t_%S[2] f=1.3 e=00"},
    {"lock 4 _t_%S[2] wait=0", "refused 4 _t_%S[2] code=4"},
    {"lock 4 _t_%S[2]", "queued 4 _t_%S[2] pos=1"},
    {"lock 5 _t_%S[2]", "queued 5 _t_%S[2] pos=2"},
    {"deadline", "500"},
    {"at 499", ""},
    {"tick", ""},
    {"at 500", ""},
    /* Those that wait come before a newcomer, tick or not. */
    {"lock 6 _t_%S[2]", "granted 4 _t_%S[2] f=1.4 e=01; "
                        "queued 6 _t_%S[2] pos=2"},
    {"deadline", "never"},
    {"drop 3", "dropped 3 _t_%S[2] e=00"},
    {"deadline", "1500"},
    {"at 1500", ""},
    {"tick", "granted 5 _t_%S[2] f=1.5 e=02"},
    {"dump", "held 2 _t_ts.%S#fff[1] EX since=1 f=1.2 e=ts.00.501; held 4 "
             "_t_%S[2] EX since=500 f=1.4 e=01; held 5 _t_%S[2] EX "
             "since=1500 f=1.5 e=02; waiting 6 _t_%S[2] EX since=500"},
    {NULL, NULL},
};

static const struct script_line formats[] = {
    {"new", ""},
    {"lock 1 _t_%d[1]", "refused 1 _t_%d[1] code=-25"},
    {"lock 1 _t_abc[1] create=0", "refused 1 _t_abc[1] code=-25"},
    {"lock 1 _t_%S[0]", "refused 1 _t_%S[0] code=6"},
    {"lock 1 _t_%S[3000000000]", "refused 1 _t_%S[3000000000] code=6"},
    {"lock 1 _t_%600S[1]", "refused 1 _t_%600S[1] code=-25"},
    {"lock 1 _t_%S%510d[1]", "refused 1 _t_%S%510d[1] code=-25"},
    {"zone 3600 CET", ""},
    {"lock 1 _t_%H%Z[1]", "granted 1 _t_%H%Z[1] f=1.1 e=01CET"},
    {"at 999999", ""},
    {"lock 2 _t_%H%Z[1] wait=0", "refused 2 _t_%H%Z[1] code=4"},
    {NULL, NULL},
};

/* Never the same text again: after a small step back the resource waits for
 * the clock, after a large one it goes on by itself at half the pace. */
static const struct script_line clock_set_back[] = {
    {"new", ""},
    {"wall 1000000000000", ""},
    {"lock 1 _t_%T[9]", "granted 1 _t_%T[9] f=1.1 e=13:46:40"},
    {"wall 999999500000", ""},
    {"lock 2 _t_%T[9]", "queued 2 _t_%T[9] pos=1"},
    {"deadline", "1500"},
    {"at 1500", ""},
    {"tick", "granted 2 _t_%T[9] f=1.2 e=13:46:41"},
    {"wall 913600000000", ""},
    {"lock 3 _t_%T[9]", "queued 3 _t_%T[9] pos=1"},
    {"deadline", "3500"},
    {"at 3500", ""},
    {"tick", "granted 3 _t_%T[9] f=1.3 e=13:46:42"},
    {"lock 4 _t_%T[9]", "queued 4 _t_%T[9] pos=1"},
    {"deadline", "5500"},
    {"wall 2000000000000", ""},
    {"lock 5 _t_%T[9]", "granted 4 _t_%T[9] f=1.4 e=03:33:20; "
                        "queued 5 _t_%T[9] pos=1"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    script_test(&script, "intervals", intervals);
    script_test(&script, "formats", formats);
    script_test(&script, "clock set back", clock_set_back);
    script_free(&script);
    return tap_done();
}
