#include "jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callbacks.h"
#include "sandbox/base/database.h"
#include "sandbox/base/timestamp.h"

enum {
    LONGEST_SLEEP_MS = 60 * 60 * 1000, /* of the worker, when no job is going to expire */
    MS_PER_SECOND = 1000,
    NS_PER_MS = 1000000,
    BATCH = 1000 /* records that are stored at once: requests wait no longer */
};

/* A record is numbered by its job and its position in the result, so that a page is one range of the table. */
#define RECORD_NUMBER(job, position) "(" job " << 32) + " position
#define RECORDS_OF(job) "number >= " RECORD_NUMBER(job, "0") " AND number < " RECORD_NUMBER("(" job " + 1)", "0")

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS jobs ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,"
    "  state TEXT NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'READY', 'FAILED')),"
    "  ready INTEGER NOT NULL, expires INTEGER NOT NULL,"
    "  fate INTEGER NOT NULL DEFAULT 0," /* enum sb_job_fate */
    "  callback_url TEXT,"               /* NULL: none, or settled */
    "  callback_times INTEGER NOT NULL DEFAULT 1,"
    "  users INTEGER, duration INTEGER, creation_date TEXT);"
    "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, json TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires);"
    "CREATE INDEX IF NOT EXISTS jobs_with_callback ON jobs (number) WHERE callback_url IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS running_jobs ON jobs (number) WHERE state = 'RUNNING';"
    "CREATE TRIGGER IF NOT EXISTS records_go_with_their_job AFTER DELETE ON jobs"
    "  BEGIN DELETE FROM records WHERE " RECORDS_OF("old.number") "; END;";

enum statement_name {
    ADD_JOB,
    NEXT_RUNNING,
    FORGET_RECORDS,
    ADD_RECORD,
    STORE_RESULT,
    STORE_FAILURE,
    FIND_JOB,
    READ_PAGE,
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
    [FORGET_RECORDS] = "DELETE FROM records WHERE " RECORDS_OF("?1"),
    [ADD_RECORD] = "INSERT INTO records (number, json) VALUES (" RECORD_NUMBER("?1", "?2") ", ?3)",
    [STORE_RESULT] = "UPDATE jobs SET state = 'READY', users = ?2, duration = ?3, creation_date = ?4"
                     " WHERE number = ?1 AND state = 'RUNNING'",
    [STORE_FAILURE] = "UPDATE jobs SET state = 'FAILED' WHERE number = ?1 AND state = 'RUNNING'",
    [FIND_JOB] = "SELECT number, kind, state, ready, expires, fate, users, duration, creation_date FROM jobs"
                 " WHERE id = ?1",
    [READ_PAGE] =
        "SELECT json FROM records"
        " WHERE number >= " RECORD_NUMBER("?1", "?2") " AND number < " RECORD_NUMBER("?1", "?3") " ORDER BY number",
    [FIND_CALLBACK] = "SELECT " CALLBACK_COLUMNS " FROM jobs WHERE number = ?1 AND callback_url IS NOT NULL",
    [LIST_CALLBACKS] = "SELECT " CALLBACK_COLUMNS " FROM jobs WHERE callback_url IS NOT NULL AND state <> 'RUNNING'"
                       " ORDER BY number",
    [SETTLE_CALLBACK] = "UPDATE jobs SET callback_url = NULL WHERE number = ?1",
    [SWEEP] = "DELETE FROM jobs WHERE expires <= ?1",
    [NEXT_EXPIRY] = "SELECT min(expires) FROM jobs",
};

