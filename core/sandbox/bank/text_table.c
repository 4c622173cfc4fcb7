#include "text_table.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/base/database.h"
#include "value/text.h"

/* A name has one place in the cache, by its hash; the one that was there goes. A power of two. */
enum { PLACES = 4096 };

struct place {
    char *name;
    int64_t number;
};

struct sb_text_table {
    sqlite3_stmt *find;
    sqlite3_stmt *add;
    struct place cache[PLACES];
};

static sqlite3_stmt *prepare(sqlite3 *database, const char *form, const char *table, struct fs_buffer *problem)
{
    char *sql = sqlite3_mprintf(form, table);
    sqlite3_stmt *statement = NULL;
    if (sql)
        statement = sb_database_prepare(database, sql, problem);
    else
        fs_buffer_append_text(problem, "out of memory");
    sqlite3_free(sql);
    return statement;
}

struct sb_text_table *sb_text_table_open(sqlite3 *database, const char *table, struct fs_buffer *problem)
{
    struct sb_text_table *names = calloc(1, sizeof *names);
    if (!names) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    names->find = prepare(database, "SELECT number FROM %s WHERE name = ?1", table, problem);
    names->add = names->find ? prepare(database, "INSERT INTO %s (name) VALUES (?1)", table, problem) : NULL;
    if (names->add)
        return names;
    sb_text_table_close(names);
    return NULL;
}

void sb_text_table_close(struct sb_text_table *names)
{
    if (!names)
        return;
    sb_text_table_forget(names);
    sqlite3_finalize(names->find);
    sqlite3_finalize(names->add);
    free(names);
}

void sb_text_table_forget(struct sb_text_table *names)
{
    for (size_t i = 0; i < PLACES; i++) {
        free(names->cache[i].name);
        names->cache[i].name = NULL;
    }
}

/* FNV-1a. */
static size_t place_of(const char *name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    return (hash ^ (hash >> 16)) % PLACES;
}

static int64_t find_or_add(struct sb_text_table *names, const char *name, struct fs_buffer *problem)
{
    sqlite3_bind_text(names->find, 1, name, -1, SQLITE_STATIC);
    bool found = sqlite3_step(names->find) == SQLITE_ROW;
    int64_t number = found ? sqlite3_column_int64(names->find, 0) : 0;
    sqlite3_reset(names->find);
    if (found)
        return number;
    sqlite3_bind_text(names->add, 1, name, -1, SQLITE_STATIC);
    return sb_database_execute(names->add, problem) ? sqlite3_last_insert_rowid(sqlite3_db_handle(names->add)) : 0;
}

int64_t sb_text_table_number(struct sb_text_table *names, const char *name, struct fs_buffer *problem)
{
    struct place *place = &names->cache[place_of(name)];
    if (place->name && strcmp(place->name, name) == 0)
        return place->number;
    int64_t number = find_or_add(names, name, problem);
    if (number == 0)
        return 0;
    free(place->name);
    place->name = fs_text_copy(name, strlen(name)); /* without memory it is looked up again */
    place->number = number;
    return number;
}
