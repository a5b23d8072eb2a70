/*
 * Gemtext, the hypertext of Gemini: what each line is, and text made harmless.
 *
 * The first three bytes of a line tell what it is:
 *
 *   => URL label    a link          # ## ###   a heading
 *   * text          an item         > text     a quotation
 *   ``` alt         begins and ends lines that are taken as they are
 *
 * Pure; works on any bytes.
 */
#ifndef VOUCH_GEMINI_GEMTEXT_H
#define VOUCH_GEMINI_GEMTEXT_H

#include <stddef.h>

struct vouch_buf;

enum vouch_gemtext_kind {
    VOUCH_GEMTEXT_TEXT = 0,
    VOUCH_GEMTEXT_LINK = 1,
    VOUCH_GEMTEXT_HEADING = 2,
    VOUCH_GEMTEXT_ITEM = 3,
    VOUCH_GEMTEXT_QUOTE = 4,
    VOUCH_GEMTEXT_FENCE = 5,       /* its text tells what is between */
    VOUCH_GEMTEXT_PREFORMATTED = 6 /* a line between two fences */
};

/* Pointers into the line that was given; not NUL-terminated. */
struct vouch_gemtext_line {
    enum vouch_gemtext_kind kind;
    int level;        /* of a heading, 1 to 3; else 0 */
    const char *text; /* without what marks the line, and blanks around it */
    size_t text_length;
    const char *url; /* of a link, else NULL */
    size_t url_length;
};

/*
 * The first line of data: *length_r is its length without its end (LF or
 * CRLF).  Returns how many bytes it has with its end, or 0 if there is no
 * end; at the end of a page the rest is a line too, if there is any and
 * is_last is true.
 */
size_t vouch_gemtext_next(const char *data, size_t length, int is_last,
                          size_t *length_r);

/*
 * What a line without its end is.  *fenced is 0 at the beginning of a page
 * and is changed by fences.  A "=>" without a URL is text.
 */
void vouch_gemtext_read(const char *line, size_t length, int *fenced,
                        struct vouch_gemtext_line *line_r);

/*
 * Append text of others so that each of its lines is text, or, if fenced is
 * true, so that none ends the preformatted lines: a blank is put before what
 * would be something else.  Control characters but tabs and line ends become
 * '?'; the last line gets an end.  0, or -1 when the buffer is full.
 */
int vouch_gemtext_escape(const char *text, size_t length, int fenced,
                         struct vouch_buf *out);

#endif
