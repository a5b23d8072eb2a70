/*
 * Where the daemon listens: a unix socket, TCP addresses, or sockets that a
 * service manager hands over.
 */
#define _DEFAULT_SOURCE 1 /* flock() */

#include "lockd/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "flom/endpoint.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "flom/socket_name.h"
#include "lockd/discovery.h"
#include "net/socket.h"

static int
add_listener(struct lockd *daemon, int fd, int is_unix,
             struct vouch_error *err)
{
    struct listener *listener;

    if (daemon->listener_count == LOCKD_LISTENERS) {
        (void) close(fd);
        return vouch_error_set(err, VOUCH_E_LIMIT,
                               "more than %d addresses to listen on",
                               LOCKD_LISTENERS);
    }
    listener = &daemon->listeners[daemon->listener_count++];
    listener->daemon = daemon;
    listener->fd = fd;
    listener->is_unix = is_unix;
    return 0;
}

/* --- the unix socket ------------------------------------------------------*/

/*
 * SOCKET.lock says who may have the socket.  The folder may be everybody's
 * (/tmp): nothing is followed, and what is not ours is not used.
 */
static int
take_lock_file(struct lockd *daemon, const char *path, int *rc_r,
               struct vouch_error *err)
{
    char name[sizeof(daemon->socket_path) + 8];
    struct stat facts;
    int fd;

    (void) snprintf(name, sizeof(name), "%s.lock", path);
    *rc_r = VOUCH_FLOM_RC_OPEN_ERROR;
    fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno, "%s", name);
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)
        || (facts.st_uid != geteuid() && geteuid() != 0)) {
        (void) close(fd);
        return vouch_error_set(err, VOUCH_E_FILE,
                               "%s is not a file of this user", name);
    }
    *rc_r = VOUCH_FLOM_RC_FLOCK_ERROR;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void) close(fd);
        return vouch_error_set(err, VOUCH_E_BUSY,
                               "%s: another daemon has this socket", path);
    }
    daemon->lock_fd = fd;
    return 0;
}

/* A socket left by a daemon that was killed; never anything else. */
static int
remove_stale(const char *path, struct vouch_error *err)
{
    struct stat facts;

    if (lstat(path, &facts) != 0)
        return errno == ENOENT ? 0
                               : vouch_error_set_sys(err, VOUCH_E_SYSTEM,
                                                     errno, "%s", path);
    if (!S_ISSOCK(facts.st_mode)
        || (facts.st_uid != geteuid() && geteuid() != 0))
        return vouch_error_set(err, VOUCH_E_FILE,
                               "%s is there, and is not a socket of this user",
                               path);
    if (unlink(path) != 0)
        return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno, "%s", path);
    return 0;
}

static int
listen_unix(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    const struct lockd_options *options = &daemon->options;
    struct vouch_address address;
    const char *path;
    mode_t before;
    int fd;

    *rc_r = VOUCH_FLOM_RC_BUFFER_OVERFLOW;
    if (vouch_flom_socket_address(options->settings->socket_name, &address)
        != 0)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "the name of the socket is too long");
    path = ((const struct sockaddr_un *) &address.storage)->sun_path;
    if (take_lock_file(daemon, path, rc_r, err) != 0)
        return -1;
    *rc_r = VOUCH_FLOM_RC_UNLINK_ERROR;
    if (remove_stale(path, err) != 0)
        return -1;
    *rc_r = VOUCH_FLOM_RC_BIND_ERROR;
    before = umask((mode_t) (~options->socket_mode & 0777));
    fd = vouch_socket_listen(&address, LOCKD_BACKLOG, err);
    (void) umask(before);
    if (fd == -1)
        return -1;
    (void) snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s",
                    path);
    if (add_listener(daemon, fd, 1, err) != 0)
        return -1;
    lockd_say(daemon, LOCKD_NOTICE, "FLM000I", "listening on %s", path);
    return 0;
}

/* --- TCP ------------------------------------------------------------------*/

static int
listen_one(struct lockd *daemon, const struct vouch_address *address,
           struct vouch_error *err)
{
    char text[LOCKD_ADDRESS_SIZE];
    struct vouch_address own = *address;
    int fd = vouch_socket_listen(address, LOCKD_BACKLOG, err);

