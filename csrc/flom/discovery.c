/*
 * Asking a group: when to ask, when to give up, what to do with what comes.
 */
#include "flom/discovery.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "flom/client.h"
#include "flom/endpoint.h"
#include "flom/error_codes.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "net/datagram.h"
#include "net/socket.h"

/* So many datagrams are read in a row; whoever sends without end does not
 * keep an event loop from its other work. */
#define BATCH 64

struct vouch_flom_discovery {
    const struct vouch_flom_settings *settings;
    vouch_flom_discovery_fn tell;
    void *arg;
    struct vouch_address group;
    int fd;
    int asked;      /* so often */
    int64_t due_ms; /* the time of the last question is over */
    struct vouch_flom_parser *parser;
    struct vouch_buf *question;
    struct vouch_flom_place place;
};

void
vouch_flom_discovery_free(struct vouch_flom_discovery *discovery)
{
    if (discovery == NULL)
        return;
    if (discovery->fd != -1)
        (void) close(discovery->fd);
    vouch_flom_parser_free(discovery->parser);
    vouch_buf_free(discovery->question);
    free(discovery);
}

int
vouch_flom_discovery_new(const struct vouch_flom_settings *settings,
                         vouch_flom_discovery_fn tell, void *arg,
                         struct vouch_flom_discovery **discovery_r,
                         struct vouch_error *err)
{
    struct vouch_flom_discovery *discovery = calloc(1, sizeof(*discovery));
    struct vouch_flom_message message;

