/*
 * What the doctor knows so far, and how he tells it; for his files only.
 */
#ifndef VOUCH_CMD_DOCTOR_PRIVATE_H
#define VOUCH_CMD_DOCTOR_PRIVATE_H

#include <stdint.h>

#include "flom/settings.h"

struct vouch_cert;

#define DOCTOR_STEP_MS 5000 /* for each step that waits for the daemon */
#define DOCTOR_TEXT 1024

struct doctor {
    struct vouch_flom_settings settings; /* with an address once found */
    int fd;                              /* connected, or -1 */
    int failures;
    struct vouch_cert *own;    /* our certificate, or NULL */
    struct vouch_cert *theirs; /* the daemon's, or NULL */
};

/* One line: the step, and what was found.  All is well; or something to know;
 * or it must be mended, in this way ("": that has been said). */
#ifdef __GNUC__
#define DOCTOR_FORMAT(at) __attribute__((format(printf, at, (at) + 1)))
#else
#define DOCTOR_FORMAT(at)
#endif
void doctor_ok(const char *step, const char *format, ...) DOCTOR_FORMAT(2);
void doctor_note(const char *step, const char *format, ...) DOCTOR_FORMAT(2);
void doctor_fail(struct doctor *doctor, const char *step, const char *advice,
                 const char *format, ...) DOCTOR_FORMAT(4);

/* Our certificate, key and authority: files, dates, chain, name.  0, or -1
 * if there is no use in trying TLS with them. */
int doctor_own_files(struct doctor *doctor);

/* TLS over the connection: 0, or -1 if it does not come about, or should
 * not. */
int doctor_handshake(struct doctor *doctor);

/* The daemon as a client meets it: who it is, its clock, what we may do. */
void doctor_daemon(struct doctor *doctor);

#endif
