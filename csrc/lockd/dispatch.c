/*
 * What a client says, put to the lock table; what the table decides, told
 * to the clients.
 */
#include "lockd/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/error.h"
#include "flom/error_codes.h"
#include "lock/mode.h"
#include "lockd/journal.h"
#include "lockd/secure.h"

#define QUANTITY_MAX INT64_C(2147483647)

/* --- answers --------------------------------------------------------------*/

void
dispatch_introduce(struct lockd *daemon)
{
    if (daemon->peer_id[0] == '\0')
        return;
    daemon->answer.has |= VOUCH_FLOM_HAS_PEER_ID;
    memcpy(daemon->answer.peer_id, daemon->peer_id,
           sizeof(daemon->answer.peer_id));
}

static void
begin_answer(struct session *session, int step, int rc)
{
    struct vouch_flom_message *answer = &session->daemon->answer;

    vouch_flom_message_init(answer, VOUCH_FLOM_LOCK, step);
    answer->has = VOUCH_FLOM_HAS_RC;
    answer->rc = rc;
    if (step != VOUCH_FLOM_REFUSAL)
        answer->lease = session->lease_ms;
    if (step == VOUCH_FLOM_ANSWER)
        dispatch_introduce(session->daemon);
}

static void
add_reason(struct session *session, const char *reason)
{
    struct vouch_flom_message *answer = &session->daemon->answer;

    if (reason != NULL)
        (void) snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
}

void
dispatch_answer(struct session *session, int step, int rc, const char *reason)
{
    begin_answer(session, step, rc);
    add_reason(session, reason);
    session_send(session, &session->daemon->answer);
}

/* Why, in words; NULL where the code says it all. */
static const char *
reason_of(int code)
{
    switch (code) {
    case VOUCH_LOCK_BAD_QUANTITY:
        return "the quantity is negative or too large";
    case VOUCH_LOCK_BAD_MODE:
        return "the lock mode is not one of 0 to 5";
    case VOUCH_LOCK_FULL:
        return "too many are waiting for this resource";
    case VOUCH_LOCK_NO_RESOURCE:
        return "the daemon has as many resources as it may";
    case VOUCH_LOCK_BAD_FORMAT:
        return "the format of the timestamp has no hour, minute, second or "
               "fraction";
    case VOUCH_LOCK_NO_MEMORY:
        return "the daemon is out of memory";
    default:
        return NULL;
    }
}

/* The first answer to a request is step 16, what comes later 24; a refusal
 * must not be 24, which old clients take for a grant. */
static int
step_for(const struct session *session, const struct vouch_decision *decision)
{
    if (session->answered < decision->tag)
        return VOUCH_FLOM_ANSWER;
    return decision->kind == VOUCH_DECISION_REFUSED
                   || decision->kind == VOUCH_DECISION_DROPPED
               ? VOUCH_FLOM_REFUSAL
               : VOUCH_FLOM_LATER;
}

static void
add_grant(struct session *session, const struct vouch_decision *decision)
{
    struct vouch_flom_message *answer = &session->daemon->answer;

    if (decision->element != NULL
        && decision->element_length <= VOUCH_FLOM_ELEMENT_MAX) {
        memcpy(answer->element, decision->element, decision->element_length);
        answer->element[decision->element_length] = '\0';
        answer->has |= VOUCH_FLOM_HAS_ELEMENT;
    }
    if (!session->is_modern)
        return;
    answer->has |= VOUCH_FLOM_HAS_TOKEN;
    answer->token_epoch = decision->fence.epoch;
    answer->token_counter = decision->fence.counter;
}

static int
is_told(enum vouch_decision_kind kind)
{
    return kind == VOUCH_DECISION_GRANTED || kind == VOUCH_DECISION_QUEUED
           || kind == VOUCH_DECISION_PARKED || kind == VOUCH_DECISION_REFUSED
           || kind == VOUCH_DECISION_CONVERTED
           || kind == VOUCH_DECISION_DROPPED;
}

