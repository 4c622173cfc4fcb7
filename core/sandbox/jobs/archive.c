#include "archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/base/database.h"
#include "sandbox/base/timestamp.h"

/* Bytes of records up to which a result is kept in memory whole. */
enum { KEPT_WHOLE = 4 * 1024 * 1024 };

enum statement_name { FIND_JOB, LOAD_RESULT, READ_BLOCKS, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
    [FIND_JOB] = "SELECT number, kind, state, ready, expires, fate FROM jobs WHERE id = ?1",
    [LOAD_RESULT] = "SELECT creation_date, duration, ends FROM jobs WHERE number = ?1",
    [READ_BLOCKS] = "SELECT number, records FROM blocks WHERE job = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number",
};

struct sb_archive {
    pthread_mutex_t *lock; /* guards the connection */
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    pthread_mutex_t own_lock;
    sqlite3 *own_database; /* NULL when the database is another's */
};

static bool open_connection(struct sb_archive *archive, const char *file, struct fs_buffer *problem)
{
    if (file) {
        archive->own_database = sb_database_open(file, problem);
        archive->database = archive->own_database;
        archive->lock = &archive->own_lock;
    }
    for (int i = 0; i < STATEMENTS && archive->database; i++) {
        archive->statements[i] = sb_database_prepare(archive->database, statement_sql[i], problem);
        if (!archive->statements[i])
            return false;
    }
    return archive->database;
}

struct sb_archive *sb_archive_open(const char *file, sqlite3 *database, pthread_mutex_t *lock,
                                   struct fs_buffer *problem)
{
    struct sb_archive *archive = calloc(1, sizeof *archive);
    if (!archive) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&archive->own_lock, NULL);
    archive->database = database;
    archive->lock = lock;
    if (open_connection(archive, file, problem))
        return archive;
    sb_archive_close(archive);
    return NULL;
}

void sb_archive_close(struct sb_archive *archive)
{
    if (!archive)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(archive->statements[i]);
    sqlite3_close(archive->own_database);
    pthread_mutex_destroy(&archive->own_lock);
    free(archive);
}

/* ---- records --------------------------------------------------------------------------------------------- */

/* Appends what the slice has of the block that `row` stands on. Answers how many bytes that were. */
static uint64_t append_block(sqlite3_stmt *row, struct sb_result_slice slice, struct fs_buffer *out)
{
    const char *records = sqlite3_column_blob(row, 1);
    uint64_t start = (uint64_t)sqlite3_column_int64(row, 0) * SB_ARCHIVE_BLOCK;
    uint64_t end = start + (uint64_t)sqlite3_column_bytes(row, 1);
    uint64_t from = slice.start > start ? slice.start : start;
    uint64_t to = slice.end < end ? slice.end : end;
    if (!records || from >= to)
        return 0;
    fs_buffer_append(out, records + (from - start), (size_t)(to - from));
    return to - from;
}

bool sb_archive_read(struct sb_archive *archive, int64_t job, struct sb_result_slice slice, struct fs_buffer *out)
{
    if (slice.start >= slice.end)
        return true;
    uint64_t length = 0;
    pthread_mutex_lock(archive->lock);
    sqlite3_stmt *read = archive->statements[READ_BLOCKS];
    sqlite3_bind_int64(read, 1, job);
    sqlite3_bind_int64(read, 2, (int64_t)(slice.start / SB_ARCHIVE_BLOCK));
    sqlite3_bind_int64(read, 3, (int64_t)((slice.end - 1) / SB_ARCHIVE_BLOCK));
    while (sqlite3_step(read) == SQLITE_ROW)
        length += append_block(read, slice, out);
    sqlite3_reset(read);
    pthread_mutex_unlock(archive->lock);
    return length == slice.end - slice.start;
}

/* ---- jobs ------------------------------------------------------------------------------------------------ */

/* All of the result but its records. Under the lock. */
static struct sb_result *load_result(struct sb_archive *archive, int64_t job)
{
    struct sb_result *result = sb_result_new();
    sqlite3_stmt *load = archive->statements[LOAD_RESULT];
    sqlite3_bind_int64(load, 1, job);
    bool loaded = result && sqlite3_step(load) == SQLITE_ROW;
    if (loaded) {
        const char *date = (const char *)sqlite3_column_text(load, 0);
        snprintf(result->creation_date, sizeof result->creation_date, "%s", date ? date : "");
        result->duration = sqlite3_column_int(load, 1);
        fs_buffer_append(&result->ends, sqlite3_column_blob(load, 2), (size_t)sqlite3_column_bytes(load, 2));
        result->archived_as = job;
        loaded = sb_result_complete(result);
    }
    sqlite3_reset(load);
    if (loaded)
        return result;
    sb_result_release(result);
    return NULL;
}

/* Reads the row that `row` stands on. Under the lock. */
static enum sb_job_state read_job(struct sb_archive *archive, const struct sb_segment_kind *kind, sqlite3_stmt *row,
                                  struct sb_shelf_entry *entry)
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
    entry->kind = kind;
    entry->expires = sqlite3_column_int64(row, 4);
    entry->result = load_result(archive, sqlite3_column_int64(row, 0));
    return entry->result ? SB_JOB_READY : SB_JOB_TROUBLE;
}

static enum sb_job_state find_job(struct sb_archive *archive, const struct sb_segment_kind *kind,
                                  struct sb_shelf_entry *entry)
{
    pthread_mutex_lock(archive->lock);
    sqlite3_stmt *find = archive->statements[FIND_JOB];
    sqlite3_bind_text(find, 1, entry->id, -1, SQLITE_STATIC);
    int verdict = sqlite3_step(find);
    enum sb_job_state state = SB_JOB_TROUBLE;
    if (verdict == SQLITE_ROW)
        state = read_job(archive, kind, find, entry);
    else if (verdict == SQLITE_DONE)
        state = SB_JOB_UNKNOWN;
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    pthread_mutex_unlock(archive->lock);
    return state;
}

/* The records of a result of usual length are kept with it. */
static bool keep_records(struct sb_archive *archive, struct sb_result *result)
{
    struct sb_result_slice all = {0, sb_result_length(result)};
    if (all.end > KEPT_WHOLE)
        return true;
    if (!sb_archive_read(archive, result->archived_as, all, &result->records) || !sb_result_complete(result))
        return false;
    result->archived_as = 0;
    return true;
}

enum sb_job_state sb_archive_find(struct sb_archive *archive, const struct sb_segment_kind *kind,
                                  struct sb_shelf_entry *entry)
{
    enum sb_job_state state = find_job(archive, kind, entry);
    if (state != SB_JOB_READY || keep_records(archive, entry->result))
        return state;
    sb_result_release(entry->result);
    return SB_JOB_TROUBLE;
}
