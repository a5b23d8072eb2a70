/*
 * One line of a known-hosts file: a host, and the certificate it has shown.
 *
 *   HOST PORT EXPIRES FIRST-SEEN LAST-SEEN FINGERPRINT... [verified]
 *
 *   example.org 1965 2036-11-17T21:04:52Z 2026-11-20T21:00:00Z
 *       2026-11-30T08:15:00Z sha256$ab12... sha256$spki$34cd...
 *
 * (in one line).  A time that is not known is "-".  The fingerprints are of
 * the certificate, of its key, or of both, by SHA-256, SHA-384 or SHA-512.
 *
 * Pure.  Comments, and the file as a whole, are the caller's.
 */
#ifndef VOUCH_TRUST_KNOWN_HOST_H
#define VOUCH_TRUST_KNOWN_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "tls/fingerprint.h"

struct vouch_buf;
struct vouch_error;

#define VOUCH_HOST_MAX 253       /* bytes of a name in the DNS */
#define VOUCH_HOST_PRINTS 6      /* three digests of two things */
#define VOUCH_HOST_LINE_MAX 2048 /* bytes; the longest line has about 1400 */
#define VOUCH_NO_TIME INT64_MIN

struct vouch_known_host {
    char host[VOUCH_HOST_MAX + 1];
    unsigned port;
    int64_t expires;    /* the certificate's last second, or NO_TIME */
    int64_t first_seen; /* or NO_TIME */
    int64_t last_seen;  /* or NO_TIME */
    int verified;       /* 1 if a person has compared the fingerprint */
    size_t count;       /* 1 to 6, each of another kind */
    struct vouch_fingerprint prints[VOUCH_HOST_PRINTS];
};

/*
 * A host's name as it is kept: in lower case, without brackets or the final
 * dot.  0, or -1 with VOUCH_E_FORMAT for what is neither a name (ASCII
 * letters, digits, "-", "_" in labels) nor an address.
 */
int vouch_known_host_name(const char *text, size_t length,
                          char host_r[VOUCH_HOST_MAX + 1],
                          struct vouch_error *err);

/*
 * Read one line, without its line end.  0, or -1: VOUCH_E_FORMAT with what
 * is wrong with it, VOUCH_E_LIMIT if it is too long.
 */
int vouch_known_host_parse(const char *line, size_t length,
                           struct vouch_known_host *host_r,
                           struct vouch_error *err);

/* Append the line, without a line end.  0, or -1 when the buffer is full. */
int vouch_known_host_line(const struct vouch_known_host *host,
                          struct vouch_buf *out);

#endif
