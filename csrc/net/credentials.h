/*
 * Who is at the other end of a unix socket.
 */
#ifndef VOUCH_NET_CREDENTIALS_H
#define VOUCH_NET_CREDENTIALS_H

struct vouch_credentials {
    long uid; /* user; -1 where the system does not tell */
    long gid;
    long pid; /* process; -1 where the system does not tell */
};

/* As the system vouches for it.  0, or -1 with errno: not a unix socket. */
int vouch_credentials_of(int fd, struct vouch_credentials *credentials_r);

#endif
