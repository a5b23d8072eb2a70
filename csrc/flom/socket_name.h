/*
 * Where a daemon's unix socket is.
 */
#ifndef VOUCH_FLOM_SOCKET_NAME_H
#define VOUCH_FLOM_SOCKET_NAME_H

#include <stddef.h>

struct vouch_address;

/*
 * The address of a unix socket; path NULL: /tmp/flom-LOGIN of whoever runs
 * this, by the real user id ("nobody" for one without a login).  0, or -1:
 * the name is too long.
 */
int vouch_flom_socket_address(const char *path,
                              struct vouch_address *address_r);

/* The name of that socket: its length, as snprintf(3), which may not fit. */
int vouch_flom_default_socket(char *path, size_t size);

#endif
