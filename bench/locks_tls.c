/*
 * Clients of bench/locks-tls: locks over TLS by Vouch's client library, and
 * as peers OpenSSL alone: the same bytes to and fro, full handshakes, crowds.
 *
 *   locks_tls serve PORT              the other end of "bare"
 *   locks_tls bare PORT SECONDS       cycles on one connection: per second
 *   locks_tls lock PORT SECONDS       the same with locks of the daemon
 *   locks_tls full PORT SECONDS       connect, lock, unlock, close: per second
 *   locks_tls resume PORT SECONDS     the same, resuming the session
 *   locks_tls crowd PORT COUNT        that many with a lock each, until EOF
 *   locks_tls storm PORT COUNT        cycles of one while COUNT shake hands
 *
 * Certificates are node.pem, node.key and ca.pem of the current folder.
 */
#define _GNU_SOURCE 1

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/error.h"
#include "flom/client.h"
#include "flom/settings.h"
#include "net/socket.h"
#include "tls/connection.h"

#define LOCK_BYTES 203
#define ANSWER_BYTES 147
#define UNLOCK_BYTES 123
#define SAMPLES 1000000

static int port;

static void
die(const char *what)
{
    fprintf(stderr, "%s: ", what);
    perror("");
    ERR_print_errors_fp(stderr);
    exit(1);
}

static uint64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* --- OpenSSL alone ---------------------------------------------------------*/

static SSL_CTX *
make_context(int server)
{
    SSL_CTX *ctx =
        SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

    if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, "node.pem") != 1
        || SSL_CTX_use_PrivateKey_file(ctx, "node.key", SSL_FILETYPE_PEM) != 1
        || SSL_CTX_load_verify_locations(ctx, "ca.pem", NULL) != 1)
        die("certificates");
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
    if (server)
        (void) SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static int
open_socket(struct sockaddr_in *name)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    memset(name, 0, sizeof(*name));
    name->sin_family = AF_INET;
    name->sin_port = htons((uint16_t) port);
    name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static SSL *
connect_bare(SSL_CTX *ctx)
{
    struct sockaddr_in name;
    int fd = open_socket(&name);
    SSL *ssl = SSL_new(ctx);

    if (connect(fd, (struct sockaddr *) &name, sizeof(name)) != 0)
        die("connect");
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1)
        die("SSL_connect");
    return ssl;
}

static void
close_bare(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    (void) SSL_shutdown(ssl);
    SSL_free(ssl);
    (void) close(fd);
}

static int
read_all(SSL *ssl, char *data, int length)
{
    int count;

    while (length > 0) {
        count = SSL_read(ssl, data, length);
        if (count <= 0)
            return 0;
        data += count;
        length -= count;
    }
    return 1;
}

static void
serve(void)
{
    static char bytes[1024];
    SSL_CTX *ctx = make_context(1);
    struct sockaddr_in name;
    int listener = open_socket(&name);
    int on = 1;

    if (bind(listener, (struct sockaddr *) &name, sizeof(name)) != 0
        || listen(listener, 10) != 0)
        die("listen");
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        SSL *ssl = SSL_new(ctx);

        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            while (read_all(ssl, bytes, LOCK_BYTES)
                   && SSL_write(ssl, bytes, ANSWER_BYTES) > 0
                   && read_all(ssl, bytes, UNLOCK_BYTES))
                continue;
        }
        SSL_free(ssl);
        (void) close(fd);
    }
}

