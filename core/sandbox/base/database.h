/*
 * SQLite with its failures as text. `problem` receives one line, without an end of line, when a function answers false
 * or NULL.
 */
#ifndef FINSEG_SANDBOX_DATABASE_H
#define FINSEG_SANDBOX_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "value/buffer.h"

/*
 * One sandbox a database: two would compute each other's jobs. Makes FILE when it is not there, for its owner alone,
 * and locks it until sb_database_unlock() or the end of the process. -1 with a `problem`, for instance when another
 * process holds the lock. Take it before SQLite opens FILE and give it back after SQLite closed it: to close any
 * descriptor of FILE ends SQLite's own locks.
 */
int sb_database_lock(const char *file, struct fs_buffer *problem);
/* -1 is allowed. */
void sb_database_unlock(int lock);

/*
 * Opens FILE in WAL mode, unless another version of the sandbox made it, or a private database in memory when `file` is
 * NULL. Close it with sqlite3_close().
 */
sqlite3 *sb_database_open(const char *file, struct fs_buffer *problem);
/* Runs statements that answer no rows. */
bool sb_database_run(sqlite3 *database, const char *sql, struct fs_buffer *problem);
sqlite3_stmt *sb_database_prepare(sqlite3 *database, const char *sql, struct fs_buffer *problem);
/* Runs a prepared statement that answers no rows, and resets it. */
bool sb_database_execute(sqlite3_stmt *statement, struct fs_buffer *problem);
/* Ends a transaction that failed. */
void sb_database_rollback(sqlite3 *database);
/* What SQLite said last. */
void sb_database_describe(sqlite3 *database, struct fs_buffer *problem);

#endif
