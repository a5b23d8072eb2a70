/*
 * The stream rows of the benchmarks' C server: what a careful C program
 * without a library of its own would write.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "server.h"

#include <string.h>

/* The largest plaintext of one TLS record. */
#define RECORD_SIZE 16384

/* A line of the stream rows, its newline included. */
#define LINE_SIZE 80

/* Bytes received and not yet handed out as lines. */
struct lines {
    SSL *ssl;
    char data[RECORD_SIZE + LINE_SIZE];
    size_t start;
    size_t end;
};

/* Receives up to `units` records; the bytes received, less at the end. */
static long long
stream_read(SSL *ssl, long units)
{
    char buf[RECORD_SIZE];
    long long bytes = 0;
    int n = 0;

    for (; units > 0; units--) {
        n = SSL_read(ssl, buf, sizeof(buf));
        if (n <= 0)
            break;
        bytes += n;
    }
    return bytes;
}

static long long
stream_write(SSL *ssl, long units, int size)
{
    char buf[RECORD_SIZE];
    long long bytes = 0;
    int n = 0;

    memset(buf, 'x', sizeof(buf));
    buf[size - 1] = '\n';
    for (; units > 0; units--) {
        n = SSL_write(ssl, buf, size);
        if (n <= 0)
            break;
        bytes += n;
    }
    return bytes;
}

/* Makes room and receives once more: 0, or -1 at the end or a long line. */
static int
lines_fill(struct lines *in)
{
    size_t kept = in->end - in->start;
    int n = 0;

    if (kept > LINE_SIZE)
        return -1;
    memmove(in->data, in->data + in->start, kept);
    n = SSL_read(in->ssl, in->data + kept, RECORD_SIZE);
    in->start = 0;
    in->end = kept + (n > 0 ? (size_t) n : 0);
    return n > 0 ? 0 : -1;
}

/* The length of the next line, newline included; 0 at the end. */
static size_t
lines_next(struct lines *in)
{
    const char *from = NULL, *newline = NULL;
    size_t len = 0;

    for (;;) {
        from = in->data + in->start;
        newline = memchr(from, '\n', in->end - in->start);
        if (newline != NULL)
            break;
        if (lines_fill(in) != 0)
            return 0;
    }
    len = (size_t) (newline - from) + 1;
    in->start += len;
    return len;
}

static long long
stream_lines(struct lines *in, long units)
{
    long long bytes = 0;
    size_t len = 0;

    for (; units > 0; units--) {
        len = lines_next(in);
        if (len == 0)
            break;
        bytes += (long long) len;
    }
    return bytes;
}

long long
stream_some(SSL *ssl, enum stream what, long units)
{
    static struct lines in;

    switch (what) {
    case STREAM_READ:
        return stream_read(ssl, units);
    case STREAM_WRITE:
        return stream_write(ssl, units, RECORD_SIZE);
    case STREAM_LINES:
        in.ssl = ssl;
        return stream_lines(&in, units);
    case STREAM_PRINT:
        return stream_write(ssl, units, LINE_SIZE);
    case STREAM_NONE:
        break;
    }
    return 0;
}
