/*
 * What only a daemon of Vouch answers: status, kick, tokens.
 *
 * A question is a lock request for a resource that is not there, not to be
 * created and not waited for, with the attribute "ask".  FLoM 1.7.2 does not
 * see the attribute, refuses the request (rc 5) and takes no harm; so a
 * question can be put to any daemon.
 */
#ifndef VOUCH_CMD_QUESTION_H
#define VOUCH_CMD_QUESTION_H

#include <stdint.h>

struct flom_lock;
struct vouch_flom_client;
struct vouch_flom_settings;

/*
 * Put a question (flom/message.h) to a daemon that the client is connected
 * with; then the first answer is there.  0; 1 the daemon knows no questions;
 * -1 with the client's reason, or not in time.
 */
int flom_question_put(struct vouch_flom_client *client, const char *question,
                      const char *about, int64_t deadline);

/* The fencing token of a lock that is held, if the daemon has any: the
 * request itself stays as 1.7.2 sends it.  Bounded in time; never fails. */
void flom_question_token(struct flom_lock *lock);

/* --status of the resources that match the pattern (NULL: all); --kick.  An
 * exit status. */
int flom_question_status(const struct vouch_flom_settings *settings,
                         const char *pattern, int json);
int flom_question_kick(const struct vouch_flom_settings *settings,
                       const char *id);

#endif
