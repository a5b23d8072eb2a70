/*
 * Questions that only Vouch's clients ask, and the end of the daemon.
 */
#include "lockd/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "access/access.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "flom/error_codes.h"
#include "lock/mode.h"

#define REPORT_MAX (64 * 1024 * 1024)
#define QUIESCE_MS 100

static void
begin(struct session *session, const char *ask, int rc)
{
    struct vouch_flom_message *answer = &session->daemon->answer;

    vouch_flom_message_init(answer, VOUCH_FLOM_LOCK, VOUCH_FLOM_ANSWER);
    answer->has = VOUCH_FLOM_HAS_RC;
    answer->rc = rc;
    (void) snprintf(answer->ask, sizeof(answer->ask), "%s", ask);
    dispatch_introduce(session->daemon);
}

static void
refuse(struct session *session, const char *ask, const char *reason)
{
    struct vouch_flom_message *answer = &session->daemon->answer;

    begin(session, ask, VOUCH_FLOM_RC_LOCK_CANT_WAIT);
    (void) snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
    session_send(session, answer);
}

/* --- tokens ---------------------------------------------------------------*/

struct token_search {
    struct session *asker;
    const char *address;
    size_t address_length;
    const char *name;
    struct vouch_fence fence; /* the largest; both 0: none */
};

/* The host of an address, without its port. */
static size_t
host_length(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon == NULL ? strlen(address) : (size_t) (colon - address);
}

static int
same_host(const struct session *a, const struct session *b)
{
    size_t length = host_length(a->address);

    return length == host_length(b->address)
           && memcmp(a->address, b->address, length) == 0;
}

/* Is the holder who asks?  Over a unix socket the same process, else the
 * address it says, of the host that asks. */
static int
is_the_same(const struct token_search *search, const struct session *holder)
{
    if (holder == NULL || holder->is_unix != search->asker->is_unix)
        return 0;
    if (holder->is_unix)
        return holder->pid != -1 && holder->pid == search->asker->pid
               && holder->uid == search->asker->uid;
    return same_host(holder, search->asker)
           && strlen(holder->address) == search->address_length
           && memcmp(holder->address, search->address, search->address_length)
                  == 0;
}

static int
look_for_token(const struct vouch_table_view *view, void *arg)
{
    struct token_search *search = arg;

    if ((view->state == VOUCH_TABLE_HELD
         || view->state == VOUCH_TABLE_CONVERTING)
        && strcmp(view->name, search->name) == 0
        && is_the_same(search,
                       session_find(search->asker->daemon, view->owner)))
        search->fence = view->fence;
    return 0;
}

static void
answer_token(struct session *session, const char *about)
{
    struct vouch_flom_message *answer = &session->daemon->answer;
    const char *blank = strchr(about, ' ');
    struct token_search search;

    memset(&search, 0, sizeof(search));
    if (blank != NULL) {
        search.asker = session;
        search.address = about;
        search.address_length = (size_t) (blank - about);
        search.name = blank + 1;
        (void) vouch_table_each(session->daemon->table, look_for_token,
                                &search);
    }
    if (search.fence.epoch == 0) {
        refuse(session, "token", "you hold no lock of that name");
        return;
    }
    begin(session, "token", VOUCH_FLOM_RC_OK);
    answer->has |= VOUCH_FLOM_HAS_TOKEN;
    answer->token_epoch = search.fence.epoch;
    answer->token_counter = search.fence.counter;
    session_send(session, answer);
}

/* --- status ---------------------------------------------------------------*/

struct report {
    struct lockd *daemon;
    struct session *asker;
    struct vouch_buf *out;
    const char *pattern;
    int is_json;
    int count;
    int64_t now_ms;
    int64_t now_wall_us;
};

/* A text between quotes; what is not ASCII goes as it is, if it is UTF-8
 * anybody can read it. */
static void
put_json_text(struct vouch_buf *out, const char *text)
{
    (void) vouch_buf_append_text(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        if (c == '"' || c == '\\')
            (void) vouch_buf_append_format(out, "\\%c", c);
        else if (c < ' ' || c >= 127)
            (void) vouch_buf_append_format(out, "\\u%04x", c);
        else
            (void) vouch_buf_append(out, text, 1);
    }
    (void) vouch_buf_append_text(out, "\"");
}

