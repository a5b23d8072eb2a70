/*
 * Reading requests.
 */
#include "gemini/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define REQUEST_SIZE (VOUCH_URL_MAX + 2) /* with CR and LF */

#define TEMPORARY_FAILURE 40
#define PROXY_REFUSED 53
#define BAD_REQUEST 59

struct vouch_request_reader {
    char **hosts; /* lower case; NULL after the last */
    int port;
    int titan;
    enum vouch_request_state state;
    int status;
    struct vouch_error reason;
    size_t length;
    char line[REQUEST_SIZE];
    struct vouch_request *request; /* NULL until the line is complete */
};

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

void
vouch_request_reader_free(struct vouch_request_reader *reader)
{
    size_t i;

    if (reader == NULL)
        return;
    for (i = 0; reader->hosts != NULL && reader->hosts[i] != NULL; i++)
        free(reader->hosts[i]);
    free(reader->hosts);
    free(reader->request);
    free(reader);
}

static char *
copy_host(const char *host, struct vouch_error *err)
{
    size_t length = strlen(host);
    char *copy;
    size_t i;

    if (length == 0 || length >= VOUCH_URL_HOST_SIZE
        || strcspn(host, " \t\r\n/[]@?#") != length) {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "\"%s\" is not the name of a host", host);
        return NULL;
    }
    copy = malloc(length + 1);
    if (copy == NULL) {
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "no memory for a host");
        return NULL;
    }
    for (i = 0; i <= length; i++)
        copy[i] = lower(host[i]);
    return copy;
}

int
vouch_request_reader_new(const char *const *hosts, size_t count, int port,
                         int titan, struct vouch_request_reader **reader_r,
                         struct vouch_error *err)
{
    struct vouch_request_reader *reader = NULL;
    size_t i;

    if (count == 0 || count > VOUCH_REQUEST_HOSTS_MAX)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "hosts: name between 1 and %d",
                               VOUCH_REQUEST_HOSTS_MAX);
    if (port < 0 || port > 65535)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "port: %d is not between 1 and 65535", port);
    reader = calloc(1, sizeof(*reader));
    if (reader != NULL)
        reader->hosts = calloc(count + 1, sizeof(*reader->hosts));
    if (reader == NULL || reader->hosts == NULL) {
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "no memory for a reader");
        goto out;
    }
    for (i = 0; i < count; i++) {
        reader->hosts[i] = copy_host(hosts[i], err);
        if (reader->hosts[i] == NULL)
            goto out;
    }
    reader->port = port;
    reader->titan = titan;
    *reader_r = reader;
    return 0;
out:
    vouch_request_reader_free(reader);
    return -1;
}

static enum vouch_request_state
refuse(struct vouch_request_reader *reader, int status, const char *reason)
{
    reader->state = VOUCH_REQUEST_REFUSED;
    reader->status = status;
    (void) vouch_error_set(&reader->reason, VOUCH_E_FORMAT, "%s", reason);
    return reader->state;
}

int
vouch_request_host_matches(const char *host, const char *pattern)
{
    size_t length = strlen(host);
    size_t tail = strlen(pattern);
    size_t i;

    if (pattern[0] == '*' && (tail == 1 || pattern[1] == '.')) {
        pattern++;
        tail--;
        if (length <= tail)
            return 0;
        host += length - tail;
        length = tail;
    }
    for (i = 0; i < length && lower(host[i]) == lower(pattern[i]); i++)
        ;
    return i == length && length == tail;
}

static int
is_ours(const struct vouch_request_reader *reader, const char *host)
{
    size_t i;

    for (i = 0; reader->hosts[i] != NULL; i++) {
        if (vouch_request_host_matches(host, reader->hosts[i]))
            return 1;
    }
    return 0;
}

/* Whether a server may serve this at all; NULL, or why not. */
static const char *
find_fault(const struct vouch_url *url)
{
    if (!(url->has & VOUCH_URL_SCHEME))
        return "the URL has no scheme, such as gemini://";
    if (!(url->has & VOUCH_URL_HOST) || url->host[0] == '\0')
        return "the URL has no host";
    if (url->has & VOUCH_URL_USERINFO)
        return "the URL has a user name in it, which Gemini does not allow";
    if (url->has & VOUCH_URL_FRAGMENT)
        return "the URL has a fragment, which is not for servers";
    return NULL;
}

/* Whether it is for this server; NULL, or why not. */
static const char *
find_stranger(const struct vouch_request_reader *reader,
              const struct vouch_url *url)
{
    if (strcmp(url->scheme, "titan") == 0) {
        if (!reader->titan)
            return "this server takes no uploads";
    } else if (strcmp(url->scheme, "gemini") != 0) {
        return "this server serves gemini:// only";
    }
    if (!is_ours(reader, url->host))
        return "this server does not answer for that host";
    if (reader->port != 0 && vouch_url_port(url) != reader->port)
        return "this server does not answer for that port";
    return NULL;
}

