/*
 * The journal: batches of decisions, and SQLite beneath for those who want
 * numbers and tokens to outlive the daemon.
 *
 * Plain locks are never written: after an unclean end the table waits for
 * their holders instead.  Written are blocks of sequence numbers, numbers
 * that are out of transactional sequences, stamps, and the epoch.
 */
#include "lockd/journal.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/error.h"
#include "lockd/private.h"

#define APPLICATION_ID 0x564f5543 /* "VOUC" */
#define FORMAT 1
#define RETRY_MS 1000 /* after a commit that failed: a full disk */

struct lockd_journal {
    struct lockd *daemon;
    sqlite3 *db; /* NULL: nothing is kept */
    unsigned long long epoch;
    int was_clean;
    int answering;  /* in dispatch_decisions() */
    int committing; /* a batch is on its way, or is to be tried again */
    int working;    /* a thread is at it */
    struct vouch_decisions *pending; /* for the next commit */
    struct vouch_decisions *batch;   /* being committed */
    struct vouch_decisions *ready;   /* to be answered now */
    uv_work_t work;
    uv_timer_t retry;
    int status; /* of the last commit: 0 or -1 */
    struct vouch_error error;
};

/* --- SQLite ---------------------------------------------------------------*/

static int
db_failed(struct lockd_journal *journal, const char *what,
          struct vouch_error *err)
{
    return vouch_error_set(err, VOUCH_E_FILE, "state file: %s: %s", what,
                           sqlite3_errmsg(journal->db));
}

