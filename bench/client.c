/*
 * The load of the benchmarks: TLS connections to 127.0.0.1 from a few
 * threads, each with a full handshake; or one connection that sends or
 * receives a stream.  Each connection says one line and reads to the end, or
 * asks a web server so many times (--requests), or a Gemini server for a
 * page (--gemini /PATH).  A session is resumed only with --resume.  The
 * server's certificate is not checked.  Not a part of Vouch, and uses nothing
 * of it.
 *
 * By hand:  client --port N --count 1000 --threads 2 --tls 1.3
 *                  --cert client.pem --key client.key
 *
 * It prints one line:
 *   done ok=N failed=N seconds=S tickets=N resumed=N bytes=N tls=S cipher=S
 *   group=S
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
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

/* The largest plaintext of one TLS record. */
#define RECORD_SIZE 16384

/* A line of the sent stream, its newline included. */
#define LINE_SIZE 80

/* So many records hold a whole number of lines. */
#define PATTERN_RECORDS 5

/* Small records are received many at a time. */
#define READ_AHEAD_SIZE (4 * RECORD_SIZE)

/* After so many failures the rest would fail too. */
#define FAILURES_MAX 10

/* The longest wait for everything, so that nothing is ever left behind. */
#define TIMEOUT_DEFAULT 120

/* The longest answer of a web server, headers and all. */
#define ANSWER_SIZE 4096

static char request[1100] = "hello\r\n";

static const char http_request[] = "GET / HTTP/1.1\r\n"
                                   "Host: 127.0.0.1\r\n"
                                   "Connection: keep-alive\r\n\r\n";

/* What the threads share. */
struct load {
    const struct options *o;
    SSL_CTX *ctx;
    pthread_mutex_t lock;
    long left;
    long ok;
    long failed;
    long tickets;
    long resumed;
    long long bytes;
    char settings[128];
};

static double
now(void)
{
    struct timespec t = {0, 0};

    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        return 0;
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
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

/* Counts the sessions a server offers; returns 0, for none is kept. */
static int
count_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct load *load = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    (void) session;
    pthread_mutex_lock(&load->lock);
    load->tickets++;
    pthread_mutex_unlock(&load->lock);
    return 0;
}

static int
use_certificate(SSL_CTX *ctx, const struct options *o)
{
    if (o->cert == NULL)
        return 0;
    if (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
        return -1;
    if (SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) != 1)
        return -1;
    return 0;
}

/* The context, or NULL; SSL_CTX_free is for the caller. */
static SSL_CTX *
context_new(const struct options *o, struct load *load)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return NULL;
    if (SSL_CTX_set_min_proto_version(ctx, o->version) != 1)
        goto fail;
    if (SSL_CTX_set_max_proto_version(ctx, o->version) != 1)
        goto fail;
    if (use_certificate(ctx, o) != 0)
        goto fail;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT
                                            | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(ctx, load);
    SSL_CTX_sess_set_new_cb(ctx, count_ticket);
    if (o->stream == STREAM_RECEIVE) {
        SSL_CTX_set_read_ahead(ctx, 1);
        SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_SIZE);
    }
    return ctx;
fail:
    SSL_CTX_free(ctx);
    return NULL;
}

/*
 * Without TCP_NODELAY the line after the handshake waits 40 ms for the
 * acknowledgement of a server that sends no session ticket.
 */
static int
tcp_connect(long port)
{
    struct sockaddr_in addr;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addr.sin_port = htons((unsigned short) port);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *) &addr, sizeof(addr)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A connection after its handshake, or NULL with the error told.  It offers
 * the session if there is one. */
static SSL *
connection_open(struct load *load, SSL_SESSION *session, int *fd_r)
{
    SSL *ssl = NULL;
    int fd = tcp_connect(load->o->port);

    if (fd < 0) {
        complain("connect");
        return NULL;
    }
    ERR_clear_error();
    ssl = SSL_new(load->ctx);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1
        && (session == NULL || SSL_set_session(ssl, session) == 1)
        && SSL_connect(ssl) == 1) {
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

/* Reads to the end: the number of bytes, or -1 without a proper close. */
static long long
read_all(SSL *ssl)
{
    char buf[RECORD_SIZE];
    long long bytes = 0;
    int n = 0;

    ERR_clear_error();
    while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0)
        bytes += n;
    if (SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN)
        return bytes;
    complain("read");
    return -1;
}