struct sb_jobs {
    pthread_mutex_t queue; /* for the lock: see lock() */
    pthread_mutex_t lock;  /* guards everything below */
    pthread_cond_t work;   /* a job was made, or the worker must end */
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    bool stopping;
    int64_t delay;
    int64_t time_to_live;
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

/*
 * Takes the lock in the order of asking: so the worker, which stores a result batch by batch, lets requests in between.
 */
static void lock(struct sb_jobs *jobs)
{
    pthread_mutex_lock(&jobs->queue);
    pthread_mutex_lock(&jobs->lock);
    pthread_mutex_unlock(&jobs->queue);
}

static void unlock(struct sb_jobs *jobs)
{
    pthread_mutex_unlock(&jobs->lock);
}

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
    lock(jobs);
    sqlite3_bind_int64(jobs->statements[SETTLE_CALLBACK], 1, number);
    if (!sb_database_execute(jobs->statements[SETTLE_CALLBACK], &problem))
        fprintf(stderr, "finseg-sandbox: a callback will be repeated: %s\n", problem.data ? problem.data : "");
    unlock(jobs);
    fs_buffer_free(&problem);
}

struct sb_jobs *sb_jobs_open(const struct sb_jobs_config *config, struct fs_buffer *problem)
{
    struct sb_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&jobs->queue, NULL);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    jobs->delay = config->delay;
    jobs->time_to_live = config->time_to_live;
    jobs->counters = config->counters;
    jobs->callbacks = sb_callbacks_new(config->callback_patience, config->counters, settle_callback, jobs);
    jobs->database = sb_database_open(config->file, problem);
    if (jobs->callbacks && jobs->database && sb_database_run(jobs->database, schema, problem) &&
        prepare_statements(jobs, problem))
        return jobs;
    if (problem->length == 0)
        fs_buffer_append_text(problem, "out of memory");
    sb_jobs_close(jobs);
    return NULL;
}

static void stop_worker(struct sb_jobs *jobs)
{
    lock(jobs);
    jobs->stopping = true;
    pthread_cond_signal(&jobs->work);
    unlock(jobs);
    pthread_join(jobs->worker, NULL);
}

