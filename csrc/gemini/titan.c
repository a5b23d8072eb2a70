/*
 * Reading and writing Titan's parameters.
 */
#include "gemini/titan.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

#define SIZE_DIGITS 19 /* of VOUCH_TITAN_SIZE_MAX */

static const char size_name[] = ";size=";
static const char mime_name[] = ";mime=";
static const char token_name[] = ";token=";
static const char edit_name[] = ";edit";

static int
refuse(struct vouch_error *err, const char *reason)
{
    return vouch_error_set(err, VOUCH_E_FORMAT, "%s", reason);
}

/* The length of name if text begins with it, else 0. */
static size_t
begins(const char *text, size_t length, const char *name)
{
    size_t size = strlen(name);

    return length >= size && memcmp(text, name, size) == 0 ? size : 0;
}

static int
is_parameter(const char *text, size_t length)
{
    return begins(text, length, size_name) || begins(text, length, mime_name)
           || begins(text, length, token_name)
           || (length == sizeof(edit_name) - 1
               && begins(text, length, edit_name));
}

static size_t
find_parameters(const char *path, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (path[i] == ';' && is_parameter(path + i, length - i))
            return i;
    }
    return length;
}

static int
parse_size(const char *text, size_t length, uint64_t *size_r,
           struct vouch_error *err)
{
    uint64_t size = 0;
    size_t i;

    if (length == 0 || length > SIZE_DIGITS)
        return refuse(err, "the size is not a number of bytes");
    for (i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return refuse(err, "the size is not a number of bytes");
        size = size * 10 + (uint64_t) (text[i] - '0');
    }
    if (size > VOUCH_TITAN_SIZE_MAX)
        return refuse(err, "the size is larger than any file");
    *size_r = size;
    return 0;
}

/* A value decoded, with a NUL behind it; NULs inside are refused. */
static int
parse_text(const char *text, size_t length, char *out, struct vouch_error *err)
{
    long done = vouch_url_decode(text, length, out);

    if (done < 0 || memchr(out, '\0', (size_t) done) != NULL)
        return refuse(err, "a parameter of the upload cannot be decoded");
    out[done] = '\0';
    return 0;
}

static int
is_token_char(char c)
{
    return c > ' ' && c < 0x7F && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* One or more characters that names in MIME types are made of. */
static size_t
token_length(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && is_token_char(text[i]))
        i++;
    return i;
}

int
vouch_mime_is_valid(const char *text, size_t length)
{
    size_t type = token_length(text, length);
    size_t subtype;
    size_t i;

    if (type == 0 || type == length || text[type] != '/')
        return 0;
    subtype = token_length(text + type + 1, length - type - 1);
    if (subtype == 0)
        return 0;
    i = type + 1 + subtype;
    while (i < length && text[i] == ' ')
        i++;
    if (i < length && text[i] != ';')
        return 0;
    for (; i < length; i++) {
        if (text[i] < ' ' || text[i] == 0x7F)
            return 0;
    }
    return 1;
}

static int
parse_mime(const char *text, size_t length, char *mime,
           struct vouch_error *err)
{
    if (parse_text(text, length, mime, err) != 0)
        return -1;
    if (!vouch_mime_is_valid(mime, strlen(mime)))
        return refuse(err, "the type is none, such as text/plain");
    return 0;
}

/* Which of the parameters have been seen. */
enum seen { SEEN_SIZE = 1, SEEN_MIME = 2, SEEN_TOKEN = 4, SEEN_EDIT = 8 };

/* Read one, from its ";" to before the next; what it was, or -1. */
static int
parse_one(const char *text, size_t length, struct vouch_titan *titan,
          struct vouch_error *err)
{
    size_t name;