static void
tell(struct session *session, const struct vouch_decision *decision)
{
    int step = step_for(session, decision);
    int code = decision->code;

    if (decision->tag == session->untold && decision->tag != 0)
        return;
    if (decision->kind == VOUCH_DECISION_DROPPED)
        code = VOUCH_FLOM_RC_LOCK_CANT_LOCK;
    session->answered = decision->tag;
    begin_answer(session, step, code);
    add_reason(session, decision->kind == VOUCH_DECISION_DROPPED
                            ? "the lease has run out"
                            : reason_of(code));
    if (decision->kind == VOUCH_DECISION_GRANTED
        || decision->kind == VOUCH_DECISION_CONVERTED)
        add_grant(session, decision);
    session_send(session, &session->daemon->answer);
    /* FLoM ends these connections itself. */
    if (code == VOUCH_LOCK_CANT_WAIT || code == VOUCH_LOCK_BAD_NAME
        || code == VOUCH_LOCK_BAD_FORMAT
        || decision->kind == VOUCH_DECISION_DROPPED)
        session_goodbye(session);
}

void
dispatch_decisions(struct lockd *daemon,
                   const struct vouch_decisions *decisions)
{
    struct vouch_decision decision;
    struct session *session;
    size_t i;

    /* Those whose locks end with the daemon may not have seen it yet: nobody
     * else is given them. */
    if (daemon->is_ending)
        return;
    for (i = 0; vouch_decisions_get(decisions, i, &decision); i++) {
        if (!is_told(decision.kind) || decision.owner == 0)
            continue;
        session = session_find(daemon, decision.owner);
        if (session != NULL)
            tell(session, &decision);
    }
}

/* What the table has decided goes to the journal, and from there to the
 * clients. */
static void
commit(struct lockd *daemon)
{
    if (vouch_decisions_failed(daemon->decisions)) {
        lockd_say(daemon, LOCKD_ERROR, "FLM040E",
                  "out of memory in the middle of a decision: ending");
        lockd_end(daemon);
    }
    journal_commit(daemon->journal, daemon->decisions);
    lockd_set_timer(daemon);
}

void
dispatch_drop(struct session *session)
{
    struct vouch_table_time now;

    if (session->daemon->table == NULL)
        return;
    lockd_now(&now);
    vouch_table_drop(session->daemon->table, session->id, &now,
                     session->daemon->decisions);
    commit(session->daemon);
}

void
dispatch_tick(struct lockd *daemon)
{
    struct vouch_table_time now;

    lockd_now(&now);
    vouch_table_tick(daemon->table, &now, daemon->decisions);
    commit(daemon);
}

int
dispatch_stay(struct session *session, const struct vouch_table_view *view)
{
    struct lockd *daemon = session->daemon;
    struct vouch_lock_name name;
    struct vouch_table_want want;
    struct vouch_table_time now;
    int status;

    memset(&want, 0, sizeof(want));
    lockd_now(&now);
    (void) vouch_lock_name_parse(view->name, view->name_length, &name);
    want.name = &name;
    want.mode = view->mode;
    want.quantity = view->quantity;
    session->untold = ++session->tag;
    session->answered = session->tag;
    status = vouch_table_convert(daemon->table, session->id, session->tag,
                                 &want, 0, &now, daemon->decisions);
    commit(daemon);
    return status == 1 ? 0 : -1;
}

/* --- requests -------------------------------------------------------------*/

static void
end_session(struct session *session, const char *id, const char *why)
{
    lockd_say(session->daemon, LOCKD_WARNING, id,
              "session %llu from %s closed: %s",
              (unsigned long long) session->id, session_peer(session), why);
    session_close(session);
}

static int
is_bound_to(const struct session *session, const struct vouch_lock_name *name)
{
    return session->bound != NULL && session->bound->length == name->length
           && memcmp(session->bound->text, name->text, name->length) == 0;
}

/* A connection is for one resource: the first that was asked for.  A new
 * client may have another when it has let go of that. */