void sb_jobs_close(struct sb_jobs *jobs)
{
    if (!jobs)
        return;
    if (jobs->started)
        stop_worker(jobs);
    sb_callbacks_free(jobs->callbacks);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(jobs->statements[i]);
    sqlite3_close(jobs->database);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    pthread_mutex_destroy(&jobs->queue);
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

/* False when the computation fails; the reason goes to stderr. The caller frees the result in either case. */
static bool compute(const struct task *task, const struct sb_bank *bank, struct sb_result *result)
{
    struct fs_buffer problem = {0};
    struct sb_api_errors errors = {0};
    struct sb_segment_request request;
    *result = (struct sb_result){0};
    if (task->fate == SB_FATE_FAILS)
        return false;
    bool computed = task->kind && !task->body.failed &&
                    sb_segment_read_request(task->kind, task->body.data, task->body.length, &request, &errors) &&
                    sb_segment_compute(&request, bank, result, &problem);
    if (!computed)
        fprintf(stderr, "finseg-sandbox: a job failed: %s\n",
                problem.data ? problem.data : "its request is unreadable");
    sb_api_errors_free(&errors);
    fs_buffer_free(&problem);
    return computed;
}

/* Under the lock, in a transaction of the caller's. */
static bool add_records(struct sb_jobs *jobs, int64_t job, const struct sb_result *result, size_t first, size_t end,
                        struct fs_buffer *problem)
{
    sqlite3_stmt *add = jobs->statements[ADD_RECORD];
    bool added = true;
    sqlite3_bind_int64(add, 1, job);
    for (size_t i = first; i < end && added; i++) {
        size_t length;
        const char *record = sb_result_record(result, i, &length);
        sqlite3_bind_int64(add, 2, (int64_t)i);
        sqlite3_bind_text64(add, 3, record, length, SQLITE_STATIC, SQLITE_UTF8);
        added = sb_database_execute(add, problem);
    }
    sqlite3_clear_bindings(add);
    return added;
}

/*
 * In batches; the lock, which the caller holds, is let go in between. What a run that was killed has left of it goes
 * first.
 */
static bool store_records(struct sb_jobs *jobs, int64_t job, const struct sb_result *result, struct fs_buffer *problem)
{
    size_t count = sb_result_count(result);
    sqlite3_bind_int64(jobs->statements[FORGET_RECORDS], 1, job);
    bool stored = sb_database_execute(jobs->statements[FORGET_RECORDS], problem);
    for (size_t first = 0; first < count && stored; first += BATCH) {
        size_t end = count - first < BATCH ? count : first + BATCH;
        stored = sb_database_run(jobs->database, "BEGIN IMMEDIATE", problem) &&
                 add_records(jobs, job, result, first, end, problem) &&
                 sb_database_run(jobs->database, "COMMIT", problem);
        if (!stored)
            sb_database_rollback(jobs->database);
        unlock(jobs);
        lock(jobs);
    }
    return stored;
}

/* Ends the state RUNNING, and nothing else. `result` is NULL for a job that failed. Under the lock. */
static bool store_state(struct sb_jobs *jobs, int64_t job, const struct sb_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *statement = jobs->statements[result ? STORE_RESULT : STORE_FAILURE];
    sqlite3_bind_int64(statement, 1, job);
    if (result) {
        sqlite3_bind_int64(statement, 2, (int64_t)sb_result_count(result));
        sqlite3_bind_int(statement, 3, result->duration);
        sqlite3_bind_text(statement, 4, result->creation_date, -1, SQLITE_STATIC);
    }
    bool stored = sb_database_execute(statement, problem);
    sqlite3_clear_bindings(statement);
    if (stored && sqlite3_changes(jobs->database) == 1)
        return true;
    if (stored)
        fs_buffer_append_text(problem, "its job does not run any more");
    return false;
}

/*
 * Computes a task without the lock, which is held before and after, and stores the result. When that fails, the job is
 * still RUNNING, and computed again.
 */
static bool carry_out(struct sb_jobs *jobs, struct task *task, const struct sb_bank *bank, struct fs_buffer *problem)
{
    struct sb_result result;
    unlock(jobs);
    bool computed = compute(task, bank, &result);
    fs_buffer_free(&task->body);
    lock(jobs);
    bool stored = (!computed || store_records(jobs, task->number, &result, problem)) &&
                  store_state(jobs, task->number, computed ? &result : NULL, problem);
    if (stored)
        sb_counters_count(jobs->counters, computed ? SB_JOBS_COMPUTED : SB_JOBS_FAILED);
    sb_result_free(&result);
    return stored;
}

bool sb_jobs_finish(struct sb_jobs *jobs, const struct sb_bank *bank, struct fs_buffer *problem)
{
    struct task task;
    bool stored = true;
    lock(jobs);
    while (stored && next_task(jobs, &task))
        stored = carry_out(jobs, &task, bank, problem);
    unlock(jobs);
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

/* The oldest job, when there is one and its result could be stored. Under the lock, which is let go meanwhile. */
static bool work_once(struct sb_jobs *jobs)
{
    struct task task;
    struct fs_buffer problem = {0};
    if (!next_task(jobs, &task))
        return false;
    bool done = carry_out(jobs, &task, jobs->bank, &problem);
    if (done)
        announce(jobs, task.number);
    else
        fprintf(stderr, "finseg-sandbox: a result is lost: %s\n", problem.data ? problem.data : "out of memory");
    fs_buffer_free(&problem);
    return done;
}

static void *work(void *argument)
{
    struct sb_jobs *jobs = argument;
    int64_t next_sweep = 0;
    lock(jobs);
    while (!jobs->stopping) {
        bool idle = !work_once(jobs);
        if (idle || sb_timestamp_now() >= next_sweep)
            next_sweep = sweep(jobs);
        if (idle && !jobs->stopping)
            sleep_until(jobs, next_sweep);
    }
    unlock(jobs);
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
    lock(jobs);
    bool made = add_job(jobs, order, id, problem);
    if (made)
        pthread_cond_signal(&jobs->work);
    unlock(jobs);
    if (!made)
        return false;
    sb_counters_count(jobs->counters, SB_JOBS_MADE);
    if (*order->callback_url && order->callback_fate == SB_CALLBACK_EARLY)
        announce_early(jobs, order, id);
    return true;
}

/* Reads the job that `row` stands on. */
static enum sb_job_state read_job(sqlite3_stmt *row, const struct sb_segment_kind *kind, struct sb_job *job)
{
    const char *kind_name = (const char *)sqlite3_column_text(row, 1);
    const char *state = (const char *)sqlite3_column_text(row, 2);
    int64_t now = sb_timestamp_now();
    if (!kind_name || !state)
        return SB_JOB_TROUBLE;
    if (strcmp(kind_name, kind->name) != 0 || sqlite3_column_int64(row, 4) <= now)
        return SB_JOB_UNKNOWN;
    enum sb_job_fate fate = (enum sb_job_fate)sqlite3_column_int(row, 5);
    if (fate == SB_FATE_STUCK || strcmp(state, "RUNNING") == 0 || sqlite3_column_int64(row, 3) > now)
        return SB_JOB_PENDING;
    if (fate == SB_FATE_VANISHES)
        return SB_JOB_UNKNOWN;
    if (strcmp(state, "FAILED") == 0)
        return SB_JOB_FAILED;
    const char *date = (const char *)sqlite3_column_text(row, 8);
    *job = (struct sb_job){
        .number = sqlite3_column_int64(row, 0),
        .users = (uint64_t)sqlite3_column_int64(row, 6),
        .duration = sqlite3_column_int(row, 7),
    };
    snprintf(job->creation_date, sizeof job->creation_date, "%s", date ? date : "");
    return SB_JOB_READY;
}

enum sb_job_state sb_jobs_find(struct sb_jobs *jobs, const struct sb_segment_kind *kind, const char *id,
                               struct sb_job *job)
{
    sqlite3_stmt *find = jobs->statements[FIND_JOB];
    enum sb_job_state state = SB_JOB_TROUBLE;
    lock(jobs);
    sqlite3_bind_text(find, 1, id, -1, SQLITE_STATIC);
    int verdict = sqlite3_step(find);
    if (verdict == SQLITE_ROW)
        state = read_job(find, kind, job);
    else if (verdict == SQLITE_DONE)
        state = SB_JOB_UNKNOWN;
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    unlock(jobs);
    return state;
}

/* Appends the records from `first` on up to `end`, which is not among them. Answers how many there were. */
static uint64_t append_records(struct sb_jobs *jobs, int64_t job, uint64_t first, uint64_t end, struct fs_buffer *out)
{
    sqlite3_stmt *read = jobs->statements[READ_PAGE];
    uint64_t count = 0;
    lock(jobs);
    sqlite3_bind_int64(read, 1, job);
    sqlite3_bind_int64(read, 2, (int64_t)first);
    sqlite3_bind_int64(read, 3, (int64_t)end);
    while (sqlite3_step(read) == SQLITE_ROW) {
        const char *record = sqlite3_column_blob(read, 0);
        if (count++ > 0)
            fs_buffer_append_char(out, ',');
        fs_buffer_append(out, record, (size_t)sqlite3_column_bytes(read, 0));
    }
    sqlite3_reset(read);
    unlock(jobs);
    return count;
}

bool sb_jobs_write_page(struct sb_jobs *jobs, const struct sb_job *job, uint64_t number, uint64_t size, uint64_t total,
                        struct fs_buffer *out)
{
    uint64_t first = number <= job->users / size ? number * size : job->users;
    uint64_t end = job->users - first < size ? job->users : first + size;
    fs_buffer_printf(out, "{\"durationInMonth\":%d,\"creationDate\":\"%s\",\"totalElements\":%llu,\"users\":[",
                     job->duration, job->creation_date, (unsigned long long)total);
    if (first < end && append_records(jobs, job->number, first, end, out) != end - first) {
        fs_buffer_clear(out);
        return false;
    }
    fs_buffer_append_text(out, "]}");
    return true;
}
