/*
 * Writing and reading the headers of responses.
 */
#include "gemini/response.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "gemini/titan.h"
#include "gemini/url.h"

#define HEADER_SIZE (VOUCH_META_READ_MAX + 5) /* "20 ", CR and LF */
#define STATUS_FIRST 10
#define STATUS_LAST 69

static const char bom[] = "\xEF\xBB\xBF";

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {10, "input"},
    {11, "sensitive input"},
    {20, "success"},
    {30, "temporary redirect"},
    {31, "permanent redirect"},
    {40, "temporary failure"},
    {41, "server unavailable"},
    {42, "CGI error"},
    {43, "proxy error"},
    {44, "slow down"},
    {50, "permanent failure"},
    {51, "not found"},
    {52, "gone"},
    {53, "proxy request refused"},
    {59, "bad request"},
    {60, "client certificate required"},
    {61, "certificate not authorised"},
    {62, "certificate not valid"},
};

static const char *const fault_texts[VOUCH_HEADER_FAULTS] = {
    "the header ends with LF alone",
    "the status is not one of the specification",
    "the header has no meta",
    "the meta is longer than 1024 bytes",
    "the header has blanks around its meta",
    "the meta begins with a byte order mark",
};

struct vouch_header_reader {
    int result; /* what feed answers */
    int status;
    unsigned faults;
    size_t length;
    struct vouch_error err;
    size_t meta_start;
    size_t meta_length;
    char line[HEADER_SIZE + 1];
};

const char *
vouch_status_text(int status)
{
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].status == status)
            return statuses[i].text;
    }
    return NULL;
}

const char *
vouch_header_fault_text(int fault)
{
    int i;

    for (i = 0; i < VOUCH_HEADER_FAULTS; i++) {
        if (fault == 1 << i)
            return fault_texts[i];
    }
    return NULL;
}

/* NULL if the text is UTF-8 without control characters, else why not. */
static const char *
find_bad_character(const char *text, size_t length)
{
    uint32_t code = 0;
    size_t step;

    while (length > 0) {
        step = vouch_text_utf8(text, length, &code);
        if (step == 0)
            return "is not valid UTF-8";
        if (code < ' ' || (code >= 0x7F && code <= 0x9F))
            return "has a control character in it";
        text += step;
        length -= step;
    }
    return NULL;
}

/* What the meta must be besides text. */
static const char *
find_unfit(int status, const char *meta, size_t length)
{
    struct vouch_url url;
    struct vouch_error ignored;

    vouch_error_clear(&ignored);
    if (status / 10 <= 3 && length == 0)
        return "may not be empty with this status";
    if (status / 10 == 2 && !vouch_mime_is_valid(meta, length))
        return "is not a MIME type, such as text/gemini";
    if (status / 10 == 3 && vouch_url_parse(meta, length, &url, &ignored) != 0)
        return "is not a URL to redirect to";
    return NULL;
}

int
vouch_header_build(int status, const char *meta, size_t length,
                   struct vouch_buf *out, struct vouch_error *err)
{
    const char *why = NULL;

    if (vouch_status_text(status) == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "status: %d is not one of Gemini's", status);
    if (length > VOUCH_META_MAX)
        why = "is longer than 1024 bytes";
    else if (length > 0 && meta[0] == ' ')
        why = "begins with a blank";
    else if (length >= 3 && memcmp(meta, bom, 3) == 0)
        why = "begins with a byte order mark";
    else
        why = find_bad_character(meta, length);
    if (why == NULL)
        why = find_unfit(status, meta, length);
    if (why != NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT, "meta: it %s", why);
    (void) vouch_buf_append_format(out, "%d%s", status, length > 0 ? " " : "");
    (void) vouch_buf_append(out, meta, length);
    if (vouch_buf_append(out, "\r\n", 2) != 0)
        return vouch_error_set(err, VOUCH_E_MEMORY,
                               "no room for the header of a response");
    return 0;
}

void
vouch_header_reader_free(struct vouch_header_reader *reader)
{
    free(reader);
}

struct vouch_header_reader *
vouch_header_reader_new(void)
{
    return calloc(1, sizeof(struct vouch_header_reader));
}

