/*
 * The inside of the daemon; for the files of lockd/ only.
 *
 *   server     event loop, listening sockets, timers, the end
 *   session    one client: bytes in, messages, bytes out
 *   deadline   what a client has to do in time
 *   secure     TLS: its files, handshakes, who is at the other end (secure.h)
 *   listen     where clients come in
 *   discovery  where they learn to come in, by UDP
 *   dispatch   a message to the table, decisions to answers
 *   access     who a client is, and what it may do
 *   admin      status, kick, tokens, shutdown
 *   journal    what must be stored before an answer goes out
 */
#ifndef VOUCH_LOCKD_PRIVATE_H
#define VOUCH_LOCKD_PRIVATE_H

#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

#include "flom/message.h"
#include "lock/decision.h"
#include "lock/name.h"
#include "lock/table.h"
#include "lockd/access.h"
#include "lockd/lockd.h"
#include "net/address.h"

#define LOCKD_LISTENERS 32
#define LOCKD_BACKLOG 1024
#define LOCKD_ADDRESS_SIZE (VOUCH_HOST_SIZE + VOUCH_PORT_SIZE)

#define LOCKD_MESSAGE_MS 5000    /* for a message that has begun */
#define LOCKD_HANDSHAKE_MS 10000 /* for TLS */
#define LOCKD_DRAIN_MS 30000     /* for a client that does not read */
#define LOCKD_GOODBYE_MS 2000    /* for one that was told to go */
#define LOCKD_REST_MS 1000       /* then TLS gives its buffers back */
#define LOCKD_BACK_OFF_MS 100    /* when descriptors have run out */
#define LOCKD_NAME_MAX 255       /* bytes of a resource's name */
#define LOCKD_CHUNK 4096         /* bytes read at once */
#define LOCKD_IN_MAX (VOUCH_FLOM_MESSAGE_MAX + LOCKD_CHUNK)
#define LOCKD_OUT_PAUSE 65536 /* bytes unread by a client: read no more */

struct vouch_buf;
struct vouch_conn;
struct vouch_flom_parser;
struct vouch_flom_tls;
struct vouch_map;
struct lockd_discovery;
struct lockd_journal;
struct session;
struct session_person;

/* Sessions by deadline; all of one list have the same time allowed, so that
 * the first is always the next to be due. */
struct session_list {
    struct session *first;
    struct session *last;
    int64_t allowed_ms;
};

enum session_state {
    SESSION_HANDSHAKE, /* TLS */
    SESSION_OPEN,
    SESSION_GOODBYE, /* says what it has, then ends; hears nothing more */
    SESSION_DEAD     /* closed; freed when libuv lets go */
};

struct session {
    struct lockd *daemon;
    uint64_t id; /* the owner in the table */
    int fd;
    enum session_state state;
    int is_modern;   /* it has used what only Vouch knows */
    int wants_write; /* its handshake does */
    int is_shaking;  /* in the queue of handshakes to go on with */
    struct session *shaking_next;
    int is_working; /* a thread has its connection */
    int outcome;    /* what came of that */
    int is_closed;  /* libuv has let go meanwhile */
    uv_work_t work;
    int is_introduced; /* its first message has been seen */
    int over_limit;    /* there are too many: it gets a refusal */
    int is_unix;
    int is_local; /* on this host */
    int polled;   /* events asked of libuv */
    uv_poll_t poll;
    struct vouch_conn *conn;       /* NULL: in the clear */
    struct session_person *person; /* what its certificate tells, or NULL */
    struct vouch_buf *in;          /* NULL while there is nothing */
    struct vouch_buf *out;
    struct vouch_buf *report; /* rest of an answer to --status */
    char report_ask[16];
    struct vouch_lock_name *bound; /* the resource it is for, or NULL */
    int64_t lease_ms;              /* it has asked for, or 0 */
    uint64_t tag;                  /* of the last request */
    uint64_t answered;             /* the last that had its first answer */
    uint64_t untold;               /* what the client has not asked for */
    uint32_t messages;             /* of this second */
    int64_t second;
    long pid;
    long uid;
    char address[LOCKD_ADDRESS_SIZE]; /* "127.0.0.1:4711", "unix" */
    int64_t since_ms;
    struct session_list *timed; /* the list it is in, or NULL */
    struct session *timed_before;
    struct session *timed_after;
    int64_t due_ms;
    struct session *before; /* among all */
    struct session *after;
};

