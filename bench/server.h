/*
 * What the parts of the benchmarks' C server share: server.c has the
 * handshake rows and the command line, server_stream.c the stream rows,
 * server_epoll.c the many handshakes at once of the accept rows.
 */
#ifndef VOUCH_BENCH_SERVER_H
#define VOUCH_BENCH_SERVER_H

#include <openssl/ssl.h>

/* In the order of the names in parse_stream. */
enum stream {
    STREAM_NONE,
    STREAM_READ,
    STREAM_WRITE,
    STREAM_LINES,
    STREAM_PRINT
};

/*
 * Receives or sends on an open connection: `units` records of 16 KiB
 * (STREAM_READ, STREAM_WRITE) or lines of 80 bytes (STREAM_LINES,
 * STREAM_PRINT; a sent line is a record of its own).  Stops early at the end
 * of the stream or at an error.  Returns the number of bytes.  Lines keep
 * what was received too much for the next call, so it serves one connection
 * in the life of the process.
 */
long long stream_some(SSL *ssl, enum stream what, long units);

/*
 * The next connection whose handshake is done, in blocking mode, while any
 * number of others go on; NULL at an error.  One that fails is dropped
 * without a word.
 */
SSL *epoll_accept(SSL_CTX *ctx, int listener, int *fd_r);

#endif
