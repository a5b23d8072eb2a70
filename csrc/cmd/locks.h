/*
 * The locks of one flom command: taken one after the other, all or none.
 */
#ifndef VOUCH_CMD_LOCKS_H
#define VOUCH_CMD_LOCKS_H

#include <stdint.h>

#include "flom/message.h"

struct flom_extra;
struct vouch_flom_client;
struct vouch_flom_settings;

#define FLOM_LOCKS_MAX 64

struct flom_lock {
    const char *name;
    struct vouch_flom_client *client;
    uint64_t token_epoch;
    uint64_t token_counter;
    int has_token;
    char element[VOUCH_FLOM_ELEMENT_MAX + 1]; /* "" if none */
    int is_lost;                              /* the daemon has gone */
};

struct flom_locks {
    struct flom_lock lock[FLOM_LOCKS_MAX]; /* as on the command line */
    int count;
};

/*
 * Take every lock of the settings and of --also.  They are taken in the
 * order of their names, so that two commands cannot each wait for the other.
 * 0; or an exit status: nothing is held, and why has been printed.
 */
int flom_locks_take(const struct vouch_flom_settings *settings,
                    const struct flom_extra *extra, struct flom_locks *locks);

/* With --verbose, the elements that were given. */
void flom_locks_print(const struct vouch_flom_settings *settings,
                      const struct flom_locks *locks);

/* Let go of all, and tell the daemon whether to roll back.  0, or an exit
 * status, told as above. */
int flom_locks_release(struct flom_locks *locks, int rollback);

/* Close what is open, without a word to anybody. */
void flom_locks_clear(struct flom_locks *locks);

/* "NAME: ret_cod=CODE (TEXT)" on stderr, and the reason where it says more.
 * Returns FLOM_EXIT_ERROR. */
int flom_locks_failed(const char *name,
                      const struct vouch_flom_client *client);

#endif
