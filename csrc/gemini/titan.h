/*
 * Titan's parameters: what is to be uploaded, told at the end of a URL.
 *
 *   titan://host/path;size=N;mime=T;token=X?query
 *
 * in any order, each at most once.  The path ends where the first of them
 * begins (";size=", ";mime=", ";token=" or ";edit" at the end), so that a
 * type may have its slash as it is.  Pure.
 */
#ifndef VOUCH_GEMINI_TITAN_H
#define VOUCH_GEMINI_TITAN_H

#include <stddef.h>
#include <stdint.h>

#include "gemini/url.h"

#define VOUCH_TITAN_MIME "text/gemini"      /* where none is told */
#define VOUCH_TITAN_SIZE_MAX INT64_MAX      /* of a body, in bytes */
#define VOUCH_TITAN_TEXT_SIZE VOUCH_URL_MAX /* parts of a URL are shorter */

struct vouch_titan {
    size_t path_length; /* of the path in front of the parameters */
    int edit;           /* 1 for ";edit": the raw text is asked for */
    int has_token;
    uint64_t size;                     /* 0: delete */
    char mime[VOUCH_TITAN_TEXT_SIZE];  /* decoded */
    char token[VOUCH_TITAN_TEXT_SIZE]; /* decoded, without NUL */
};

/*
 * Read the parameters at the end of a path of at most VOUCH_URL_MAX bytes.
 * 0, or -1 with VOUCH_E_FORMAT: no size, one that is no number or above
 * VOUCH_TITAN_SIZE_MAX, a type that is none, a parameter that is unknown,
 * empty or there twice, or ";edit" with others.
 */
int vouch_titan_parse(const char *path, size_t length,
                      struct vouch_titan *titan_r, struct vouch_error *err);

/* 1 if text is a MIME type ("text/plain; charset=utf-8"), else 0. */
int vouch_mime_is_valid(const char *text, size_t length);

/*
 * The URL to upload size bytes to, from one of gemini: or titan:, which may
 * have no parameters yet.  mime and token may be NULL.  0, or -1 with
 * VOUCH_E_FORMAT or VOUCH_E_LIMIT.
 */
int vouch_titan_url(const struct vouch_url *url, uint64_t size,
                    const char *mime, const char *token,
                    struct vouch_url *url_r, struct vouch_error *err);

#endif
