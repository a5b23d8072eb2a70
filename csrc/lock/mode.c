/*
 * The compatibility matrix.
 */
#include "lock/mode.h"

/* Bit w of row h: mode w may be had while h is held.  Symmetric. */
#define BIT(mode) (1U << (mode))
#define ALL (BIT(VOUCH_LOCK_MODES) - 1)

static const unsigned goes_with[VOUCH_LOCK_MODES] = {
    [VOUCH_LOCK_NL] = ALL,
    [VOUCH_LOCK_CR] = ALL & ~BIT(VOUCH_LOCK_EX),
    [VOUCH_LOCK_CW] =
        BIT(VOUCH_LOCK_NL) | BIT(VOUCH_LOCK_CR) | BIT(VOUCH_LOCK_CW),
    [VOUCH_LOCK_PR] =
        BIT(VOUCH_LOCK_NL) | BIT(VOUCH_LOCK_CR) | BIT(VOUCH_LOCK_PR),
    [VOUCH_LOCK_PW] = BIT(VOUCH_LOCK_NL) | BIT(VOUCH_LOCK_CR),
    [VOUCH_LOCK_EX] = BIT(VOUCH_LOCK_NL),
};

int
vouch_lock_mode_valid(long long number)
{
    return number >= 0 && number < VOUCH_LOCK_MODES;
}

int
vouch_lock_mode_compatible(int held, int wanted)
{
    return (goes_with[held] >> wanted & 1U) != 0;
}

const char *
vouch_lock_mode_name(int mode)
{
    static const char *const names[VOUCH_LOCK_MODES] = {"NL", "CR", "CW",
                                                        "PR", "PW", "EX"};

    return vouch_lock_mode_valid(mode) ? names[mode] : "?";
}