static int
bind_session(struct session *session, const struct vouch_lock_name *name)
{
    if (is_bound_to(session, name))
        return 1;
    if (session->bound == NULL)
        session->bound = malloc(sizeof(*name));
    else if (!session->is_modern
             || vouch_table_is_busy(session->daemon->table, session->id))
        return 0;
    if (session->bound != NULL)
        *session->bound = *name;
    return session->bound != NULL;
}

static void
use_table(struct session *session, const struct vouch_flom_message *message,
          const struct vouch_lock_name *name)
{
    struct lockd *daemon = session->daemon;
    struct vouch_table_request request;
    struct vouch_table_want want;
    struct vouch_table_time now;
    int status;

    memset(&want, 0, sizeof(want));
    memset(&request, 0, sizeof(request));
    lockd_now(&now);
    want.name = name;
    want.mode = message->mode < 0 || message->mode > INT32_MAX
                    ? -1
                    : (int) message->mode;
    want.quantity = message->quantity;
    want.create = message->create;
    want.lifespan_ms = message->lifespan;
    request.owner = session->id;
    request.tag = ++session->tag;
    request.wants = &want;
    request.count = 1;
    request.wait = message->wait;
    request.timeout_ms = -1;
    request.lease_ms = message->lease > 0 ? message->lease : 0;
    if (message->convert)
        status =
            vouch_table_convert(daemon->table, session->id, session->tag,
                                &want, message->wait, &now, daemon->decisions);
    else if (message->has & VOUCH_FLOM_HAS_TOKEN) {
        struct vouch_fence fence;

        fence.epoch = message->token_epoch;
        fence.counter = message->token_counter;
        status = vouch_table_resume(
            daemon->table, session->id, session->tag, &want, fence,
            message->about[0] != '\0' ? message->about : NULL, &now,
            daemon->decisions);
    } else
        status = vouch_table_request(daemon->table, &request, &now,
                                     daemon->decisions);
    if (status == -1)
        dispatch_answer(session, VOUCH_FLOM_ANSWER, VOUCH_LOCK_NO_MEMORY,
                        reason_of(VOUCH_LOCK_NO_MEMORY));
    else if (status == 0 && message->convert)
        dispatch_answer(session, VOUCH_FLOM_ANSWER,
                        VOUCH_FLOM_RC_PROTOCOL_ERROR,
                        "there is no lock of that name to convert");
    commit(daemon);
}

/* The mode in which the rules see a request; one that is no mode is refused
 * by the table. */
static unsigned
right_to_lock(const struct vouch_lock_name *name,
              const struct vouch_flom_message *message)
{
    return vouch_lock_type_has_mode((int) name->type)
                   && vouch_lock_mode_valid(message->mode)
               ? VOUCH_ACCESS_LOCK_IN(message->mode)
               : VOUCH_ACCESS_LOCK_IN(VOUCH_LOCK_EX);
}

/* 1 if the client may have this lock; else 0, and it has been told: 6 ends
 * 1.7.2 with an error in words that are nearly right.  Who takes a lock up
 * again makes nothing new. */
static int
may_lock(struct session *session, const struct vouch_flom_message *message,
         const struct vouch_lock_name *name)
{
    struct lockd *daemon = session->daemon;
    int makes = message->create && !message->convert
                && !(message->has & VOUCH_FLOM_HAS_TOKEN)
                && !vouch_table_has(daemon->table, name);
    char reason[ACCESS_REASON_SIZE];

    if (access_may(session, right_to_lock(name, message), name->text, reason)
        && (!makes
            || access_may(session, VOUCH_ACCESS_CREATE, name->text, reason)))
        return 1;
    dispatch_answer(session, VOUCH_FLOM_ANSWER, VOUCH_LOCK_IMPOSSIBLE, reason);
    return 0;
}

