/*
 * Commands of lock_script.h and the answers they must have.
 */
#ifndef VOUCH_LOCK_SCRIPT_TEST_H
#define VOUCH_LOCK_SCRIPT_TEST_H

#include "lock_script_run.h"
#include "tap.h"

/* Run lines up to one without a command. */
static inline void
script_test(struct script *s, const char *about,
            const struct script_line *lines)
{
    char name[256];

    for (; lines->command != NULL; lines++) {
        (void) snprintf(name, sizeof(name), "%s: %s", about, lines->command);
        /* A '#' would begin a TAP directive. */
        for (char *c = name; *c != '\0'; c++)
            *c = *c == '#' ? '@' : *c;
        is_text(script_run(s, lines->command), lines->want, name);
    }
}

#endif
