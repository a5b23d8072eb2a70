/*
 * The rules of access as text: one a line, for people.
 *
 *   # WHO              MAY DO            WITH (nothing: everything)
 *   allow  cn=backup   lock,create       backup dump.*
 *   deny   remote      kick,shutdown
 *   allow  any         CR,PR,status
 *
 * WHO is any, owner, unix, local, remote, tls, uid=N, cn=PATTERN,
 * cert=FINGERPRINT or key=FINGERPRINT; rights are lock, NL CR CW PR PW EX
 * (lock in this mode), create, status, kick, shutdown and all; in patterns
 * '*' stands for any bytes and '?' for one.  A word may stand in double
 * quotes; # begins a comment.
 *
 * Bytes in, rules out: opening files is the caller's.
 */
#ifndef VOUCH_ACCESS_ACCESS_FILE_H
#define VOUCH_ACCESS_ACCESS_FILE_H

#include <stddef.h>

struct vouch_access;
struct vouch_error;

#define VOUCH_ACCESS_FILE_MAX 1048576 /* bytes: more than RULES_MAX lines */
#define VOUCH_ACCESS_RULES_MAX 1024   /* each request looks at all of them */
#define VOUCH_ACCESS_PATTERNS_MAX 64  /* in one line */

/*
 * Read the rules of a file.  The last line must have its end, so that a file
 * that is still being written is not taken for a shorter one.  0; or -1 with
 * VOUCH_E_FORMAT (the line, and what is wrong with it), VOUCH_E_LIMIT or
 * VOUCH_E_MEMORY.
 */
int vouch_access_parse(const char *text, size_t length,
                       struct vouch_access **access_r,
                       struct vouch_error *err);

/*
 * The rules where there is no file: all may lock, create and ask for the
 * status; kick and shutdown are for this host (of users of the unix socket:
 * root and the daemon's own) and for those with a verified certificate, or,
 * with remote_admin, for other hosts, too.  0, or -1 with VOUCH_E_MEMORY.
 */
int vouch_access_usual(int remote_admin, struct vouch_access **access_r,
                       struct vouch_error *err);

#endif
