/*
 * The daemon's answers to those who ask a multicast group where it is.
 *
 * Only the question is served, by UDP: whatever else comes there, garbage or
 * an order to shut down, changes nothing.  An answer is larger than its
 * question and goes to an address that can be forged, so there are only so
 * many a second.
 */
#include "lockd/discovery.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/rate.h"
#include "flom/discovery.h"
#include "flom/endpoint.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "lockd/private.h"
#include "net/datagram.h"
#include "net/socket.h"

/* A host may start many commands at once, each of which asks; a victim whose
 * address is forged gets 20 kB a second at most. */
#define ANSWERS_EACH 200
/* All the hosts of a network after a power failure; 200 kB a second. */
#define ANSWERS_ALL 2000

#define BATCH 64       /* in a row; then the clients that are there */
#define QUIET_MS 10000 /* between two complaints in the log */

struct lockd_discovery {
    struct lockd *daemon;
    int fd;
    int guard_fd; /* there is one such daemon on this host; or -1 */
    uv_poll_t poll;
    struct vouch_rate *rate;
    struct vouch_buf *answer; /* always the same one */
    unsigned long ignored;    /* since the last complaint */
    unsigned long refused;
    int64_t quiet_until_ms;
};

/* --- what is answered -----------------------------------------------------*/

/* The TCP address that the daemon listens on; one of the group's family, if
 * there is one.  1, or 0 if there is none at all. */
static int
find_own(const struct lockd *daemon, int family, struct vouch_address *own_r)
{
    struct vouch_address own;
    int found = 0;
    size_t i;

    for (i = 0; i < daemon->listener_count; i++) {
        if (daemon->listeners[i].is_unix)
            continue;
        memset(&own, 0, sizeof(own));
        own.length = sizeof(own.storage);
        if (getsockname(daemon->listeners[i].fd,
                        (struct sockaddr *) &own.storage, &own.length)
                != 0
            || (found && own.storage.ss_family != family))
            continue;
        *own_r = own;
        found = 1;
        if (own.storage.ss_family == family)
            break;
    }
    return found;
}

/* The address as it was configured, without an interface: that is ours, and
 * others call theirs differently.  Empty means the sender of the answer. */
static void
write_address(const struct lockd *daemon, const struct vouch_address *own,
              char *text, size_t size)
{
    const char *configured = daemon->options.settings->unicast_address;

    if (vouch_address_is_any(own))
        text[0] = '\0';
    else if (configured != NULL)
        (void) snprintf(text, size, "%s", configured);
    else
        vouch_address_host_text(own, text, size);
    text[strcspn(text, "%")] = '\0';
}

static int
make_answer(struct lockd_discovery *discovery,
            const struct vouch_address *group, int *rc_r,
            struct vouch_error *err)
{
    struct vouch_flom_message *answer = &discovery->daemon->answer;
    struct vouch_address own;

    *rc_r = VOUCH_FLOM_RC_INVALID_AI_FAMILY_ERROR;
    if (!find_own(discovery->daemon, group->storage.ss_family, &own))
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "there is no TCP address to answer with: "
                               "discovery needs one");
    if (vouch_address_is_any(&own)
        && own.storage.ss_family != group->storage.ss_family)
        return vouch_error_set(
            err, VOUCH_E_CONFIG,
            "the daemon listens on addresses of another family than the "
            "group's: name its address (-a)");
    vouch_flom_message_init(answer, VOUCH_FLOM_DISCOVER, VOUCH_FLOM_ANSWER);
    answer->has = VOUCH_FLOM_HAS_NETWORK;
    answer->port = vouch_address_port(&own);
    write_address(discovery->daemon, &own, answer->address,
                  sizeof(answer->address));
    *rc_r = VOUCH_FLOM_RC_CONTAINER_FULL;
    return vouch_flom_encode(answer, discovery->answer) == 0
               ? 0
               : vouch_error_set(err, VOUCH_E_LIMIT,
                                 "the address is too long for an answer");
}

/* --- one daemon for a group -----------------------------------------------*/