static int
run(struct lockd_journal *journal, const char *sql, struct vouch_error *err)
{
    if (sqlite3_exec(journal->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return db_failed(journal, "it cannot be used", err);
}

/* The number that a statement tells; fallback where it tells none. */
static int
ask_number(struct lockd_journal *journal, const char *sql, int64_t fallback,
           int64_t *number_r, struct vouch_error *err)
{
    sqlite3_stmt *statement = NULL;
    int status = -1;
    int step;

    if (sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL)
        == SQLITE_OK) {
        step = sqlite3_step(statement);
        if (step == SQLITE_ROW)
            *number_r = sqlite3_column_int64(statement, 0);
        else
            *number_r = fallback;
        status = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : -1;
    }
    if (status != 0)
        (void) db_failed(journal, "it cannot be read", err);
    (void) sqlite3_finalize(statement);
    return status;
}

static const char SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS daemon ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " epoch INTEGER NOT NULL, clean INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS numbers ("
    " name BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS stamps ("
    " name BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS given ("
    " place INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL,"
    " value INTEGER NOT NULL, returned INTEGER NOT NULL,"
    " UNIQUE (name, value));";

/* Another program's file must not be changed, nor a damaged one. */
static int
check_file(struct lockd_journal *journal, struct vouch_error *err)
{
    sqlite3_stmt *statement = NULL;
    int64_t id = 0;
    int64_t format = 0;
    int64_t tables = 0;
    int good = 0;

    if (ask_number(journal, "PRAGMA application_id", 0, &id, err) != 0
        || ask_number(journal, "PRAGMA user_version", 0, &format, err) != 0
        || ask_number(journal, "SELECT count(*) FROM sqlite_master", 0,
                      &tables, err)
               != 0)
        return -1;
    if (tables > 0 && id != APPLICATION_ID)
        return vouch_error_set(err, VOUCH_E_FORMAT,
                               "state file: it is of another program");
    if (format > FORMAT)
        return vouch_error_set(err, VOUCH_E_FORMAT,
                               "state file: it is of a later version");
    if (sqlite3_prepare_v2(journal->db, "PRAGMA quick_check(1)", -1,
                           &statement, NULL)
            == SQLITE_OK
        && sqlite3_step(statement) == SQLITE_ROW)
        good = strcmp((const char *) sqlite3_column_text(statement, 0), "ok")
               == 0;
    (void) sqlite3_finalize(statement);
    if (good)
        return 0;
    return vouch_error_set(err, VOUCH_E_FORMAT,
                           "state file: it is damaged; restore it, or move "
                           "it away to begin anew");
}

/* A new epoch for this run, larger than any before, and not clean from now
 * on; this must be on the disk before the first grant. */
static int
begin_epoch(struct lockd_journal *journal, struct vouch_error *err)
{
    char sql[160];
    int64_t epoch = 0;
    int64_t clean = 1;

    if (ask_number(journal, "SELECT epoch FROM daemon", 0, &epoch, err) != 0
        || ask_number(journal, "SELECT clean FROM daemon", 1, &clean, err)
               != 0)
        return -1;
    journal->was_clean = clean != 0;
    if ((unsigned long long) epoch >= journal->epoch)
        journal->epoch = (unsigned long long) epoch + 1;
    (void) sqlite3_snprintf(sizeof(sql), sql,
                            "INSERT OR REPLACE INTO daemon VALUES (1, %lld, "
                            "0)",
                            (long long) journal->epoch);
    return run(journal, sql, err);
}

static int
open_file(struct lockd_journal *journal, const char *path,
          struct vouch_error *err)
{
    char pragma[128];

    if (sqlite3_open_v2(path, &journal->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                            | SQLITE_OPEN_NOFOLLOW,
                        NULL)
        != SQLITE_OK)
        return vouch_error_set(err, VOUCH_E_FILE, "state file %s: %s", path,
                               journal->db ? sqlite3_errmsg(journal->db)
                                           : "out of memory");
    (void) sqlite3_extended_result_codes(journal->db, 1);
    (void) sqlite3_snprintf(sizeof(pragma), pragma,
                            "PRAGMA application_id = %d; PRAGMA user_version "
                            "= %d",
                            APPLICATION_ID, FORMAT);
    if (run(journal, "PRAGMA locking_mode = EXCLUSIVE", err) != 0
        || check_file(journal, err) != 0
        || run(journal, "PRAGMA journal_mode = WAL", err) != 0
        || run(journal, "PRAGMA synchronous = FULL", err) != 0
        || run(journal, "BEGIN IMMEDIATE", err) != 0
        || run(journal, pragma, err) != 0 || run(journal, SCHEMA, err) != 0
        || begin_epoch(journal, err) != 0)
        return -1;
    return run(journal, "COMMIT", err);
}

/* --- restoring ------------------------------------------------------------*/

static int
restore(struct lockd_journal *journal, const char *sql,
        enum vouch_decision_kind kind, struct vouch_error *err)
{
    sqlite3_stmt *statement = NULL;
    struct vouch_lock_name name;
    int status = 0;
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL)
        == SQLITE_OK)
        step = sqlite3_step(statement);
    while (step == SQLITE_ROW && status == 0) {
        if (vouch_lock_name_parse(sqlite3_column_blob(statement, 0),
                                  (size_t) sqlite3_column_bytes(statement, 0),
                                  &name)
                != 0
            || vouch_table_restore(
                   journal->daemon->table, kind, &name,
                   (uint64_t) sqlite3_column_int64(statement, 1))
                   != 0)
            status = vouch_error_set(err, VOUCH_E_FORMAT,
                                     "state file: a resource in it cannot be "
                                     "restored");
        step = sqlite3_step(statement);
    }
    if (status == 0 && step != SQLITE_DONE)
        status = db_failed(journal, "it cannot be read", err);
    (void) sqlite3_finalize(statement);
    return status;
}

int
journal_restore(struct lockd_journal *journal, struct vouch_error *err)
{
    if (journal->db == NULL)
        return 0;
    if (restore(journal, "SELECT name, value FROM numbers",
                VOUCH_RECORD_NUMBERS, err)
            != 0
        || restore(journal, "SELECT name, value FROM stamps",
                   VOUCH_RECORD_STAMP, err)
               != 0
        || restore(journal,
                   "SELECT name, value FROM given WHERE returned = 1 "
                   "ORDER BY place",
                   VOUCH_RECORD_RETURNED, err)
               != 0)
        return -1;
    return restore(journal,
                   "SELECT name, value FROM given WHERE returned = 0 "
                   "ORDER BY place",
                   VOUCH_RECORD_TAKEN, err);
}

/* --- storing --------------------------------------------------------------*/

static const char *
statement_for(enum vouch_decision_kind kind)
{
    switch (kind) {
    case VOUCH_RECORD_NUMBERS:
        return "INSERT OR REPLACE INTO numbers VALUES (?1, ?2)";
    case VOUCH_RECORD_STAMP:
        return "INSERT OR REPLACE INTO stamps VALUES (?1, ?2)";
    case VOUCH_RECORD_TAKEN:
        return "INSERT OR REPLACE INTO given (name, value, returned) "
               "VALUES (?1, ?2, 0)";
    case VOUCH_RECORD_RETURNED:
        return "INSERT OR REPLACE INTO given (name, value, returned) "
               "VALUES (?1, ?2, 1)";
    case VOUCH_RECORD_SPENT:
        return "DELETE FROM given WHERE name = ?1 AND value = ?2";
    default:
        return NULL;
    }
}

