#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* FORMAT is the user_version of our files: a change of any table makes it one more. */
enum { BUSY_TIMEOUT_MS = 10000, FORMAT = 1 };

int sb_database_lock(const char *file, struct fs_buffer *problem)
{
    int lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    if (lock >= 0 && errno == EWOULDBLOCK)
        fs_buffer_printf(problem, "%s is in use by another sandbox: end that one, or take another --db", file);
    else
        fs_buffer_printf(problem, "database: %s: %s", file, strerror(errno));
    sb_database_unlock(lock);
    return -1;
}

void sb_database_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

void sb_database_describe(sqlite3 *database, struct fs_buffer *problem)
{
    fs_buffer_printf(problem, "database: %s", database ? sqlite3_errmsg(database) : "out of memory");
}

/* The first column of a query of one row; -1 with a `problem`. */
static int query_number(sqlite3 *database, const char *sql, struct fs_buffer *problem)
{
    sqlite3_stmt *query = sb_database_prepare(database, sql, problem);
    int number = -1;
    if (query && sqlite3_step(query) == SQLITE_ROW)
        number = sqlite3_column_int(query, 0);
    else if (query)
        sb_database_describe(database, problem);
    sqlite3_finalize(query);
    return number;
}

/* Writes our format into an empty file, and refuses any other format. */
static bool check_format(sqlite3 *database, const char *file, struct fs_buffer *problem)
{
    int format = query_number(database, "PRAGMA user_version", problem);
    int tables = query_number(database, "SELECT count(*) FROM sqlite_master", problem);
    if (format < 0 || tables < 0)
        return false;
    if (format == 0 && tables == 0) {
        char sql[40];
        sqlite3_snprintf(sizeof sql, sql, "PRAGMA user_version = %d", FORMAT);
        return sb_database_run(database, sql, problem);
    }
    if (format != FORMAT)
        fs_buffer_printf(problem,
                         "%s is of format %d and was made by another version, which alone can --export it: "
                         "this one reads format %d; take another --db",
                         file, format, FORMAT);
    return format == FORMAT;
}

static bool set_up(sqlite3 *database, const char *file, struct fs_buffer *problem)
{
    sqlite3_busy_timeout(database, BUSY_TIMEOUT_MS);
    /* Records of some two kilobytes leave half of the usual pages empty; a bank in a file is read faster with those. */
    if (!file)
        return sb_database_run(database, "PRAGMA page_size = 16384", problem);
    return check_format(database, file, problem) &&
           sb_database_run(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", problem);
}

sqlite3 *sb_database_open(const char *file, struct fs_buffer *problem)
{
    sqlite3 *database = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file ? file : ":memory:", &database, flags, NULL) != SQLITE_OK)
        sb_database_describe(database, problem);
    else if (set_up(database, file, problem))
        return database;
    sqlite3_close(database);
    return NULL;
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