/*
 * Two commands that find no daemon at the same time must not start two: each
 * would give the same lock away.  A daemon with an address of its own cannot
 * be there twice; for one without, a name that only one process of this host
 * can have stands in.  Linux has such names that leave no file behind; where
 * there are none, FLoM's own race remains.
 */
static int
guard(const struct vouch_address *group, int *fd_r, int *rc_r,
      struct vouch_error *err)
{
#ifdef __linux__
    char text[LOCKD_ADDRESS_SIZE];
    struct sockaddr_un name;
    int length;

    vouch_address_text(group, text, sizeof(text));
    memset(&name, 0, sizeof(name));
    name.sun_family = AF_UNIX;
    length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
                      "flom-discovery-%s", text);
    *rc_r = VOUCH_FLOM_RC_BIND_ERROR;
    *fd_r = vouch_socket_open(AF_UNIX, SOCK_STREAM);
    if (*fd_r == -1
        || bind(*fd_r, (const struct sockaddr *) &name,
                (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1
                             + (size_t) length))
               != 0)
        return vouch_error_set_sys(err, VOUCH_E_BUSY, errno,
                                   "%s: another daemon of this host has "
                                   "this group",
                                   text);
#else
    (void) group;
    (void) fd_r;
    (void) rc_r;
    (void) err;
#endif
    return 0;
}

/* --- questions ------------------------------------------------------------*/

/* For the log, from time to time: a flood must not fill the disk. */
static void
complain(struct lockd_discovery *discovery, int64_t now_ms)
{
    if (now_ms < discovery->quiet_until_ms)
        return;
    lockd_say(discovery->daemon, LOCKD_WARNING, "FLM048W",
              "discovery: %lu datagrams ignored that were no question, %lu "
              "questions not answered as there were too many",
              discovery->ignored, discovery->refused);
    discovery->ignored = 0;
    discovery->refused = 0;
    discovery->quiet_until_ms = now_ms + QUIET_MS;
}

/* Nothing but a question: no passenger that another message could have. */
static int
is_question(struct lockd *daemon, const unsigned char *data, size_t length)
{
    struct vouch_flom_message *message = &daemon->message;

    return length > 0 && length <= VOUCH_FLOM_QUESTION_MAX
           && vouch_flom_frame(data, length, VOUCH_FLOM_MESSAGE_MAX)
                  == (long) length
           && vouch_flom_parse(daemon->parser, data, length, message, NULL)
                  == 0
           && message->level == VOUCH_FLOM_LEVEL
           && message->verb == VOUCH_FLOM_DISCOVER
           && message->step == VOUCH_FLOM_REQUEST
           && !(message->has
                & ~(unsigned) (VOUCH_FLOM_HAS_LEVEL | VOUCH_FLOM_HAS_PEER_ID));
}

static void
take_datagram(struct lockd_discovery *discovery, const unsigned char *data,
              size_t length, const struct vouch_address *from)
{
    struct lockd *daemon = discovery->daemon;
    int64_t now_ms = vouch_clock_monotonic_ms();
    unsigned char key[VOUCH_ADDRESS_KEY_SIZE];
    char text[LOCKD_ADDRESS_SIZE];

    if (!is_question(daemon, data, length)) {
        discovery->ignored++;
        complain(discovery, now_ms);
        return;
    }
    if (!vouch_rate_allows(discovery->rate, key, vouch_address_key(from, key),
                           now_ms)) {
        discovery->refused++;
        complain(discovery, now_ms);
        return;
    }
    /* One that is lost is asked for again. */
    (void) vouch_datagram_send(discovery->fd,
                               vouch_buf_data(discovery->answer),
                               vouch_buf_length(discovery->answer), from);
    vouch_address_text(from, text, sizeof(text));
    lockd_say(daemon, LOCKD_INFO, "FLM005I", "discovery asked for by %s",
              text);
}

