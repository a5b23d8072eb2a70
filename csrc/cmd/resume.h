/*
 * Getting a lock back from a daemon that was started anew.
 */
#ifndef VOUCH_CMD_RESUME_H
#define VOUCH_CMD_RESUME_H

struct flom_lock;

/* Try once, in a moment: 1 the lock is held again, 0 not yet, -1 it was
 * given up; this is told on stderr, with the reason. */
int flom_resume(struct flom_lock *lock);

#endif