/* The same for a terminal: nothing that moves its cursor. */
static void
put_plain_text(struct vouch_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        if (c < ' ' || c >= 127 || c == '\\')
            (void) vouch_buf_append_format(out, "\\x%02x", c);
        else
            (void) vouch_buf_append(out, text, 1);
    }
}

static const char *
state_name(enum vouch_table_state state)
{
    switch (state) {
    case VOUCH_TABLE_HELD:
        return "held";
    case VOUCH_TABLE_CONVERTING:
        return "converting";
    case VOUCH_TABLE_WAITING:
        return "waiting";
    default:
        return "parked";
    }
}

static void
since_text(const struct report *report, int64_t since_ms,
           char out[VOUCH_ISO8601_SIZE])
{
    int64_t ago_us = (report->now_ms - since_ms) * 1000;

    if (vouch_text_iso8601((report->now_wall_us - ago_us) / 1000000, out) != 0)
        (void) snprintf(out, VOUCH_ISO8601_SIZE, "?");
}

static void
put_json_row(struct report *report, const struct vouch_table_view *view,
             const struct session *session, const char *since)
{
    struct vouch_buf *out = report->out;

    (void) vouch_buf_append_text(out, report->count > 1 ? ",\n " : "\n ");
    (void) vouch_buf_append_text(out, "{\"resource\":");
    put_json_text(out, view->name);
    (void) vouch_buf_append_format(out, ",\"type\":\"%s\",\"state\":\"%s\"",
                                   vouch_lock_type_name(view->type),
                                   state_name(view->state));
    if (vouch_lock_type_has_mode(view->type))
        (void) vouch_buf_append_format(out, ",\"mode\":\"%s\"",
                                       vouch_lock_mode_name(view->mode));
    if (view->type == VOUCH_LOCK_NUMERIC)
        (void) vouch_buf_append_format(out, ",\"quantity\":%" PRId64,
                                       view->quantity);
    if (view->element != NULL) {
        (void) vouch_buf_append_text(out, ",\"element\":");
        put_json_text(out, view->element);
    }
    if (view->fence.epoch != 0)
        (void) vouch_buf_append_format(
            out, ",\"token\":\"%" PRIu64 ".%" PRIu64 "\"", view->fence.epoch,
            view->fence.counter);
    (void) vouch_buf_append_format(
        out, ",\"since\":\"%s\",\"waited_ms\":%" PRId64 ",\"id\":%" PRIu64,
        since, report->now_ms - view->since_ms, view->owner);
    if (session != NULL) {
        (void) vouch_buf_append_text(out, ",\"from\":");
        put_json_text(out, session->address);
        if (session->is_unix)
            (void) vouch_buf_append_format(out, ",\"pid\":%ld,\"uid\":%ld",
                                           session->pid, session->uid);
    }
    (void) vouch_buf_append_text(out, "}");
}

static void
put_plain_row(struct report *report, const struct vouch_table_view *view,
              const struct session *session, const char *since)
{
    struct vouch_buf *out = report->out;

    put_plain_text(out, view->name);
    (void) vouch_buf_append_format(out, "  %s", state_name(view->state));
    if (vouch_lock_type_has_mode(view->type))
        (void) vouch_buf_append_format(out, " %s",
                                       vouch_lock_mode_name(view->mode));
    if (view->type == VOUCH_LOCK_NUMERIC)
        (void) vouch_buf_append_format(out, " quantity %" PRId64,
                                       view->quantity);
    if (view->element != NULL) {
        (void) vouch_buf_append_text(out, " element ");
        put_plain_text(out, view->element);
    }
    (void) vouch_buf_append_format(out, "  since %s", since);
    if (view->fence.epoch != 0)
        (void) vouch_buf_append_format(out, "  token %" PRIu64 ".%" PRIu64,
                                       view->fence.epoch, view->fence.counter);
    (void) vouch_buf_append_format(out, "  id %" PRIu64, view->owner);
    if (session != NULL && session->is_unix)
        (void) vouch_buf_append_format(out, "  pid %ld uid %ld", session->pid,
                                       session->uid);
    else if (session != NULL)
        (void) vouch_buf_append_format(out, "  from %s", session->address);
    (void) vouch_buf_append_text(out, "\n");
}

