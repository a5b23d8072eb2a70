/*
 * The header of a response: written by servers, read by clients.
 *
 *   DIGIT DIGIT [SP meta] CRLF
 *
 * Writing is strict.  Reading tells what a server got wrong but may be
 * forgiven, and refuses the rest.  Pure.
 */
#ifndef VOUCH_GEMINI_RESPONSE_H
#define VOUCH_GEMINI_RESPONSE_H

#include <stddef.h>

struct vouch_buf;
struct vouch_error;
struct vouch_header_reader;

#define VOUCH_META_MAX 1024      /* bytes; what old clients take */
#define VOUCH_META_READ_MAX 4096 /* what is read of a server that sends more */

/* What a status means in English ("not found"); NULL if the specification
 * has none of this number.  Static storage. */
const char *vouch_status_text(int status);

/*
 * Append a header: status, meta and CRLF.  0, or -1 with VOUCH_E_ARGUMENT:
 * a status that is not in the specification, a meta that is empty with 1x,
 * 2x or 3x, longer than VOUCH_META_MAX, not UTF-8, begins with a byte order
 * mark or a blank, or has control characters; with 2x one that is no MIME
 * type, with 3x one that is no URL.
 */
int vouch_header_build(int status, const char *meta, size_t length,
                       struct vouch_buf *out, struct vouch_error *err);

/* What may be forgiven. */
enum vouch_header_fault {
    VOUCH_HEADER_BARE_LF = 1 << 0,   /* LF without CR */
    VOUCH_HEADER_UNDEFINED = 1 << 1, /* a status that is not defined: treat it
                                        by its first digit */
    VOUCH_HEADER_NO_META = 1 << 2,   /* 1x or 2x without meta */
    VOUCH_HEADER_LONG = 1 << 3,      /* meta of more than VOUCH_META_MAX */
    VOUCH_HEADER_BLANKS = 1 << 4,    /* more than one blank before the meta,
                                        or some after it */
    VOUCH_HEADER_BOM = 1 << 5,       /* a byte order mark before the meta */
    VOUCH_HEADER_FAULTS = 6          /* how many there are */
};

/* The fault in words; NULL for another number.  Static storage. */
const char *vouch_header_fault_text(int fault);

/* Free the reader.  NULL is allowed. */
void vouch_header_reader_free(struct vouch_header_reader *reader);

/* A new reader, or NULL without memory. */
struct vouch_header_reader *vouch_header_reader_new(void);

/*
 * Feed bytes; *used_r is how many of them belong to the header.  1 when the
 * header is complete, 0 if more is needed, -1 with VOUCH_E_FORMAT or
 * VOUCH_E_LIMIT if this is no Gemini header: no status from 10 to 69 and a
 * blank, control characters, no UTF-8, a 3x without meta, no end within
 * VOUCH_META_READ_MAX.  What it has answered it answers again.
 */
int vouch_header_reader_feed(struct vouch_header_reader *reader,
                             const char *data, size_t length, size_t *used_r,
                             struct vouch_error *err);

/* Of a complete header: the status, the meta (its length in *length_r,
 * NUL-terminated, the reader's) and the faults; before that 0 and "". */
int vouch_header_reader_status(const struct vouch_header_reader *reader);
const char *vouch_header_reader_meta(const struct vouch_header_reader *reader,
                                     size_t *length_r);
unsigned vouch_header_reader_faults(const struct vouch_header_reader *reader);

#endif
