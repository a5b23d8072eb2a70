/*
 * A set of descriptors to wait for; the system's own, or one kept here for
 * poll(2).
 */
#include "net/poller.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/poller_kernel.h"
#include "net/socket.h"

#define FIRST_SIZE 16 /* entries to begin with */
#define BOTH (VOUCH_SOCKET_READ | VOUCH_SOCKET_WRITE)

struct vouch_poller {
    int kernel; /* the system's set, or -1: the two arrays below */
    struct pollfd *items;
    void **data;
    size_t count;
    size_t size;
    size_t next; /* where to look first */
};

void
vouch_poller_free(struct vouch_poller *poller)
{
    if (poller == NULL)
        return;
    if (poller->kernel != -1)
        (void) close(poller->kernel);
    free(poller->items);
    free(poller->data);
    free(poller);
}

int
vouch_poller_new(enum vouch_poller_kind kind, struct vouch_poller **poller_r,
                 struct vouch_error *err)
{
    struct vouch_poller *poller = calloc(1, sizeof(*poller));

    if (poller == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    poller->kernel = kind == VOUCH_POLLER_POLL ? -1 : vouch_kernel_open();
    if (poller->kernel == -1 && kind != VOUCH_POLLER_POLL && errno != ENOSYS) {
        (void) vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                                   "cannot make a set of descriptors");
        free(poller);
        return -1;
    }
    *poller_r = poller;
    return 0;
}

int
vouch_poller_fd(const struct vouch_poller *poller)
{
    return poller->kernel;
}

/* Where a descriptor is in our own set; count if it is not. */
static size_t
find(const struct vouch_poller *poller, int fd)
{
    size_t i = 0;

    while (i < poller->count && poller->items[i].fd != fd)
        i++;
    return i;
}

/* Room for one more.  0, or -1 with errno. */
static int
grow(struct vouch_poller *poller)
{
    size_t size = poller->size == 0 ? FIRST_SIZE : poller->size * 2;
    struct pollfd *items;
    void **data;

    if (poller->count < poller->size)
        return 0;
    items = realloc(poller->items, size * sizeof(*items));
    if (items != NULL)
        poller->items = items;
    data = realloc(poller->data, size * sizeof(*data));
    if (data != NULL)
        poller->data = data;
    if (items == NULL || data == NULL) {
        errno = ENOMEM;
        return -1;
    }
    poller->size = size;
    return 0;
}

/* Change our own set as the system's would be changed. */
static int
set_own(struct vouch_poller *poller, enum vouch_kernel_change change, int fd,
        int events, void *data)
{
    size_t at = find(poller, fd);
    int known = at < poller->count;

    if (known == (change == VOUCH_KERNEL_ADD)) {
        errno = known ? EEXIST : ENOENT;
        return -1;
    }
    if (change == VOUCH_KERNEL_REMOVE) {
        poller->count--;
        poller->items[at] = poller->items[poller->count];
        poller->data[at] = poller->data[poller->count];
        return 0;
    }
    if (!known) {
        if (grow(poller) != 0)
            return -1;
        poller->count++;
    }
    memset(&poller->items[at], 0, sizeof(poller->items[at]));
    poller->items[at].fd = fd;
    if (events & VOUCH_SOCKET_READ)
        poller->items[at].events |= POLLIN;
    if (events & VOUCH_SOCKET_WRITE)
        poller->items[at].events |= POLLOUT;
    poller->data[at] = data;
    return 0;
}

static int
set(struct vouch_poller *poller, enum vouch_kernel_change change, int fd,
    int events, void *data)
{
    if (fd < 0) {
        errno = EBADF;
        return -1;
    }
    if (change != VOUCH_KERNEL_REMOVE && (events & BOTH) == 0) {
        errno = EINVAL;
        return -1;
    }
    if (poller->kernel == -1)
        return set_own(poller, change, fd, events, data);
    return vouch_kernel_set(poller->kernel, change, fd, events, data);
}

int
vouch_poller_add(struct vouch_poller *poller, int fd, int events, void *data)
{
    return set(poller, VOUCH_KERNEL_ADD, fd, events, data);
}

int
vouch_poller_change(struct vouch_poller *poller, int fd, int events,
                    void *data)
{
    return set(poller, VOUCH_KERNEL_CHANGE, fd, events, data);
}

int
vouch_poller_remove(struct vouch_poller *poller, int fd)
{
    return set(poller, VOUCH_KERNEL_REMOVE, fd, 0, NULL);
}

/* Milliseconds until the deadline, as poll(2) wants them. */
static int
time_left(int64_t deadline_ms)
{
    int64_t now;

    if (deadline_ms == VOUCH_FOREVER)
        return -1;
    now = vouch_clock_monotonic_ms();
    if (deadline_ms <= now)
        return 0;
    return deadline_ms - now < INT_MAX ? (int) (deadline_ms - now) : INT_MAX;
}

/* What poll(2) has found, from where the last call stopped: a small max
 * leaves nobody out for ever. */
static int
collect(struct vouch_poller *poller, struct vouch_poller_event *events_r,
        size_t max)
{
    size_t found = 0;
    size_t seen;
    size_t at = poller->next < poller->count ? poller->next : 0;
    int told;

    for (seen = 0; seen < poller->count && found < max; seen++) {
        told = poller->items[at].revents;
        if (told != 0) {
            events_r[found].data = poller->data[at];
            events_r[found].events = 0;
            if (told & ~POLLOUT)
                events_r[found].events |= VOUCH_SOCKET_READ;
            if (told & ~POLLIN)
                events_r[found].events |= VOUCH_SOCKET_WRITE;
            found++;
        }
        at = at + 1 < poller->count ? at + 1 : 0;
    }
    poller->next = at;
    return (int) found;
}

/* One wait, as long as the system lets it be. */
static int
wait_once(struct vouch_poller *poller, struct vouch_poller_event *events_r,
          size_t max, int timeout)
{
    int ready;

    if (poller->kernel != -1)
        return vouch_kernel_wait(poller->kernel, events_r, (int) max, timeout);
    ready = poll(poller->items, (nfds_t) poller->count, timeout);
    return ready > 0 ? collect(poller, events_r, max) : ready;
}

int
vouch_poller_wait(struct vouch_poller *poller,
                  struct vouch_poller_event *events_r, size_t max,
                  int64_t deadline_ms)
{
    int timeout;
    int ready;

    if (max == 0) {
        errno = EINVAL;
        return -1;
    }
    if (max > INT_MAX)
        max = INT_MAX;
    do {
        timeout = time_left(deadline_ms);
        ready = wait_once(poller, events_r, max, timeout);
    } while (ready == 0 && timeout != 0);
    return ready;
}
