/*
 * The unix socket of the daemon: the one that is named, or the user's own.
 */
#include "flom/socket_name.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/address.h"

#define PASSWD_SIZE 16384

int
vouch_flom_default_socket(char *path, size_t size)
{
    char buffer[PASSWD_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) != 0)
        found = NULL;
    return snprintf(path, size, "/tmp/flom-%s",
                    found == NULL ? "nobody" : found->pw_name);
}

int
vouch_flom_socket_address(const char *path, struct vouch_address *address_r)
{
    struct sockaddr_un name;
    int length;

    memset(&name, 0, sizeof(name));
    name.sun_family = AF_UNIX;
    if (path == NULL)
        length =
            vouch_flom_default_socket(name.sun_path, sizeof(name.sun_path));
    else
        length = snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    if (length < 0 || (size_t) length >= sizeof(name.sun_path))
        return -1;
    memset(address_r, 0, sizeof(*address_r));
    memcpy(&address_r->storage, &name, sizeof(name));
    address_r->length = sizeof(name);
    return 0;
}
