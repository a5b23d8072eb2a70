/*
 * A byte buffer that grows up to a maximum set by its owner.
 *
 * For everything of variable length: files, texts, lines.  Once an append
 * has failed (maximum reached, or no memory) the buffer stays failed, so a
 * row of appends needs one check at the end.  Not a queue between threads.
 */
#ifndef VOUCH_BASE_BUFFER_H
#define VOUCH_BASE_BUFFER_H

#include <stddef.h>

struct vouch_buf;

/* Free the buffer; its bytes are wiped first.  NULL is allowed. */
void vouch_buf_free(struct vouch_buf *buf);

/* A new empty buffer of at most max bytes (> 0), or NULL without memory. */
struct vouch_buf *vouch_buf_new(size_t max);

/*
 * Append bytes, text, or printf-formatted text.  0, or -1 when the maximum
 * would be passed or memory is out; then the buffer is failed for good.
 */
int vouch_buf_append(struct vouch_buf *buf, const void *data, size_t length);
int vouch_buf_append_text(struct vouch_buf *buf, const char *text);
int vouch_buf_append_format(struct vouch_buf *buf, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/*
 * Room for length more bytes, to be filled by the caller and then counted
 * with vouch_buf_commit().  NULL as for append.  Whoever writes into the
 * room must commit once, be it 0 bytes: that puts the closing NUL back.
 */
unsigned char *vouch_buf_reserve(struct vouch_buf *buf, size_t length);

/* Count length bytes written into the reserved room.  0, or -1 (and the
 * buffer is failed) if more than was reserved. */
int vouch_buf_commit(struct vouch_buf *buf, size_t length);

/* Drop length bytes from the front (all, if there are fewer). */
void vouch_buf_consume(struct vouch_buf *buf, size_t length);

/* Empty the buffer and forgive a failure; the memory is kept. */
void vouch_buf_clear(struct vouch_buf *buf);

/* The bytes, never NULL, NUL-terminated beyond the last one; valid until
 * the next change. */
const unsigned char *vouch_buf_data(const struct vouch_buf *buf);
const char *vouch_buf_text(const struct vouch_buf *buf);

/* How many bytes there are. */
size_t vouch_buf_length(const struct vouch_buf *buf);

/* How many more bytes fit under the maximum; 0 if the buffer is failed. */
size_t vouch_buf_room(const struct vouch_buf *buf);

/* 1 if an append has failed since the last clear, else 0. */
int vouch_buf_failed(const struct vouch_buf *buf);

#endif
