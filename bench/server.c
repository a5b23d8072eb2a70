/*
 * The measure of the benchmarks: the smallest TLS server that does what the
 * Perl servers do, on OpenSSL alone.  One process, one connection at a time,
 * blocking sockets, a plain accept loop.  It is not a part of Vouch, uses
 * nothing of it, and is no example of a good server.  The stream rows are in
 * server_stream.c, many handshakes at once in server_epoll.c.
 *
 * Standard output is for the driver:
 *   ready port=N
 *   done cpu_us=N wall_us=N count=N failed=N bytes=N fingerprint=S cn=S
 * The times run from the end of the warm-up to the end of the work.  With
 * --hold it keeps all connections, gives OpenSSL's buffers back, and bytes is
 * what it has grown by.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* As in the Perl servers. */
#define BACKLOG 512

/* The longest wait for everything, so that nothing is ever left behind. */
#define TIMEOUT_DEFAULT 120

/* What every connection is told; --answer makes it that long. */
static char reply[4096] = "hanging up\r\n";

struct options {
    const char *cert;
    const char *key;
    bool ask;           /* ask for a client certificate */
    bool default_paths; /* CA store as OpenSSL comes */
    bool tickets;       /* leave OpenSSL's session tickets on */
    bool hold;          /* keep all connections */
    bool many;          /* handshakes at once */
    enum stream stream;
    long warmup;
    long count;
    long answer;
    long timeout;
};

struct identity {
    char fingerprint[2 * EVP_MAX_MD_SIZE + 1];
    char cn[256];
};

struct meter {
    long long cpu_us;
    long long wall_us;
    long long bytes;
    long count;
    long failed;
};

static long long
clock_us(clockid_t which)
{
    struct timespec t = {0, 0};

    if (clock_gettime(which, &t) != 0)
        return 0;
    return (long long) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Called at the end of the warm-up, and once more at the end. */
static void
meter_start(struct meter *m)
{
    memset(m, 0, sizeof(*m));
    m->wall_us = clock_us(CLOCK_MONOTONIC);
    m->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static void
meter_stop(struct meter *m)
{
    m->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID) - m->cpu_us;
    m->wall_us = clock_us(CLOCK_MONOTONIC) - m->wall_us;
}

/* Always -1, for the caller to return. */
static int
complain(const char *what)
{
    char text[256];
    unsigned long code = ERR_get_error();

    if (code != 0)
        ERR_error_string_n(code, text, sizeof(text));
    fprintf(stderr, "%s failed: %s\n", what, code ? text : strerror(errno));
    ERR_clear_error();
    return -1;
}

/* What the verify callback of the Perl servers returns. */
static int
accept_all(int preverify_ok, X509_STORE_CTX *store)
{
    (void) preverify_ok;
    (void) store;
    return 1;
}

/*
 * The CA file and directory that IO::Socket::SSL takes by itself.  OpenSSL's
 * own SSL_CTX_set_default_verify_paths adds a third source (OSSL_STORE on
 * the directory) that every unknown issuer is looked up in: half a
 * millisecond per connection.
 */
static int
load_authorities(SSL_CTX *ctx)
{
    const char *file = getenv(X509_get_default_cert_file_env());
    const char *dir = getenv(X509_get_default_cert_dir_env());

    if (file == NULL)
        file = X509_get_default_cert_file();
    if (dir == NULL)
        dir = X509_get_default_cert_dir();
    if (access(file, R_OK) != 0)
        file = NULL;
    return SSL_CTX_load_verify_locations(ctx, file, dir);
}

static int
ask_for_certificate(SSL_CTX *ctx, bool default_paths)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    int ok = default_paths ? SSL_CTX_set_default_verify_paths(ctx)
                           : load_authorities(ctx);

    if (ok != 1)
        return -1;
    if (X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1)
        return -1;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_all);
    return 0;
}

static int
switch_tickets_off(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_num_tickets(ctx, 0) == 1 ? 0 : -1;
}

/* The context, or NULL; SSL_CTX_free is for the caller. */
static SSL_CTX *
context_new(const struct options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL)
        return NULL;
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        goto fail;
    if (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
        goto fail;
    if (SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) != 1)
        goto fail;
    if (o->ask && ask_for_certificate(ctx, o->default_paths) != 0)
        goto fail;
    if (!o->tickets && switch_tickets_off(ctx) != 0)
        goto fail;
    if (o->hold)
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ctx;
fail:
    SSL_CTX_free(ctx);
    return NULL;
}

