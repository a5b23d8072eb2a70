/*
 * The daemon as a whole: its loop, its timer, its beginning and its end.
 *
 * One thread, but for handshakes of a crowd (secure.c).  One timer serves all
 * deadlines: of sessions, of the table,
 * of the daemon's own life.
 */
#include "lockd/private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "access/access.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"
#include "flom/error_codes.h"
#include "flom/machine_id.h"
#include "flom/settings.h"
#include "flom/tls_files.h"
#include "lockd/discovery.h"
#include "lockd/journal.h"
#include "lockd/secure.h"

#define OWN_DESCRIPTORS 32 /* listening sockets, the loop, the state file */
#define QUARTER_S 900
#define IDLE_PARTS 3 /* FLoM looks around so often in a lifespan */
#define FIRST_CLIENT_MS 2000
#define WARNINGS_A_SECOND 50 /* strangers may give cause for any number */

void
lockd_options_init(struct lockd_options *options)
{
    memset(options, 0, sizeof(*options));
    options->socket_mode = 0600;
    options->fairness_ms = 10000;
    options->grace_ms = 10000;
}

/* A flood must not fill the disk: 1 if a warning has room in the log, else 0,
 * and the next one that has tells how many had none. */
static int
may_warn(struct lockd *daemon)
{
    int64_t second = (int64_t) (uv_now(&daemon->loop) / 1000);
    unsigned before = daemon->warnings;

    if (second != daemon->warning_second) {
        daemon->warning_second = second;
        daemon->warnings = 0;
        if (before > WARNINGS_A_SECOND)
            lockd_say(daemon, LOCKD_WARNING, "FLM047W",
                      "%u more warnings are not in this log",
                      before - WARNINGS_A_SECOND);
    }
    return ++daemon->warnings <= WARNINGS_A_SECOND;
}

void
lockd_say(struct lockd *daemon, enum lockd_log_level level, const char *id,
          const char *format, ...)
{
    char text[VOUCH_ERROR_TEXT];
    va_list args;
    char *at;

    if (daemon->options.log == NULL
        || (level == LOCKD_WARNING && !may_warn(daemon)))
        return;
    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (at = text; *at != '\0'; at++) {
        if ((unsigned char) *at < ' ' || *at == 127)
            *at = '?';
    }
    daemon->options.log(level, id, text, daemon->options.log_arg);
}

/* The zone of a time, looked up once for each quarter of an hour, as rules
 * change on those only. */
static void
find_zone(time_t now, struct vouch_table_time *now_r)
{
    static char zone_name[32];
    static int32_t zone_s;
    static time_t quarter = -1;
    char offset[8] = "";
    struct tm day;

    if (now / QUARTER_S != quarter && localtime_r(&now, &day) != NULL
        && strftime(offset, sizeof(offset), "%z", &day) == 5) {
        zone_s = ((offset[1] - '0') * 10 + offset[2] - '0') * 3600
                 + ((offset[3] - '0') * 10 + offset[4] - '0') * 60;
        if (offset[0] == '-')
            zone_s = -zone_s;
        if (strftime(zone_name, sizeof(zone_name), "%Z", &day) == 0)
            zone_name[0] = '\0';
        quarter = now / QUARTER_S;
    }
    now_r->zone_s = zone_s;
    now_r->zone_name = zone_name[0] != '\0' ? zone_name : NULL;
}

void
lockd_now(struct vouch_table_time *now_r)
{
    struct timeval now;

    (void) gettimeofday(&now, NULL);
    now_r->monotonic_ms = vouch_clock_monotonic_ms();
    now_r->wall_us = (int64_t) now.tv_sec * 1000000 + now.tv_usec;
    find_zone(now.tv_sec, now_r);
}

/* --- the timer ------------------------------------------------------------*/

/* How long a daemon with nothing to do looks on.  One that was started a
 * moment ago waits for whom it was started, however busy the host is. */
static int64_t
idle_time(const struct lockd *daemon)
{
    int64_t idle_ms = daemon->lifespan_ms <= IDLE_PARTS
                          ? daemon->lifespan_ms
                          : daemon->lifespan_ms / IDLE_PARTS;

    return daemon->next_id == 0 && idle_ms > 0 && idle_ms < FIRST_CLIENT_MS
               ? FIRST_CLIENT_MS
               : idle_ms;
}

static int
is_idle(const struct lockd *daemon)
{
    return daemon->session_count == 0
           && vouch_table_resources(daemon->table) == 0;
}

