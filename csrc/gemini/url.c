/*
 * Taking URLs apart and putting them together.
 *
 * ASCII letters are the only ones with a case here, whatever the locale.
 * Names in other alphabets stay what they are: no punycode.
 */
#include "gemini/url.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define PORT_MAX 65535
#define PORT_DIGITS 5
#define C1_FIRST 0x80 /* control characters beyond ASCII */
#define C1_LAST 0x9F

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static int
is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static int
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static int
is_unreserved(char c)
{
    return is_letter(c) || is_digit(c) || is_one_of(c, "-._~");
}

static int
hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at text stands for, or -1. */
static int
percent(const char *text, size_t length)
{
    int high;
    int low;

    if (length < 3 || text[0] != '%')
        return -1;
    high = hex_value(text[1]);
    low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int
refuse(struct vouch_error *err, const char *reason)
{
    return vouch_error_set(err, VOUCH_E_FORMAT, "%s", reason);
}

static int
too_long(struct vouch_error *err)
{
    return vouch_error_set(err, VOUCH_E_LIMIT,
                           "the URL is longer than %d bytes", VOUCH_URL_MAX);
}

/* What may not stand anywhere in a URL. */
static int
check_characters(const char *text, size_t length, struct vouch_error *err)
{
    uint32_t code = 0;
    size_t step;
    size_t i;

    for (i = 0; i < length; i += step) {
        step = vouch_text_utf8(text + i, length - i, &code);
        if (step == 0)
            return refuse(err, "the URL is not valid UTF-8");
        if (code == ' ')
            return refuse(err, "the URL has a blank in it: write %20");
        if (code < ' ' || code == 0x7F
            || (code >= C1_FIRST && code <= C1_LAST))
            return refuse(err, "the URL has a control character in it");
        if (code == '%' && percent(text + i, length - i) < 0)
            return refuse(err, "the URL has a % that is not followed by two "
                               "hexadecimal digits");
    }
    return 0;
}

static const char *
text_at(const struct vouch_url *url, struct vouch_url_part part)
{
    return url->text + part.start;
}

/* How many bytes from start on are none of the set. */
static size_t
span_until(const struct vouch_url *url, size_t start, const char *set)
{
    return strcspn(url->text + start, set);
}

static void
copy_lower(const char *text, size_t length, char *out)
{
    size_t i;

    for (i = 0; i < length; i++)
        out[i] = lower(text[i]);
    out[length] = '\0';
}

/* Read "scheme:" if it is there; *at_r is what comes after it. */
static int
parse_scheme(struct vouch_url *url, size_t *at_r, struct vouch_error *err)
{
    size_t length = span_until(url, 0, ":/?#");
    size_t i;

    *at_r = 0;
    if (url->text[length] != ':')
        return 0;
    if (length == 0 || !is_letter(url->text[0]))
        return refuse(err, "the scheme of the URL begins with no letter");
    for (i = 1; i < length; i++) {
        if (!is_letter(url->text[i]) && !is_digit(url->text[i])
            && !is_one_of(url->text[i], "+-."))
            return refuse(err, "the scheme of the URL has a character that "
                               "schemes have not");
    }
    if (length >= VOUCH_URL_SCHEME_SIZE)
        return refuse(err, "the scheme of the URL is too long");
    copy_lower(url->text, length, url->scheme);
    url->has |= VOUCH_URL_SCHEME;
    *at_r = length + 1;
    return 0;
}

/* ":port", or nothing. */
static int
parse_port(struct vouch_url *url, size_t start, size_t end,
           struct vouch_error *err)
{
    int port = 0;
    size_t i;

    if (start == end)
        return 0;
    if (url->text[start] != ':')
        return refuse(err, "after the address in brackets comes no port");
    if (start + 1 == end)
        return 0;
    for (i = start + 1; i < end; i++) {
        if (!is_digit(url->text[i]) || i - start > PORT_DIGITS)
            return refuse(err, "the port of the URL is not a number");
        port = port * 10 + (url->text[i] - '0');
    }
    if (port < 1 || port > PORT_MAX)
        return refuse(err, "the port of the URL is not between 1 and 65535");
    url->port = port;
    url->has |= VOUCH_URL_PORT;
    return 0;
}

/* An IPv6 address, possibly with "%25" and an interface. */
static int
is_address(const char *text, size_t length)
{
    size_t i;
    int colons = 0;

    for (i = 0; i < length && text[i] != '%'; i++) {
        if (text[i] == ':')
            colons++;
        else if (hex_value(text[i]) < 0 && text[i] != '.')
            return 0;
    }
    if (i < length && percent(text + i, length - i) == '%')
        i += 3;
    for (; i < length; i++) {
        if (!is_unreserved(text[i]))
            return 0;
    }
    return colons >= 2;
}

static int
is_host_name(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i])
            && !is_one_of(text[i], "-._") && (unsigned char) text[i] < 0x80)
            return 0;
    }
    return 1;
}

