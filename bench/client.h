/*
 * What the two halves of the load of the benchmarks share: client.c talks,
 * client_options.c reads the command line.
 */
#ifndef VOUCH_BENCH_CLIENT_H
#define VOUCH_BENCH_CLIENT_H

#include <stdbool.h>

#define THREADS_MAX 256

/* --hold opens the connections one after the other, reads a line on each and
 * keeps all of them until the server goes. */
enum stream { STREAM_NONE, STREAM_SEND, STREAM_RECEIVE, STREAM_HOLD };

struct options {
    const char *cert;
    const char *key;
    enum stream stream;
    int version;
    long port;
    long threads;
    long count;
    long records;
    long requests; /* of a web server on each connection; 0: a line */
    long timeout;
    const char *gemini; /* a path to ask for; NULL: say hello */
    bool resume;
};

/* Returns 0, or -1 when the usage has been told. */
int options_parse(int argc, char **argv, struct options *o);

#endif