static void
lock(struct session *session, const struct vouch_flom_message *message)
{
    struct vouch_lock_name name;

    if (!(message->has & VOUCH_FLOM_HAS_RESOURCE)) {
        end_session(session, "FLM034W", "a lock without a resource");
        return;
    }
    if (message->has & VOUCH_FLOM_BAD_NAME
        || vouch_lock_name_parse(message->name, message->name_length, &name)
               != 0) {
        dispatch_answer(session, VOUCH_FLOM_ANSWER, VOUCH_LOCK_BAD_NAME, NULL);
        session_goodbye(session);
        return;
    }
    if (!may_lock(session, message, &name))
        return;
    if (!bind_session(session, &name)) {
        dispatch_answer(session, VOUCH_FLOM_ANSWER,
                        VOUCH_FLOM_RC_PROTOCOL_ERROR,
                        "this connection is for another resource");
        return;
    }
    use_table(session, message, &name);
}

/* There is no answer to an unlock, not even for one that does nothing. */
static void
unlock(struct session *session, const struct vouch_flom_message *message)
{
    struct lockd *daemon = session->daemon;
    struct vouch_lock_name name;
    struct vouch_table_time now;

    if (message->has & VOUCH_FLOM_BAD_NAME
        || vouch_lock_name_parse(message->name, message->name_length, &name)
               != 0
        || !is_bound_to(session, &name)) {
        lockd_say(daemon, LOCKD_WARNING, "FLM009W",
                  "session %llu from %s: unlock of another name ignored",
                  (unsigned long long) session->id, session_peer(session));
        return;
    }
    lockd_now(&now);
    (void) vouch_table_release(daemon->table, session->id, &name,
                               message->rollback, &now, daemon->decisions);
    commit(daemon);
}

/* A sign of life, between new peers only. */
static void
ping(struct session *session)
{
    struct lockd *daemon = session->daemon;
    struct vouch_table_time now;

    lockd_now(&now);
    vouch_table_touch(daemon->table, session->id, &now);
    vouch_flom_message_init(&daemon->answer, VOUCH_FLOM_PING,
                            VOUCH_FLOM_ANSWER);
    session_send(session, &daemon->answer);
}

/* 1 if the first message of a connection may be this one. */
static int
may_begin(const struct vouch_flom_message *message)
{
    return message->verb == VOUCH_FLOM_LOCK
           || (message->verb == VOUCH_FLOM_MANAGEMENT
               && message->has & VOUCH_FLOM_HAS_SHUTDOWN);
}

static int
introduce(struct session *session, const struct vouch_flom_message *message)
{
    if (session->is_introduced)
        return 0;
    session->is_introduced = 1;
    if (!may_begin(message)) {
        end_session(session, "FLM034W",
                    "it does not begin with a lock or a shutdown");
        return -1;
    }
    if (secure_check_peer(session, message) != 0)
        return -1;
    if (session->over_limit) {
        dispatch_answer(session, VOUCH_FLOM_ANSWER,
                        VOUCH_FLOM_RC_CONTAINER_FULL,
                        "the daemon has as many connections as it may");
        session_goodbye(session);
        return -1;
    }
    return 0;
}

void
dispatch_message(struct session *session,
                 const struct vouch_flom_message *message)
{
    if (message->level != VOUCH_FLOM_LEVEL) {
        end_session(session, "FLM006W", "another protocol level");
        return;
    }
    if (message->step != VOUCH_FLOM_REQUEST) {
        end_session(session, "FLM034W", "a message that is no request");
        return;
    }
    if (introduce(session, message) != 0)
        return;
    if (message->ask[0] != '\0' || message->lease != 0 || message->convert)
        session->is_modern = 1;
    if (message->lease > 0)
        session->lease_ms = message->lease;
    if (message->verb == VOUCH_FLOM_LOCK && message->ask[0] != '\0'
        && strcmp(message->ask, "lock") != 0)
        admin_question(session, message);
    else if (message->verb == VOUCH_FLOM_LOCK)
        lock(session, message);
    else if (message->verb == VOUCH_FLOM_UNLOCK)
        unlock(session, message);
    else if (message->verb == VOUCH_FLOM_MANAGEMENT
             && message->has & VOUCH_FLOM_HAS_SHUTDOWN)
        admin_shutdown(session, message->immediate);
    else if (message->verb == VOUCH_FLOM_PING && session->is_modern)
        ping(session);
    else
        end_session(session, "FLM034W", "a message out of place");
}
