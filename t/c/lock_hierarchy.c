/*
 * Hierarchies: ancestors, the node, what is below; queues and fairness.
 */
#include <stdio.h>

#include "lock_script_test.h"

/* Rows held, columns wanted: NL CR CW PR PW EX. */
static const char *const matrix[VOUCH_LOCK_MODES] = {
    "111111", "111110", "111000", "110100", "110000", "100000"};

static const struct {
    const char *held;
    const char *wanted;
    int related;
} places[] = {
    {"/a", "/a", 1},      {"/a/b", "/a", 1},       {"/a", "/a/b", 1},
    {"/a/b/c", "/a", 1},  {"/a", "/a/b/c", 1},     {"/a/b", "/a/c", 0},
    {"/a/b", "/a/bc", 0}, {"/a/b/x", "/a/c/x", 0}, {"/a", "/b", 0},
};

static void
test_matrix(struct script *s)
{
    char command[64];
    const char *answer;
    char want[64];
    size_t i;
    int wrong;
    int held;
    int wanted;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        wrong = 0;
        for (held = 0; held < VOUCH_LOCK_MODES; held++) {
            for (wanted = 0; wanted < VOUCH_LOCK_MODES; wanted++) {
                (void) script_run(s, "new");
                (void) snprintf(command, sizeof(command), "lock 1 %s mode=%d",
                                places[i].held, held);
                (void) script_run(s, command);
                (void) snprintf(command, sizeof(command),
                                "lock 2 %s mode=%d wait=0", places[i].wanted,
                                wanted);
                answer = script_run(s, command);
                if (!places[i].related || matrix[held][wanted] == '1')
                    (void) snprintf(want, sizeof(want), "granted 2 %s f=1.2",
                                    places[i].wanted);
                else
                    (void) snprintf(want, sizeof(want), "refused 2 %s code=4",
                                    places[i].wanted);
                wrong += strcmp(answer, want) != 0;
            }
        }
        (void) snprintf(command, sizeof(command), "%s held, %s wanted",
                        places[i].held, places[i].wanted);
        is_int(wrong, 0, command);
    }
}

static const struct script_line queue[] = {
    {"new", ""},
    {"lock 1 /a/b", "granted 1 /a/b f=1.1"},
    {"lock 2 /a", "queued 2 /a pos=1"},
    {"lock 3 /a/c", "granted 3 /a/c f=1.2"},
    {"lock 4 /a/b/d", "queued 4 /a/b/d pos=2"},
    {"lock 5 /a/b/e", "queued 5 /a/b/e pos=3"},
    {"lock 6 /a/b/d", "queued 6 /a/b/d pos=4"},
    {"lock 7 /a/b mode=NL", "granted 7 /a/b f=1.3"},
    {"unlock 1 /a", "0 "},
    {"unlock 1 /a/b",
     "released 1 /a/b; granted 4 /a/b/d f=1.4; granted 5 /a/b/e f=1.5"},
    {"unlock 4 /a/b/d", "released 4 /a/b/d; granted 6 /a/b/d f=1.6"},
    {"drop 6", "dropped 6 /a/b/d"},
    {"drop 5", "dropped 5 /a/b/e"},
    {"drop 3", "dropped 3 /a/c; granted 2 /a f=1.7"},
    {"counts", "1 2 0"},
    {"drop 2", "dropped 2 /a"},
    {"drop 7", "dropped 7 /a/b"},
    {"drop 1", ""},
    {"drop 4", ""},
    {"at 2000", ""},
    {"tick", "ended /a"},
    {NULL, NULL},
};

/* Who has waited long enough is not passed by whom it would wait for; but
 * what lies elsewhere in the tree is not held up by it. */
static const struct script_line fairness[] = {
    {"new fairness=100", ""},
    {"lock 1 /a/b mode=PR", "granted 1 /a/b f=1.1"},
    {"lock 2 /a/b mode=EX", "queued 2 /a/b pos=1"},
    {"at 99", ""},
    {"lock 3 /a/b/c mode=PR", "granted 3 /a/b/c f=1.2"},
    {"lock 4 /a mode=PR", "granted 4 /a f=1.3"},
    {"at 100", ""},
    {"lock 5 /a/b/d mode=PR", "queued 5 /a/b/d pos=2"},
    {"lock 6 /a mode=PR", "queued 6 /a pos=3"},
    {"lock 7 /a/b/d mode=NL", "granted 7 /a/b/d f=1.4"},
    {"lock 8 /a/c mode=PR", "granted 8 /a/c f=1.5"},
    {"lock 9 /a/b mode=PR wait=0", "refused 9 /a/b code=4"},
    {"drop 1", "dropped 1 /a/b"},
    {"drop 3", "dropped 3 /a/b/c"},
    {"drop 4", "dropped 4 /a; granted 2 /a/b f=1.6"},
    {"drop 2", "dropped 2 /a/b; granted 5 /a/b/d f=1.7; granted 6 /a f=1.8"},
    {NULL, NULL},
};

/* The one that held others back gives up. */
static const struct script_line giving_up[] = {
    {"new fairness=0", ""},
    {"lock 1 /a/b mode=PR", "granted 1 /a/b f=1.1"},
    {"lock 2 /a/b mode=EX timeout=50", "queued 2 /a/b pos=1"},
    {"lock 3 /a mode=PR", "queued 3 /a pos=2"},
    {"lock 4 /a/b/c/d mode=PR", "queued 4 /a/b/c/d pos=3"},
    {"lock 5 /a mode=EX", "queued 5 /a pos=4"},
    {"lock 6 /a/b/c mode=CR", "queued 6 /a/b/c pos=5"},
    {"at 50", ""},
    {"tick", "refused 2 /a/b code=9; granted 3 /a f=1.2; "
             "granted 4 /a/b/c/d f=1.3"},
    {"unlock 5 /a", "withdrawn 5 /a; granted 6 /a/b/c f=1.4"},
    {NULL, NULL},
};

int
main(void)
{
    static struct script script;

    test_matrix(&script);
    script_test(&script, "queue", queue);
    script_test(&script, "fairness", fairness);
    script_test(&script, "giving up", giving_up);
    script_free(&script);
    return tap_done();
}