static void
on_timer(uv_timer_t *timer)
{
    struct lockd *daemon = timer->data;
    int64_t now_ms = vouch_clock_monotonic_ms();

    session_deadlines(daemon, now_ms);
    if (vouch_table_next_deadline(daemon->table) <= now_ms)
        dispatch_tick(daemon);
    if (!is_idle(daemon))
        daemon->idle_since = -1;
    else if (daemon->idle_since < 0)
        daemon->idle_since = now_ms;
    if (daemon->lifespan_ms >= 0 && daemon->idle_since >= 0
        && now_ms >= daemon->idle_since + idle_time(daemon)) {
        lockd_end(daemon);
        return;
    }
    lockd_set_timer(daemon);
}

void
lockd_set_timer(struct lockd *daemon)
{
    int64_t now_ms = vouch_clock_monotonic_ms();
    int64_t next = session_next_deadline(daemon);
    int64_t table = daemon->table == NULL
                        ? VOUCH_TABLE_NEVER
                        : vouch_table_next_deadline(daemon->table);

    if (daemon->is_ending || daemon->table == NULL)
        return;
    if (table < next)
        next = table;
    if (daemon->lifespan_ms >= 0 && is_idle(daemon)) {
        int64_t end = (daemon->idle_since < 0 ? now_ms : daemon->idle_since)
                      + idle_time(daemon);

        /* The first look only finds that there is nothing to do. */
        if (daemon->idle_since < 0)
            end = now_ms;
        if (end < next)
            next = end;
    }
    if (next == INT64_MAX) {
        (void) uv_timer_stop(&daemon->timer);
        return;
    }
    uv_update_time(&daemon->loop);
    (void) uv_timer_start(&daemon->timer, on_timer,
                          next <= now_ms ? 0 : (uint64_t) (next - now_ms), 0);
}

/* --- begin ----------------------------------------------------------------*/

static void
on_signal(uv_signal_t *handle, int number)
{
    struct lockd *daemon = handle->data;

    if (number != SIGHUP) {
        lockd_say(daemon, LOCKD_NOTICE, "FLM036I", "ending on signal %d",
                  number);
        lockd_end(daemon);
        return;
    }
    if (daemon->options.reopen_log != NULL
        && daemon->options.reopen_log(daemon->options.log_arg) != 0)
        lockd_say(daemon, LOCKD_ERROR, "FLM043E",
                  "the log cannot be opened again");
    secure_reload(daemon);
    lockd_reload_access(daemon);
}

static int
start_signals(struct lockd *daemon)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (uv_signal_init(&daemon->loop, &daemon->signals[i]) != 0)
            return -1;
        daemon->signals[i].data = daemon;
        if (uv_signal_start(&daemon->signals[i], on_signal, numbers[i]) != 0)
            return -1;
    }
    return 0;
}

static size_t
connections_that_fit(const struct lockd_options *options)
{
    struct rlimit limit;
    size_t fit = 1024;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        /* What the system allows is taken without being asked for. */
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0
            && limit.rlim_cur != RLIM_INFINITY)
            fit = (size_t) limit.rlim_cur;
        else
            fit = 1048576;
    }
    fit = fit > 2 * OWN_DESCRIPTORS ? fit - OWN_DESCRIPTORS : fit / 2;
    return options->max_connections > 0 && options->max_connections < fit
               ? options->max_connections
               : fit;
}

