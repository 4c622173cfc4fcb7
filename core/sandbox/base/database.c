#include "database.h"

enum { BUSY_TIMEOUT_MS = 10000 };

void sb_database_describe(sqlite3 *database, struct fs_buffer *problem)
{
    fs_buffer_printf(problem, "database: %s", database ? sqlite3_errmsg(database) : "out of memory");
}

sqlite3 *sb_database_open(const char *file, struct fs_buffer *problem)
{
    sqlite3 *database = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file ? file : ":memory:", &database, flags, NULL) != SQLITE_OK) {
        sb_database_describe(database, problem);
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_busy_timeout(database, BUSY_TIMEOUT_MS);
    if (file && !sb_database_run(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", problem)) {
        sqlite3_close(database);
        return NULL;
    }
    return database;
}

bool sb_database_run(sqlite3 *database, const char *sql, struct fs_buffer *problem)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    sb_database_describe(database, problem);
    return false;
}

sqlite3_stmt *sb_database_prepare(sqlite3 *database, const char *sql, struct fs_buffer *problem)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        sb_database_describe(database, problem);
    return statement;
}

bool sb_database_execute(sqlite3_stmt *statement, struct fs_buffer *problem)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        sb_database_describe(sqlite3_db_handle(statement), problem);
    sqlite3_reset(statement);
    return done;
}

void sb_database_rollback(sqlite3 *database)
{
    sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
}