/* The query must be one that can be decoded into text. */
static int
query_is_text(const struct vouch_url *url)
{
    char query[VOUCH_URL_MAX + 1];
    long length = vouch_url_decode(url->text + url->query.start,
                                   url->query.length, query);

    return length >= 0 && memchr(query, '\0', (size_t) length) == NULL;
}

/* The parts of a URL that is for us. */
static int
take_apart(struct vouch_request *request, struct vouch_error *err)
{
    const struct vouch_url *url = &request->url;
    const char *path = url->text + url->path.start;
    long length;

    request->titan = strcmp(url->scheme, "titan") == 0;
    request->raw_path_length = url->path.length;
    if (request->titan) {
        if (vouch_titan_parse(path, url->path.length, &request->body, err)
            != 0)
            return -1;
        request->raw_path_length = request->body.path_length;
    }
    length =
        vouch_url_path(path, request->raw_path_length, request->path, err);
    if (length < 0)
        return -1;
    request->path_length = (size_t) length;
    return 0;
}

/* What is wrong with the URL for this server: the status for that, the
 * reason being set; or 0. */
static int
examine(struct vouch_request_reader *reader, struct vouch_request *request)
{
    struct vouch_error *reason = &reader->reason;
    const char *why;

    if (vouch_url_parse(reader->line, reader->length - 2, &request->url,
                        reason)
        != 0)
        return BAD_REQUEST;
    why = find_fault(&request->url);
    if (why != NULL) {
        (void) vouch_error_set(reason, VOUCH_E_FORMAT, "%s", why);
        return BAD_REQUEST;
    }
    why = find_stranger(reader, &request->url);
    if (why != NULL) {
        (void) vouch_error_set(reason, VOUCH_E_FORMAT, "%s", why);
        return PROXY_REFUSED;
    }
    if (take_apart(request, reason) != 0)
        return BAD_REQUEST;
    if (!query_is_text(&request->url)) {
        (void) vouch_error_set(reason, VOUCH_E_FORMAT,
                               "the query of the URL has a NUL in it");
        return BAD_REQUEST;
    }
    return 0;
}

static enum vouch_request_state
judge(struct vouch_request_reader *reader)
{
    reader->request = malloc(sizeof(*reader->request));
    if (reader->request == NULL)
        return refuse(reader, TEMPORARY_FAILURE,
                      "the server has no memory for the request");
    reader->status = examine(reader, reader->request);
    reader->state =
        reader->status == 0 ? VOUCH_REQUEST_DONE : VOUCH_REQUEST_REFUSED;
    return reader->state;
}

/* One more byte of the line. */
static enum vouch_request_state
take_byte(struct vouch_request_reader *reader, char c)
{
    int after_cr =
        reader->length > 0 && reader->line[reader->length - 1] == '\r';

    if (after_cr && c != '\n')
        return refuse(reader, BAD_REQUEST,
                      "the request has a CR that is not followed "
                      "by LF");
    if (!after_cr && c == '\n')
        return refuse(reader, BAD_REQUEST,
                      "the request ends with LF alone: it must be "
                      "CR and LF");
    if (!after_cr && c != '\r' && (unsigned char) c < ' ')
        return refuse(reader, BAD_REQUEST,
                      "the URL has a control character in it");
    if (!after_cr && c != '\r' && reader->length == VOUCH_URL_MAX)
        return refuse(reader, BAD_REQUEST,
                      "the URL is longer than 1024 bytes");
    reader->line[reader->length++] = c;
    return after_cr ? judge(reader) : VOUCH_REQUEST_MORE;
}

enum vouch_request_state
vouch_request_reader_feed(struct vouch_request_reader *reader,
                          const char *data, size_t length, size_t *used_r)
{
    size_t i = 0;

    while (i < length && reader->state == VOUCH_REQUEST_MORE)
        (void) take_byte(reader, data[i++]);
    *used_r = i;
    if (reader->state == VOUCH_REQUEST_DONE && i > 0 && i < length
        && !reader->request->titan)
        return refuse(reader, BAD_REQUEST,
                      "the request goes on after its end");
    return reader->state;
}

void
vouch_request_reader_reset(struct vouch_request_reader *reader)
{
    reader->state = VOUCH_REQUEST_MORE;
    reader->status = 0;
    reader->length = 0;
    free(reader->request);
    reader->request = NULL;
    vouch_error_clear(&reader->reason);
}

size_t
vouch_request_reader_pending(const struct vouch_request_reader *reader)
{
    return reader->state == VOUCH_REQUEST_MORE ? reader->length : 0;
}

const struct vouch_request *
vouch_request_reader_request(const struct vouch_request_reader *reader)
{
    return reader->state == VOUCH_REQUEST_DONE ? reader->request : NULL;
}

int
vouch_request_reader_status(const struct vouch_request_reader *reader)
{
    return reader->status;
}

const char *
vouch_request_reader_reason(const struct vouch_request_reader *reader)
{
    return reader->reason.text;
}
