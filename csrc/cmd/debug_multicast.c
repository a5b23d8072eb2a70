/*
 * HELLO to a group, WELCOME back.
 */
#include "cmd/debug_multicast.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "flom/endpoint.h"
#include "flom/settings.h"
#include "net/address.h"
#include "net/datagram.h"
#include "net/socket.h"

#define HELLO "HELLO"
#define WELCOME "WELCOME"
#define DATAGRAM_MAX 1024

static int
tell_failure(const struct vouch_error *err)
{
    (void) fprintf(stderr, "flom: %s\n", err->text);
    return -1;
}

static int
find_group(const struct vouch_flom_settings *settings,
           struct vouch_address *group_r, struct vouch_error *err)
{
    if (settings->multicast_address == NULL)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "a group (-A) is needed");
    if (vouch_flom_group(settings, group_r, err) != 0)
        return -1;
    return group_r->storage.ss_family == AF_INET6
               ? 0
               : vouch_error_set(err, VOUCH_E_ARGUMENT,
                                 "%s is not an IPv6 address",
                                 settings->multicast_address);
}

static int
send_text(int fd, const char *text, const struct vouch_address *to,
          struct vouch_error *err)
{
    if (vouch_datagram_send(fd, text, strlen(text), to) != 0)
        return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                                   "'%s' cannot be sent", text);
    (void) printf("Sent datagram is '%s'\n", text);
    return fflush(stdout) == 0 ? 0 : -1;
}

/* It may have a NUL at its end, and anything in it. */
static void
print_arrived(const char *data, size_t length)
{
    size_t i;

    while (length > 0 && data[length - 1] == '\0')
        length--;
    (void) fputs("Arrived datagram is '", stdout);
    for (i = 0; i < length; i++)
        (void) putchar(data[i] >= ' ' && data[i] < 127 ? data[i] : '?');
    (void) puts("'");
    (void) fflush(stdout);
}

/* However long it takes. */
static int
wait_and_print(int fd, struct vouch_address *from_r, struct vouch_error *err)
{
    char data[DATAGRAM_MAX];
    ssize_t count;

    for (;;) {
        count = vouch_datagram_receive(fd, data, sizeof(data), from_r);
        if (count != -1)
            break;
        if ((errno != EAGAIN && errno != EWOULDBLOCK)
            || (vouch_socket_wait(fd, VOUCH_SOCKET_READ, VOUCH_FOREVER) == -1
                && errno != EINTR))
            return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                                       "no datagram can be received");
    }
    print_arrived(data, (size_t) count);
    return 0;
}

/* Join and answer, or send and hear. */
static int
exchange(const struct vouch_flom_settings *settings, int is_server)
{
    struct vouch_address group;
    struct vouch_address from;
    struct vouch_error err;
    int status = -1;
    int fd;

    vouch_error_clear(&err);
    if (find_group(settings, &group, &err) != 0)
        return tell_failure(&err);
    fd = is_server
             ? vouch_datagram_join(&group, settings->network_interface, &err)
             : vouch_datagram_open(&group, settings->network_interface,
                                   settings->discovery_ttl, &err);
    if (fd == -1)
        return tell_failure(&err);
    if ((is_server || send_text(fd, HELLO, &group, &err) == 0)
        && wait_and_print(fd, &from, &err) == 0
        && (!is_server || send_text(fd, WELCOME, &from, &err) == 0))
        status = 0;
    else
        (void) tell_failure(&err);
    (void) close(fd);
    return status;
}

int
flom_debug_multicast_server(const struct vouch_flom_settings *settings)
{
    return exchange(settings, 1);
}

int
flom_debug_multicast_client(const struct vouch_flom_settings *settings)
{
    return exchange(settings, 0);
}