static int
is_record(enum vouch_decision_kind kind)
{
    return statement_for(kind) != NULL;
}

static int
run_for(struct lockd_journal *journal, const char *sql,
        const struct vouch_decision *decision)
{
    sqlite3_stmt *statement = NULL;
    int status = -1;

    if (sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL) == SQLITE_OK
        && sqlite3_bind_blob(statement, 1, decision->name,
                             (int) decision->name_length, SQLITE_STATIC)
               == SQLITE_OK
        && sqlite3_bind_int64(statement, 2, (sqlite3_int64) decision->value)
               == SQLITE_OK
        && sqlite3_step(statement) == SQLITE_DONE)
        status = 0;
    if (status != 0)
        (void) db_failed(journal, "it cannot be written", &journal->error);
    (void) sqlite3_finalize(statement);
    return status;
}

/* A transactional number is remembered while it is out; that it, and all
 * before it, have been given must outlive that. */
static int
store_one(struct lockd_journal *journal, const struct vouch_decision *decision)
{
    if (run_for(journal, statement_for(decision->kind), decision) != 0)
        return -1;
    if (decision->kind != VOUCH_RECORD_TAKEN)
        return 0;
    return run_for(journal,
                   "INSERT INTO numbers VALUES (?1, ?2 + 1) ON CONFLICT (name)"
                   " DO UPDATE SET value = max(value, excluded.value)",
                   decision);
}

