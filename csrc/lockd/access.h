/*
 * Who a client of the daemon is, and what it may do; for the files of lockd/
 * only.
 */
#ifndef VOUCH_LOCKD_ACCESS_H
#define VOUCH_LOCKD_ACCESS_H

#include <stdint.h>

#include "base/file.h"
#include "flom/message.h"

#define ACCESS_REASON_SIZE (VOUCH_FLOM_TEXT_MAX + 1)
#define ACCESS_PATH_SIZE 4096

struct lockd;
struct session;
struct vouch_access;
struct vouch_access_who;
struct vouch_error;

/* What a daemon has of it. */
struct lockd_access {
    struct vouch_access *rules;
    char path[ACCESS_PATH_SIZE]; /* of the file, absolute; or "" */
    struct vouch_file_mark mark; /* of the file as it was read */
    long uid;                    /* the daemon's own */
};

/* The rules, at the start: the file that the settings name, or the usual
 * ones.  0, or -1: the daemon cannot start. */
int lockd_open_access(struct lockd *daemon, struct vouch_error *err);

/* Read the file again, if there is one; with an error in it, that is logged
 * and the rules stay.  Who waits for what is not allowed now is refused. */
void lockd_reload_access(struct lockd *daemon);

/* From now on, do so when the file has changed.  0 or -1. */
int lockd_watch_access(struct lockd *daemon);

/* Who it is; valid as long as the session. */
void access_who(struct session *session, struct vouch_access_who *who_r);

/* Free what is known of a client; the session ends. */
void access_forget(struct session *session);

/* May it do that, as in vouch_access_decide()?  1; or 0, which is logged,
 * with the reason. */
int access_may(struct session *session, unsigned right, const char *resource,
               char reason[ACCESS_REASON_SIZE]);

/* The same if there is anything it may do that with. */
int access_may_some(struct session *session, unsigned right,
                    char reason[ACCESS_REASON_SIZE]);

/* May it see who has this resource?  1 or 0; nothing is logged. */
int access_shows(struct session *session, const char *resource);

/* What the rules say, in words either way: 1 or 0; nothing is logged. */
int access_tell(struct session *session, unsigned right, const char *resource,
                char reason[ACCESS_REASON_SIZE]);

#endif
