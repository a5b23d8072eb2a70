/*
 * A client of the lock daemon: one connection, one lock at a time.
 *
 * It never waits: every step is begun, and vouch_flom_client_advance() goes
 * on with it as the descriptor allows, so that it fits into any event loop.
 * vouch_flom_client_wait() does the same and waits, with a deadline.
 * Starting a daemon and reading configuration files are done elsewhere.
 *
 * What goes wrong is told as a code of FLoM (flom/error_codes.h) and in
 * words.  A refused lock is no failure of the connection.
 */
#ifndef VOUCH_FLOM_CLIENT_H
#define VOUCH_FLOM_CLIENT_H

#include <stdint.h>

#include "flom/discovery.h"

struct vouch_conn;
struct vouch_error;
struct vouch_flom_client;
struct vouch_flom_message;
struct vouch_flom_settings;

/* As elsewhere (tls/connection.h). */
#define VOUCH_FLOM_WANT_READ (-2)
#define VOUCH_FLOM_WANT_WRITE (-3)

enum vouch_flom_client_state {
    VOUCH_FLOM_CLIENT_IDLE,       /* not connected */
    VOUCH_FLOM_CLIENT_CONNECTING, /* discovery, TCP or unix, then TLS */
    VOUCH_FLOM_CLIENT_CONNECTED,  /* and nothing locked */
    VOUCH_FLOM_CLIENT_ASKING,     /* no answer to the request yet */
    VOUCH_FLOM_CLIENT_WAITING,    /* in the queue, or for the resource */
    VOUCH_FLOM_CLIENT_LOCKED,
    VOUCH_FLOM_CLIENT_SENDING, /* what has no answer is still to go */
    VOUCH_FLOM_CLIENT_CLOSING  /* waiting for the daemon to close */
};

/* Free it and close its descriptor; the daemon takes a lock back. */
void vouch_flom_client_free(struct vouch_flom_client *client);

/*
 * A client for the daemon that the settings name: socket_name, or
 * unicast_address, or the one that answers in the group multicast_address,
 * or the default socket.  The settings are copied.  0, or -1.
 */
int vouch_flom_client_new(const struct vouch_flom_settings *settings,
                          struct vouch_flom_client **client_r,
                          struct vouch_error *err);

/*
 * Begin to connect.  Names are looked up here, which may take its time.  A
 * unix socket whose queue is full is tried again until the deadline.
 * 0, or -1 with a code.
 *
 * With a multicast_address alone it begins to look for a daemon, each time
 * anew.  Then the descriptor changes while it connects, and
 * vouch_flom_client_next_ping() says when to ask again.  That nobody answers
 * is the code CONNECT_ERROR with ECONNREFUSED.
 */
int vouch_flom_client_connect(struct vouch_flom_client *client,
                              int64_t deadline_ms);

/* Who is told what a discovery does; none by default. */
void vouch_flom_client_tell_discovery(struct vouch_flom_client *client,
                                      vouch_flom_discovery_fn tell, void *arg);

/* After connecting by discovery: 1, and settings (others than the client's)
 * have got the daemon's unicast address, so that the next client need not
 * look for it (NULL: they have not); 0 if none was found or looked for; -1. */
int vouch_flom_client_found(const struct vouch_flom_client *client,
                            struct vouch_flom_settings *settings,
                            struct vouch_error *err);

/*
 * Begin to lock what the settings name, in its mode and quantity; the
 * client is CONNECTED.  Done when the lock is held or refused, see
 * vouch_flom_client_rc().
 */
int vouch_flom_client_lock(struct vouch_flom_client *client);

/*
 * The same with a message of the caller's own.  After a question (its "ask"
 * is set) the client is CONNECTED again when the first answer has come; if
 * that has "more" set, vouch_flom_client_more() begins to wait for the next.
 */
int vouch_flom_client_ask(struct vouch_flom_client *client,
                          const struct vouch_flom_message *message);
int vouch_flom_client_more(struct vouch_flom_client *client);

/*
 * Begin to change the lock that is held to what the settings say now: its
 * mode, or its quantity.  If that is refused the old one is still held.
 * Only a daemon of Vouch knows how.
 */
int vouch_flom_client_convert(struct vouch_flom_client *client);

/*
 * Begin to give up a conversion that is under way; the settings say again
 * what is held.  Done when that is settled, with 9 (NETWORK_TIMEOUT) as code
 * if the lock is as it was; 3 (LOCK_CANT_LOCK) if it is so again, but was
 * changed for a moment; 0 if it was changed, and others do not let it back.
 * A request still in the buffer is a failure.
 */
int vouch_flom_client_stay(struct vouch_flom_client *client);