/* The host in text from start to end, and then the port. */
static int
parse_host(struct vouch_url *url, size_t start, size_t end,
           struct vouch_error *err)
{
    size_t length = 0;
    int closing = 0;

    if (start < end && url->text[start] == '[') {
        start++;
        url->has |= VOUCH_URL_ADDRESS;
        closing = 1;
        length = span_until(url, start, "]");
        if (start + length >= end || !is_address(url->text + start, length))
            return refuse(err, "the URL has no IPv6 address between [ and ]");
    } else {
        length = span_until(url, start, ":");
        if (length > end - start)
            length = end - start;
        if (!is_host_name(url->text + start, length))
            return refuse(err, "the host of the URL has a character that "
                               "names have not");
    }
    if (length >= VOUCH_URL_HOST_SIZE)
        return refuse(err, "the host of the URL is too long");
    copy_lower(url->text + start, length, url->host);
    return parse_port(url, start + length + (size_t) closing, end, err);
}

/* "//userinfo@host:port", or nothing; *at_r moves behind it. */
static int
parse_authority(struct vouch_url *url, size_t *at_r, struct vouch_error *err)
{
    size_t start = *at_r + 2;
    const char *at;
    size_t end;

    if (strncmp(url->text + *at_r, "//", 2) != 0)
        return 0;
    end = start + span_until(url, start, "/?#");
    url->has |= VOUCH_URL_HOST;
    url->authority.start = start;
    url->authority.length = end - start;
    *at_r = end;
    at = memchr(url->text + start, '@', end - start);
    if (at != NULL) {
        url->has |= VOUCH_URL_USERINFO;
        start = (size_t) (at - url->text) + 1;
    }
    return parse_host(url, start, end, err);
}

/* The path, and what begins with '?' and '#'. */
static void
parse_rest(struct vouch_url *url, size_t at)
{
    url->path.start = at;
    url->path.length = span_until(url, at, "?#");
    at += url->path.length;
    if (url->text[at] == '?') {
        url->has |= VOUCH_URL_QUERY;
        url->query.start = at + 1;
        url->query.length = span_until(url, at + 1, "#");
        at += 1 + url->query.length;
    }
    if (url->text[at] == '#') {
        url->has |= VOUCH_URL_FRAGMENT;
        url->fragment.start = at + 1;
        url->fragment.length = url->length - at - 1;
    }
}

int
vouch_url_parse(const char *text, size_t length, struct vouch_url *url_r,
                struct vouch_error *err)
{
    struct vouch_url url;
    size_t at = 0;

    if (length > VOUCH_URL_MAX)
        return too_long(err);
    if (check_characters(text, length, err) != 0)
        return -1;
    memset(&url, 0, sizeof(url));
    memcpy(url.text, text, length);
    url.length = length;
    if (parse_scheme(&url, &at, err) != 0
        || parse_authority(&url, &at, err) != 0)
        return -1;
    parse_rest(&url, at);
    *url_r = url;
    return 0;
}

int
vouch_url_port(const struct vouch_url *url)
{
    return url->has & VOUCH_URL_PORT ? url->port : VOUCH_GEMINI_PORT;
}

