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

struct flom_lock;
struct vouch_flom_settings;

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