static int
make_table(struct lockd *daemon, struct vouch_error *err)
{
    struct vouch_table_limits limits;

    vouch_table_limits_default(&limits);
    limits.name_length = LOCKD_NAME_MAX;
    limits.fairness_ms = daemon->options.fairness_ms;
    limits.persistent = daemon->options.state_file != NULL;
    limits.epoch = journal_epoch(daemon->journal);
    if (daemon->options.max_resources > 0)
        limits.resources = daemon->options.max_resources;
    if (daemon->options.max_queue > 0)
        limits.queue = daemon->options.max_queue;
    daemon->table = vouch_table_new(&limits);
    daemon->decisions = vouch_decisions_new();
    daemon->parser = vouch_flom_parser_new();
    daemon->by_id = vouch_map_new();
    if (daemon->table == NULL || daemon->decisions == NULL
        || daemon->parser == NULL || daemon->by_id == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    if (journal_restore(daemon->journal, err) != 0)
        return -1;
    if (!journal_was_clean(daemon->journal) && daemon->options.grace_ms > 0) {
        lockd_say(daemon, LOCKD_WARNING, "FLM038W",
                  "the last daemon did not end properly: new locks wait %d "
                  "ms for its holders",
                  daemon->options.grace_ms);
        vouch_table_begin_grace(daemon->table, vouch_clock_monotonic_ms()
                                                   + daemon->options.grace_ms);
    }
    return 0;
}

static int
start_loop(struct lockd *daemon, struct vouch_error *err)
{
    if (uv_timer_init(&daemon->loop, &daemon->timer) != 0
        || uv_timer_init(&daemon->loop, &daemon->back_off) != 0
        || uv_idle_init(&daemon->loop, &daemon->shaking) != 0
        || start_signals(daemon) != 0 || lockd_watch_access(daemon) != 0)
        return vouch_error_set(err, VOUCH_E_SYSTEM,
                               "the event loop cannot be made");
    daemon->timer.data = daemon;
    daemon->back_off.data = daemon;
    daemon->shaking.data = daemon;
    return 0;
}

static int
start(struct lockd *daemon, int *rc_r, struct vouch_error *err)
{
    *rc_r = VOUCH_FLOM_RC_DAEMON_NOT_STARTED;
    /* A daemon whose own files are bad says so, and does not start. */
    if (lockd_open_access(daemon, err) != 0 || secure_load(daemon, err) != 0)
        return -1;
    if (lockd_listen(daemon, rc_r, err) != 0)
        return -1;
    *rc_r = VOUCH_FLOM_RC_DAEMON_NOT_STARTED;
    if (journal_open(daemon, daemon->options.state_file, &daemon->journal, err)
            != 0
        || make_table(daemon, err) != 0 || start_loop(daemon, err) != 0)
        return -1;
    daemon->max_connections = connections_that_fit(&daemon->options);
    daemon->in = vouch_buf_new(LOCKD_IN_MAX);
    daemon->out = vouch_buf_new(VOUCH_FLOM_MESSAGE_MAX);
    if (daemon->in == NULL || daemon->out == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    daemon->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    lockd_watch(daemon);
    discovery_watch(daemon);
    lockd_say(daemon, LOCKD_NOTICE, "FLM003I", "ready");
    lockd_set_timer(daemon);
    return 0;
}

int
lockd_new(const struct lockd_options *options, struct lockd **daemon_r,
          int *rc_r, struct vouch_error *err)
{
    struct lockd *daemon = calloc(1, sizeof(*daemon));

    *rc_r = VOUCH_FLOM_RC_MALLOC_ERROR;
    if (daemon == NULL || uv_loop_init(&daemon->loop) != 0) {
        free(daemon);
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    daemon->options = *options;
    daemon->lock_fd = -1;
    daemon->spare_fd = -1;
    daemon->idle_since = -1;
    daemon->lifespan_ms = options->settings->daemon_lifespan;
    daemon->in_handshake.allowed_ms = LOCKD_HANDSHAKE_MS;
    daemon->in_message.allowed_ms = LOCKD_MESSAGE_MS;
    daemon->in_drain.allowed_ms = LOCKD_DRAIN_MS;
    daemon->in_goodbye.allowed_ms = LOCKD_GOODBYE_MS;
    daemon->awake.allowed_ms = LOCKD_REST_MS;
    if (vouch_flom_machine_id(daemon->peer_id, NULL) != 0)
        daemon->peer_id[0] = '\0';
    if (start(daemon, rc_r, err) == 0) {
        *daemon_r = daemon;
        *rc_r = 0;
        return 0;
    }
    lockd_free(daemon);
    return -1;
}

/* --- end ------------------------------------------------------------------*/

void
lockd_end(struct lockd *daemon)
{
    daemon->is_ending = 1;
    uv_stop(&daemon->loop);
}

static void
close_handle(uv_handle_t *handle, void *arg)
{
    (void) arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

int
lockd_run(struct lockd *daemon, struct vouch_error *err)
{
    while (!daemon->is_ending)
        (void) uv_run(&daemon->loop, UV_RUN_DEFAULT);
    lockd_unlisten(daemon);
    while (daemon->first != NULL)
        session_close(daemon->first);
    lockd_say(daemon, LOCKD_NOTICE, "FLM004I", "ended");
    return journal_finish(daemon->journal, err);
}

void
lockd_free(struct lockd *daemon)
{
    if (daemon == NULL)
        return;
    daemon->is_ending = 1;
    lockd_unlisten(daemon);
    while (daemon->first != NULL)
        session_close(daemon->first);
    uv_walk(&daemon->loop, close_handle, NULL);
    (void) uv_run(&daemon->loop, UV_RUN_DEFAULT);
    (void) uv_loop_close(&daemon->loop);
    discovery_free(daemon);
    journal_free(daemon->journal);
    vouch_table_free(daemon->table);
    vouch_decisions_free(daemon->decisions);
    vouch_flom_parser_free(daemon->parser);
    vouch_map_free(daemon->by_id, NULL);
    vouch_buf_free(daemon->in);
    vouch_buf_free(daemon->out);
    vouch_flom_tls_free(daemon->tls);
    vouch_access_free(daemon->access.rules);
    if (daemon->spare_fd != -1)
        (void) close(daemon->spare_fd);
    if (daemon->lock_fd != -1)
        (void) close(daemon->lock_fd);
    free(daemon);
}