long
vouch_url_decode(const char *text, size_t length, char *out)
{
    size_t done = 0;
    size_t i;
    int byte;

    for (i = 0; i < length; i++) {
        if (text[i] == '%') {
            byte = percent(text + i, length - i);
            if (byte < 0)
                return -1;
            out[done++] = (char) (unsigned char) byte;
            i += 2;
        } else {
            out[done++] = text[i];
        }
    }
    return (long) done;
}

int
vouch_url_encode(const char *text, size_t length, int slashes,
                 struct vouch_buf *out)
{
    size_t i;
    int result = 0;

    for (i = 0; i < length && result == 0; i++) {
        if (is_unreserved(text[i]) || (slashes && text[i] == '/'))
            result = vouch_buf_append(out, text + i, 1);
        else
            result = vouch_buf_append_format(
                out, "%%%02X", (unsigned) (unsigned char) text[i]);
    }
    return result;
}

/*
 * Resolve "." and ".." of a path that begins with a slash.  out may be the
 * path itself; it gets at least a slash.  Its length; *above_r is 1 if the
 * path went above the root, which it cannot leave.
 */
static size_t
resolve_dots(const char *path, size_t length, char *out, int *above_r)
{
    size_t done = 0;
    size_t part;
    size_t i;
    const char *slash;

    *above_r = 0;
    for (i = 0; i < length; i += part) {
        slash =
            i + 1 < length ? memchr(path + i + 1, '/', length - i - 1) : NULL;
        part = slash != NULL ? (size_t) (slash - path) - i : length - i;
        if (part == 3 && memcmp(path + i, "/..", 3) == 0) {
            if (done == 0)
                *above_r = 1;
            while (done > 0 && out[--done] != '/')
                ;
        } else if (part != 2 || memcmp(path + i, "/.", 2) != 0) {
            memmove(out + done, path + i, part);
            done += part;
            continue;
        }
        if (i + part == length)
            out[done++] = '/';
    }
    if (done == 0)
        out[done++] = '/';
    return done;
}

long
vouch_url_path(const char *path, size_t length, char out[VOUCH_URL_MAX + 2],
               struct vouch_error *err)
{
    long decoded;
    size_t done;
    int above = 0;

    if (length > VOUCH_URL_MAX)
        return too_long(err);
    if (length > 0 && path[0] != '/')
        return refuse(err, "the path of the URL does not begin with a slash");
    decoded = vouch_url_decode(path, length, out);
    if (decoded < 0)
        return refuse(err, "the path has a % without two digits");
    if (memchr(out, '\0', (size_t) decoded) != NULL)
        return refuse(err, "the path of the URL has a NUL in it");
    done = resolve_dots(out, (size_t) decoded, out, &above);
    if (above)
        return refuse(err, "the path of the URL leads above its root");
    out[done] = '\0';
    return (long) done;
}

/*
 * Append the path with its dot segments resolved.  What "%2E" and its like
 * stand for is written as itself, other escapes with capitals.
 */
static void
append_path(struct vouch_buf *out, const char *path, size_t length)
{
    char plain[VOUCH_URL_MAX + 1];
    size_t done = 0;
    size_t i;
    int byte;
    int above = 0;

    for (i = 0; i < length; i++) {
        byte = percent(path + i, length - i);
        if (byte < 0) {
            plain[done++] = path[i];
        } else if (byte < 0x80 && is_unreserved((char) byte)) {
            plain[done++] = (char) byte;
            i += 2;
        } else {
            vouch_text_hex((const unsigned char[]){(unsigned char) byte}, 1, 1,
                           plain + done + 1);
            plain[done] = '%';
            done += 3;
            i += 2;
        }
    }
    if (done > 0 && plain[0] != '/') {
        (void) vouch_buf_append(out, plain, done);
        return;
    }
    done = resolve_dots(plain, done, plain, &above);
    (void) vouch_buf_append(out, plain, done);
}

static void
append_part(struct vouch_buf *out, const char *before,
            const struct vouch_url *url, struct vouch_url_part part)
{
    (void) vouch_buf_append_text(out, before);
    (void) vouch_buf_append(out, text_at(url, part), part.length);
}

/* Parse what has been put together, and free it. */
static int
parse_built(struct vouch_buf *buf, struct vouch_url *url_r,
            struct vouch_error *err)
{
    int result;