    if (discovery == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    discovery->settings = settings;
    discovery->tell = tell;
    discovery->arg = arg;
    discovery->fd = -1;
    discovery->parser = vouch_flom_parser_new();
    discovery->question = vouch_buf_new(VOUCH_FLOM_QUESTION_MAX);
    vouch_flom_message_init(&message, VOUCH_FLOM_DISCOVER, VOUCH_FLOM_REQUEST);
    if (discovery->parser == NULL || discovery->question == NULL
        || vouch_flom_encode(&message, discovery->question) != 0) {
        vouch_flom_discovery_free(discovery);
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    *discovery_r = discovery;
    return 0;
}

/* --- telling --------------------------------------------------------------*/

/* About the group. */
static void
tell(const struct vouch_flom_discovery *discovery,
     enum vouch_flom_discovery_event event, const char *text)
{
    if (discovery->tell != NULL)
        discovery->tell(event, discovery->settings->multicast_address,
                        discovery->settings->multicast_port, text,
                        discovery->arg);
}

/* About a datagram: where it came from, and what it is or what is wrong. */
static void
tell_answer(const struct vouch_flom_discovery *discovery,
            enum vouch_flom_discovery_event event,
            const struct vouch_address *from, const char *text, size_t length)
{
    char clean[VOUCH_FLOM_ANSWER_MAX + 1];
    char host[VOUCH_HOST_SIZE];
    size_t i;

    if (discovery->tell == NULL)
        return;
    for (i = 0; i < length && i + 1 < sizeof(clean); i++)
        clean[i] =
            (unsigned char) text[i] < ' ' || text[i] == 127 ? '?' : text[i];
    clean[i] = '\0';
    vouch_address_host_text(from, host, sizeof(host));
    discovery->tell(event, host, vouch_address_port(from), clean,
                    discovery->arg);
}

/* --- asking ---------------------------------------------------------------*/

static int
open_socket(struct vouch_flom_discovery *discovery, int *rc_r,
            struct vouch_error *err)
{
    const struct vouch_flom_settings *settings = discovery->settings;

    *rc_r = VOUCH_FLOM_RC_GETADDRINFO_ERROR;
    if (vouch_flom_group(settings, &discovery->group, err) != 0)
        return -1;
    *rc_r = VOUCH_FLOM_RC_SETSOCKOPT_ERROR;
    discovery->fd =
        vouch_datagram_open(&discovery->group, settings->network_interface,
                            settings->discovery_ttl, err);
    return discovery->fd == -1 ? -1 : 0;
}

/* A queue that is full loses a question as a network does: there may be
 * another one. */
static int
ask(struct vouch_flom_discovery *discovery, int *rc_r, struct vouch_error *err)
{
    const struct vouch_flom_settings *settings = discovery->settings;
    int wait_ms =
        settings->discovery_timeout > 0 ? settings->discovery_timeout : 1;

    discovery->asked++;
    discovery->due_ms = vouch_clock_monotonic_ms() + wait_ms;
    tell(discovery, VOUCH_FLOM_DISCOVERY_ASKS,
         vouch_buf_text(discovery->question));
    if (vouch_datagram_send(discovery->fd, vouch_buf_data(discovery->question),
                            vouch_buf_length(discovery->question),
                            &discovery->group)
            == 0
        || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return 0;
    *rc_r = VOUCH_FLOM_RC_SENDTO_ERROR;
    return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                               "%s: cannot send to the group",
                               settings->multicast_address);
}

/* --- listening ------------------------------------------------------------*/

static int
read_answer(struct vouch_flom_discovery *discovery, const unsigned char *data,
            size_t length, const struct vouch_address *from,
            struct vouch_error *err)
{
    const char *interface = discovery->settings->network_interface;
    struct vouch_flom_place place;

    if (vouch_flom_discovery_read(
            discovery->parser, data, length, from,
            interface == NULL ? 0 : if_nametoindex(interface), &place, err)
        != 0)
        return -1;
    if (place.is_loopback && !vouch_datagram_is_from_here(from))
        return vouch_error_set(err, VOUCH_E_FORMAT,
                               "a loopback address of another host");
    discovery->place = place;
    return 0;
}

/* What has come: 1 the answer, 0 nothing (more), or too much in a row. */
static int
listen_now(struct vouch_flom_discovery *discovery)
{
    unsigned char data[VOUCH_FLOM_ANSWER_MAX + 1];
    struct vouch_address from;
    struct vouch_error why;
    ssize_t count;
    int i;

    for (i = 0; i < BATCH; i++) {
        count =
            vouch_datagram_receive(discovery->fd, data, sizeof(data), &from);
        if (count == -1)
            return 0;
        vouch_error_clear(&why);
        if (read_answer(discovery, data, (size_t) count, &from, &why) == 0) {
            tell_answer(discovery, VOUCH_FLOM_DISCOVERY_ANSWER, &from,
                        (const char *) data, (size_t) count);
            return 1;
        }
        tell_answer(discovery, VOUCH_FLOM_DISCOVERY_PASSES, &from, why.text,
                    strlen(why.text));
    }
    return 0;
}

int
vouch_flom_discovery_advance(struct vouch_flom_discovery *discovery, int *rc_r,
                             struct vouch_error *err)
{
    if (discovery->fd == -1
        && (open_socket(discovery, rc_r, err) != 0
            || ask(discovery, rc_r, err) != 0))
        return -1;
    if (listen_now(discovery))
        return 0;
    if (vouch_clock_monotonic_ms() < discovery->due_ms)
        return VOUCH_FLOM_WANT_READ;
    tell(discovery, VOUCH_FLOM_DISCOVERY_SILENCE, "");
    if (discovery->asked >= discovery->settings->discovery_attempts)
        return 1;
    return ask(discovery, rc_r, err) == 0 ? VOUCH_FLOM_WANT_READ : -1;
}

int
vouch_flom_discovery_fd(const struct vouch_flom_discovery *discovery)
{
    return discovery->fd;
}

int64_t
vouch_flom_discovery_due(const struct vouch_flom_discovery *discovery)
{
    return discovery->due_ms;
}

const struct vouch_flom_place *
vouch_flom_discovery_place(const struct vouch_flom_discovery *discovery)
{
    return &discovery->place;
}

int64_t
vouch_flom_discovery_ms(const struct vouch_flom_settings *settings)
{
    return vouch_flom_is_sought(settings)
               ? (int64_t) settings->discovery_attempts
                     * settings->discovery_timeout
               : 0;
}

int
vouch_flom_place_apply(const struct vouch_flom_place *place,
                       struct vouch_flom_settings *settings,
                       struct vouch_error *err)
{
    char name[IF_NAMESIZE] = "";

    if (place->interface != 0
        && if_indextoname(place->interface, name) == NULL)
        return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                                   "network interface number %u",
                                   place->interface);
    if (vouch_flom_settings_set_text(&settings->unicast_address, place->host,
                                     err)
            != 0
        || vouch_flom_settings_set_text(&settings->network_interface,
                                        *name == '\0' ? NULL : name, err)
               != 0)
        return -1;
    settings->unicast_port = place->port;
    return 0;
}

int
vouch_flom_discover(struct vouch_flom_settings *settings,
                    vouch_flom_discovery_fn tell_fn, void *arg, int *rc_r,
                    struct vouch_error *err)
{
    struct vouch_flom_discovery *discovery = NULL;
    int outcome;

    *rc_r = VOUCH_FLOM_RC_MALLOC_ERROR;
    if (vouch_flom_discovery_new(settings, tell_fn, arg, &discovery, err) != 0)
        return -1;
    for (;;) {
        outcome = vouch_flom_discovery_advance(discovery, rc_r, err);
        if (outcome != VOUCH_FLOM_WANT_READ)
            break;
        (void) vouch_socket_wait(discovery->fd, VOUCH_SOCKET_READ,
                                 discovery->due_ms);
    }
    if (outcome == 0) {
        struct vouch_flom_place place = discovery->place;

        /* The settings are changed only when nobody reads them any more. */
        vouch_flom_discovery_free(discovery);
        discovery = NULL;
        outcome = vouch_flom_place_apply(&place, settings, err);
    }
    vouch_flom_discovery_free(discovery);
    return outcome;
}
