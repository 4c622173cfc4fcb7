#include "jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "shelf.h"
#include "timestamp.h"

/* How long the worker sleeps at most when no job is going to expire. */
enum { LONGEST_SLEEP_MS = 60 * 60 * 1000, MS_PER_SECOND = 1000, NS_PER_MS = 1000000 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS jobs ("
    "  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,"
    "  state TEXT NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'READY', 'FAILED')),"
    "  ready INTEGER NOT NULL, expires INTEGER NOT NULL,"
    "  creation_date TEXT, duration INTEGER, records BLOB, ends BLOB);"
    "CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires);"
    "CREATE INDEX IF NOT EXISTS running_jobs ON jobs (number) WHERE state = 'RUNNING';";

enum statement_name {
    ADD_JOB,
    NEXT_RUNNING,
    FIND_JOB,
    LOAD_RESULT,
    STORE_RESULT,
    STORE_FAILURE,
    SWEEP,
    NEXT_EXPIRY,
    STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
    [ADD_JOB] = "INSERT INTO jobs (id, kind, body, ready, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
    [NEXT_RUNNING] = "SELECT number, kind, body FROM jobs WHERE state = 'RUNNING' ORDER BY number LIMIT 1",
    [FIND_JOB] = "SELECT number, kind, state, ready, expires FROM jobs WHERE id = ?1",
    [LOAD_RESULT] = "SELECT creation_date, duration, records, ends FROM jobs WHERE number = ?1",
    [STORE_RESULT] = "UPDATE jobs SET state = 'READY', creation_date = ?2, duration = ?3, records = ?4, ends = ?5"
                     " WHERE number = ?1",
    [STORE_FAILURE] = "UPDATE jobs SET state = 'FAILED' WHERE number = ?1",
    [SWEEP] = "DELETE FROM jobs WHERE expires <= ?1",
    [NEXT_EXPIRY] = "SELECT min(expires) FROM jobs",
};

struct fs_jobs {
    pthread_mutex_t lock; /* guards everything below but the shelf, which has its own */
    pthread_cond_t work;  /* a job was made, or the worker must end */
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    bool stopping;
    int64_t delay;
    int64_t time_to_live;
    struct fs_shelf *shelf;
    const struct fs_bank *bank; /* the worker's */
    pthread_t worker;
    bool started;
};

/* A job that waits to be computed. */
struct task {
    int64_t number;
    const struct fs_segment_kind *kind;
    struct fs_buffer body;
};

static bool prepare_statements(struct fs_jobs *jobs, struct fs_buffer *problem)
{
    for (int i = 0; i < STATEMENTS; i++) {
        jobs->statements[i] = fs_database_prepare(jobs->database, statement_sql[i], problem);
        if (!jobs->statements[i])
            return false;
    }
    return true;
}

struct fs_jobs *fs_jobs_open(const char *file, int64_t delay, int64_t time_to_live, struct fs_buffer *problem)
{
    struct fs_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->work, NULL);
    jobs->delay = delay;
    jobs->time_to_live = time_to_live;
    jobs->shelf = fs_shelf_new();
    jobs->database = fs_database_open(file, problem);
    if (jobs->shelf && jobs->database && fs_database_run(jobs->database, schema, problem) &&
        prepare_statements(jobs, problem))
        return jobs;
    fs_jobs_close(jobs);
    return NULL;
}

static void stop_worker(struct fs_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    pthread_join(jobs->worker, NULL);
}

void fs_jobs_close(struct fs_jobs *jobs)
{
    if (!jobs)
        return;
    if (jobs->started)
        stop_worker(jobs);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(jobs->statements[i]);
    sqlite3_close(jobs->database);
    fs_shelf_free(jobs->shelf);
    pthread_cond_destroy(&jobs->work);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

/* ---- computing ------------------------------------------------------------------------------------------- */

/* The oldest job that is not computed. The caller holds the lock and frees the body. */
static bool next_task(struct fs_jobs *jobs, struct task *task)
{
    sqlite3_stmt *next = jobs->statements[NEXT_RUNNING];
    *task = (struct task){0};
    bool found = sqlite3_step(next) == SQLITE_ROW;
    if (found) {
        task->number = sqlite3_column_int64(next, 0);
        const char *kind = (const char *)sqlite3_column_text(next, 1);
        task->kind = kind ? fs_segment_kind_named(kind, strlen(kind)) : NULL;
        const void *body = sqlite3_column_blob(next, 2);
        fs_buffer_append(&task->body, body, (size_t)sqlite3_column_bytes(next, 2));
    }
    sqlite3_reset(next);
    return found;
}

/* NULL when the computation fails; the reason goes to stderr. */
static struct fs_result *compute(const struct task *task, const struct fs_bank *bank)
{
    struct fs_buffer problem = {0};
    struct fs_complaints complaints = {0};
    struct fs_segment_request request;
    struct fs_result *result = NULL;
    if (task->kind && !task->body.failed &&
        fs_segment_read_request(task->kind, task->body.data, task->body.length, &request, &complaints))
        result = fs_segment_compute(&request, bank, &problem);
    if (!result)
        fprintf(stderr, "finseg-sandbox: a job failed: %s\n",
                problem.data ? problem.data : "its request is unreadable");
    fs_complaints_free(&complaints);
    fs_buffer_free(&problem);
    return result;
}

/* The caller holds the lock. `result` is NULL for a job that failed. */
static bool store(struct fs_jobs *jobs, int64_t number, const struct fs_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *statement = jobs->statements[result ? STORE_RESULT : STORE_FAILURE];
    sqlite3_bind_int64(statement, 1, number);
    if (result) {
        sqlite3_bind_text(statement, 2, result->creation_date, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 3, result->duration);
        sqlite3_bind_blob64(statement, 4, result->records.data, result->records.length, SQLITE_STATIC);
        sqlite3_bind_blob64(statement, 5, result->ends.data, result->ends.length, SQLITE_STATIC);
    }
    bool stored = fs_database_execute(statement, problem);
    sqlite3_clear_bindings(statement);
    return stored;
}

bool fs_jobs_finish(struct fs_jobs *jobs, const struct fs_bank *bank, struct fs_buffer *problem)
{
    struct task task;
    bool stored = true;
    while (stored && next_task(jobs, &task)) {
        struct fs_result *result = compute(&task, bank);
        stored = store(jobs, task.number, result, problem);
        fs_result_release(result);
        fs_buffer_free(&task.body);
    }
    return stored;
}

/* ---- the worker ------------------------------------------------------------------------------------------ */

/* Deletes the jobs whose time is over, and sleeps until there is work or the next one's time is over. Under the lock. */
static void sweep_and_sleep(struct fs_jobs *jobs)
{
    struct fs_buffer ignored = {0};
    int64_t now = fs_timestamp_now();
    sqlite3_bind_int64(jobs->statements[SWEEP], 1, now);
    fs_database_execute(jobs->statements[SWEEP], &ignored);
    fs_buffer_free(&ignored);

    sqlite3_stmt *next = jobs->statements[NEXT_EXPIRY];
    int64_t wake = now + LONGEST_SLEEP_MS;
    if (sqlite3_step(next) == SQLITE_ROW && sqlite3_column_type(next, 0) == SQLITE_INTEGER &&
        sqlite3_column_int64(next, 0) < wake)
        wake = sqlite3_column_int64(next, 0);
    sqlite3_reset(next);
    struct timespec until = {
        .tv_sec = (time_t)(wake / MS_PER_SECOND),
        .tv_nsec = (long)(wake % MS_PER_SECOND) * NS_PER_MS,
    };
    pthread_cond_timedwait(&jobs->work, &jobs->lock, &until);
}

static void *work(void *argument)
{
    struct fs_jobs *jobs = argument;
    struct task task;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping) {
        if (!next_task(jobs, &task)) {
            sweep_and_sleep(jobs);
            continue;
        }
        pthread_mutex_unlock(&jobs->lock);
        struct fs_result *result = compute(&task, jobs->bank);
        fs_buffer_free(&task.body);
        pthread_mutex_lock(&jobs->lock);

        struct fs_buffer problem = {0};
        if (!store(jobs, task.number, result, &problem)) {
            fprintf(stderr, "finseg-sandbox: a result is lost: %s\n", problem.data ? problem.data : "out of memory");
            sweep_and_sleep(jobs); /* the job is still RUNNING: it is computed again with the next one */
        }
        fs_buffer_free(&problem);
        fs_result_release(result);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

bool fs_jobs_start(struct fs_jobs *jobs, const struct fs_bank *bank, struct fs_buffer *problem)
{
    jobs->bank = bank;
    jobs->started = pthread_create(&jobs->worker, NULL, work, jobs) == 0;
    if (!jobs->started)
        fs_buffer_append_text(problem, "cannot start a thread for the jobs");
    return jobs->started;
}

/* ---- requests -------------------------------------------------------------------------------------------- */

bool fs_jobs_create(struct fs_jobs *jobs, const struct fs_segment_kind *kind, const char *body, size_t length,
                    char id[FS_SECRET_TEXT], struct fs_buffer *problem)
{
    if (!fs_secret_new(id)) {
        fs_buffer_append_text(problem, "the kernel gives no random bytes");
        return false;
    }
    int64_t now = fs_timestamp_now();
    pthread_mutex_lock(&jobs->lock);
    sqlite3_stmt *add = jobs->statements[ADD_JOB];
    sqlite3_bind_text(add, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 2, kind->name, -1, SQLITE_STATIC);
    sqlite3_bind_text64(add, 3, body, length, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(add, 4, now + jobs->delay);
    sqlite3_bind_int64(add, 5, now + jobs->time_to_live);
    bool made = fs_database_execute(add, problem);
    sqlite3_clear_bindings(add);
    if (made)
        pthread_cond_signal(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    return made;
}

/* The result of a computed job, from the database. Under the lock. */
static struct fs_result *load_result(struct fs_jobs *jobs, int64_t number)
{
    struct fs_result *result = fs_result_new();
    sqlite3_stmt *load = jobs->statements[LOAD_RESULT];
    sqlite3_bind_int64(load, 1, number);
    bool loaded = result && sqlite3_step(load) == SQLITE_ROW;
    if (loaded) {
        const char *date = (const char *)sqlite3_column_text(load, 0);
        snprintf(result->creation_date, sizeof result->creation_date, "%s", date ? date : "");
        result->duration = sqlite3_column_int(load, 1);
        fs_buffer_append(&result->records, sqlite3_column_blob(load, 2), (size_t)sqlite3_column_bytes(load, 2));
        fs_buffer_append(&result->ends, sqlite3_column_blob(load, 3), (size_t)sqlite3_column_bytes(load, 3));
        loaded = fs_result_complete(result);
    }
    sqlite3_reset(load);
    if (loaded)
        return result;
    fs_result_release(result);
    return NULL;
}

/* Reads the row that `row` stands on. Under the lock. */
static enum fs_job_state read_job(struct fs_jobs *jobs, const struct fs_segment_kind *kind, sqlite3_stmt *row,
                                  struct fs_shelf_entry *entry)
{
    const char *kind_name = (const char *)sqlite3_column_text(row, 1);
    const char *state = (const char *)sqlite3_column_text(row, 2);
    int64_t now = fs_timestamp_now();
    if (!kind_name || !state)
        return FS_JOB_TROUBLE;
    if (strcmp(kind_name, kind->name) != 0 || sqlite3_column_int64(row, 4) <= now)
        return FS_JOB_UNKNOWN;
    if (strcmp(state, "RUNNING") == 0 || sqlite3_column_int64(row, 3) > now)
        return FS_JOB_PENDING;
    if (strcmp(state, "FAILED") == 0)
        return FS_JOB_FAILED;
    entry->kind = kind;
    entry->expires = sqlite3_column_int64(row, 4);
    entry->result = load_result(jobs, sqlite3_column_int64(row, 0));
    return entry->result ? FS_JOB_READY : FS_JOB_TROUBLE;
}

static enum fs_job_state find_in_database(struct fs_jobs *jobs, const struct fs_segment_kind *kind,
                                          struct fs_shelf_entry *entry)
{
    pthread_mutex_lock(&jobs->lock);
    sqlite3_stmt *find = jobs->statements[FIND_JOB];
    sqlite3_bind_text(find, 1, entry->id, -1, SQLITE_STATIC);
    int verdict = sqlite3_step(find);
    enum fs_job_state state = FS_JOB_TROUBLE;
    if (verdict == SQLITE_ROW)
        state = read_job(jobs, kind, find, entry);
    else if (verdict == SQLITE_DONE)
        state = FS_JOB_UNKNOWN;
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    pthread_mutex_unlock(&jobs->lock);
    return state;
}

enum fs_job_state fs_jobs_find(struct fs_jobs *jobs, const struct fs_segment_kind *kind, const char *id,
                               struct fs_result **result)
{
    struct fs_shelf_entry entry = {0};
    if (strlen(id) >= sizeof entry.id)
        return FS_JOB_UNKNOWN;
    if (fs_shelf_find(jobs->shelf, id, &entry)) {
        if (entry.kind == kind && entry.expires > fs_timestamp_now()) {
            *result = entry.result;
            return FS_JOB_READY;
        }
        fs_result_release(entry.result);
        return FS_JOB_UNKNOWN;
    }
    snprintf(entry.id, sizeof entry.id, "%s", id);
    enum fs_job_state state = find_in_database(jobs, kind, &entry);
    if (state == FS_JOB_READY) {
        fs_shelf_add(jobs->shelf, &entry);
        *result = entry.result;
    }
    return state;
}
