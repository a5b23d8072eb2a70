/*
 * URLs of Gemini and Titan: taken apart, resolved, decoded, put together.
 *
 * By RFC 3986, with what Gemini wants stricter: at most 1024 bytes, no blank,
 * no control character, nothing but valid UTF-8 (letters beyond ASCII are
 * taken as they are), and "%" only before two hexadecimal digits.  A
 * reference without scheme or host is read too; whether that will do is
 * request.h's question.  Pure.
 *
 * Why a URL is refused is told in words that hold nothing of it, so that
 * they may be sent to whom it came from.
 */
#ifndef VOUCH_GEMINI_URL_H
#define VOUCH_GEMINI_URL_H

#include <stddef.h>

struct vouch_buf;
struct vouch_error;

#define VOUCH_URL_MAX 1024 /* bytes; what a request may carry */
#define VOUCH_URL_SCHEME_SIZE 32
#define VOUCH_URL_HOST_SIZE 256 /* a DNS name is shorter */
#define VOUCH_GEMINI_PORT 1965

enum vouch_url_has {
    VOUCH_URL_SCHEME = 1 << 0,
    VOUCH_URL_HOST = 1 << 1, /* "//" and a host, which may be empty */
    VOUCH_URL_USERINFO = 1 << 2,
    VOUCH_URL_PORT = 1 << 3,
    VOUCH_URL_QUERY = 1 << 4, /* a "?", be it followed by nothing */
    VOUCH_URL_FRAGMENT = 1 << 5,
    VOUCH_URL_ADDRESS = 1 << 6 /* the host stood in brackets */
};

/* A part of the text. */
struct vouch_url_part {
    size_t start;
    size_t length;
};

struct vouch_url {
    unsigned has;                       /* enum vouch_url_has */
    char scheme[VOUCH_URL_SCHEME_SIZE]; /* lower case, or "" */
    char host[VOUCH_URL_HOST_SIZE];     /* lower case, no brackets, or "" */
    int port;                           /* 0 if none is written */
    struct vouch_url_part authority;    /* between "//" and the path */
    struct vouch_url_part path;
    struct vouch_url_part query;    /* without the "?" */
    struct vouch_url_part fragment; /* without the "#" */
    size_t length;
    char text[VOUCH_URL_MAX + 1]; /* as it was given, and a NUL */
};

/*
 * Take a URL or a reference apart.  0, or -1 with VOUCH_E_FORMAT, or
 * VOUCH_E_LIMIT if it is longer than VOUCH_URL_MAX.
 */
int vouch_url_parse(const char *text, size_t length, struct vouch_url *url_r,
                    struct vouch_error *err);

/*
 * What the reference means in the document at base, which has a scheme:
 * RFC 3986, 5.2, where ".." at the top leads nowhere.  A fragment of the
 * reference stays.  0, or -1 as for parse (LIMIT also when the result is too
 * long).
 */
int vouch_url_resolve(const struct vouch_url *base,
                      const struct vouch_url *reference,
                      struct vouch_url *url_r, struct vouch_error *err);

/*
 * The same URL as everybody writes it: scheme and host in lower case, the
 * port only where it is not 1965, "/" for an empty path, dot segments
 * resolved, no fragment.  It needs a scheme and a host.  0, or -1 with
 * VOUCH_E_FORMAT or VOUCH_E_LIMIT.
 */
int vouch_url_normalize(const struct vouch_url *url, struct vouch_url *url_r,
                        struct vouch_error *err);

/* The port that the URL means: what is written, else VOUCH_GEMINI_PORT. */
int vouch_url_port(const struct vouch_url *url);

/*
 * Decode "%41" and the like.  out has room for length bytes, and may be
 * text itself.  The number of bytes, or -1 if "%" is not followed by two
 * digits.  A NUL is decoded as any other byte.
 */
long vouch_url_decode(const char *text, size_t length, char *out);

/*
 * Append text so that it stands for itself in a path or a query: all but
 * letters, digits and "-._~" as "%41", and '/' as it is if slashes is true.
 * 0, or -1 when the buffer is full.
 */
int vouch_url_encode(const char *text, size_t length, int slashes,
                     struct vouch_buf *out);

/*
 * A path of at most VOUCH_URL_MAX bytes decoded, and then its dot segments
 * resolved, so that no spelling of ".." survives: "/a/%2e%2e/b" is "/b".  An
 * empty path is "/".  out gets a NUL.  The number of bytes; or -1 with
 * VOUCH_E_FORMAT if the path leads above its root, has a NUL in it, does not
 * begin with a slash or is too long.
 */
long vouch_url_path(const char *path, size_t length,
                    char out[VOUCH_URL_MAX + 2], struct vouch_error *err);

#endif