static void
bare_cycle(SSL *ssl)
{
    static char bytes[1024];

    if (SSL_write(ssl, bytes, LOCK_BYTES) <= 0
        || !read_all(ssl, bytes, ANSWER_BYTES)
        || SSL_write(ssl, bytes, UNLOCK_BYTES) <= 0)
        die("bare");
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><msg level=\"3\" "
static const char LOCK[] =
    HEAD "verb=\"1\" step=\"8\"><session peerid=\"bench\"/><resource "
         "name=\"YmVuY2g=\" mode=\"5\" wait=\"1\" create=\"1\" "
         "lifespan=\"0\"/></msg>";
static const char UNLOCK[] =
    HEAD "verb=\"2\" step=\"8\"><resource name=\"YmVuY2g=\" rollback=\"0\" "
         "/></msg>";

/* Connect with a full handshake, lock, unlock, close: by OpenSSL alone. */
static void
full_cycle(SSL_CTX *ctx)
{
    char bytes[1024];
    SSL *ssl = connect_bare(ctx);

    if (SSL_write(ssl, LOCK, sizeof(LOCK) - 1) <= 0
        || SSL_read(ssl, bytes, sizeof(bytes)) <= 0
        || strstr(bytes, "rc=\"0\"") == NULL
        || SSL_write(ssl, UNLOCK, sizeof(UNLOCK) - 1) <= 0)
        die("full");
    close_bare(ssl);
}

/* --- Vouch -----------------------------------------------------------------*/

static struct vouch_flom_client *
make_client(const char *resource)
{
    struct vouch_flom_settings settings;
    struct vouch_flom_client *client = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_flom_settings_init(&settings, &err) != 0
        || vouch_flom_settings_set_text(&settings.resource_name, resource,
                                        &err)
               != 0
        || vouch_flom_settings_set_text(&settings.unicast_address, "127.0.0.1",
                                        &err)
               != 0
        || vouch_flom_settings_set_file(&settings.tls_certificate, "node.pem",
                                        &err)
               != 0
        || vouch_flom_settings_set_file(&settings.tls_private_key, "node.key",
                                        &err)
               != 0
        || vouch_flom_settings_set_file(&settings.tls_ca_certificate, "ca.pem",
                                        &err)
               != 0)
        die(err.text);
    settings.unicast_port = port;
    if (vouch_flom_client_new(&settings, &client, &err) != 0)
        die(err.text);
    vouch_flom_settings_clear(&settings);
    return client;
}

static void
need(struct vouch_flom_client *client, int begun)
{
    if (begun != 0 || vouch_flom_client_wait(client, VOUCH_FOREVER) != 0)
        die(vouch_flom_client_reason(client));
}

static void
lock_cycle(struct vouch_flom_client *client)
{
    need(client, vouch_flom_client_lock(client));
    if (vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_LOCKED)
        die("not locked");
    need(client, vouch_flom_client_unlock(client, 0));
}

static void
resume_cycle(struct vouch_flom_client *client, uint64_t cycles)
{
    need(client, vouch_flom_client_connect(client, VOUCH_FOREVER));
    if (cycles > 0 && !vouch_conn_is_resumed(vouch_flom_client_conn(client)))
        die("not resumed");
    lock_cycle(client);
    vouch_flom_client_disconnect(client);
}

/* --- measuring -------------------------------------------------------------*/

static void
run_cycles(const char *mode, double seconds)
{
    struct vouch_flom_client *client = NULL;
    SSL_CTX *ctx = NULL;
    SSL *ssl = NULL;
    uint64_t cycles = 0;
    uint64_t end;

    if (strcmp(mode, "lock") == 0 || strcmp(mode, "resume") == 0)
        client = make_client("bench");
    else
        ctx = make_context(0);
    if (strcmp(mode, "lock") == 0)
        need(client, vouch_flom_client_connect(client, VOUCH_FOREVER));
    if (strcmp(mode, "bare") == 0)
        ssl = connect_bare(ctx);
    end = now_ns() + (uint64_t) (seconds * 1e9);
    for (; now_ns() < end; cycles++) {
        if (*mode == 'l')
            lock_cycle(client);
        else if (*mode == 'r')
            resume_cycle(client, cycles);
        else if (*mode == 'b')
            bare_cycle(ssl);
        else
            full_cycle(ctx);
    }
    printf("%.0f\n", (double) cycles / seconds);
}

