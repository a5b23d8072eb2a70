/*
 * The byte buffer: one allocation, bytes from `start`, a NUL after them.
 *
 * Not a ring: bytes are moved to the front when room is needed, so that the
 * content is always one run.
 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define FIRST_SIZE 256 /* most lines and requests fit at once */
#define LARGEST (SIZE_MAX / 2 - 1)

struct vouch_buf {
    unsigned char *data; /* size + 1 bytes, or NULL before the first use */
    size_t size;
    size_t start;
    size_t length;
    size_t reserved;
    size_t max;
    int failed;
};

void
vouch_buf_free(struct vouch_buf *buf)
{
    if (buf == NULL)
        return;
    if (buf->data != NULL) {
        OPENSSL_cleanse(buf->data, buf->size + 1);
        free(buf->data);
    }
    free(buf);
}

struct vouch_buf *
vouch_buf_new(size_t max)
{
    struct vouch_buf *buf;

    if (max == 0)
        return NULL;
    buf = calloc(1, sizeof(*buf));
    if (buf == NULL)
        return NULL;
    /* No object is larger, and size + 1 cannot overflow. */
    buf->max = max < LARGEST ? max : LARGEST;
    return buf;
}

/* The size to allocate for wanted bytes: doubled, within the maximum. */
static size_t
grown_size(const struct vouch_buf *buf, size_t wanted)
{
    size_t size = buf->size > FIRST_SIZE ? buf->size : FIRST_SIZE;

    while (size < wanted) {
        if (size > buf->max / 2)
            return buf->max;
        size *= 2;
    }
    return size < buf->max ? size : buf->max;
}

/* Move the content into a larger block; the old one is wiped, as it may
 * hold a key.  0, or -1 without memory. */
static int
grow(struct vouch_buf *buf, size_t wanted)
{
    size_t size = grown_size(buf, wanted);
    unsigned char *data;

    data = malloc(size + 1);
    if (data == NULL)
        return -1;
    if (buf->data != NULL) {
        memcpy(data, buf->data + buf->start, buf->length);
        OPENSSL_cleanse(buf->data, buf->size + 1);
        free(buf->data);
    }
    data[buf->length] = '\0';
    data[size] = '\0';
    buf->data = data;
    buf->size = size;
    buf->start = 0;
    return 0;
}

/* Make room for length bytes after the content.  0 or -1 (now failed). */
static int
make_room(struct vouch_buf *buf, size_t length)
{
    buf->reserved = 0;
    if (buf->failed)
        return -1;
    if (length > buf->max - buf->length)
        goto fail;
    if (buf->data == NULL || length > buf->size - buf->length) {
        if (grow(buf, buf->length + length) != 0)
            goto fail;
    } else if (length > buf->size - buf->start - buf->length) {
        memmove(buf->data, buf->data + buf->start, buf->length + 1);
        buf->start = 0;
    }
    return 0;

fail:
    buf->failed = 1;
    return -1;
}

/* Count length bytes that stand after the content. */
static void
extend(struct vouch_buf *buf, size_t length)
{
    buf->length += length;
    buf->data[buf->start + buf->length] = '\0';
}

int
vouch_buf_append(struct vouch_buf *buf, const void *data, size_t length)
{
    if (make_room(buf, length) != 0)
        return -1;
    if (length > 0)
        memcpy(buf->data + buf->start + buf->length, data, length);
    extend(buf, length);
    return 0;
}

int
vouch_buf_append_text(struct vouch_buf *buf, const char *text)
{
    return vouch_buf_append(buf, text, strlen(text));
}

int
vouch_buf_append_format(struct vouch_buf *buf, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        buf->failed = 1;
        return -1;
    }
    if (make_room(buf, (size_t) length) != 0)
        return -1;

    va_start(args, format);
    (void) vsnprintf((char *) buf->data + buf->start + buf->length,
                     (size_t) length + 1, format, args);
    va_end(args);
    extend(buf, (size_t) length);
    return 0;
}

unsigned char *
vouch_buf_reserve(struct vouch_buf *buf, size_t length)
{
    if (make_room(buf, length) != 0)
        return NULL;
    buf->reserved = length;
    return buf->data + buf->start + buf->length;
}

int
vouch_buf_commit(struct vouch_buf *buf, size_t length)
{
    if (length > buf->reserved) {
        buf->failed = 1;
        return -1;
    }
    if (buf->data != NULL)
        extend(buf, length);
    buf->reserved = 0;
    return 0;
}

void
vouch_buf_consume(struct vouch_buf *buf, size_t length)
{
    buf->reserved = 0;
    if (length < buf->length) {
        buf->start += length;
        buf->length -= length;
        return;
    }
    buf->start = 0;
    buf->length = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void
vouch_buf_clear(struct vouch_buf *buf)
{
    vouch_buf_consume(buf, buf->length);
    buf->failed = 0;
}

const unsigned char *
vouch_buf_data(const struct vouch_buf *buf)
{
    static const unsigned char nothing[1] = {'\0'};

    return buf->data != NULL ? buf->data + buf->start : nothing;
}

const char *
vouch_buf_text(const struct vouch_buf *buf)
{
    return (const char *) vouch_buf_data(buf);
}

size_t
vouch_buf_length(const struct vouch_buf *buf)
{
    return buf->length;
}

size_t
vouch_buf_room(const struct vouch_buf *buf)
{
    return buf->failed ? 0 : buf->max - buf->length;
}

int
vouch_buf_failed(const struct vouch_buf *buf)
{
    return buf->failed;
}
