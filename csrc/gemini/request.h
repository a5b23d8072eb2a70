/*
 * The request: what a server must make of the bytes that it is sent.
 *
 * A reader is fed bytes as they come and answers that it needs more, that a
 * request is complete, or that it is refused, with the status to send and a
 * sentence that holds nothing of the request.  Nothing is kept beyond the
 * 1026 bytes that a request may have.  Pure.
 *
 * Refused with 59 (bad request): more than 1024 bytes before CRLF, a CR or
 * LF alone, bytes after the CRLF (but those of an upload), what
 * vouch_url_parse() and vouch_url_path() do not take, a reference without
 * scheme or host, userinfo, a fragment, NULs in the query, parameters of an
 * upload that vouch_titan_parse() does not take.
 * Refused with 53 (proxy request): another scheme, host or port than the
 * reader's; with 40 when there is no memory.
 */
#ifndef VOUCH_GEMINI_REQUEST_H
#define VOUCH_GEMINI_REQUEST_H

#include <stddef.h>

#include "gemini/titan.h"
#include "gemini/url.h"

struct vouch_error;
struct vouch_request_reader;

#define VOUCH_REQUEST_HOSTS_MAX 10000 /* names of one server */

enum vouch_request_state {
    VOUCH_REQUEST_MORE = 0,
    VOUCH_REQUEST_DONE = 1,
    VOUCH_REQUEST_REFUSED = 2
};

struct vouch_request {
    struct vouch_url url;
    int titan;                    /* 1 if it is an upload */
    size_t raw_path_length;       /* of url.path, without parameters */
    size_t path_length;           /* of path */
    struct vouch_titan body;      /* if it is an upload */
    char path[VOUCH_URL_MAX + 2]; /* decoded, dot segments resolved */
};

/* Free the reader.  NULL is allowed. */
void vouch_request_reader_free(struct vouch_request_reader *reader);

/*
 * A reader for a server that answers for these hosts (each a name or an
 * address, without brackets, in any case; "*.example.org" for all names
 * below that; "*" for any) and on this port (0: any); that takes uploads if
 * titan is true.  Strings are copied.  0, or -1 with VOUCH_E_ARGUMENT (no
 * host, or one that cannot be one) or VOUCH_E_MEMORY.
 */
int vouch_request_reader_new(const char *const *hosts, size_t count, int port,
                             int titan, struct vouch_request_reader **reader_r,
                             struct vouch_error *err);

/*
 * Feed bytes.  *used_r is how many of them belong to the request: what
 * follows an upload's line is its body.  Once the state is not MORE it
 * stays, and takes nothing.
 */
enum vouch_request_state
vouch_request_reader_feed(struct vouch_request_reader *reader,
                          const char *data, size_t length, size_t *used_r);

/* Forget what was fed: the reader is as new. */
void vouch_request_reader_reset(struct vouch_request_reader *reader);

/* How many bytes of an unfinished request there are. */
size_t vouch_request_reader_pending(const struct vouch_request_reader *reader);

/* The request once it is DONE, else NULL; the reader's, until it is reset or
 * freed. */
const struct vouch_request *
vouch_request_reader_request(const struct vouch_request_reader *reader);

/* Once it is REFUSED: the status to send, 59, 53 or 40, and why; else 0 and
 * "". */
int vouch_request_reader_status(const struct vouch_request_reader *reader);
const char *
vouch_request_reader_reason(const struct vouch_request_reader *reader);

/* 1 if host (in any case) is that name or falls under that pattern, else 0.
 */
int vouch_request_host_matches(const char *host, const char *pattern);

#endif
