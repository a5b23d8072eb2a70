/*
 * Who a client is, what it may do, and where that is written.
 *
 * The decision itself is access/access.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/access.h"
#include "access/access_file.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/error_codes.h"
#include "flom/peer_id.h"
#include "flom/settings.h"
#include "lock/mode.h"
#include "lockd/private.h"
#include "tls/certificate.h"
#include "tls/connection.h"

#define LOOK_MS 1000 /* how often the file is looked at */

/* What a certificate tells. */
struct session_person {
    struct vouch_fingerprint cert;
    struct vouch_fingerprint key;
    char name[VOUCH_FLOM_CN_MAX + 1]; /* the only common name, or "" */
};

/* --- the file -------------------------------------------------------------*/

/* Where a daemon that changes its folder finds it again. */
static int
make_absolute(struct lockd *daemon, const char *path, struct vouch_error *err)
{
    char *out = daemon->access.path;
    size_t size = sizeof(daemon->access.path);
    size_t used;

    out[0] = '\0';
    if (*path != '/' && getcwd(out, size) == NULL)
        return vouch_error_set_sys(err, VOUCH_E_SYSTEM, errno,
                                   "the current folder");
    used = strlen(out);
    if ((size_t) snprintf(out + used, size - used, "%s%s",
                          *path == '/' ? "" : "/", path)
        < size - used)
        return 0;
    return vouch_error_set(err, VOUCH_E_LIMIT,
                           "the name of the access file is too long");
}

/* Who can write the file can give himself any right. */
static int
check_mode(const char *path, struct vouch_error *err)
{
    struct stat facts;

    if (stat(path, &facts) == 0 && facts.st_mode & S_IWOTH)
        return vouch_error_set(err, VOUCH_E_FILE,
                               "%s: everybody can write it: chmod o-w", path);
    return 0;
}

static int
read_access(struct lockd *daemon, struct vouch_error *err)
{
    const char *path = daemon->access.path;
    struct vouch_buf *text = vouch_buf_new(VOUCH_ACCESS_FILE_MAX);
    struct vouch_access *access = NULL;
    struct vouch_error why;
    int status = -1;

    vouch_error_clear(&why);
    /* First, so that what is written while it is read is seen later. */
    vouch_file_mark(path, &daemon->access.mark);
    if (text == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    else if (check_mode(path, err) != 0
             || vouch_file_read(path, text, err) != 0)
        status = -1;
    else if (vouch_access_parse(vouch_buf_text(text), vouch_buf_length(text),
                                &access, &why)
             != 0)
        (void) vouch_error_set(err, why.code, "%s: %s", path, why.text);
    else {
        vouch_access_free(daemon->access.rules);
        daemon->access.rules = access;
        status = 0;
    }
    vouch_buf_free(text);
    return status;
}

int
lockd_open_access(struct lockd *daemon, struct vouch_error *err)
{
    const char *path = daemon->options.settings->access_file;

    daemon->access.uid = (long) geteuid();
    if (path != NULL && daemon->options.remote_admin)
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "with an access file, say in it what other "
                               "hosts may do: allow remote kick,shutdown");
    if (path == NULL)
        return vouch_access_usual(daemon->options.remote_admin,
                                  &daemon->access.rules, err);
    if (make_absolute(daemon, path, err) != 0)
        return -1;
    return read_access(daemon, err);
}

/* --- rules that change ----------------------------------------------------*/

struct waiter_search {
    struct lockd *daemon;
    struct session *found;
    struct vouch_table_view view;
    char reason[ACCESS_REASON_SIZE];
};

static int
find_denied(const struct vouch_table_view *view, void *arg)
{
    struct waiter_search *search = arg;
    struct session *session;

    if (view->state == VOUCH_TABLE_HELD)
        return 0;
    session = session_find(search->daemon, view->owner);
    if (session == NULL
        || access_may(session, VOUCH_ACCESS_LOCK_IN(view->wanted_mode),
                      view->name, search->reason))
        return 0;
    search->found = session;
    search->view = *view;
    return 1;
}

static void
refuse_waiter(struct waiter_search *search)
{
    struct session *session = search->found;
    int is_holder = search->view.state == VOUCH_TABLE_CONVERTING;

    if (!is_holder)
        dispatch_drop(session);
    else if (dispatch_stay(session, &search->view) != 0) {
        session_close(session);
        return;
    }
    dispatch_answer(session, VOUCH_FLOM_REFUSAL, VOUCH_FLOM_RC_LOCK_CANT_LOCK,
                    search->reason);
    if (!is_holder)
        session_goodbye(session);
}

/* Nobody is given what the rules forbid by now.  What is held stays. */
static void
refuse_waiters(struct lockd *daemon)
{
    struct waiter_search search;

    if (daemon->table == NULL)
        return;
    memset(&search, 0, sizeof(search));
    search.daemon = daemon;
    while (vouch_table_each(daemon->table, find_denied, &search) != 0)
        refuse_waiter(&search);
}

void
lockd_reload_access(struct lockd *daemon)
{
    struct vouch_error err;

    if (daemon->access.path[0] == '\0')
        return;
    vouch_error_clear(&err);
    if (read_access(daemon, &err) != 0) {
        lockd_say(daemon, LOCKD_ERROR, "FLM044E",
                  "the rules of access stay as they were: %s", err.text);
        return;
    }
    lockd_say(daemon, LOCKD_NOTICE, "FLM045I", "%s read again",
              daemon->access.path);
    refuse_waiters(daemon);
}

