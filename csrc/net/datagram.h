/*
 * UDP to a multicast group, and to whoever answers from there.
 *
 * Descriptors made here are close-on-exec and non-blocking; nothing here
 * waits.  An interface is a name such as "eth0", or NULL: the system chooses.
 */
#ifndef VOUCH_NET_DATAGRAM_H
#define VOUCH_NET_DATAGRAM_H

#include <stddef.h>
#include <sys/types.h>

struct vouch_address;
struct vouch_error;

/* 1 if it is a multicast address, else 0. */
int vouch_address_is_multicast(const struct vouch_address *address);

/*
 * A socket to send to this address (a group, or one host) with; hops, 1 to
 * 255, is how many networks a datagram to a group may cross.  Descriptor, or
 * -1 with VOUCH_E_ARGUMENT or VOUCH_E_SYSTEM.
 */
int vouch_datagram_open(const struct vouch_address *to, const char *interface,
                        int hops, struct vouch_error *err);

/*
 * A socket that hears what is sent to the group, and what is sent to its
 * port on this host; others may listen there too.  Descriptor, or -1: with
 * VOUCH_E_ARGUMENT if that is no group, with VOUCH_E_SYSTEM (EADDRINUSE:
 * somebody has the port alone) if it cannot be joined.
 */
int vouch_datagram_join(const struct vouch_address *group,
                        const char *interface, struct vouch_error *err);

/*
 * The next datagram and its sender: its length, which may be 0, or -1 with
 * errno (EAGAIN: none is there).  What is longer than size is cut: give one
 * byte more than is good, and a datagram of that size is too long.
 */
ssize_t vouch_datagram_receive(int fd, void *data, size_t size,
                               struct vouch_address *from_r);

/* 1 if the sender of a datagram is this host, or seems to be; else 0. */
int vouch_datagram_is_from_here(const struct vouch_address *from);

/* Send one.  0, or -1 with errno. */
int vouch_datagram_send(int fd, const void *data, size_t length,
                        const struct vouch_address *to);

#endif