static void
raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void
crowd(int count)
{
    SSL_CTX *ctx = make_context(0);
    char lock[sizeof(LOCK)];
    char bytes[1024];
    int i;

    raise_limit();
    for (i = 0; i < count; i++) {
        SSL *ssl = connect_bare(ctx);
        char name[9];
        char text[6];

        (void) snprintf(text, sizeof(text), "b%04d", i % 10000);
        (void) EVP_EncodeBlock((unsigned char *) name,
                               (const unsigned char *) text, 5);
        memcpy(lock, LOCK, sizeof(lock));
        memcpy(strstr(lock, "YmVuY2g="), name, 8);
        if (SSL_write(ssl, lock, sizeof(lock) - 1) <= 0
            || SSL_read(ssl, bytes, sizeof(bytes)) <= 0
            || strstr(bytes, "rc=\"0\"") == NULL)
            die("crowd");
    }
    puts("ready");
    fflush(stdout);
    (void) getchar();
}

/* All at once, as far as one process can. */
static void
shake_many_hands(int count)
{
    SSL_CTX *ctx = make_context(0);
    SSL **ssl = calloc((size_t) count, sizeof(*ssl));
    int loop = epoll_create1(0);
    int done = 0;
    int i;

    raise_limit();
    for (i = 0; i < count; i++) {
        struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLET,
                                    {.u32 = (uint32_t) i}};
        struct sockaddr_in name;
        int fd = open_socket(&name);

        (void) fcntl(fd, F_SETFL, O_NONBLOCK);
        (void) connect(fd, (struct sockaddr *) &name, sizeof(name));
        ssl[i] = SSL_new(ctx);
        SSL_set_fd(ssl[i], fd);
        SSL_set_connect_state(ssl[i]);
        (void) epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
    }
    while (done < count) {
        struct epoll_event events[64];
        int ready = epoll_wait(loop, events, 64, 20000);

        if (ready <= 0)
            die("storm");
        for (i = 0; i < ready; i++) {
            SSL *one = ssl[events[i].data.u32];
            int was = SSL_is_init_finished(one);
            int result = was ? 1 : SSL_do_handshake(one);

            if (result != 1
                && SSL_get_error(one, result) != SSL_ERROR_WANT_READ
                && SSL_get_error(one, result) != SSL_ERROR_WANT_WRITE)
                die("handshake");
            done += !was && result == 1;
        }
    }
    _exit(0);
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a;
    uint32_t y = *(const uint32_t *) b;

    return x < y ? -1 : x > y;
}

/* Times of the cycles of one client while others come: median, 99th
 * percentile and longest in milliseconds, how many, seconds in all. */
static void
storm(int count)
{
    struct vouch_flom_client *client = make_client("bench");
    uint32_t *took = calloc(SAMPLES, sizeof(*took));
    size_t cycles = 0;
    uint64_t begin;
    uint64_t start;
    pid_t child;

    need(client, vouch_flom_client_connect(client, VOUCH_FOREVER));
    lock_cycle(client);
    start = now_ns();
    child = fork();
    if (child == 0)
        shake_many_hands(count);
    while (waitpid(child, NULL, WNOHANG) == 0 && cycles < SAMPLES) {
        begin = now_ns();
        lock_cycle(client);
        took[cycles++] = (uint32_t) ((now_ns() - begin) / 1000);
    }
    qsort(took, cycles, sizeof(*took), by_size);
    printf("%.2f %.2f %.2f %zu %.2f\n", took[cycles / 2] / 1000.,
           took[cycles * 99 / 100] / 1000., took[cycles - 1] / 1000., cycles,
           (double) (now_ns() - start) / 1e9);
}

int
main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    port = atoi(argv[2]);
    if (strcmp(argv[1], "serve") == 0)
        serve();
    else if (argc < 4)
        return 2;
    else if (strcmp(argv[1], "crowd") == 0)
        crowd(atoi(argv[3]));
    else if (strcmp(argv[1], "storm") == 0)
        storm(atoi(argv[3]));
    else
        run_cycles(argv[1], atof(argv[3]));
    return 0;
}