static int
refuse(struct vouch_header_reader *reader, enum vouch_code code,
       const char *reason)
{
    reader->result =
        vouch_error_set(&reader->err, code, "the server's header %s", reason);
    return reader->result;
}

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The two digits and what must follow them; their number, or -1. */
static int
parse_status(const char *line, size_t length)
{
    int status;

    if (length < 2 || !is_digit(line[0]) || !is_digit(line[1])
        || (length > 2 && line[2] != ' '))
        return -1;
    status = (line[0] - '0') * 10 + line[1] - '0';
    return status >= STATUS_FIRST && status <= STATUS_LAST ? status : -1;
}

/* The meta between blanks and after a byte order mark. */
static void
trim_meta(struct vouch_header_reader *reader, size_t length)
{
    size_t start = length > 2 ? 3 : 2;

    while (start < length && reader->line[start] == ' ') {
        start++;
        reader->faults |= VOUCH_HEADER_BLANKS;
    }
    while (length > start && reader->line[length - 1] == ' ') {
        length--;
        reader->faults |= VOUCH_HEADER_BLANKS;
    }
    if (length - start >= 3 && memcmp(reader->line + start, bom, 3) == 0) {
        start += 3;
        reader->faults |= VOUCH_HEADER_BOM;
    }
    reader->meta_start = start;
    reader->meta_length = length - start;
    reader->line[length] = '\0';
}

/* The line is complete but for its end. */
static int
finish(struct vouch_header_reader *reader, size_t length)
{
    const char *why;
    int status = parse_status(reader->line, length);

    if (status < 0)
        return refuse(reader, VOUCH_E_FORMAT,
                      "does not begin with a status from 10 to 69 and a "
                      "blank: is this a Gemini server?");
    trim_meta(reader, length);
    why = find_bad_character(reader->line + reader->meta_start,
                             reader->meta_length);
    if (why != NULL)
        return refuse(reader, VOUCH_E_FORMAT, why);
    if (status / 10 == 3 && reader->meta_length == 0)
        return refuse(reader, VOUCH_E_FORMAT, "redirects to nowhere");
    if (status / 10 <= 2 && reader->meta_length == 0)
        reader->faults |= VOUCH_HEADER_NO_META;
    if (reader->meta_length > VOUCH_META_MAX)
        reader->faults |= VOUCH_HEADER_LONG;
    if (vouch_status_text(status) == NULL)
        reader->faults |= VOUCH_HEADER_UNDEFINED;
    reader->status = status;
    reader->result = 1;
    return 1;
}

static int
take_byte(struct vouch_header_reader *reader, char c)
{
    size_t length = reader->length;

    if (c == '\n') {
        if (length > 0 && reader->line[length - 1] == '\r')
            return finish(reader, length - 1);
        reader->faults |= VOUCH_HEADER_BARE_LF;
        return finish(reader, length);
    }
    /* What is no header at all is known before its line ends. */
    if ((length == 1 && !is_digit(reader->line[0]))
        || (length == 3 && parse_status(reader->line, length) < 0))
        return finish(reader, length);
    if (length > 0 && reader->line[length - 1] == '\r')
        return refuse(reader, VOUCH_E_FORMAT, "has a control character in it");
    if (length == HEADER_SIZE - 1)
        return refuse(reader, VOUCH_E_LIMIT, "does not end");
    reader->line[reader->length++] = c;
    return 0;
}

int
vouch_header_reader_feed(struct vouch_header_reader *reader, const char *data,
                         size_t length, size_t *used_r,
                         struct vouch_error *err)
{
    size_t i = 0;

    while (i < length && reader->result == 0)
        (void) take_byte(reader, data[i++]);
    *used_r = i;
    if (reader->result < 0)
        (void) vouch_error_set(err, reader->err.code, "%s", reader->err.text);
    return reader->result;
}

int
vouch_header_reader_status(const struct vouch_header_reader *reader)
{
    return reader->status;
}

const char *
vouch_header_reader_meta(const struct vouch_header_reader *reader,
                         size_t *length_r)
{
    *length_r = reader->result == 1 ? reader->meta_length : 0;
    return reader->result == 1 ? reader->line + reader->meta_start : "";
}

unsigned
vouch_header_reader_faults(const struct vouch_header_reader *reader)
{
    return reader->result == 1 ? reader->faults : 0;
}
