/*
 * The Test Anything Protocol for our C unit programs: ok, is, done.
 *
 * One file, static functions, no dependencies.  End main() with
 * `return tap_done();`.
 */
#ifndef VOUCH_TAP_H
#define VOUCH_TAP_H

#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

#define ok(cond, name) tap_ok((cond) != 0, (name), __FILE__, __LINE__)
#define is_int(got, want, name) \
    tap_is_int((long long) (got), (long long) (want), (name), __FILE__, \
               __LINE__)
#define is_text(got, want, name) \
    tap_is_text((got), (want), (name), __FILE__, __LINE__)
#define is_bytes(got, want, length, name) \
    tap_ok(memcmp((got), (want), (length)) == 0, (name), __FILE__, __LINE__)

static inline int
tap_ok(int good, const char *name, const char *file, int line)
{
    tap_count++;
    printf("%sok %d - %s\n", good ? "" : "not ", tap_count, name);
    if (!good) {
        tap_failed++;
        printf("# failed at %s line %d\n", file, line);
    }
    fflush(stdout);
    return good;
}

static inline int
tap_is_int(long long got, long long want, const char *name, const char *file,
           int line)
{
    int good = tap_ok(got == want, name, file, line);

    if (!good)
        printf("#  got %lld\n# want %lld\n", got, want);
    return good;
}

static inline int
tap_is_text(const char *got, const char *want, const char *name,
            const char *file, int line)
{
    int good =
        got != NULL && want != NULL ? strcmp(got, want) == 0 : got == want;

    tap_ok(good, name, file, line);
    if (!good)
        printf("#  got '%s'\n# want '%s'\n", got ? got : "(null)",
               want ? want : "(null)");
    return good;
}

static inline int
tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed == 0 && tap_count > 0 ? 0 : 1;
}

#endif
