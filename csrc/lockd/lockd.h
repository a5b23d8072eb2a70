/*
 * The lock daemon: listens, speaks FLoM's protocol, keeps the lock table.
 *
 * The inside is server (event loop), session (one client), discovery
 * (UDP), admin (status, kick, shutdown), journal (what must survive).
 */
#ifndef VOUCH_LOCKD_LOCKD_H
#define VOUCH_LOCKD_LOCKD_H

#include <stddef.h>

struct vouch_error;
struct vouch_flom_settings;
struct lockd;

enum lockd_log_level {
    LOCKD_ERROR,
    LOCKD_WARNING,
    LOCKD_NOTICE,
    LOCKD_INFO,
    LOCKD_DEBUG
};

/* Where messages go: one line without its end.  id is "FLM000I" and the
 * like.  It must not wait. */
typedef void (*lockd_log_fn)(enum lockd_log_level level, const char *id,
                             const char *text, void *arg);

struct lockd_options {
    /* Where to listen, TLS, keepalive, lifespan; borrowed until freed. */
    const struct vouch_flom_settings *settings;
    unsigned socket_mode;   /* of the unix socket: 0600 */
    int remote_admin;       /* other hosts may end sessions and the daemon */
    int fairness_ms;        /* as vouch_table_limits */
    int grace_ms;           /* after an unclean end, with a state file */
    const char *state_file; /* SQLite, or NULL: in memory only */
    size_t max_connections; /* 0: what the descriptor limit allows */
    size_t max_resources;   /* 0: the table's default */
    size_t max_queue;       /* 0: the table's default */
    unsigned messages_a_second; /* of one connection; 0: no limit */
    const int *inherited;   /* listening descriptors of a service manager */
    size_t inherited_count; /* then nothing else is bound */
    lockd_log_fn log;
    void *log_arg;
    int (*reopen_log)(void *arg); /* on SIGHUP, or NULL; -1: as it was */
};

/* Set every option to its default; settings and log stay NULL. */
void lockd_options_init(struct lockd_options *options);

/* Free the daemon, remove its socket.  NULL is allowed. */
void lockd_free(struct lockd *daemon);

/*
 * Bind and listen, open the state file.  0 with the daemon, or -1 with *rc_r
 * a code of FLoM: FLOCK_ERROR, another daemon has this unix socket (or is
 * starting); BIND_ERROR, somebody has this address; others.
 */
int lockd_new(const struct lockd_options *options, struct lockd **daemon_r,
              int *rc_r, struct vouch_error *err);

/*
 * Serve until it ends: by lifespan, by a request, by SIGTERM or SIGINT (a
 * clean end); SIGHUP reads certificates and the like again.  0, or -1.
 */
int lockd_run(struct lockd *daemon, struct vouch_error *err);

#endif