static void
on_datagram(uv_poll_t *poll, int status, int events)
{
    struct lockd_discovery *discovery = poll->data;
    unsigned char data[VOUCH_FLOM_QUESTION_MAX + 1];
    struct vouch_address from;
    ssize_t count;
    int i;

    (void) status;
    (void) events;
    for (i = 0; i < BATCH; i++) {
        count =
            vouch_datagram_receive(discovery->fd, data, sizeof(data), &from);
        if (count == -1)
            return;
        take_datagram(discovery, data, (size_t) count, &from);
    }
}

/* --- begin and end --------------------------------------------------------*/

static int
join(struct lockd_discovery *discovery, const struct vouch_address *group,
     int *rc_r, struct vouch_error *err)
{
    const struct vouch_flom_settings *settings =
        discovery->daemon->options.settings;
    struct vouch_error why;
    char text[LOCKD_ADDRESS_SIZE];

    vouch_error_clear(&why);
    discovery->fd =
        vouch_datagram_join(group, settings->network_interface, &why);
    if (discovery->fd == -1) {
        *rc_r = why.sys_errno == EADDRINUSE ? VOUCH_FLOM_RC_BIND_ERROR
                                            : VOUCH_FLOM_RC_SETSOCKOPT_ERROR;
        return vouch_error_set(err, why.code, "discovery: %s%s", why.text,
                               why.sys_errno == ENODEV
                                       || why.sys_errno == EADDRNOTAVAIL
                                   ? " (is it up, and has it an address? -n "
                                     "names another)"
                                   : "");
    }
    vouch_address_text(group, text, sizeof(text));
    lockd_say(discovery->daemon, LOCKD_NOTICE, "FLM002I",
              "answering discovery in the group %s", text);
    return 0;
}

int
discovery_open(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    struct lockd_discovery *discovery = calloc(1, sizeof(*discovery));
    struct vouch_address group;

    *rc_r = VOUCH_FLOM_RC_MALLOC_ERROR;
    if (discovery == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    daemon->discovery = discovery;
    discovery->daemon = daemon;
    discovery->fd = -1;
    discovery->guard_fd = -1;
    discovery->rate = vouch_rate_new(ANSWERS_EACH, ANSWERS_ALL);
    discovery->answer = vouch_buf_new(VOUCH_FLOM_ANSWER_MAX);
    if (discovery->rate == NULL || discovery->answer == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    *rc_r = VOUCH_FLOM_RC_GETADDRINFO_ERROR;
    if (vouch_flom_group(daemon->options.settings, &group, err) != 0
        || make_answer(discovery, &group, rc_r, err) != 0)
        return -1;
    if (vouch_flom_is_sought(daemon->options.settings)
        && guard(&group, &discovery->guard_fd, rc_r, err) != 0)
        return -1;
    return join(discovery, &group, rc_r, err);
}

void
discovery_watch(struct lockd *daemon)
{
    struct lockd_discovery *discovery = daemon->discovery;

    if (discovery == NULL
        || uv_poll_init(&daemon->loop, &discovery->poll, discovery->fd) != 0)
        return;
    discovery->poll.data = discovery;
    (void) uv_poll_start(&discovery->poll, UV_READABLE, on_datagram);
}

void
discovery_close(struct lockd *daemon)
{
    struct lockd_discovery *discovery = daemon->discovery;

    if (discovery == NULL)
        return;
    if (discovery->poll.data != NULL
        && !uv_is_closing((uv_handle_t *) &discovery->poll)) {
        (void) uv_poll_stop(&discovery->poll);
        uv_close((uv_handle_t *) &discovery->poll, NULL);
    }
    if (discovery->fd != -1)
        (void) close(discovery->fd);
    discovery->fd = -1;
    if (discovery->guard_fd != -1)
        (void) close(discovery->guard_fd);
    discovery->guard_fd = -1;
}

void
discovery_free(struct lockd *daemon)
{
    if (daemon->discovery == NULL)
        return;
    vouch_rate_free(daemon->discovery->rate);
    vouch_buf_free(daemon->discovery->answer);
    free(daemon->discovery);
    daemon->discovery = NULL;
}
