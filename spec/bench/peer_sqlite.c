#include "peer_sqlite.h"

#include <sqlite3.h>
#include <stdbool.h>

#include "measure.h"

static bool fill(sqlite3 *db, const char *insert, const struct fs_uuid *ids, size_t count)
{
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_prepare_v2(db, insert, -1, &statement, NULL) == SQLITE_OK;
    for (size_t i = 0; done && i < count; i++) {
        done = sqlite3_bind_blob(statement, 1, &ids[i], sizeof ids[i], SQLITE_STATIC) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return done;
}

static bool count_common(sqlite3 *db, size_t *found)
{
    sqlite3_stmt *statement = NULL;
    /* In order, SQLite merges the two; otherwise it would look up each id. */
    static const char query[] = "SELECT count(*) FROM (SELECT id FROM l INTERSECT SELECT id FROM r ORDER BY 1)";
    bool done =
        sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (done)
        *found = (size_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return done;
}

double peer_sqlite_intersect(const struct fs_uuid *left, const struct fs_uuid *right, size_t count, size_t *found)
{
    static const char create[] = "CREATE TABLE l (id BLOB PRIMARY KEY) WITHOUT ROWID;"
                                 "CREATE TABLE r (id BLOB PRIMARY KEY) WITHOUT ROWID;"
                                 "BEGIN";
    sqlite3 *db = NULL;
    double seconds = -1;
    if (sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_exec(db, create, NULL, NULL, NULL) == SQLITE_OK &&
        fill(db, "INSERT INTO l VALUES (?)", left, count) && fill(db, "INSERT INTO r VALUES (?)", right, count) &&
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
        double start = measure_now();
        if (count_common(db, found))
            seconds = measure_now() - start;
    }
    sqlite3_close(db);
    return seconds;
}
