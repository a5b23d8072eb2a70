/*
 * Discovery: asking a multicast group where its lock daemon is.
 *
 * A question goes to the group; the first right answer wins.  Answers are
 * neither secret nor signed: whoever can send datagrams here can answer.
 * What is wrong in form is passed over; whom to trust is decided after
 * connecting, by TLS.
 *
 * Nothing here waits but vouch_flom_discover().
 */
#ifndef VOUCH_FLOM_DISCOVERY_H
#define VOUCH_FLOM_DISCOVERY_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct vouch_error;
struct vouch_flom_discovery;
struct vouch_flom_message;
struct vouch_flom_parser;
struct vouch_flom_settings;

/* Of a datagram: what 1.7.2's daemon and client take. */
#define VOUCH_FLOM_QUESTION_MAX 511
#define VOUCH_FLOM_ANSWER_MAX 1023

/* Where a daemon is. */
struct vouch_flom_place {
    char host[VOUCH_HOST_SIZE]; /* in digits, or a name */
    int port;
    unsigned interface; /* of a link-local address, or 0 */
    int is_loopback;    /* right only if it comes from this host */
};

/*
 * What happens, for who wants to tell it.  address and port are those of the
 * group, or of the sender of an answer; text is the message, "", or why an
 * answer was passed over; it has no control characters.
 */
enum vouch_flom_discovery_event {
    VOUCH_FLOM_DISCOVERY_ASKS,
    VOUCH_FLOM_DISCOVERY_SILENCE, /* the time of one question is over */
    VOUCH_FLOM_DISCOVERY_ANSWER,
    VOUCH_FLOM_DISCOVERY_PASSES
};
typedef void (*vouch_flom_discovery_fn)(enum vouch_flom_discovery_event event,
                                        const char *address, int port,
                                        const char *text, void *arg);

/*
 * What a datagram says, pure: 0 and the place, or -1 with VOUCH_E_FORMAT and
 * the reason.  from is its sender, whom an empty address means, and whose
 * interface link-local addresses are on; interface is for those where the
 * sender's is not known.  Names are not looked up.
 */
int vouch_flom_discovery_read(struct vouch_flom_parser *parser,
                              const unsigned char *data, size_t length,
                              const struct vouch_address *from,
                              unsigned interface,
                              struct vouch_flom_place *place_r,
                              struct vouch_error *err);

/* Write the place into settings as their unicast address.  0, or -1. */
int vouch_flom_place_apply(const struct vouch_flom_place *place,
                           struct vouch_flom_settings *settings,
                           struct vouch_error *err);

/* Free it and close its descriptor.  NULL is allowed. */
void vouch_flom_discovery_free(struct vouch_flom_discovery *discovery);

/* One for these settings, which are borrowed as long as it lives; tell may
 * be NULL.  0, or -1 with VOUCH_E_MEMORY. */
int vouch_flom_discovery_new(const struct vouch_flom_settings *settings,
                             vouch_flom_discovery_fn tell, void *arg,
                             struct vouch_flom_discovery **discovery_r,
                             struct vouch_error *err);

/*
 * Ask, listen, ask again.  0: found; 1: nobody has answered, and it is over;
 * -1: it has failed, with *rc_r a code of FLoM; VOUCH_FLOM_WANT_READ
 * (flom/client.h): call again when the descriptor is readable or the
 * monotonic clock reaches the time of vouch_flom_discovery_due().  The first
 * call looks the group's name up, if it is one.
 */
int vouch_flom_discovery_advance(struct vouch_flom_discovery *discovery,
                                 int *rc_r, struct vouch_error *err);
int vouch_flom_discovery_fd(const struct vouch_flom_discovery *discovery);
int64_t vouch_flom_discovery_due(const struct vouch_flom_discovery *discovery);

/* What was found; valid as long as the discovery. */
const struct vouch_flom_place *
vouch_flom_discovery_place(const struct vouch_flom_discovery *discovery);

/* How long it takes if nobody answers, in milliseconds; 0 for settings that
 * name a daemon's address. */
int64_t vouch_flom_discovery_ms(const struct vouch_flom_settings *settings);

/*
 * All of it at once, waiting, through signals: 0, and the settings have got
 * a unicast address; 1 and nobody has answered; -1 with *rc_r.
 */
int vouch_flom_discover(struct vouch_flom_settings *settings,
                        vouch_flom_discovery_fn tell, void *arg, int *rc_r,
                        struct vouch_error *err);

#endif