struct listener {
    struct lockd *daemon;
    int fd;
    int is_unix;
    uv_poll_t poll;
};

struct lockd {
    struct lockd_options options;
    uv_loop_t loop;
    uv_timer_t timer;    /* the next deadline of any kind */
    uv_timer_t back_off; /* accepting again */
    uv_signal_t signals[3];
    struct listener listeners[LOCKD_LISTENERS];
    size_t listener_count;
    struct lockd_discovery *discovery; /* NULL: there is none */
    char socket_path[108];             /* to be removed at the end; or "" */
    int lock_fd;                       /* of socket_path.lock */
    int spare_fd; /* given up to tell a client that no more fit */
    struct vouch_flom_tls *tls; /* NULL: in the clear */
    int64_t tls_looked_ms;      /* when its files were looked at */
    uv_idle_t shaking;          /* runs while handshakes are to go on */
    struct session *shaking_first;
    struct session *shaking_last;
    int working; /* handshakes in threads */
    struct lockd_access access;
    uv_timer_t access_timer; /* to look at its file */
    struct vouch_table *table;
    struct vouch_decisions *decisions;
    struct lockd_journal *journal;
    struct vouch_flom_parser *parser;
    struct vouch_buf *in;  /* what is read now; a rest is the session's */
    struct vouch_buf *out; /* what is written now, likewise */
    struct vouch_flom_message message; /* the one being worked on */
    struct vouch_flom_message answer;
    struct vouch_map *by_id;
    struct session *first; /* all sessions, oldest first */
    struct session *last;
    size_t session_count;
    size_t max_connections;
    uint64_t next_id;
    struct session_list in_handshake;
    struct session_list in_message;
    struct session_list in_drain;
    struct session_list in_goodbye;
    struct session_list awake; /* TLS with buffers of its own */
    int lifespan_ms;
    int64_t idle_since; /* nothing to do since then; or -1 */
    int64_t warning_second;
    unsigned warnings; /* of that second */
    int is_ending;
    char peer_id[VOUCH_FLOM_TEXT_MAX + 1];
};

/* server.c */
void lockd_say(struct lockd *daemon, enum lockd_log_level level,
               const char *id, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5)))
#endif
    ;
void lockd_now(struct vouch_table_time *now_r);
void lockd_set_timer(struct lockd *daemon);
void lockd_end(struct lockd *daemon);

/* listen.c */
int lockd_listen(struct lockd *daemon, int *rc_r, struct vouch_error *err);
void lockd_watch(struct lockd *daemon);
void lockd_unlisten(struct lockd *daemon);

/* session.c */
void session_open(struct lockd *daemon, int fd, int is_unix,
                  const struct vouch_address *peer);
void session_close(struct session *session);
/* No thread has it any more: free it, if it is closed. */
void session_release(struct session *session);

/* Who it is, for the log; valid until the next call. */
const char *session_peer(const struct session *session);
/* No more is read; what is to be said is said, then it is closed. */
void session_goodbye(struct session *session);
void session_send(struct session *session,
                  const struct vouch_flom_message *message);
struct session *session_find(struct lockd *daemon, uint64_t id);
/* Poll for what the session now waits for. */
void session_update(struct session *session);
/* Its handshake is done: hear what has come with it. */
void session_begin(struct session *session);

/* deadline.c */
/* From now on, unless it is in this list already. */
void session_time(struct session *session, struct session_list *list);
void session_untime(struct session *session);
void session_deadlines(struct lockd *daemon, int64_t now_ms);
int64_t session_next_deadline(const struct lockd *daemon);

/* dispatch.c */
void dispatch_message(struct session *session,
                      const struct vouch_flom_message *message);
void dispatch_drop(struct session *session);
void dispatch_tick(struct lockd *daemon);
/* Give up a conversion that waits: what the view says is kept.  0 or -1. */
int dispatch_stay(struct session *session,
                  const struct vouch_table_view *view);
/* Answers of decisions that are stored: called by the journal. */
void dispatch_decisions(struct lockd *daemon,
                        const struct vouch_decisions *decisions);
/* Put this host's unique id into the answer that is being made. */
void dispatch_introduce(struct lockd *daemon);
void dispatch_answer(struct session *session, int step, int rc,
                     const char *reason);

/* admin.c */
void admin_question(struct session *session,
                    const struct vouch_flom_message *message);
void admin_shutdown(struct session *session, int immediate);
/* The next piece of a long answer, when there is room for it. */
void admin_continue(struct session *session);

#endif