static int
put_row(const struct vouch_table_view *view, void *arg)
{
    struct report *report = arg;
    char since[VOUCH_ISO8601_SIZE];

    if ((report->pattern[0] != '\0'
         && !vouch_text_matches(report->pattern, view->name))
        || !access_shows(report->asker, view->name))
        return 0;
    report->count++;
    since_text(report, view->since_ms, since);
    (report->is_json ? put_json_row : put_plain_row)(
        report, view, session_find(report->daemon, view->owner), since);
    return 0;
}

static void
answer_status(struct session *session, const char *pattern, int is_json)
{
    const char *ask = is_json ? "status-json" : "status";
    char reason[ACCESS_REASON_SIZE];
    struct report report;
    struct vouch_table_time now;

    if (!access_may_some(session, VOUCH_ACCESS_STATUS, reason)) {
        refuse(session, ask, reason);
        return;
    }
    lockd_now(&now);
    memset(&report, 0, sizeof(report));
    report.daemon = session->daemon;
    report.asker = session;
    report.out = vouch_buf_new(REPORT_MAX);
    report.pattern = pattern;
    report.is_json = is_json;
    report.now_ms = now.monotonic_ms;
    report.now_wall_us = now.wall_us;
    if (session->report != NULL || report.out == NULL) {
        vouch_buf_free(report.out);
        refuse(session, ask, "the answer before has not been read");
        return;
    }
    if (is_json)
        (void) vouch_buf_append_text(report.out, "[");
    (void) vouch_table_each(session->daemon->table, put_row, &report);
    if (is_json)
        (void) vouch_buf_append_text(report.out,
                                     report.count ? "\n]\n" : "]\n");
    session->report = report.out;
    (void) snprintf(session->report_ask, sizeof(session->report_ask), "%s",
                    ask);
    admin_continue(session);
}

void
admin_continue(struct session *session)
{
    struct vouch_flom_message *answer = &session->daemon->answer;
    struct vouch_buf *report = session->report;
    size_t length;

    while (report != NULL && session->state == SESSION_OPEN
           && (session->out == NULL
               || vouch_buf_length(session->out) < LOCKD_OUT_PAUSE)) {
        length = vouch_buf_length(report);
        if (length > VOUCH_FLOM_DATA_MAX)
            length = VOUCH_FLOM_DATA_MAX;
        begin(session, session->report_ask, VOUCH_FLOM_RC_OK);
        memcpy(answer->data, vouch_buf_data(report), length);
        answer->data_length = length;
        answer->has |= VOUCH_FLOM_HAS_DATA;
        vouch_buf_consume(report, length);
        answer->more = vouch_buf_length(report) > 0;
        if (!answer->more) {
            vouch_buf_free(report);
            session->report = report = NULL;
        }
        session_send(session, answer);
    }
}

/* --- kick, shutdown -------------------------------------------------------*/

static void
answer_kick(struct session *session, const char *id)
{
    struct session *victim = NULL;
    char *end = NULL;
    unsigned long long number = strtoull(id, &end, 10);
    char reason[ACCESS_REASON_SIZE];

    if (!access_may_some(session, VOUCH_ACCESS_KICK, reason)) {
        refuse(session, "kick", reason);
        return;
    }
    if (*id >= '0' && *id <= '9' && *end == '\0')
        victim = session_find(session->daemon, number);
    if (victim == NULL || victim == session) {
        refuse(session, "kick", "no other session has this id");
        return;
    }
    if (!access_may(session, VOUCH_ACCESS_KICK,
                    victim->bound == NULL ? NULL : victim->bound->text,
                    reason)) {
        refuse(session, "kick", reason);
        return;
    }
    lockd_say(session->daemon, LOCKD_NOTICE, "FLM039I",
              "session %llu from %s ended by %s", number, victim->address,
              session_peer(session));
    session_close(victim);
    begin(session, "kick", VOUCH_FLOM_RC_OK);
    session_send(session, &session->daemon->answer);
}