static long long
send_records(SSL *ssl, long records)
{
    static char data[PATTERN_RECORDS * RECORD_SIZE];
    long i = 0;
    size_t at = 0;

    memset(data, 'x', sizeof(data));
    for (at = LINE_SIZE; at <= sizeof(data); at += LINE_SIZE)
        data[at - 1] = '\n';
    for (i = 0; i < records; i++) {
        at = (size_t) (i % PATTERN_RECORDS) * RECORD_SIZE;
        if (SSL_write(ssl, data + at, RECORD_SIZE) != RECORD_SIZE) {
            complain("write");
            return -1;
        }
    }
    return (long long) records * RECORD_SIZE;
}

/*
 * Ends our direction and waits for the server's: a close with tickets still
 * unread would reset the connection and lose the end of the stream.
 */
static void
send_end(SSL *ssl)
{
    char buf[1024];

    if (SSL_shutdown(ssl) == 0)
        while (SSL_read(ssl, buf, sizeof(buf)) > 0)
            continue;
}

/* What was negotiated, so that the driver can compare the servers. */
static void
note_settings(struct load *load, SSL *ssl)
{
    int id = (int) SSL_get_negotiated_group(ssl);
    const char *group = SSL_group_to_name(ssl, id);

    snprintf(load->settings, sizeof(load->settings),
             "tls=%s cipher=%s group=%s", SSL_get_version(ssl),
             SSL_get_cipher_name(ssl), group == NULL ? "?" : group);
}

static void
note_result(struct load *load, SSL *ssl, bool ok)
{
    pthread_mutex_lock(&load->lock);
    if (ok)
        load->ok++;
    else
        load->failed++;
    if (ssl != NULL && SSL_session_reused(ssl))
        load->resumed++;
    if (ssl != NULL && load->settings[0] == '\0')
        note_settings(load, ssl);
    pthread_mutex_unlock(&load->lock);
}

/* The length of an answer that begins so, or 0 if that is not known yet. */
static size_t
answer_length(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strstr(answer, "Content-Length: ");

    if (body == NULL || length == NULL || length > body)
        return 0;
    return (size_t) (body + 4 - answer)
           + (size_t) strtoul(length + 16, NULL, 10);
}

/* Asks a web server once, and reads its whole answer. */
static bool
ask_once(SSL *ssl)
{
    char answer[ANSWER_SIZE + 1];
    size_t have = 0, length = 0;
    int n = (int) strlen(http_request);

    if (SSL_write(ssl, http_request, n) != n)
        return false;
    while (length == 0 || have < length) {
        n = SSL_read(ssl, answer + have, (int) (ANSWER_SIZE - have));
        if (n <= 0) {
            complain("read");
            return false;
        }
        have += (size_t) n;
        answer[have] = '\0';
        length = answer_length(answer);
    }
    return strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
}

static bool
talk(SSL *ssl, const struct options *o)
{
    int len = (int) strlen(request);
    long i = 0;

    if (o->requests == 0)
        return SSL_write(ssl, request, len) == len && read_all(ssl) > 0;
    for (i = 0; i < o->requests; i++)
        if (!ask_once(ssl))
            return false;
    return true;
}

/* One connection of the handshake rows. */
static void
connect_once(struct load *load, SSL_SESSION **session)
{
    int fd = -1;
    SSL *ssl = connection_open(load, *session, &fd);
    bool ok = ssl != NULL && talk(ssl, load->o);

    note_result(load, ssl, ok);
    if (ok && load->o->resume) {
        SSL_SESSION_free(*session);
        *session = SSL_get1_session(ssl);
    }
    if (ssl != NULL)
        connection_close(ssl, fd);
}