    name = begins(text, length, size_name);
    if (name > 0)
        return parse_size(text + name, length - name, &titan->size, err) == 0
                   ? SEEN_SIZE
                   : -1;
    name = begins(text, length, mime_name);
    if (name > 0)
        return parse_mime(text + name, length - name, titan->mime, err) == 0
                   ? SEEN_MIME
                   : -1;
    name = begins(text, length, token_name);
    if (name > 0)
        return parse_text(text + name, length - name, titan->token, err) == 0
                   ? SEEN_TOKEN
                   : -1;
    if (length == sizeof(edit_name) - 1 && begins(text, length, edit_name))
        return SEEN_EDIT;
    return refuse(err, "the upload has a parameter that is not size, mime or "
                       "token");
}

int
vouch_titan_parse(const char *path, size_t length, struct vouch_titan *titan_r,
                  struct vouch_error *err)
{
    struct vouch_titan titan;
    const char *next;
    size_t part;
    size_t at;
    int seen = 0;
    int one;

    if (length > VOUCH_URL_MAX)
        return refuse(err, "the path of the upload is too long");
    memset(&titan, 0, sizeof(titan));
    memcpy(titan.mime, VOUCH_TITAN_MIME, sizeof(VOUCH_TITAN_MIME));
    titan.path_length = find_parameters(path, length);
    for (at = titan.path_length; at < length; at += part) {
        next = memchr(path + at + 1, ';', length - at - 1);
        part = next != NULL ? (size_t) (next - path) - at : length - at;
        one = parse_one(path + at, part, &titan, err);
        if (one < 0)
            return -1;
        if (seen & one)
            return refuse(err, "the upload has a parameter twice");
        seen |= one;
    }
    if (seen & SEEN_EDIT ? seen != SEEN_EDIT : !(seen & SEEN_SIZE))
        return refuse(err, "the upload tells no size: end the URL with "
                           ";size= and a number of bytes");
    titan.edit = (seen & SEEN_EDIT) != 0;
    titan.has_token = (seen & SEEN_TOKEN) != 0;
    *titan_r = titan;
    return 0;
}

static void
append_value(struct vouch_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    (void) vouch_buf_append_text(out, name);
    (void) vouch_url_encode(value, strlen(value), 1, out);
}

int
vouch_titan_url(const struct vouch_url *url, uint64_t size, const char *mime,
                const char *token, struct vouch_url *url_r,
                struct vouch_error *err)
{
    const char *path = url->text + url->path.start;
    struct vouch_buf *buf = NULL;
    int result = -1;

    if (strcmp(url->scheme, "gemini") != 0
        && strcmp(url->scheme, "titan") != 0)
        return refuse(err, "the URL is neither titan:// nor gemini://");
    if (find_parameters(path, url->path.length) != url->path.length)
        return refuse(err, "the URL has parameters of an upload already");
    if (mime != NULL && !vouch_mime_is_valid(mime, strlen(mime)))
        return refuse(err, "the type is none, such as text/plain");
    buf = vouch_buf_new(VOUCH_URL_MAX);
    if (buf == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "no memory for a URL");
    (void) vouch_buf_append_text(buf, "titan://");
    (void) vouch_buf_append(buf, url->text + url->authority.start,
                            url->authority.length);
    (void) vouch_buf_append_text(buf, url->path.length > 0 ? "" : "/");
    (void) vouch_buf_append(buf, path, url->path.length);
    (void) vouch_buf_append_format(buf, ";size=%" PRIu64, size);
    append_value(buf, mime_name, mime);
    append_value(buf, token_name, token);
    if (url->has & VOUCH_URL_QUERY)
        (void) vouch_buf_append_format(buf, "?%.*s", (int) url->query.length,
                                       url->text + url->query.start);
    if (vouch_buf_failed(buf))
        (void) vouch_error_set(err, VOUCH_E_LIMIT,
                               "the URL is longer than %d bytes",
                               VOUCH_URL_MAX);
    else
        result = vouch_url_parse(vouch_buf_text(buf), vouch_buf_length(buf),
                                 url_r, err);
    vouch_buf_free(buf);
    return result;
}