/* A listening socket on a free port of 127.0.0.1, or -1. */
static int
listener_open(unsigned int *port_r)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *) &addr, len) != 0
        || listen(fd, BACKLOG) != 0
        || getsockname(fd, (struct sockaddr *) &addr, &len) != 0) {
        close(fd);
        return -1;
    }
    *port_r = ntohs(addr.sin_port);
    return fd;
}

/* An accepted connection after its handshake, or NULL with the error told. */
static SSL *
connection_accept(SSL_CTX *ctx, int listener, int *fd_r)
{
    SSL *ssl = NULL;
    int fd = accept(listener, NULL, NULL);

    if (fd < 0) {
        complain("accept");
        return NULL;
    }
    ERR_clear_error();
    ssl = SSL_new(ctx);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
        *fd_r = fd;
        return ssl;
    }
    complain("handshake");
    SSL_free(ssl);
    close(fd);
    return NULL;
}

static void
connection_close(SSL *ssl, int fd)
{
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
}

static int
read_one_line(SSL *ssl)
{
    char buf[1024];
    size_t used = 0;
    int n = 0;

    while (used < sizeof(buf)) {
        n = SSL_read(ssl, buf + used, (int) (sizeof(buf) - used));
        if (n <= 0)
            return -1;
        used += (size_t) n;
        if (memchr(buf, '\n', used) != NULL)
            return 0;
    }
    return -1;
}

static int
identify(SSL *ssl, struct identity *id)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int len = 0, i = 0;
    X509 *cert = SSL_get1_peer_certificate(ssl);
    int n = 0;

    if (cert == NULL)
        return -1;
    if (X509_digest(cert, EVP_sha256(), md, &len) != 1)
        len = 0;
    for (i = 0; i < len; i++) {
        id->fingerprint[2 * i] = digits[md[i] >> 4];
        id->fingerprint[2 * i + 1] = digits[md[i] & 15];
    }
    id->fingerprint[2 * len] = '\0';
    n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
                                  id->cn, sizeof(id->cn));
    X509_free(cert);
    return (len > 0 && n > 0) ? 0 : -1;
}

/* A line there, a line back, and the connection stays. */
static int
talk_one(SSL *ssl, bool ask, struct identity *id)
{
    if (read_one_line(ssl) != 0 || (ask && identify(ssl, id) != 0))
        return -1;
    return SSL_write(ssl, reply, (int) strlen(reply)) > 0 ? 0 : -1;
}

/* Bytes of memory in use by this process, or 0 where /proc is not. */
static long long
resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, pages = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    fclose(file);
    return (long long) pages * sysconf(_SC_PAGESIZE);
}

/* Keeps so many connections; the operating system takes them back. */
static long
hold_some(SSL_CTX *ctx, int listener, bool ask, long n, struct identity *id)
{
    long failed = 0;
    int fd = -1;

    for (; n > 0; n--) {
        SSL *ssl = connection_accept(ctx, listener, &fd);

        if (ssl == NULL || talk_one(ssl, ask, id) != 0)
            failed++;
    }
    return failed;
}

static void
hold_all(SSL_CTX *ctx, int listener, const struct options *o, struct meter *m,
         struct identity *id)
{
    long failed = hold_some(ctx, listener, o->ask, o->warmup, id);
    long long before = resident();

    meter_start(m);
    failed += hold_some(ctx, listener, o->ask, o->count, id);
    meter_stop(m);
    m->bytes = resident() - before;
    m->count = o->count;
    m->failed = failed;
}

/* One connection of the handshake rows. */
static int
serve_one(SSL_CTX *ctx, int listener, const struct options *o,
          struct identity *id)
{
    int fd = -1, status = -1;
    SSL *ssl = o->many ? epoll_accept(ctx, listener, &fd)
                       : connection_accept(ctx, listener, &fd);

    if (ssl == NULL)
        return -1;
    status = talk_one(ssl, o->ask, id);
    connection_close(ssl, fd);
    return status;
}

/* Serves so many connections; the number of those that failed. */
static long
serve_some(SSL_CTX *ctx, int listener, const struct options *o, long n,
           struct identity *id)
{
    long failed = 0;

    for (; n > 0; n--)
        if (serve_one(ctx, listener, o, id) != 0)
            failed++;
    return failed;
}

static void
serve_all(SSL_CTX *ctx, int listener, const struct options *o, struct meter *m,
          struct identity *id)
{
    long failed = serve_some(ctx, listener, o, o->warmup, id);

    meter_start(m);
    failed += serve_some(ctx, listener, o, o->count, id);
    meter_stop(m);
    m->count = o->count;
    m->failed = failed;
}

