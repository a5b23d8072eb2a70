/*
 * Passwords as they are kept: slow to try, each with a salt of its own.
 *
 *   $scrypt$ln=15,r=8,p=1$SALT$HASH
 *
 * ln is the binary logarithm of the cost; salt and hash are base64url.
 * With the usual cost one try takes about a tenth of a second and 32 MiB.
 */
#ifndef VOUCH_TRUST_PASSWORD_H
#define VOUCH_TRUST_PASSWORD_H

#include <stddef.h>

struct vouch_error;

#define VOUCH_PASSWORD_MAX 1024 /* bytes of a password */
#define VOUCH_PASSWORD_COST 15  /* the usual one */
#define VOUCH_PASSWORD_COST_LEAST 10
#define VOUCH_PASSWORD_COST_MOST 20 /* 1 GiB; no text may ask for more */
#define VOUCH_PASSWORD_SALT 16
#define VOUCH_PASSWORD_HASH 32
#define VOUCH_PASSWORD_TEXT 128

struct vouch_password {
    int cost;
    unsigned char salt[VOUCH_PASSWORD_SALT];
    unsigned char hash[VOUCH_PASSWORD_HASH];
};

/* Make the text of a password, with a random salt.  0, or -1:
 * VOUCH_E_ARGUMENT for a cost or length out of bounds, VOUCH_E_TLS. */
int vouch_password_make(const void *password, size_t length, int cost,
                        char text_r[VOUCH_PASSWORD_TEXT],
                        struct vouch_error *err);

/* Take such a text apart.  0, or -1 with VOUCH_E_FORMAT. */
int vouch_password_parse(const char *text, struct vouch_password *kept_r,
                         struct vouch_error *err);

/* 1 if it is the password of this text, 0 if not (the time tells nothing of
 * how near it was), -1 with an error. */
int vouch_password_check(const void *password, size_t length, const char *text,
                         struct vouch_error *err);

/* Bytes that nobody can guess, at most 1024.  0 or -1. */
int vouch_password_random(unsigned char *bytes, size_t length,
                          struct vouch_error *err);

#endif
