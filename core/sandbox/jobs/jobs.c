#include "jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "callbacks.h"
#include "result_cache.h"
#include "sandbox/base/database.h"
#include "sandbox/base/timestamp.h"

/* How long the worker sleeps at most when no job is going to expire. */
enum { LONGEST_SLEEP_MS = 60 * 60 * 1000, MS_PER_SECOND = 1000, NS_PER_MS = 1000000 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS jobs ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,"
    "  state TEXT NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'READY', 'FAILED')),"
    "  ready INTEGER NOT NULL, expires INTEGER NOT NULL,"
    "  fate INTEGER NOT NULL DEFAULT 0," /* enum sb_job_fate */
    "  callback_url TEXT,"               /* NULL: none, or settled */
    "  callback_times INTEGER NOT NULL DEFAULT 1,"
    "  creation_date TEXT, duration INTEGER, ends BLOB);"
    "CREATE TABLE IF NOT EXISTS blocks (" /* of a result's records: SB_ARCHIVE_BLOCK bytes each */
    "  job INTEGER NOT NULL REFERENCES jobs, number INTEGER NOT NULL, records BLOB NOT NULL,"
    "  PRIMARY KEY (job, number));"
    "CREATE TRIGGER IF NOT EXISTS blocks_go_with_their_job AFTER DELETE ON jobs"
    "  BEGIN DELETE FROM blocks WHERE job = old.number; END;"
    "CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires);"
    "CREATE INDEX IF NOT EXISTS jobs_with_callback ON jobs (number) WHERE callback_url IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS running_jobs ON jobs (number) WHERE state = 'RUNNING';";

enum statement_name {
    ADD_JOB,
    NEXT_RUNNING,
    ADD_BLOCK,
    STORE_RESULT,
    STORE_FAILURE,
    FIND_CALLBACK,
    LIST_CALLBACKS,
    SETTLE_CALLBACK,
    SWEEP,
    NEXT_EXPIRY,
    STATEMENTS
};

#define CALLBACK_COLUMNS "number, id, kind, state, ready, callback_url, callback_times"

static const char *const statement_sql[STATEMENTS] = {
    [ADD_JOB] = "INSERT INTO jobs (id, kind, body, ready, expires, fate, callback_url, callback_times)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [NEXT_RUNNING] = "SELECT number, kind, body, fate FROM jobs WHERE state = 'RUNNING' ORDER BY number LIMIT 1",
    [ADD_BLOCK] = "INSERT INTO blocks (job, number, records) VALUES (?1, ?2, ?3)",
    [STORE_RESULT] = "UPDATE jobs SET state = 'READY', creation_date = ?2, duration = ?3, ends = ?4"
                     " WHERE number = ?1 AND state = 'RUNNING'",
    [STORE_FAILURE] = "UPDATE jobs SET state = 'FAILED' WHERE number = ?1 AND state = 'RUNNING'",
    [FIND_CALLBACK] = "SELECT " CALLBACK_COLUMNS " FROM jobs WHERE number = ?1 AND callback_url IS NOT NULL",
    [LIST_CALLBACKS] = "SELECT " CALLBACK_COLUMNS " FROM jobs WHERE callback_url IS NOT NULL AND state <> 'RUNNING'"
                       " ORDER BY number",
    [SETTLE_CALLBACK] = "UPDATE jobs SET callback_url = NULL WHERE number = ?1",
    [SWEEP] = "DELETE FROM jobs WHERE expires <= ?1",
    [NEXT_EXPIRY] = "SELECT min(expires) FROM jobs",
};

struct sb_jobs {
    pthread_mutex_t lock; /* guards everything below but the shelf and the archive, which have their own */
    pthread_cond_t work;  /* a job was made, or the worker must end */
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    bool stopping;
    int64_t delay;
    int64_t time_to_live;
    struct sb_shelf *shelf;
    struct sb_archive *archive;
    struct sb_counters *counters;
    struct sb_callbacks *callbacks; /* has a lock of its own */
    const struct sb_bank *bank;     /* the worker's */
    pthread_t worker;
    bool started;
};

/* A job that waits to be computed. */
struct task {
    int64_t number;
    const struct sb_segment_kind *kind;
    struct fs_buffer body;
    enum sb_job_fate fate;
};

static bool prepare_statements(struct sb_jobs *jobs, struct fs_buffer *problem)
{
    for (int i = 0; i < STATEMENTS; i++) {
        jobs->statements[i] = sb_database_prepare(jobs->database, statement_sql[i], problem);
        if (!jobs->statements[i])
            return false;
    }
    return true;
}

static void settle_callback(void *closure, int64_t number, bool delivered)
{
    (void)delivered;
    struct sb_jobs *jobs = closure;
    struct fs_buffer problem = {0};
    pthread_mutex_lock(&jobs->lock);
    sqlite3_bind_int64(jobs->statements[SETTLE_CALLBACK], 1, number);
    if (!sb_database_execute(jobs->statements[SETTLE_CALLBACK], &problem))
        fprintf(stderr, "finseg-sandbox: a callback will be repeated: %s\n", problem.data ? problem.data : "");
    pthread_mutex_unlock(&jobs->lock);
    fs_buffer_free(&problem);
}

struct sb_jobs *sb_jobs_open(const struct sb_jobs_config *config, struct fs_buffer *problem)
{
    struct sb_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    jobs->delay = config->delay;
    jobs->time_to_live = config->time_to_live;
    jobs->counters = config->counters;
    jobs->shelf = sb_shelf_new();
    jobs->callbacks = sb_callbacks_new(config->callback_patience, config->counters, settle_callback, jobs);
    jobs->database = sb_database_open(config->file, problem);
    if (jobs->shelf && jobs->callbacks && jobs->database && sb_database_run(jobs->database, schema, problem) &&
        prepare_statements(jobs, problem))
        jobs->archive = sb_archive_open(config->file, jobs->database, &jobs->lock, problem);
    if (jobs->archive)
        return jobs;
    if (problem->length == 0)
        fs_buffer_append_text(problem, "out of memory");
    sb_jobs_close(jobs);
    return NULL;
}

static void stop_worker(struct sb_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    pthread_join(jobs->worker, NULL);
}

void sb_jobs_close(struct sb_jobs *jobs)
{
    if (!jobs)
        return;
    if (jobs->started)
        stop_worker(jobs);
    sb_callbacks_free(jobs->callbacks);
    sb_archive_close(jobs->archive);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(jobs->statements[i]);
    sqlite3_close(jobs->database);
    sb_shelf_free(jobs->shelf);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

/* ---- computing ------------------------------------------------------------------------------------------- */

/* The oldest job that is not computed. The caller holds the lock and frees the body. */
static bool next_task(struct sb_jobs *jobs, struct task *task)
{
    sqlite3_stmt *next = jobs->statements[NEXT_RUNNING];
    *task = (struct task){0};
    bool found = sqlite3_step(next) == SQLITE_ROW;
    if (found) {
        task->number = sqlite3_column_int64(next, 0);
        const char *kind = (const char *)sqlite3_column_text(next, 1);
        task->kind = kind ? sb_segment_kind_named(kind, strlen(kind)) : NULL;
        const void *body = sqlite3_column_blob(next, 2);
        fs_buffer_append(&task->body, body, (size_t)sqlite3_column_bytes(next, 2));
        task->fate = (enum sb_job_fate)sqlite3_column_int(next, 3);
    }
    sqlite3_reset(next);
    return found;
}

/* NULL when the computation fails; the reason goes to stderr. */
static struct sb_result *compute(const struct task *task, const struct sb_bank *bank)
{
    struct fs_buffer problem = {0};
    struct sb_api_errors errors = {0};
    struct sb_segment_request request;
    struct sb_result *result = NULL;
    if (task->fate == SB_FATE_FAILS)
        return NULL;
    if (task->kind && !task->body.failed &&
        sb_segment_read_request(task->kind, task->body.data, task->body.length, &request, &errors))
        result = sb_segment_compute(&request, bank, &problem);
    if (!result)
        fprintf(stderr, "finseg-sandbox: a job failed: %s\n",
                problem.data ? problem.data : "its request is unreadable");
    sb_api_errors_free(&errors);
    fs_buffer_free(&problem);
    return result;
}

static bool store_records(struct sb_jobs *jobs, int64_t job, const struct fs_buffer *records, struct fs_buffer *problem)
{
    sqlite3_stmt *add = jobs->statements[ADD_BLOCK];
    bool stored = true;
    sqlite3_bind_int64(add, 1, job);
    for (size_t start = 0; start < records->length && stored; start += SB_ARCHIVE_BLOCK) {
        size_t rest = records->length - start;
        sqlite3_bind_int64(add, 2, (int64_t)(start / SB_ARCHIVE_BLOCK));
        sqlite3_bind_blob64(add, 3, records->data + start, rest < SB_ARCHIVE_BLOCK ? rest : SB_ARCHIVE_BLOCK,
                            SQLITE_STATIC);
        stored = sb_database_execute(add, problem);
    }
    sqlite3_clear_bindings(add);
    return stored;
}

/* Ends the state RUNNING, and nothing else. `result` is NULL for a job that failed. */
static bool store_state(struct sb_jobs *jobs, int64_t job, const struct sb_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *statement = jobs->statements[result ? STORE_RESULT : STORE_FAILURE];
    sqlite3_bind_int64(statement, 1, job);
    if (result) {
        sqlite3_bind_text(statement, 2, result->creation_date, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 3, result->duration);
        sqlite3_bind_blob64(statement, 4, result->ends.data, result->ends.length, SQLITE_STATIC);
    }
    bool stored = sb_database_execute(statement, problem);
    sqlite3_clear_bindings(statement);
    if (stored && sqlite3_changes(jobs->database) == 1)
        return true;
    if (stored)
        fs_buffer_append_text(problem, "its job does not run any more");
    return false;
}

/* The caller holds the lock. `result` is NULL for a job that failed. */
static bool store(struct sb_jobs *jobs, int64_t job, const struct sb_result *result, struct fs_buffer *problem)
{
    if (!sb_database_run(jobs->database, "BEGIN IMMEDIATE", problem))
        return false;
    if ((result && !store_records(jobs, job, &result->records, problem)) || !store_state(jobs, job, result, problem) ||
        !sb_database_run(jobs->database, "COMMIT", problem)) {
        sb_database_rollback(jobs->database);
        return false;
    }
    sb_counters_count(jobs->counters, result ? SB_JOBS_COMPUTED : SB_JOBS_FAILED);
    return true;
}

bool sb_jobs_finish(struct sb_jobs *jobs, const struct sb_bank *bank, struct fs_buffer *problem)
{
    struct task task;
    bool stored = true;
    while (stored && next_task(jobs, &task)) {
        struct sb_result *result = compute(&task, bank);
        stored = store(jobs, task.number, result, problem);
        sb_result_release(result);
        fs_buffer_free(&task.body);
    }
    return stored;
}

/* ---- callbacks ------------------------------------------------------------------------------------------- */

static bool add_callback(struct sb_jobs *jobs, const struct sb_callback *callback)
{
    if (sb_callbacks_add(jobs->callbacks, callback))
        return true;
    fprintf(stderr, "finseg-sandbox: a callback waits for the next start: out of memory\n");
    return false;
}

/* Hands over the callback of a computed job, whose row has CALLBACK_COLUMNS. Under the lock. */
static void hand_over_callback(struct sb_jobs *jobs, sqlite3_stmt *row)
{
    const char *state = (const char *)sqlite3_column_text(row, 3);
    struct sb_callback callback = {
        .job = sqlite3_column_int64(row, 0),
        .job_id = (const char *)sqlite3_column_text(row, 1),
        .kind = (const char *)sqlite3_column_text(row, 2),
        .failed = state && strcmp(state, "FAILED") == 0,
        .due = sqlite3_column_int64(row, 4),
        .url = (const char *)sqlite3_column_text(row, 5),
    };
    if (!callback.job_id || !callback.kind || !state || !callback.url)
        return;
    bool added = add_callback(jobs, &callback);
    callback.job = 0; /* one delivery is enough to settle it */
    for (int i = 1; i < sqlite3_column_int(row, 6) && added; i++)
        added = add_callback(jobs, &callback);
}

/* Under the lock, after a job was computed. */
static void announce(struct sb_jobs *jobs, int64_t number)
{
    sqlite3_stmt *find = jobs->statements[FIND_CALLBACK];
    sqlite3_bind_int64(find, 1, number);
    if (sqlite3_step(find) == SQLITE_ROW)
        hand_over_callback(jobs, find);
    sqlite3_reset(find);
}

/* What was not settled when the program ended last. */
static void announce_again(struct sb_jobs *jobs)
{
    sqlite3_stmt *list = jobs->statements[LIST_CALLBACKS];
    while (sqlite3_step(list) == SQLITE_ROW)
        hand_over_callback(jobs, list);
    sqlite3_reset(list);
}

/* ---- the worker ------------------------------------------------------------------------------------------ */

/* Deletes the jobs whose time is over. Answers when that should be done next. Under the lock. */
static int64_t sweep(struct sb_jobs *jobs)
{
    struct fs_buffer ignored = {0};
    int64_t now = sb_timestamp_now();
    sqlite3_bind_int64(jobs->statements[SWEEP], 1, now);
    if (sb_database_execute(jobs->statements[SWEEP], &ignored))
        sb_counters_add(jobs->counters, SB_JOBS_SWEPT, (uint64_t)sqlite3_changes(jobs->database));
    fs_buffer_free(&ignored);

    sqlite3_stmt *next = jobs->statements[NEXT_EXPIRY];
    int64_t due = now + (jobs->time_to_live < LONGEST_SLEEP_MS ? jobs->time_to_live : LONGEST_SLEEP_MS);
    if (sqlite3_step(next) == SQLITE_ROW && sqlite3_column_type(next, 0) == SQLITE_INTEGER &&
        sqlite3_column_int64(next, 0) < due)
        due = sqlite3_column_int64(next, 0);
    sqlite3_reset(next);
    return due;
}

/* Until there is work. Under the lock. */
static void sleep_until(struct sb_jobs *jobs, int64_t timestamp)
{
    struct timespec until = {
        .tv_sec = (time_t)(timestamp / MS_PER_SECOND),
        .tv_nsec = (long)(timestamp % MS_PER_SECOND) * NS_PER_MS,
    };
    pthread_cond_timedwait(&jobs->work, &jobs->lock, &until);
}

/* Computes a task without the lock, which is held before and after. False when the result could not be stored: the job is still
 * RUNNING then, and computed again. */
static bool carry_out(struct sb_jobs *jobs, struct task *task)
{
    struct fs_buffer problem = {0};
    pthread_mutex_unlock(&jobs->lock);
    struct sb_result *result = compute(task, jobs->bank);
    fs_buffer_free(&task->body);
    pthread_mutex_lock(&jobs->lock);

    bool stored = store(jobs, task->number, result, &problem);
    if (stored)
        announce(jobs, task->number);
    else
        fprintf(stderr, "finseg-sandbox: a result is lost: %s\n", problem.data ? problem.data : "out of memory");
    fs_buffer_free(&problem);
    sb_result_release(result);
    return stored;
}

static void *work(void *argument)
{
    struct sb_jobs *jobs = argument;
    struct task task;
    int64_t next_sweep = 0;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping) {
        bool idle = !next_task(jobs, &task) || !carry_out(jobs, &task);
        if (idle || sb_timestamp_now() >= next_sweep)
            next_sweep = sweep(jobs);
        if (idle && !jobs->stopping)
            sleep_until(jobs, next_sweep);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

bool sb_jobs_start(struct sb_jobs *jobs, const struct sb_bank *bank, struct fs_buffer *problem)
{
    jobs->bank = bank;
    announce_again(jobs);
    if (!sb_callbacks_start(jobs->callbacks, problem))
        return false;
    jobs->started = pthread_create(&jobs->worker, NULL, work, jobs) == 0;
    if (!jobs->started)
        fs_buffer_append_text(problem, "cannot start a thread for the jobs");
    return jobs->started;
}

/* ---- requests -------------------------------------------------------------------------------------------- */

/* Under the lock. */
static bool add_job(struct sb_jobs *jobs, const struct sb_job_order *order, const char *id, struct fs_buffer *problem)
{
    bool calls_back = *order->callback_url && order->callback_fate != SB_CALLBACK_LOST &&
                      (order->fate == SB_FATE_NORMAL || order->fate == SB_FATE_FAILS);
    int64_t now = sb_timestamp_now();
    sqlite3_stmt *add = jobs->statements[ADD_JOB];
    sqlite3_bind_text(add, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 2, order->kind->name, -1, SQLITE_STATIC);
    sqlite3_bind_text64(add, 3, order->body, order->length, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(add, 4, now + jobs->delay);
    sqlite3_bind_int64(add, 5, now + jobs->time_to_live);
    sqlite3_bind_int(add, 6, order->fate);
    if (calls_back)
        sqlite3_bind_text(add, 7, order->callback_url, -1, SQLITE_STATIC);
    sqlite3_bind_int(add, 8, order->callback_fate == SB_CALLBACK_TWICE ? 2 : 1);
    bool added = sb_database_execute(add, problem);
    sqlite3_clear_bindings(add);
    return added;
}

static void announce_early(struct sb_jobs *jobs, const struct sb_job_order *order, const char *id)
{
    struct sb_callback callback = {.job_id = id, .kind = order->kind->name, .url = order->callback_url};
    add_callback(jobs, &callback);
}

bool sb_jobs_create(struct sb_jobs *jobs, const struct sb_job_order *order, char id[FS_SECRET_TEXT],
                    struct fs_buffer *problem)
{
    if (!fs_secret_new(id)) {
        fs_buffer_append_text(problem, "the kernel gives no random bytes");
        return false;
    }
    pthread_mutex_lock(&jobs->lock);
    bool made = add_job(jobs, order, id, problem);
    if (made)
        pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    if (!made)
        return false;
    sb_counters_count(jobs->counters, SB_JOBS_MADE);
    if (*order->callback_url && order->callback_fate == SB_CALLBACK_EARLY)
        announce_early(jobs, order, id);
    return true;
}

enum sb_job_state sb_jobs_find(struct sb_jobs *jobs, const struct sb_segment_kind *kind, const char *id,
                               struct sb_result **result)
{
    struct sb_shelf_entry entry = {0};
    if (strlen(id) >= sizeof entry.id)
        return SB_JOB_UNKNOWN;
    if (sb_shelf_find(jobs->shelf, id, &entry)) {
        if (entry.kind == kind && entry.expires > sb_timestamp_now()) {
            *result = entry.result;
            return SB_JOB_READY;
        }
        sb_result_release(entry.result);
        return SB_JOB_UNKNOWN;
    }
    snprintf(entry.id, sizeof entry.id, "%s", id);
    enum sb_job_state state = sb_archive_find(jobs->archive, kind, &entry);
    if (state == SB_JOB_READY) {
        sb_shelf_add(jobs->shelf, &entry);
        *result = entry.result;
    }
    return state;
}

bool sb_jobs_write_page(struct sb_jobs *jobs, const struct sb_result *result, uint64_t number, uint64_t size,
                        size_t total, struct fs_buffer *out)
{
    struct sb_result_slice page = sb_result_page(result, number, size);
    sb_result_open_page(result, total, out);
    if (result->archived_as == 0) {
        if (page.start < page.end)
            fs_buffer_append(out, result->records.data + page.start, (size_t)(page.end - page.start));
    } else if (!sb_archive_read(jobs->archive, result->archived_as, page, out)) {
        fs_buffer_clear(out);
        return false;
    }
    sb_result_close_page(out);
    return true;
}