/*
 * Begin to take up a lock that a daemon before this one has given, with its
 * token and element (NULL: it had none).  Granted while the new daemon waits
 * for old holders, refused at other times, and by FLoM 1.7.2.
 */
int vouch_flom_client_resume(struct vouch_flom_client *client, uint64_t epoch,
                             uint64_t counter, const char *element);

/* Begin to unlock; rollback gives a transactional number back.  Done when
 * the bytes are with the system: there is no answer. */
int vouch_flom_client_unlock(struct vouch_flom_client *client, int rollback);

/* Begin to ask the daemon to end, at once or when nobody uses it; done when
 * the bytes are with the system.  The client is CONNECTED. */
int vouch_flom_client_shutdown(struct vouch_flom_client *client,
                               int immediate);

/* Close without a word: the daemon takes a lock back; be IDLE. */
void vouch_flom_client_disconnect(struct vouch_flom_client *client);

/*
 * Begin to say that nothing more comes; done when the daemon closes.  Or
 * only begin to wait until it does, which over TLS is the way to hear its
 * last words: if it has refused what has no answer, rc and reason say so.
 */
int vouch_flom_client_await_end(struct vouch_flom_client *client);
int vouch_flom_client_close(struct vouch_flom_client *client);

/*
 * Go on.  0: what was begun is done, or was refused; -1: the connection
 * has failed, and the client is IDLE again; VOUCH_FLOM_WANT_...
 */
int vouch_flom_client_advance(struct vouch_flom_client *client);

/* The same, waiting until the monotonic deadline (VOUCH_FOREVER: none) but
 * no longer than for the next message: VOUCH_FLOM_WANT_READ means that one
 * has come and that there is more to wait for; 1 that the deadline passed.
 * Interrupted by a signal, -1 with EINTR in the error and no other harm. */
int vouch_flom_client_wait(struct vouch_flom_client *client,
                           int64_t deadline_ms);

/* For an event loop: the descriptor (-1 if none); to be asked for again after
 * each advance while it connects. */
int vouch_flom_client_fd(const struct vouch_flom_client *client);

/* Where it stands. */
enum vouch_flom_client_state
vouch_flom_client_state(const struct vouch_flom_client *client);

/* The last return code: 0 for a lock that is held. */
int vouch_flom_client_rc(const struct vouch_flom_client *client);

/* The reason of the last code, if there is more to say than its text. */
const char *vouch_flom_client_reason(const struct vouch_flom_client *client);

/* 1 if that reason helps who reads it, whatever the code. */
int vouch_flom_client_is_explained(const struct vouch_flom_client *client);

/* Whether the daemon is Vouch's: 1 yes, 0 no, -1 not known, without TLS. */
int vouch_flom_client_knows_daemon(const struct vouch_flom_client *client);

/* The TLS connection, borrowed until the client is IDLE; NULL without. */
struct vouch_conn *
vouch_flom_client_conn(const struct vouch_flom_client *client);

/* The errno of a failed connect, or 0. */
int vouch_flom_client_errno(const struct vouch_flom_client *client);

/* The element of the lock that is held, or was when the connection ended;
 * or NULL. */
const char *vouch_flom_client_element(const struct vouch_flom_client *client);

/* Its fencing token, likewise: 1, or 0 if the daemon gave none. */
int vouch_flom_client_token(const struct vouch_flom_client *client,
                            uint64_t *epoch_r, uint64_t *counter_r);

/*
 * For the locks that follow: ask the daemon to take the lock back when it
 * has not heard of us for so many milliseconds (0: no lease).  Where it
 * agrees, signs of life are sent by advance and wait, which fail when none
 * has come back for so long that the daemon may have taken the lock.  An event
 * loop calls advance when the monotonic clock reaches next_ping
 * (VOUCH_FOREVER: never); while connecting, too, for a discovery that is to
 * go on and for the deadline of TLS.
 */
void vouch_flom_client_want_lease(struct vouch_flom_client *client,
                                  int lease_ms);
int64_t vouch_flom_client_next_ping(const struct vouch_flom_client *client);

/*
 * For the locks that follow: ask for the token with the grant, and let the
 * connection serve one resource after the other, which a daemon of Vouch
 * does: one that has given a token.  FLoM 1.7.2 does not see it.
 */
void vouch_flom_client_want_token(struct vouch_flom_client *client);

/* The last message that came, for those who asked something special. */
const struct vouch_flom_message *
vouch_flom_client_answer(const struct vouch_flom_client *client);

/* The settings, to be changed between two locks. */
struct vouch_flom_settings *
vouch_flom_client_settings(struct vouch_flom_client *client);

#endif
