/*
 * epoll on Linux, kqueue on the BSDs and macOS, nothing elsewhere.
 */
#include "net/system.h"

#include "net/poller_kernel.h"

#include <errno.h>
#include <string.h>

#include "net/socket.h"

#define BATCH 64 /* events that are asked for at once */

#if !defined(VOUCH_USE_KQUEUE) && !defined(__linux__) \
    && (defined(__APPLE__) || defined(__NetBSD__) || defined(__OpenBSD__) \
        || defined(__FreeBSD__) || defined(__DragonFly__))
#define VOUCH_USE_KQUEUE 1
#endif

#if defined(VOUCH_USE_KQUEUE)

#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

/* The type of udata differs between the systems; all take a cast. */
#if defined(__NetBSD__)
#define UDATA(data) ((intptr_t) (data))
#else
#define UDATA(data) (data)
#endif

int
vouch_kernel_open(void)
{
    int kernel = kqueue();

    if (kernel != -1)
        (void) fcntl(kernel, F_SETFD, FD_CLOEXEC);
    return kernel;
}

static int
set_filter(int kernel, int fd, int filter, int on, void *data)
{
    struct kevent change;

    memset(&change, 0, sizeof(change));
    EV_SET(&change, fd, filter, on ? EV_ADD : EV_DELETE, 0, 0, UDATA(data));
    if (kevent(kernel, &change, 1, NULL, 0, NULL) == -1
        && (on || errno != ENOENT))
        return -1;
    return 0;
}

int
vouch_kernel_set(int kernel, enum vouch_kernel_change change, int fd,
                 int events, void *data)
{
    if (change == VOUCH_KERNEL_REMOVE)
        events = 0;
    if ((events & VOUCH_SOCKET_READ || change != VOUCH_KERNEL_ADD)
        && set_filter(kernel, fd, EVFILT_READ, events & VOUCH_SOCKET_READ,
                      data)
               != 0)
        return -1;
    if ((events & VOUCH_SOCKET_WRITE || change != VOUCH_KERNEL_ADD)
        && set_filter(kernel, fd, EVFILT_WRITE, events & VOUCH_SOCKET_WRITE,
                      data)
               != 0)
        return -1;
    return 0;
}

int
vouch_kernel_wait(int kernel, struct vouch_poller_event *events_r, int max,
                  int timeout_ms)
{
    struct kevent found[BATCH];
    struct timespec limit;
    int count;
    int i;

    memset(&limit, 0, sizeof(limit));
    if (timeout_ms > 0) {
        limit.tv_sec = timeout_ms / 1000;
        limit.tv_nsec = (long) (timeout_ms % 1000) * 1000000;
    }
    count = kevent(kernel, NULL, 0, found, max < BATCH ? max : BATCH,
                   timeout_ms < 0 ? NULL : &limit);
    for (i = 0; i < count; i++) {
        events_r[i].data = (void *) found[i].udata;
        events_r[i].events = found[i].filter == EVFILT_WRITE
                                 ? VOUCH_SOCKET_WRITE
                                 : VOUCH_SOCKET_READ;
    }
    return count;
}

#elif defined(__linux__)

#include <sys/epoll.h>

int
vouch_kernel_open(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

int
vouch_kernel_set(int kernel, enum vouch_kernel_change change, int fd,
                 int events, void *data)
{
    static const int words[] = {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
    struct epoll_event event;

    memset(&event, 0, sizeof(event));
    event.data.ptr = data;
    if (events & VOUCH_SOCKET_READ)
        event.events |= EPOLLIN;
    if (events & VOUCH_SOCKET_WRITE)
        event.events |= EPOLLOUT;
    return epoll_ctl(kernel, words[change], fd, &event);
}

int
vouch_kernel_wait(int kernel, struct vouch_poller_event *events_r, int max,
                  int timeout_ms)
{
    struct epoll_event found[BATCH];
    int count;
    int i;

    count = epoll_wait(kernel, found, max < BATCH ? max : BATCH, timeout_ms);
    for (i = 0; i < count; i++) {
        events_r[i].data = found[i].data.ptr;
        events_r[i].events = 0;
        if (found[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            events_r[i].events |= VOUCH_SOCKET_READ;
        if (found[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            events_r[i].events |= VOUCH_SOCKET_WRITE;
    }
    return count;
}

#else

int
vouch_kernel_open(void)
{
    errno = ENOSYS;
    return -1;
}

int
vouch_kernel_set(int kernel, enum vouch_kernel_change change, int fd,
                 int events, void *data)
{
    (void) kernel;
    (void) change;
    (void) fd;
    (void) events;
    (void) data;
    errno = ENOSYS;
    return -1;
}

int
vouch_kernel_wait(int kernel, struct vouch_poller_event *events_r, int max,
                  int timeout_ms)
{
    (void) kernel;
    (void) events_r;
    (void) max;
    (void) timeout_ms;
    errno = ENOSYS;
    return -1;
}

#endif
