/*
 * The accept rows of the benchmarks' C server: many handshakes at once with
 * epoll, as a C program without a library of its own would write them.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif

#include "server.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

/* Events asked for at once. */
#define BATCH 64

static int set = -1;
static struct epoll_event batch[BATCH];
static int batch_next, batch_end;

/* Wait for a descriptor; ssl is NULL for the listening one. */
static int
watch(int fd, SSL *ssl)
{
    struct epoll_event event = {EPOLLIN, {NULL}};

    event.data.ptr = ssl;
    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static void
drop(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    SSL_free(ssl);
    close(fd);
}

/* Go on with a handshake: 1 done, 0 not yet, -1 failed and gone. */
static int
step(SSL *ssl, int is_new)
{
    int result = 0;

    ERR_clear_error();
    result = SSL_accept(ssl);
    if (result == 1) {
        if (!is_new)
            epoll_ctl(set, EPOLL_CTL_DEL, SSL_get_fd(ssl), NULL);
        return 1;
    }
    if (SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ)
        if (!is_new || watch(SSL_get_fd(ssl), ssl) == 0)
            return 0;
    drop(ssl);
    return -1;
}

/* A new connection: 1 if it is ready at once, 0 if not, -1 for none. */
static int
begin(SSL_CTX *ctx, int listener, SSL **ssl_r)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    SSL *ssl = NULL;

    if (fd < 0)
        return -1;
    ssl = SSL_new(ctx);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        close(fd);
        return 0;
    }
    SSL_set_accept_state(ssl);
    *ssl_r = ssl;
    return step(ssl, 1) == 1;
}

/* The next one that is ready among those found, or NULL for none. */
static SSL *
next_ready(SSL_CTX *ctx, int listener)
{
    SSL *ssl = NULL;
    int result = 0;

    while (batch_next < batch_end) {
        ssl = batch[batch_next].data.ptr;
        if (ssl != NULL) {
            batch_next++;
            if (step(ssl, 0) == 1)
                return ssl;
            continue;
        }
        result = begin(ctx, listener, &ssl);
        if (result == 1)
            return ssl;
        if (result < 0)
            batch_next++;
    }
    return NULL;
}

SSL *
epoll_accept(SSL_CTX *ctx, int listener, int *fd_r)
{
    SSL *ssl = NULL;

    if (set < 0) {
        set = epoll_create1(EPOLL_CLOEXEC);
        fcntl(listener, F_SETFL, O_NONBLOCK);
        if (set < 0 || watch(listener, NULL) != 0)
            return NULL;
    }
    while ((ssl = next_ready(ctx, listener)) == NULL) {
        batch_next = 0;
        batch_end = epoll_wait(set, batch, BATCH, -1);
        if (batch_end < 0)
            return NULL;
    }
    *fd_r = SSL_get_fd(ssl);
    fcntl(*fd_r, F_SETFL, 0); /* what follows waits */
    return ssl;
}