static int
store(struct lockd_journal *journal, const struct vouch_decisions *decisions)
{
    struct vouch_decision decision;
    size_t i;
    int status = run(journal, "BEGIN IMMEDIATE", &journal->error);

    for (i = 0; status == 0 && vouch_decisions_get(decisions, i, &decision);
         i++) {
        if (is_record(decision.kind))
            status = store_one(journal, &decision);
    }
    if (status == 0)
        status = run(journal, "COMMIT", &journal->error);
    if (status != 0)
        (void) sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* --- batches --------------------------------------------------------------*/

static void start_commit(struct lockd_journal *journal);

static void
swap(struct vouch_decisions **a, struct vouch_decisions **b)
{
    struct vouch_decisions *kept = *a;

    *a = *b;
    *b = kept;
}

/* Put the decisions behind those of the list, and empty them. */
static void
append(struct lockd *daemon, struct vouch_decisions **list,
       struct vouch_decisions **decisions)
{
    struct vouch_decision decision;
    size_t i;

    if (vouch_decisions_count(*list) == 0) {
        swap(list, decisions);
    } else {
        for (i = 0; vouch_decisions_get(*decisions, i, &decision); i++)
            (void) vouch_decisions_add(*list, &decision);
        if (vouch_decisions_failed(*list)) {
            lockd_say(daemon, LOCKD_ERROR, "FLM040E",
                      "out of memory in the middle of a decision: ending");
            lockd_end(daemon);
        }
    }
    vouch_decisions_clear(*decisions);
}

/* Answer what is ready; answering may make more ready. */
static void
answer(struct lockd_journal *journal)
{
    struct vouch_decisions *now = NULL;

    if (journal->answering)
        return;
    journal->answering = 1;
    while (vouch_decisions_count(journal->ready) > 0) {
        if (now == NULL)
            now = vouch_decisions_new();
        if (now == NULL)
            break;
        swap(&now, &journal->ready);
        dispatch_decisions(journal->daemon, now);
        vouch_decisions_clear(now);
    }
    vouch_decisions_free(now);
    journal->answering = 0;
}

static void
on_retry(uv_timer_t *timer)
{
    start_commit(timer->data);
}

static void
in_thread(uv_work_t *work)
{
    struct lockd_journal *journal = work->data;

    vouch_error_clear(&journal->error);
    journal->status = store(journal, journal->batch);
}

static void
on_committed(uv_work_t *work, int status)
{
    struct lockd_journal *journal = work->data;

    (void) status;
    journal->committing = 0;
    journal->working = 0;
    if (journal->status != 0) {
        lockd_say(journal->daemon, LOCKD_ERROR, "FLM042E",
                  "%s: numbers and stamps wait until it can",
                  journal->error.text);
        journal->committing = 1;
        (void) uv_timer_start(&journal->retry, on_retry, RETRY_MS, 0);
        return;
    }
    append(journal->daemon, &journal->ready, &journal->batch);
    answer(journal);
    if (vouch_decisions_count(journal->pending) > 0 && !journal->committing
        && !journal->daemon->is_ending) {
        swap(&journal->batch, &journal->pending);
        start_commit(journal);
    }
}

static void
start_commit(struct lockd_journal *journal)
{
    journal->committing = 1;
    journal->working = 1;
    journal->work.data = journal;
    if (uv_queue_work(&journal->daemon->loop, &journal->work, in_thread,
                      on_committed)
        != 0) {
        in_thread(&journal->work);
        on_committed(&journal->work, 0);
    }
}

/* What depends on what is stored waits for it: records themselves, and, as
 * long as others are on their way, all about numbers and stamps. */
static int
must_wait(const struct lockd_journal *journal,
          const struct vouch_decisions *decisions)
{
    struct vouch_decision decision;
    size_t i;

    if (journal->db == NULL)
        return 0;
    for (i = 0; vouch_decisions_get(decisions, i, &decision); i++) {
        if (is_record(decision.kind)
            || (journal->committing
                && (decision.type == VOUCH_LOCK_SEQUENCE
                    || decision.type == VOUCH_LOCK_TIMESTAMP)))
            return 1;
    }
    return 0;
}

void
journal_commit(struct lockd_journal *journal,
               struct vouch_decisions *decisions)
{
    struct lockd *daemon = journal->daemon;

    if (vouch_decisions_count(decisions) == 0)
        return;
    if (must_wait(journal, decisions)) {
        append(daemon, &journal->pending, &daemon->decisions);
        if (!journal->committing && !daemon->is_ending) {
            swap(&journal->batch, &journal->pending);
            start_commit(journal);
        }
        return;
    }
    append(daemon, &journal->ready, &daemon->decisions);
    answer(journal);
}

/* --- begin and end --------------------------------------------------------*/

void
journal_free(struct lockd_journal *journal)
{
    if (journal == NULL)
        return;
    (void) sqlite3_close(journal->db);
    vouch_decisions_free(journal->pending);
    vouch_decisions_free(journal->batch);
    vouch_decisions_free(journal->ready);
    free(journal);
}

int
journal_open(struct lockd *daemon, const char *path,
             struct lockd_journal **journal_r, struct vouch_error *err)
{
    struct lockd_journal *journal = calloc(1, sizeof(*journal));

    if (journal == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    journal->daemon = daemon;
    journal->was_clean = 1;
    /* Without a file the time of day serves: it grows, if the clock does. */
    journal->epoch = (unsigned long long) vouch_clock_epoch();
    journal->pending = vouch_decisions_new();
    journal->batch = vouch_decisions_new();
    journal->ready = vouch_decisions_new();
    if (journal->pending == NULL || journal->batch == NULL
        || journal->ready == NULL
        || uv_timer_init(&daemon->loop, &journal->retry) != 0)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    else if (path == NULL || open_file(journal, path, err) == 0) {
        journal->retry.data = journal;
        *journal_r = journal;
        return 0;
    }
    journal_free(journal);
    return -1;
}

int
journal_was_clean(const struct lockd_journal *journal)
{
    return journal->was_clean;
}

unsigned long long
journal_epoch(const struct lockd_journal *journal)
{
    return journal->epoch;
}

int
journal_finish(struct lockd_journal *journal, struct vouch_error *err)
{
    struct lockd *daemon = journal->daemon;

    if (journal->db == NULL)
        return 0;
    (void) uv_timer_stop(&journal->retry);
    while (journal->working)
        (void) uv_run(&daemon->loop, UV_RUN_ONCE);
    (void) vouch_table_settle(daemon->table, daemon->decisions);
    if (store(journal, journal->batch) != 0
        || store(journal, journal->pending) != 0
        || store(journal, daemon->decisions) != 0)
        return vouch_error_set(err, VOUCH_E_FILE, "%s", journal->error.text);
    return run(journal, "UPDATE daemon SET clean = 1", err);
}