/* The stream rows: one connection.  What is received is read to its end. */
static int
serve_stream(SSL_CTX *ctx, int listener, const struct options *o,
             struct meter *m)
{
    bool reads = o->stream == STREAM_READ || o->stream == STREAM_LINES;
    int fd = -1;
    SSL *ssl = connection_accept(ctx, listener, &fd);

    if (ssl == NULL)
        return -1;
    (void) stream_some(ssl, o->stream, o->warmup);
    meter_start(m);
    m->bytes = stream_some(ssl, o->stream, reads ? LONG_MAX : o->count);
    meter_stop(m);
    m->count = o->count;
    connection_close(ssl, fd);
    return 0;
}

static int
parse_number(const char *text, long *value_r)
{
    char *end = NULL;
    long value = 0;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0) {
        fprintf(stderr, "server: not a number: %s\n", text);
        return -1;
    }
    *value_r = value;
    return 0;
}

static int
parse_stream(const char *text, enum stream *stream_r)
{
    static const char *const names[] = {"read", "write", "lines", "print"};
    unsigned int i = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *stream_r = (enum stream)(STREAM_READ + i);
            return 0;
        }
    }
    fprintf(stderr, "server: not a stream: %s\n", text);
    return -1;
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
    case 'a':
        o->ask = true;
        return 0;
    case 'd':
        o->default_paths = true;
        return 0;
    case 'T':
        o->tickets = false;
        return 0;
    case 'H':
        o->hold = true;
        return 0;
    case 'm':
        o->many = true;
        return 0;
    case 's':
        return parse_stream(arg, &o->stream);
    case 'A':
        return parse_number(arg, &o->answer);
    case 'w':
        return parse_number(arg, &o->warmup);
    case 'n':
        return parse_number(arg, &o->count);
    case 't':
        return parse_number(arg, &o->timeout);
    default:
        return -1;
    }
}

static int
parse_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"ask", no_argument, NULL, 'a'},
        {"default-paths", no_argument, NULL, 'd'},
        {"no-tickets", no_argument, NULL, 'T'},
        {"hold", no_argument, NULL, 'H'},
        {"many", no_argument, NULL, 'm'},
        {"stream", required_argument, NULL, 's'},
        {"answer", required_argument, NULL, 'A'},
        {"warmup", required_argument, NULL, 'w'},
        {"count", required_argument, NULL, 'n'},
        {"timeout", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int c = 0;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (parse_option(c, optarg, o) != 0)
            return -1;
    if (o->cert != NULL && o->key != NULL && optind == argc)
        return 0;
    fprintf(stderr,
            "usage: server --cert FILE --key FILE [--ask]"
            " [--default-paths] [--no-tickets] [--hold] [--many]\n"
            "    [--warmup N] [--count N] [--answer BYTES]"
            " [--stream read|write|lines|print] [--timeout SECONDS]\n");
    return -1;
}

static int
run(const struct options *o)
{
    struct identity id = {"", ""};
    struct meter m;
    SSL_CTX *ctx = context_new(o);
    unsigned int port = 0;
    int fd = -1, status = -1;

    memset(&m, 0, sizeof(m));
    if (ctx == NULL)
        return complain("context");
    fd = listener_open(&port);
    if (fd < 0) {
        status = complain("listen");
        goto out;
    }
    printf("ready port=%u\n", port);
    fflush(stdout);
    if (o->hold)
        hold_all(ctx, fd, o, &m, &id);
    else if (o->stream == STREAM_NONE)
        serve_all(ctx, fd, o, &m, &id);
    else if (serve_stream(ctx, fd, o, &m) != 0)
        goto out;
    printf("done cpu_us=%lld wall_us=%lld count=%ld failed=%ld bytes=%lld"
           " fingerprint=%s cn=%s\n",
           m.cpu_us, m.wall_us, m.count, m.failed, m.bytes, id.fingerprint,
           id.cn);
    status = m.failed == 0 ? 0 : -1;
out:
    if (fd >= 0)
        close(fd);
    SSL_CTX_free(ctx);
    return status;
}

int
main(int argc, char **argv)
{
    struct options o = {
        .tickets = true, .count = 1, .timeout = TIMEOUT_DEFAULT};

    if (parse_options(argc, argv, &o) != 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if (o.answer > 0 && (size_t) o.answer < sizeof(reply))
        memset(reply, 'x', (size_t) o.answer);
    alarm((unsigned int) (o.timeout < INT_MAX ? o.timeout : INT_MAX));
    return run(&o) == 0 ? 0 : 1;
}
