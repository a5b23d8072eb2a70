/*
 * What went wrong, in words a person can act on.
 *
 * A struct vouch_error is plain storage of fixed size, so that an error can
 * still be told when malloc has failed.  The first error recorded is kept:
 * what follows from it only confuses.  Not a log, and never printed here.
 */
#ifndef VOUCH_BASE_ERROR_H
#define VOUCH_BASE_ERROR_H

#include <stddef.h>

/* Kinds of failure.  The numbers are part of the interface. */
enum vouch_code {
    VOUCH_OK = 0,
    VOUCH_E_ARGUMENT = 1, /* the caller passed something unusable */
    VOUCH_E_MEMORY = 2,   /* malloc failed */
    VOUCH_E_SYSTEM = 3,   /* a system call failed; see sys_errno */
    VOUCH_E_FILE = 4,     /* a file cannot be read or written */
    VOUCH_E_FORMAT = 5,   /* the bytes are not what they should be */
    VOUCH_E_PASSWORD = 6, /* a key needs a password, or another one */
    VOUCH_E_MISMATCH = 7, /* key and certificate do not belong together */
    VOUCH_E_EXPIRED = 8,  /* a certificate is out of its dates */
    VOUCH_E_EXISTS = 9,   /* a file is there and was not to be replaced */
    VOUCH_E_LIMIT = 10,   /* larger than allowed */
    VOUCH_E_CONFIG = 11,  /* a setting that cannot be enforced */
    VOUCH_E_TLS = 12,     /* TLS failed on our side */
    VOUCH_E_ALERT = 13,   /* the peer ended it with an alert */
    VOUCH_E_VERIFY = 14,  /* the peer's certificate was refused */
    VOUCH_E_TIMEOUT = 15, /* the deadline passed */
    VOUCH_E_CLOSED = 16,  /* the connection ended too early */
    VOUCH_E_BUSY = 17     /* called again from inside its own callback */
};

#define VOUCH_ERROR_TEXT 512 /* one line for a person, with a file name */

struct vouch_error {
    enum vouch_code code;
    int sys_errno;          /* errno of the failed call, or 0 */
    unsigned long lib_code; /* OpenSSL's packed code, or 0 */
    char text[VOUCH_ERROR_TEXT];
};

/* Make *err say that nothing went wrong.  NULL is allowed. */
void vouch_error_clear(struct vouch_error *err);

/*
 * Record an error unless one is recorded already.  The format is printf's;
 * text too long is cut, and control characters become '?'.  err may be
 * NULL; errno is left alone.  Returns -1, always, so that a function can
 * end with it.
 */
int vouch_error_set(struct vouch_error *err, enum vouch_code code,
                    const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/*
 * The same for a failed system call: stores sys_errno and appends
 * ": " and the system's words for it (nothing for 0), which are kept when
 * the text is cut.  Returns -1.
 */
int vouch_error_set_sys(struct vouch_error *err, enum vouch_code code,
                        int sys_errno, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/*
 * A short lower-case word for a code, such as "mismatch"; "unknown" for a
 * number that is not a code.  Static storage.
 */
const char *vouch_code_name(enum vouch_code code);

#endif
