/*
 * Reading and writing lines of gemtext.
 */
#include "gemini/gemtext.h"

#include <string.h>

#include "base/buffer.h"

#define HEADING_LEVELS 3

static int
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int
begins(const char *line, size_t length, const char *mark)
{
    size_t size = strlen(mark);

    return length >= size && memcmp(line, mark, size) == 0;
}

size_t
vouch_gemtext_next(const char *data, size_t length, int is_last,
                   size_t *length_r)
{
    const char *end = length > 0 ? memchr(data, '\n', length) : NULL;
    size_t size = end != NULL ? (size_t) (end - data) : length;

    if (end == NULL && (!is_last || length == 0))
        return 0;
    *length_r = size > 0 && data[size - 1] == '\r' ? size - 1 : size;
    return end != NULL ? size + 1 : size;
}

/* The text from start on, without blanks at either end. */
static void
take_text(struct vouch_gemtext_line *line, const char *start, const char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    line->text = start;
    line->text_length = (size_t) (end - start);
}

/* "=> URL label"; it stays a text if there is no URL. */
static void
read_link(const char *start, const char *end, struct vouch_gemtext_line *line)
{
    const char *url = start + 2;
    const char *label;

    while (url < end && is_blank(*url))
        url++;
    for (label = url; label < end && !is_blank(*label); label++)
        ;
    if (label == url)
        return;
    line->kind = VOUCH_GEMTEXT_LINK;
    line->url = url;
    line->url_length = (size_t) (label - url);
    take_text(line, label, end);
}

static void
read_heading(const char *start, const char *end,
             struct vouch_gemtext_line *line)
{
    line->kind = VOUCH_GEMTEXT_HEADING;
    while (line->level < HEADING_LEVELS && start < end && *start == '#') {
        line->level++;
        start++;
    }
    take_text(line, start, end);
}

void
vouch_gemtext_read(const char *start, size_t length, int *fenced,
                   struct vouch_gemtext_line *line_r)
{
    const char *end = start + length;
    struct vouch_gemtext_line line = {
        VOUCH_GEMTEXT_TEXT, 0, start, length, NULL, 0};

    if (begins(start, length, "```")) {
        line.kind = VOUCH_GEMTEXT_FENCE;
        *fenced = !*fenced;
        take_text(&line, start + 3, end);
    } else if (*fenced) {
        line.kind = VOUCH_GEMTEXT_PREFORMATTED;
    } else if (begins(start, length, "=>")) {
        read_link(start, end, &line);
    } else if (begins(start, length, "#")) {
        read_heading(start, end, &line);
    } else if (begins(start, length, "* ")) {
        line.kind = VOUCH_GEMTEXT_ITEM;
        take_text(&line, start + 2, end);
    } else if (begins(start, length, ">")) {
        line.kind = VOUCH_GEMTEXT_QUOTE;
        take_text(&line, start + 1, end);
    }
    *line_r = line;
}

/* Append a line, controls made '?', and its end. */
static void
append_line(const char *line, size_t length, struct vouch_buf *out)
{
    size_t done = 0;
    size_t i;

    for (i = 0; i < length; i++) {
        if (((unsigned char) line[i] >= ' ' && line[i] != 0x7F)
            || line[i] == '\t')
            continue;
        (void) vouch_buf_append(out, line + done, i - done);
        (void) vouch_buf_append(out, "?", 1);
        done = i + 1;
    }
    (void) vouch_buf_append(out, line + done, length - done);
    (void) vouch_buf_append(out, "\n", 1);
}

static int
is_special(const char *line, size_t length, int fenced)
{
    struct vouch_gemtext_line what;
    int inside = 0;

    if (fenced)
        return begins(line, length, "```");
    vouch_gemtext_read(line, length, &inside, &what);
    return what.kind != VOUCH_GEMTEXT_TEXT || begins(line, length, "=>");
}

int
vouch_gemtext_escape(const char *text, size_t length, int fenced,
                     struct vouch_buf *out)
{
    size_t line;
    size_t step;

    while ((step = vouch_gemtext_next(text, length, 1, &line)) > 0) {
        if (is_special(text, line, fenced))
            (void) vouch_buf_append(out, " ", 1);
        append_line(text, line, out);
        text += step;
        length -= step;
    }
    return vouch_buf_failed(out) ? -1 : 0;
}
