/*
 * Lock modes and which of them go together.
 *
 * The six modes of distributed lock managers, with the numbers they have in
 * FLoM's messages.
 */
#ifndef VOUCH_LOCK_MODE_H
#define VOUCH_LOCK_MODE_H

enum vouch_lock_mode {
    VOUCH_LOCK_NL = 0, /* null: goes with every mode, EX too */
    VOUCH_LOCK_CR = 1, /* concurrent read */
    VOUCH_LOCK_CW = 2, /* concurrent write */
    VOUCH_LOCK_PR = 3, /* protected read */
    VOUCH_LOCK_PW = 4, /* protected write */
    VOUCH_LOCK_EX = 5  /* exclusive */
};

#define VOUCH_LOCK_MODES 6

/* 1 if the number is a mode (0 to 5), else 0. */
int vouch_lock_mode_valid(long long number);

/* 1 if two modes, both valid, may be held at the same time, else 0. */
int vouch_lock_mode_compatible(int held, int wanted);

/* "NL" to "EX"; "?" for a number that is no mode.  Static storage. */
const char *vouch_lock_mode_name(int mode);

#endif