    if (vouch_buf_failed(buf))
        result = too_long(err);
    else
        result = vouch_url_parse(vouch_buf_text(buf), vouch_buf_length(buf),
                                 url_r, err);
    vouch_buf_free(buf);
    return result;
}

int
vouch_url_normalize(const struct vouch_url *url, struct vouch_url *url_r,
                    struct vouch_error *err)
{
    struct vouch_buf *buf;
    int brackets = (url->has & VOUCH_URL_ADDRESS) != 0;

    if (!(url->has & VOUCH_URL_SCHEME) || url->host[0] == '\0')
        return refuse(err, "the URL has no scheme or no host: write it as "
                           "gemini://host/path");
    buf = vouch_buf_new(VOUCH_URL_MAX);
    if (buf == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "no memory for a URL");
    (void) vouch_buf_append_format(buf, "%s://%s%s%s", url->scheme,
                                   brackets ? "[" : "", url->host,
                                   brackets ? "]" : "");
    if (vouch_url_port(url) != VOUCH_GEMINI_PORT)
        (void) vouch_buf_append_format(buf, ":%d", url->port);
    append_path(buf, text_at(url, url->path), url->path.length);
    if (url->has & VOUCH_URL_QUERY)
        append_part(buf, "?", url, url->query);
    return parse_built(buf, url_r, err);
}

/* The path of a reference that has one, in the folder of the base's path. */
static void
merge_path(const struct vouch_url *base, const struct vouch_url *reference,
           struct vouch_buf *out)
{
    char merged[2 * VOUCH_URL_MAX + 1];
    const char *path = text_at(base, base->path);
    size_t length = base->path.length;
    int above = 0;

    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length == 0)
        merged[length++] = '/';
    else
        memcpy(merged, path, length);
    memcpy(merged + length, text_at(reference, reference->path),
           reference->path.length);
    length += reference->path.length;
    if (merged[0] == '/')
        length = resolve_dots(merged, length, merged, &above);
    (void) vouch_buf_append(out, merged, length);
}

/* Append the path and the query that the reference means; dot segments of
 * an absolute path are resolved. */
static void
append_target(const struct vouch_url *base, const struct vouch_url *reference,
              struct vouch_buf *out)
{
    const struct vouch_url *query = reference;
    char path[VOUCH_URL_MAX + 1];
    int above = 0;

    if (reference->has & (VOUCH_URL_SCHEME | VOUCH_URL_HOST)
        || text_at(reference, reference->path)[0] == '/') {
        if (text_at(reference, reference->path)[0] == '/')
            (void) vouch_buf_append(
                out, path,
                resolve_dots(text_at(reference, reference->path),
                             reference->path.length, path, &above));
        else
            append_part(out, "", reference, reference->path);
    } else if (reference->path.length > 0) {
        merge_path(base, reference, out);
    } else {
        append_part(out, "", base, base->path);
        if (!(reference->has & VOUCH_URL_QUERY))
            query = base;
    }
    if (query->has & VOUCH_URL_QUERY)
        append_part(out, "?", query, query->query);
}

int
vouch_url_resolve(const struct vouch_url *base,
                  const struct vouch_url *reference, struct vouch_url *url_r,
                  struct vouch_error *err)
{
    const struct vouch_url *scheme =
        reference->has & VOUCH_URL_SCHEME ? reference : base;
    const struct vouch_url *host =
        reference->has & (VOUCH_URL_SCHEME | VOUCH_URL_HOST) ? reference
                                                             : base;
    struct vouch_buf *buf;

    if (!(scheme->has & VOUCH_URL_SCHEME))
        return refuse(err, "the URL has no scheme");
    buf = vouch_buf_new(VOUCH_URL_MAX);
    if (buf == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "no memory for a URL");
    (void) vouch_buf_append_format(buf, "%s:", scheme->scheme);
    if (host->has & VOUCH_URL_HOST)
        append_part(buf, "//", host, host->authority);
    append_target(base, reference, buf);
    if (reference->has & VOUCH_URL_FRAGMENT)
        append_part(buf, "#", reference, reference->fragment);
    return parse_built(buf, url_r, err);
}
