/*
 * The command line of client.c.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "client.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

static int
parse_number(const char *text, long max, long *value_r)
{
    char *end = NULL;
    long value = 0;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= 1
        && value <= max) {
        *value_r = value;
        return 0;
    }
    fprintf(stderr, "client: not a number from 1 to %ld: %s\n", max, text);
    return -1;
}

static int
parse_version(const char *text, int *version_r)
{
    if (strcmp(text, "1.2") == 0)
        *version_r = TLS1_2_VERSION;
    else if (strcmp(text, "1.3") == 0)
        *version_r = TLS1_3_VERSION;
    else {
        fprintf(stderr, "client: --tls takes 1.2 or 1.3\n");
        return -1;
    }
    return 0;
}

static int
parse_option(int c, const char *arg, struct options *o)
{
    switch (c) {
    case 'c':
        o->cert = arg;
        return 0;
    case 'k':
        o->key = arg;
        return 0;
    case 'v':
        return parse_version(arg, &o->version);
    case 'p':
        return parse_number(arg, 65535, &o->port);
    case 'j':
        return parse_number(arg, THREADS_MAX, &o->threads);
    case 'n':
        return parse_number(arg, LONG_MAX, &o->count);
    case 's':
        o->stream = STREAM_SEND;
        return parse_number(arg, LONG_MAX, &o->records);
    case 'r':
        o->stream = STREAM_RECEIVE;
        return 0;
    case 'H':
        o->stream = STREAM_HOLD;
        return 0;
    case 'q':
        return parse_number(arg, LONG_MAX, &o->requests);
    case 'g':
        o->gemini = arg;
        return 0;
    case 'R':
        o->resume = true;
        return 0;
    case 't':
        return parse_number(arg, INT_MAX, &o->timeout);
    default:
        return -1;
    }
}

static int
usage(void)
{
    fprintf(stderr,
            "usage: client --port N [--threads N] [--count N]"
            " [--tls 1.2|1.3]\n"
            "              [--cert FILE --key FILE] [--timeout SECONDS]\n"
            "              [--requests N | --gemini PATH] [--resume]"
            " [--send RECORDS | --receive | --hold]\n");
    return -1;
}

int
options_parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"tls", required_argument, NULL, 'v'},
        {"port", required_argument, NULL, 'p'},
        {"threads", required_argument, NULL, 'j'},
        {"count", required_argument, NULL, 'n'},
        {"send", required_argument, NULL, 's'},
        {"receive", no_argument, NULL, 'r'},
        {"hold", no_argument, NULL, 'H'},
        {"requests", required_argument, NULL, 'q'},
        {"gemini", required_argument, NULL, 'g'},
        {"resume", no_argument, NULL, 'R'},
        {"timeout", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int c = 0;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (parse_option(c, optarg, o) != 0)
            return usage();
    if (o->port == 0 || optind != argc)
        return usage();
    if ((o->cert == NULL) != (o->key == NULL))
        return usage();
    return 0;
}
