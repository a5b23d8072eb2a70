/*
 * lock/mode: all 36 pairs, names, numbers that are no mode.
 */
#include "lock/mode.h"

#include <stdio.h>

#include "tap.h"

/* Rows held, columns wanted: NL CR CW PR PW EX. */
static const char *const matrix[VOUCH_LOCK_MODES] = {
    "111111", "111110", "111000", "110100", "110000", "100000"};

static void
test_pairs(void)
{
    char name[64];
    int held;
    int wanted;

    for (held = 0; held < VOUCH_LOCK_MODES; held++) {
        for (wanted = 0; wanted < VOUCH_LOCK_MODES; wanted++) {
            (void) snprintf(name, sizeof(name), "%s held, %s wanted",
                            vouch_lock_mode_name(held),
                            vouch_lock_mode_name(wanted));
            is_int(vouch_lock_mode_compatible(held, wanted),
                   matrix[held][wanted] - '0', name);
        }
    }
}

static void
test_numbers(void)
{
    is_int(vouch_lock_mode_valid(-1), 0, "-1 is no mode");
    is_int(vouch_lock_mode_valid(0), 1, "0 is one");
    is_int(vouch_lock_mode_valid(5), 1, "5 is one");
    is_int(vouch_lock_mode_valid(6), 0, "6 is none");
    is_int(vouch_lock_mode_valid(4294967296LL), 0, "2^32 is none");
    is_text(vouch_lock_mode_name(0), "NL", "the first name");
    is_text(vouch_lock_mode_name(5), "EX", "the last name");
    is_text(vouch_lock_mode_name(6), "?", "no name above");
    is_text(vouch_lock_mode_name(-1), "?", "no name below");
}

int
main(void)
{
    test_pairs();
    test_numbers();
    return tap_done();
}