static void
on_look(uv_timer_t *timer)
{
    struct lockd *daemon = timer->data;
    struct vouch_file_mark mark;

    vouch_file_mark(daemon->access.path, &mark);
    if (!vouch_file_mark_equal(&mark, &daemon->access.mark))
        lockd_reload_access(daemon);
}

int
lockd_watch_access(struct lockd *daemon)
{
    if (daemon->access.path[0] == '\0')
        return 0;
    daemon->access_timer.data = daemon;
    return uv_timer_init(&daemon->loop, &daemon->access_timer) == 0
                   && uv_timer_start(&daemon->access_timer, on_look, LOOK_MS,
                                     LOOK_MS)
                          == 0
               ? 0
               : -1;
}

/* --- who ------------------------------------------------------------------*/

void
access_forget(struct session *session)
{
    free(session->person);
    session->person = NULL;
}

/* The certificate that the handshake has verified, or NULL. */
static const struct vouch_cert *
verified_cert(const struct session *session)
{
    const struct vouch_verdict *verdict;

    if (session->conn == NULL || !vouch_conn_is_ready(session->conn))
        return NULL;
    verdict = vouch_conn_verdict(session->conn);
    if (!verdict->accepted
        || (verdict->by != VOUCH_BY_CHAIN && verdict->by != VOUCH_BY_SESSION))
        return NULL;
    return vouch_conn_peer_cert(session->conn);
}

/* Without memory, or if it cannot be digested, it stays nobody's. */
static void
meet(struct session *session)
{
    const struct vouch_cert *cert = verified_cert(session);
    struct session_person *person;

    if (session->person != NULL || cert == NULL)
        return;
    person = calloc(1, sizeof(*person));
    if (person == NULL
        || vouch_cert_fingerprint(cert, VOUCH_SHA256, VOUCH_OF_CERT,
                                  &person->cert)
               != 0
        || vouch_cert_fingerprint(cert, VOUCH_SHA256, VOUCH_OF_SPKI,
                                  &person->key)
               != 0) {
        free(person);
        return;
    }
    /* Two names, or one with a NUL in it, are none. */
    if (vouch_flom_common_name(cert, person->name, NULL) != 0)
        person->name[0] = '\0';
    session->person = person;
}

static enum vouch_access_place
place_of(const struct session *session)
{
    if (!session->is_unix)
        return session->is_local ? VOUCH_ACCESS_HOST : VOUCH_ACCESS_REMOTE;
    return session->uid == 0 || session->uid == session->daemon->access.uid
               ? VOUCH_ACCESS_OWNER
               : VOUCH_ACCESS_UNIX;
}

void
access_who(struct session *session, struct vouch_access_who *who_r)
{
    meet(session);
    memset(who_r, 0, sizeof(*who_r));
    who_r->place = place_of(session);
    who_r->uid = session->is_unix ? session->uid : -1;
    if (session->person == NULL)
        return;
    who_r->is_verified = 1;
    if (session->person->name[0] != '\0')
        who_r->common_name = session->person->name;
    who_r->cert = &session->person->cert;
    who_r->key = &session->person->key;
}

/* --- what it may do -------------------------------------------------------*/

/* The verdict about a client, and who it is. */
static int
judge(struct session *session, unsigned right, const char *resource,
      struct vouch_access_who *who_r, struct vouch_access_verdict *verdict_r)
{
    access_who(session, who_r);
    return vouch_access_decide(session->daemon->access.rules, who_r, right,
                               resource, verdict_r);
}

static void
log_denial(const struct session *session, const char *reason)
{
    lockd_say(session->daemon, LOCKD_WARNING, "FLM046W",
              "session %llu from %s refused: %s",
              (unsigned long long) session->id, session_peer(session), reason);
}

int
access_may(struct session *session, unsigned right, const char *resource,
           char reason[ACCESS_REASON_SIZE])
{
    struct vouch_access_verdict verdict;
    struct vouch_access_who who;

    if (judge(session, right, resource, &who, &verdict))
        return 1;
    vouch_access_text(&who, right, resource, &verdict, reason,
                      ACCESS_REASON_SIZE);
    log_denial(session, reason);
    return 0;
}

int
access_shows(struct session *session, const char *resource)
{
    struct vouch_access_verdict verdict;
    struct vouch_access_who who;

    return judge(session, VOUCH_ACCESS_STATUS, resource, &who, &verdict);
}

int
access_may_some(struct session *session, unsigned right,
                char reason[ACCESS_REASON_SIZE])
{
    struct vouch_access_verdict verdict;
    struct vouch_access_who who;

    access_who(session, &who);
    if (vouch_access_has_some(session->daemon->access.rules, &who, right))
        return 1;
    (void) judge(session, right, NULL, &who, &verdict);
    vouch_access_text(&who, right, NULL, &verdict, reason, ACCESS_REASON_SIZE);
    log_denial(session, reason);
    return 0;
}

int
access_tell(struct session *session, unsigned right, const char *resource,
            char reason[ACCESS_REASON_SIZE])
{
    struct vouch_access_verdict verdict;
    struct vouch_access_who who;

    (void) judge(session, right, resource, &who, &verdict);
    vouch_access_text(&who, right, resource, &verdict, reason,
                      ACCESS_REASON_SIZE);
    return verdict.allowed;
}
