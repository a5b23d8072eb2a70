/*
 * The system's own set of descriptors, epoll or kqueue, under one contract.
 * For net/poller.c alone.
 */
#ifndef VOUCH_NET_POLLER_KERNEL_H
#define VOUCH_NET_POLLER_KERNEL_H

#include "net/poller.h"

enum vouch_kernel_change {
    VOUCH_KERNEL_ADD,
    VOUCH_KERNEL_CHANGE,
    VOUCH_KERNEL_REMOVE
};

/* A new empty set: its descriptor, close-on-exec, or -1 with errno; ENOSYS
 * where the system has neither. */
int vouch_kernel_open(void);

/* Add, change or remove a descriptor.  0, or -1 with errno. */
int vouch_kernel_set(int kernel, enum vouch_kernel_change change, int fd,
                     int events, void *data);

/* Wait at most timeout_ms (-1: for ever).  The number of events, at most
 * max, which is 64 or less; 0; -1 with errno. */
int vouch_kernel_wait(int kernel, struct vouch_poller_event *events_r, int max,
                      int timeout_ms);

#endif