    if (fd == -1 || add_listener(daemon, fd, 0, err) != 0)
        return -1;
    /* Port 0 is another one by now. */
    (void) getsockname(fd, (struct sockaddr *) &own.storage, &own.length);
    vouch_address_text(&own, text, sizeof(text));
    lockd_say(daemon, LOCKD_NOTICE, "FLM001I", "listening on %s%s", text,
              daemon->tls != NULL ? " with TLS" : "");
    return 0;
}

/*
 * What "::" says beside itself: every address of this host is those of IPv4,
 * too, at the same port.  With an interface, only IPv6 is meant.  Where there
 * is no IPv4, or another daemon has the port there, IPv6 is served alone.
 */
static void
listen_ipv4_too(struct lockd *daemon)
{
    const struct listener *listener =
        &daemon->listeners[daemon->listener_count - 1];
    struct vouch_address any;
    struct vouch_error why;
    char port[VOUCH_PORT_SIZE];

    memset(&any, 0, sizeof(any));
    any.length = sizeof(any.storage);
    if (daemon->options.settings->network_interface != NULL
        || getsockname(listener->fd, (struct sockaddr *) &any.storage,
                       &any.length)
               != 0
        || any.storage.ss_family != AF_INET6 || !vouch_address_is_any(&any))
        return;
    (void) snprintf(port, sizeof(port), "%d", vouch_address_port(&any));
    vouch_error_clear(&why);
    if (vouch_address_resolve("0.0.0.0", port, &any, 1, &why) != 1
        || listen_one(daemon, &any, &why) != 0)
        lockd_say(daemon, LOCKD_WARNING, "FLM049W", "IPv6 only: %s", why.text);
}

/* Every address of the name that is this host's; one at least. */
static int
listen_tcp(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    const struct vouch_flom_settings *settings = daemon->options.settings;
    struct vouch_address addresses[LOCKD_LISTENERS];
    struct vouch_error why;
    int count;
    int bound = 0;
    int i;

    *rc_r = VOUCH_FLOM_RC_GETADDRINFO_ERROR;
    count =
        vouch_flom_tcp_addresses(settings, addresses, LOCKD_LISTENERS, err);
    if (count < 1)
        return -1;
    *rc_r = VOUCH_FLOM_RC_BIND_ERROR;
    vouch_error_clear(&why);
    for (i = 0; i < count; i++)
        bound += listen_one(daemon, &addresses[i], &why) == 0;
    if (count == 1 && bound == 1)
        listen_ipv4_too(daemon);
    return bound > 0 ? 0 : vouch_error_set(err, why.code, "%s", why.text);
}

/* Without an address of its own: every one of this host, of the group's
 * family, at a port that the system chooses; discovery tells it. */
static int
listen_anywhere(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    struct vouch_address group;
    struct vouch_address any;

    *rc_r = VOUCH_FLOM_RC_GETADDRINFO_ERROR;
    if (vouch_flom_group(daemon->options.settings, &group, err) != 0
        || vouch_address_resolve(
               group.storage.ss_family == AF_INET6 ? "::" : "0.0.0.0", "0",
               &any, 1, err)
               != 1)
        return -1;
    *rc_r = VOUCH_FLOM_RC_BIND_ERROR;
    return listen_one(daemon, &any, err);
}

/* --- sockets of a service manager -----------------------------------------*/

static int
adopt(struct lockd *daemon, struct vouch_error *err)
{
    struct sockaddr_storage name;
    socklen_t length;
    size_t i;
    int fd;
    int flags;

    for (i = 0; i < daemon->options.inherited_count; i++) {
        fd = daemon->options.inherited[i];
        length = sizeof(name);
        flags = fcntl(fd, F_GETFL);
        if (flags == -1
            || getsockname(fd, (struct sockaddr *) &name, &length) != 0
            || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
            return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                                       "descriptor %d is no listening socket",
                                       fd);
        if (add_listener(daemon, fd, name.ss_family == AF_UNIX, err) != 0)
            return -1;
    }
    lockd_say(daemon, LOCKD_NOTICE, "FLM000I",
              "listening on %zu sockets of the service manager",
              daemon->options.inherited_count);
    return 0;
}

