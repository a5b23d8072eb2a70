/*
 * Words that bring back what _POSIX_C_SOURCE hides: accept4, MSG_DONTWAIT,
 * ip_mreq, epoll, kqueue and the like; each system has one of its own.
 * Included before everything else.
 */
#ifndef VOUCH_NET_SYSTEM_H
#define VOUCH_NET_SYSTEM_H

#if defined(__linux__)
#define _GNU_SOURCE 1
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#elif defined(__NetBSD__)
#define _NETBSD_SOURCE 1
#elif defined(__OpenBSD__)
#define _BSD_SOURCE 1
#elif defined(__FreeBSD__) || defined(__DragonFly__)
#define __BSD_VISIBLE 1
#endif

#endif
