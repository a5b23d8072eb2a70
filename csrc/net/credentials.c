/*
 * SO_PEERCRED or getpeereid(3), whichever the system has.
 */
#define _GNU_SOURCE 1 /* struct ucred */

#include "net/credentials.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

int
vouch_credentials_of(int fd, struct vouch_credentials *credentials_r)
{
#ifdef SO_PEERCRED
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return -1;
    credentials_r->uid = (long) peer.uid;
    credentials_r->gid = (long) peer.gid;
    credentials_r->pid = (long) peer.pid;
#else
    uid_t uid;
    gid_t gid;

    if (getpeereid(fd, &uid, &gid) != 0)
        return -1;
    credentials_r->uid = (long) uid;
    credentials_r->gid = (long) gid;
    credentials_r->pid = -1;
#endif
    return 0;
}