static bool
take_turn(struct load *load)
{
    bool more = false;

    pthread_mutex_lock(&load->lock);
    more = load->left > 0 && load->failed < FAILURES_MAX;
    if (more)
        load->left--;
    pthread_mutex_unlock(&load->lock);
    return more;
}

static void *
thread_main(void *arg)
{
    struct load *load = arg;
    SSL_SESSION *session = NULL;

    while (take_turn(load))
        connect_once(load, &session);
    SSL_SESSION_free(session);
    return NULL;
}

static int
run_threads(struct load *load)
{
    pthread_t threads[THREADS_MAX];
    long i = 0, started = 0;

    for (i = 0; i < load->o->threads; i++) {
        if (pthread_create(&threads[i], NULL, thread_main, load) != 0)
            break;
        started++;
    }
    for (i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return started == load->o->threads ? 0 : complain("thread");
}

static int
run_stream(struct load *load)
{
    int fd = -1;
    SSL *ssl = connection_open(load, NULL, &fd);

    if (ssl == NULL)
        return -1;
    if (load->o->stream == STREAM_SEND)
        load->bytes = send_records(ssl, load->o->records);
    else
        load->bytes = read_all(ssl);
    if (load->o->stream == STREAM_SEND && load->bytes >= 0)
        send_end(ssl);
    note_result(load, ssl, load->bytes >= 0);
    connection_close(ssl, fd);
    return 0;
}

struct held {
    SSL *ssl;
    int fd;
};

static bool
hold_one(struct load *load, struct held *held)
{
    char buf[1024];
    int len = (int) strlen(request);

    held->ssl = connection_open(load, NULL, &held->fd);
    return held->ssl != NULL && SSL_write(held->ssl, request, len) == len
           && SSL_read(held->ssl, buf, sizeof(buf)) > 0;
}

/* Told when all are open; then it waits for the end of the last one. */
static int
run_hold(struct load *load)
{
    struct held *held = calloc((size_t) load->o->count, sizeof(*held));
    char buf[1024];
    long i = 0, n = 0;

    if (held == NULL)
        return complain("calloc");
    for (n = 0; n < load->o->count && load->failed == 0; n++)
        note_result(load, held[n].ssl, hold_one(load, &held[n]));
    printf("held count=%ld\n", load->ok);
    fflush(stdout);
    while (load->failed == 0
           && SSL_read(held[n - 1].ssl, buf, sizeof(buf)) > 0)
        continue;
    for (i = 0; i < n; i++)
        if (held[i].ssl != NULL)
            connection_close(held[i].ssl, held[i].fd);
    free(held);
    return 0;
}

static int
run(struct load *load)
{
    double start = 0;
    int status = 0;

    load->ctx = context_new(load->o, load);
    if (load->ctx == NULL)
        return complain("context");
    start = now();
    if (load->o->stream == STREAM_NONE)
        status = run_threads(load);
    else if (load->o->stream == STREAM_HOLD)
        status = run_hold(load);
    else
        status = run_stream(load);
    printf("done ok=%ld failed=%ld seconds=%.3f tickets=%ld resumed=%ld"
           " bytes=%lld %s\n",
           load->ok, load->failed, now() - start, load->tickets, load->resumed,
           load->bytes, load->settings);
    SSL_CTX_free(load->ctx);
    return status == 0 && load->failed == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
    struct options o = {.version = TLS1_3_VERSION,
                        .threads = 2,
                        .count = 1,
                        .timeout = TIMEOUT_DEFAULT};
    struct load load;
    int status = 0;

    if (options_parse(argc, argv, &o) != 0)
        return 2;
    if (o.gemini != NULL)
        snprintf(request, sizeof(request), "gemini://localhost:%ld%s\r\n",
                 o.port, o.gemini);
    signal(SIGPIPE, SIG_IGN);
    alarm((unsigned int) o.timeout);
    memset(&load, 0, sizeof(load));
    load.o = &o;
    load.left = o.count;
    if (pthread_mutex_init(&load.lock, NULL) != 0)
        return 1;
    status = run(&load);
    pthread_mutex_destroy(&load.lock);
    return status == 0 ? 0 : 1;
}
