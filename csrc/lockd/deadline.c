/*
 * Sessions that must do something in time: shake hands, end a message, read
 * their answers, leave.
 */
#include "lockd/private.h"

#include <stddef.h>

#include "base/clock.h"
#include "tls/connection.h"

void
session_untime(struct session *session)
{
    struct session_list *list = session->timed;

    if (list == NULL)
        return;
    if (session->timed_before != NULL)
        session->timed_before->timed_after = session->timed_after;
    else
        list->first = session->timed_after;
    if (session->timed_after != NULL)
        session->timed_after->timed_before = session->timed_before;
    else
        list->last = session->timed_before;
    session->timed = NULL;
}

void
session_time(struct session *session, struct session_list *list)
{
    if (session->timed == list)
        return;
    session_untime(session);
    session->timed = list;
    session->due_ms = vouch_clock_monotonic_ms() + list->allowed_ms;
    session->timed_after = NULL;
    session->timed_before = list->last;
    if (list->last != NULL)
        list->last->timed_after = session;
    else
        list->first = session;
    list->last = session;
    if (list->first == session)
        lockd_set_timer(session->daemon);
}

static void
expire(struct lockd *daemon, struct session_list *list, int64_t now_ms,
       const char *what)
{
    while (list->first != NULL && list->first->due_ms <= now_ms) {
        lockd_say(daemon, LOCKD_WARNING, "FLM030W",
                  "session %llu from %s closed: %s",
                  (unsigned long long) list->first->id,
                  session_peer(list->first), what);
        session_close(list->first);
    }
}

/* A TLS connection needs 32 KiB while it speaks, which most do seldom. */
static void
rest(struct lockd *daemon, int64_t now_ms)
{
    struct session_list *list = &daemon->awake;

    while (list->first != NULL && list->first->due_ms <= now_ms) {
        struct session *session = list->first;

        session_untime(session);
        vouch_conn_rest(session->conn);
    }
}

void
session_deadlines(struct lockd *daemon, int64_t now_ms)
{
    expire(daemon, &daemon->in_handshake, now_ms, "no TLS handshake");
    expire(daemon, &daemon->in_message, now_ms, "half a message");
    expire(daemon, &daemon->in_drain, now_ms, "it does not read");
    expire(daemon, &daemon->in_goodbye, now_ms, "it does not leave");
    rest(daemon, now_ms);
}

static int64_t
earlier(const struct session_list *list, int64_t other)
{
    return list->first != NULL && list->first->due_ms < other
               ? list->first->due_ms
               : other;
}

int64_t
session_next_deadline(const struct lockd *daemon)
{
    int64_t next = INT64_MAX;

    next = earlier(&daemon->in_handshake, next);
    next = earlier(&daemon->in_message, next);
    next = earlier(&daemon->in_drain, next);
    next = earlier(&daemon->awake, next);
    return earlier(&daemon->in_goodbye, next);
}