void
admin_shutdown(struct session *session, int immediate)
{
    struct lockd *daemon = session->daemon;
    char reason[ACCESS_REASON_SIZE];

    /* There is no answer to a shutdown, but to a refusal: 1.7.2 waits for
     * the end of the connection only. */
    if (!access_may(session, VOUCH_ACCESS_SHUTDOWN, NULL, reason)) {
        dispatch_answer(session, VOUCH_FLOM_ANSWER,
                        VOUCH_FLOM_RC_LOCK_CANT_LOCK, reason);
        session_goodbye(session);
        return;
    }
    lockd_say(daemon, LOCKD_NOTICE, immediate ? "FLM007I" : "FLM008I",
              "%s shutdown asked for by %s",
              immediate ? "immediate" : "quiesce", session_peer(session));
    if (immediate) {
        lockd_end(daemon);
        return;
    }
    daemon->lifespan_ms = QUIESCE_MS;
    lockd_set_timer(daemon);
    /* The end of the connection says that it was not refused. */
    if (session->is_modern && session->bound == NULL)
        session_goodbye(session);
}

/* --- what the asker may do ------------------------------------------------*/

static void
put_right(struct vouch_buf *out, struct session *session, const char *word,
          unsigned right, const char *resource)
{
    char reason[ACCESS_REASON_SIZE];
    int may = access_tell(session, right, resource, reason);

    (void) vouch_buf_append_format(out, "%s %s %s\n", word, may ? "yes" : "no",
                                   reason);
}

static void
put_rights(struct vouch_buf *out, struct session *session, const char *about)
{
    int mode = *about >= '0' && *about <= '5' ? *about - '0' : VOUCH_LOCK_EX;
    const char *blank = strchr(about, ' ');
    const char *name = blank == NULL ? about : blank + 1;
    struct vouch_table_time now;

    lockd_now(&now);
    (void) vouch_buf_append_format(out, "time %" PRId64 "\nfrom %s\n",
                                   now.wall_us, session->address);
    put_right(out, session, "lock", VOUCH_ACCESS_LOCK_IN(mode), name);
    put_right(out, session, "create", VOUCH_ACCESS_CREATE, name);
    put_right(out, session, "status", VOUCH_ACCESS_STATUS, name);
    put_right(out, session, "kick", VOUCH_ACCESS_KICK, name);
    put_right(out, session, "shutdown", VOUCH_ACCESS_SHUTDOWN, NULL);
}

static void
answer_access(struct session *session, const char *about)
{
    struct vouch_flom_message *answer = &session->daemon->answer;
    struct vouch_buf *out = vouch_buf_new(VOUCH_FLOM_DATA_MAX);

    if (out != NULL)
        put_rights(out, session, about);
    if (out == NULL || vouch_buf_failed(out))
        refuse(session, "access", "the daemon is out of memory");
    else {
        begin(session, "access", VOUCH_FLOM_RC_OK);
        memcpy(answer->data, vouch_buf_data(out), vouch_buf_length(out));
        answer->data_length = vouch_buf_length(out);
        answer->has |= VOUCH_FLOM_HAS_DATA;
        session_send(session, answer);
    }
    vouch_buf_free(out);
}

void
admin_question(struct session *session,
               const struct vouch_flom_message *message)
{
    const char *ask = message->ask;

    if (strcmp(ask, "token") == 0)
        answer_token(session, message->about);
    else if (strcmp(ask, "status") == 0)
        answer_status(session, message->about, 0);
    else if (strcmp(ask, "status-json") == 0)
        answer_status(session, message->about, 1);
    else if (strcmp(ask, "kick") == 0)
        answer_kick(session, message->about);
    else if (strcmp(ask, "access") == 0)
        answer_access(session, message->about);
    else
        refuse(session, ask, "the daemon does not know this question");
}