static int
listen_somewhere(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    const struct vouch_flom_settings *settings = daemon->options.settings;

    if (daemon->options.inherited_count > 0) {
        *rc_r = VOUCH_FLOM_RC_LISTEN_ERROR;
        return adopt(daemon, err);
    }
    if (settings->socket_name == NULL && settings->unicast_address != NULL)
        return listen_tcp(daemon, rc_r, err);
    if (vouch_flom_is_sought(settings))
        return listen_anywhere(daemon, rc_r, err);
    return listen_unix(daemon, rc_r, err);
}

int
lockd_listen(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    const struct vouch_flom_settings *settings = daemon->options.settings;

    if (listen_somewhere(daemon, rc_r, err) != 0)
        return -1;
    return settings->socket_name == NULL && settings->multicast_address != NULL
               ? discovery_open(daemon, rc_r, err)
               : 0;
}

/* --- accepting ------------------------------------------------------------*/

/* A TCP client that vanishes is noticed, over IPv4 and IPv6. */
static void
set_tcp_options(const struct lockd *daemon, int fd)
{
    const struct vouch_flom_settings *settings = daemon->options.settings;

    vouch_socket_set_delays(fd, 0);
    vouch_socket_set_keepalive(fd, settings->keepalive_time,
                               settings->keepalive_interval,
                               settings->keepalive_probes);
}

static void
on_rested(uv_timer_t *timer)
{
    lockd_watch(timer->data);
}

/* Out of descriptors: the spare one lets a client be sent away, so that the
 * loop does not spin on it; then pause. */
static void
out_of_descriptors(struct lockd *daemon, struct listener *listener)
{
    size_t i;
    int fd;

    if (daemon->spare_fd != -1) {
        (void) close(daemon->spare_fd);
        fd = accept(listener->fd, NULL, NULL);
        if (fd != -1)
            (void) close(fd);
        daemon->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    lockd_say(daemon, LOCKD_WARNING, "FLM035W",
              "out of descriptors: a client was sent away");
    for (i = 0; i < daemon->listener_count; i++)
        (void) uv_poll_stop(&daemon->listeners[i].poll);
    (void) uv_timer_start(&daemon->back_off, on_rested, LOCKD_BACK_OFF_MS, 0);
}

#define ACCEPT_MAX 16 /* in a row; then the clients that are there */

static void
on_connection(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    struct lockd *daemon = listener->daemon;
    struct vouch_address peer;
    int count;
    int fd;

    (void) status;
    (void) events;
    for (count = 0; count < ACCEPT_MAX && !daemon->is_ending; count++) {
        fd = vouch_socket_accept(listener->fd, &peer);
        if (fd == -1) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
                || errno == ENOMEM)
                out_of_descriptors(daemon, listener);
            return;
        }
        if (!listener->is_unix)
            set_tcp_options(daemon, fd);
        session_open(daemon, fd, listener->is_unix, &peer);
    }
}

void
lockd_watch(struct lockd *daemon)
{
    size_t i;

    for (i = 0; i < daemon->listener_count; i++) {
        struct listener *listener = &daemon->listeners[i];

        if (listener->poll.data == NULL) {
            if (uv_poll_init(&daemon->loop, &listener->poll, listener->fd)
                != 0)
                continue;
            listener->poll.data = listener;
        }
        (void) uv_poll_start(&listener->poll, UV_READABLE, on_connection);
    }
}

void
lockd_unlisten(struct lockd *daemon)
{
    size_t i;

    for (i = 0; i < daemon->listener_count; i++) {
        struct listener *listener = &daemon->listeners[i];

        if (listener->poll.data != NULL
            && !uv_is_closing((uv_handle_t *) &listener->poll)) {
            (void) uv_poll_stop(&listener->poll);
            uv_close((uv_handle_t *) &listener->poll, NULL);
        }
        if (listener->fd != -1)
            (void) close(listener->fd);
        listener->fd = -1;
    }
    discovery_close(daemon);
    /* While the lock file is held: nobody else's socket is there. */
    if (daemon->socket_path[0] != '\0')
        (void) unlink(daemon->socket_path);
    daemon->socket_path[0] = '\0';
}
