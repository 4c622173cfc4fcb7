/*
 * Module "finseg.store.sqlite": texts under keys in a file, each with an end by the wall clock, shared by processes.
 * What finseg.store.file stands on, and a module of its own, so that finseg itself needs no SQLite.
 *
 * Functions that can fail answer nil, a reason, and a word for the problem: "newer" (a later finseg made the
 * file), "foreign" (no store of finseg), "corrupt", "locked" (another process kept it too long), "readonly", "full",
 * "access", "resource" (memory or file descriptors ran out) or "other".
 *
 * Notices tell the other processes that there is something new about a key. Version 1 of the file had none.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../module.h"
#include "value/shortage.h"

static const char store_type[] = "finseg.store.sqlite";

/* Kept in the file's header: whose it is ("fins"), and the version of the table below. */
enum { APPLICATION_ID = 0x66696e73, SCHEMA_VERSION = 2 };
enum { LOCK_PATIENCE = 2000 /* milliseconds */, OWNER_ONLY = 0600, OTHERS = 077 };

enum statement {
    GET,
    PUT,
    PUT_IF_ABSENT,
    PUT_IF,
    DELETE,
    DELETE_IF,
    LIST,
    SWEEP,
    SWEEP_NOTICES,
    NOTIFY,
    NEWEST_NOTICE,
    NOTICES,
    DATA_VERSION,
    STATEMENTS
};

static const char *const statement_texts[STATEMENTS] = {
    [GET] = "SELECT value FROM entry WHERE key = ?1 AND ends > ?2",
    [PUT] = "INSERT OR REPLACE INTO entry (key, value, ends) VALUES (?1, ?3, ?4)",
    [PUT_IF_ABSENT] = "INSERT INTO entry (key, value, ends) VALUES (?1, ?3, ?4)"
                      " ON CONFLICT (key) DO UPDATE SET value = ?3, ends = ?4 WHERE ends <= ?2",
    [PUT_IF] = "UPDATE entry SET value = ?3, ends = ?4 WHERE key = ?1 AND ends > ?2 AND value = ?5",
    [DELETE] = "DELETE FROM entry WHERE key = ?1 AND ends > ?2",
    [DELETE_IF] = "DELETE FROM entry WHERE key = ?1 AND ends > ?2 AND value = ?3",
    /* As blobs: length() and substr() of text count characters, and end at a zero byte. */
    [LIST] = "SELECT key, value, ends FROM entry WHERE key >= ?1 "
             "AND substr(CAST(key AS BLOB), 1, length(CAST(?1 AS BLOB))) = CAST(?1 AS BLOB) AND ends > ?2 "
             "ORDER BY key",
    [SWEEP] = "DELETE FROM entry WHERE ends <= ?2",
    [SWEEP_NOTICES] = "DELETE FROM notice WHERE ends <= ?2",
    [NOTIFY] = "INSERT INTO notice (key, writer, ends) VALUES (?1, ?3, ?2 + 86400)", /* they are kept for a day */
    [NEWEST_NOTICE] = "SELECT coalesce(max(number), 0) FROM notice",
    [NOTICES] = "SELECT number, key FROM notice WHERE number > ?1 AND writer <> ?2 ORDER BY number",
    [DATA_VERSION] = "PRAGMA data_version", /* changes whenever another connection has changed the file */
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL, ends REAL NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS entry_ends ON entry (ends);"
    "CREATE TABLE IF NOT EXISTS notice (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL,"
    " writer INTEGER NOT NULL, ends REAL NOT NULL);"
    "PRAGMA application_id = 1718185587;"
    "PRAGMA user_version = 2;"
    "COMMIT";
_Static_assert(APPLICATION_ID == 1718185587, "the schema's application_id");
_Static_assert(SCHEMA_VERSION == 2, "the schema's user_version");

struct store {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    sqlite3_int64 writer;       /* tells this store's own notices */
    sqlite3_int64 newest_heard; /* number of the last notice that was handed over */
    sqlite3_int64 data_version; /* of the file when notices were read last */
};

/* ---- failing ---- */

static int fail(lua_State *L, const char *reason, const char *kind)
{
    lua_pushnil(L);
    lua_pushstring(L, reason);
    lua_pushstring(L, kind);
    return 3;
}

/* What ran out if that is why SQLite failed, else NULL. */
static const char *find_shortage(sqlite3 *database, int result)
{
    switch (result & 0xff) {
    case SQLITE_NOMEM:
        return fs_out_of_memory;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return database ? fs_shortage(sqlite3_system_errno(database)) : NULL;
    default:
        return NULL;
    }
}

static int fail_with_result(lua_State *L, sqlite3 *database, int result)
{
    const char *reason = database ? sqlite3_errmsg(database) : sqlite3_errstr(result);
    const char *shortage = find_shortage(database, result);
    if (shortage)
        return fail(L, shortage, "resource");
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail(L, reason, "locked");
    case SQLITE_READONLY:
        return fail(L, reason, "readonly");
    case SQLITE_CORRUPT:
        return fail(L, reason, "corrupt");
    case SQLITE_NOTADB:
        return fail(L, reason, "foreign");
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return fail(L, reason, "full");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return fail(L, reason, "access");
    default:
        return fail(L, reason, "other");
    }
}

/* ---- opening and closing ---- */

static void close_store(struct store *store)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->database);
    *store = (struct store){0};
}

static int collect_store(lua_State *L)
{
    close_store(luaL_checkudata(L, 1, store_type));
    return 0;
}

/* SQLite would make the file as wide open as the umask lets it, and the files beside it as wide as that one. 0, or an
 * errno. */
static int create_for_owner_only(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OWNER_ONLY);
    if (descriptor < 0)
        return errno == EEXIST ? 0 : errno;
    close(descriptor);
    return 0;
}

/* Makes a store that was there already the owner's alone. By its name: to close a descriptor of it would release every
 * lock that this process has on it. */
static bool keep_from_others(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    return (status.st_mode & OTHERS) == 0 || chmod(path, status.st_mode & OWNER_ONLY) == 0;
}

static int read_number(sqlite3 *database, const char *query, int *number)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database, query, -1, &statement, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        *number = sqlite3_column_int(statement, 0);
        result = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return result;
}

/* Puts the table into an empty file; a file of somebody else's, or of a later finseg, is left as it is. NULL or the
 * kind of failure. */
static const char *check_schema(sqlite3 *database, int *result)
{
    int application = 0;
    int version = 0;
    int tables = 0;
    *result = read_number(database, "PRAGMA application_id", &application);
    if (*result == SQLITE_OK)
        *result = read_number(database, "PRAGMA user_version", &version);
    if (*result == SQLITE_OK)
        *result = read_number(database, "SELECT count(*) FROM sqlite_schema", &tables);
    if (*result != SQLITE_OK)
        return NULL;
    if (application != APPLICATION_ID && (application != 0 || tables != 0))
        return "foreign";
    if (version > SCHEMA_VERSION)
        return "newer";
    if (version < SCHEMA_VERSION)
        *result = sqlite3_exec(database, schema, NULL, NULL, NULL);
    return NULL;
}

static int prepare_statements(struct store *store)
{
    int result = SQLITE_OK;
    for (int i = 0; i < STATEMENTS && result == SQLITE_OK; i++)
        result = sqlite3_prepare_v3(store->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statements[i], NULL);
    return result;
}

/* open(path) -> store | nil, reason, kind */
static int store_open(lua_State *L)
{
    size_t length = 0;
    const char *path = luaL_checklstring(L, 1, &length);
    if (length == 0 || strlen(path) != length)
        return fail(L, "this is no name of a file", "access");
    struct store *store = lua_newuserdata(L, sizeof *store);
    *store = (struct store){0};
    sqlite3_randomness(sizeof store->writer, &store->writer);
    luaL_getmetatable(L, store_type);
    lua_setmetatable(L, -2);
    int problem = create_for_owner_only(path);
    if (fs_shortage(problem))
        return fail(L, fs_shortage(problem), "resource");
    if (problem != 0)
        return fail(L, strerror(problem), problem == EROFS ? "readonly" : "access");
    int result = sqlite3_open_v2(path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    const char *kind = NULL;
    if (result == SQLITE_OK)
        result = sqlite3_busy_timeout(store->database, LOCK_PATIENCE);
    if (result == SQLITE_OK && sqlite3_db_readonly(store->database, "main") == 1)
        result = SQLITE_READONLY;
    if (result == SQLITE_OK)
        kind = check_schema(store->database, &result);
    if (!kind && result == SQLITE_OK)
        result = prepare_statements(store);
    if (kind)
        return fail(L, strcmp(kind, "newer") == 0 ? "its version is higher" : "it holds something else", kind);
    if (result == SQLITE_READONLY)
        return fail(L, "it may not be written", "readonly");
    if (result == SQLITE_OK && !keep_from_others(path))
        return fail(L, "others may read it, and it belongs to another user", "access");
    return result == SQLITE_OK ? 1 : fail_with_result(L, store->database, result);
}

/* ---- keys and values ---- */

static struct store *check_store(lua_State *L)
{
    struct store *store = luaL_checkudata(L, 1, store_type);
    if (!store->database)
        luaL_error(L, "finseg: the store is closed");
    return store;
}

/* The statement with ?1 the key (argument 2) and ?2 the time now (argument 3). */
static sqlite3_stmt *bind(lua_State *L, struct store *store, enum statement which)
{
    sqlite3_stmt *statement = store->statements[which];
    size_t length = 0;
    const char *key = luaL_checklstring(L, 2, &length);
    double now = luaL_checknumber(L, 3);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    sqlite3_bind_text(statement, 1, key, (int)length, SQLITE_STATIC);
    sqlite3_bind_double(statement, 2, now);
    return statement;
}

static void bind_text_as_blob(lua_State *L, sqlite3_stmt *statement, int parameter, int argument)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, argument, &length);
    sqlite3_bind_blob(statement, parameter, text, (int)length, SQLITE_STATIC);
}

/* Runs a change; answers whether it changed anything. The values bound are Lua's, so they are let go of at once. */
static int run_change(lua_State *L, struct store *store, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    int changes = sqlite3_changes(store->database);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (result != SQLITE_DONE)
        return fail_with_result(L, store->database, result);
    lua_pushboolean(L, changes > 0);
    return 1;
}

/* store:get(key, now) -> value | nil when there is none | nil, reason, kind */
static int store_get(lua_State *L)
{
    struct store *store = check_store(L);
    sqlite3_stmt *statement = bind(L, store, GET);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        lua_pushlstring(L, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (result == SQLITE_ROW)
        return 1;
    return result == SQLITE_DONE ? 0 : fail_with_result(L, store->database, result);
}

/* store:put(key, now, value, ends [, expected]) -> whether it was put | nil, reason, kind. Expected: false, nothing is
 * there; text, exactly that; nil, anything. */
static int store_put(lua_State *L)
{
    struct store *store = check_store(L);
    luaL_checkstring(L, 4);
    double ends = luaL_checknumber(L, 5);
    enum statement which = PUT;
    if (lua_toboolean(L, 6))
        which = PUT_IF;
    else if (!lua_isnoneornil(L, 6))
        which = PUT_IF_ABSENT;
    if (which == PUT_IF)
        luaL_checkstring(L, 6);
    sqlite3_stmt *statement = bind(L, store, which);
    bind_text_as_blob(L, statement, 3, 4);
    sqlite3_bind_double(statement, 4, ends);
    if (which == PUT_IF)
        bind_text_as_blob(L, statement, 5, 6);
    return run_change(L, store, statement);
}

/* store:delete(key, now [, value]) -> whether there was one, of that value when one is given | nil, reason, kind */
static int store_delete(lua_State *L)
{
    struct store *store = check_store(L);
    bool only_value = !lua_isnoneornil(L, 4);
    if (only_value)
        luaL_checkstring(L, 4);
    sqlite3_stmt *statement = bind(L, store, only_value ? DELETE_IF : DELETE);
    if (only_value)
        bind_text_as_blob(L, statement, 3, 4);
    return run_change(L, store, statement);
}

/* store:list(prefix, now) -> a list of { key, value, ends }, sorted by key | nil, reason, kind */
static int store_list(lua_State *L)
{
    struct store *store = check_store(L);
    lua_newtable(L);
    sqlite3_stmt *statement = bind(L, store, LIST);
    int result = SQLITE_ROW;
    for (int i = 1; (result = sqlite3_step(statement)) == SQLITE_ROW; i++) {
        lua_createtable(L, 3, 0);
        lua_pushlstring(L, (const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        lua_rawseti(L, -2, 1);
        lua_pushlstring(L, sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
        lua_rawseti(L, -2, 2);
        lua_pushnumber(L, sqlite3_column_double(statement, 2));
        lua_rawseti(L, -2, 3);
        lua_rawseti(L, -2, i);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result == SQLITE_DONE ? 1 : fail_with_result(L, store->database, result);
}

/* store:sweep("", now) -> whether any entry had ended, which is gone now | nil, reason, kind */
static int store_sweep(lua_State *L)
{
    struct store *store = check_store(L);
    int count = run_change(L, store, bind(L, store, SWEEP_NOTICES));
    if (count > 1)
        return count;
    return run_change(L, store, bind(L, store, SWEEP));
}

/* ---- notices ---- */

/* store:notify(key, now) -> true | nil, reason, kind */
static int store_notify(lua_State *L)
{
    struct store *store = check_store(L);
    sqlite3_stmt *statement = bind(L, store, NOTIFY);
    sqlite3_bind_int64(statement, 3, store->writer);
    return run_change(L, store, statement);
}

static int read_integer(struct store *store, enum statement which, sqlite3_int64 *value)
{
    sqlite3_stmt *statement = store->statements[which];
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return result == SQLITE_ROW ? SQLITE_OK : result;
}

/* store:hear() -> true: heard() answers the notices from now on | nil, reason, kind */
static int store_hear(lua_State *L)
{
    struct store *store = check_store(L);
    int result = read_integer(store, NEWEST_NOTICE, &store->newest_heard);
    if (result != SQLITE_OK)
        return fail_with_result(L, store->database, result);
    lua_pushboolean(L, 1);
    return 1;
}

/* Pushes the list of the keys in new notices of others. */
static int push_notices(lua_State *L, struct store *store)
{
    sqlite3_stmt *statement = store->statements[NOTICES];
    sqlite3_int64 newest = store->newest_heard;
    sqlite3_bind_int64(statement, 1, newest);
    sqlite3_bind_int64(statement, 2, store->writer);
    int result = SQLITE_ROW;
    for (int i = 1; (result = sqlite3_step(statement)) == SQLITE_ROW; i++) {
        newest = sqlite3_column_int64(statement, 0);
        lua_pushlstring(L, (const char *)sqlite3_column_text(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
        lua_rawseti(L, -2, i);
    }
    sqlite3_reset(statement);
    if (result == SQLITE_DONE)
        store->newest_heard = newest;
    return result;
}

/* store:heard() -> a list of the keys that others have notified since hear() or the last call | nil, reason, kind */
static int store_heard(lua_State *L)
{
    struct store *store = check_store(L);
    sqlite3_int64 version = 0;
    lua_newtable(L);
    int result = read_integer(store, DATA_VERSION, &version);
    if (result == SQLITE_OK && version == store->data_version)
        return 1;
    if (result == SQLITE_OK)
        result = push_notices(L, store);
    if (result != SQLITE_DONE)
        return fail_with_result(L, store->database, result);
    store->data_version = version;
    return 1;
}

FS_LUA_MODULE int luaopen_finseg_store_sqlite(lua_State *L);

int luaopen_finseg_store_sqlite(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"get", store_get},   {"put", store_put},     {"delete", store_delete},
        {"list", store_list}, {"sweep", store_sweep}, {"notify", store_notify},
        {"hear", store_hear}, {"heard", store_heard}, {"close", collect_store},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", store_open}, {NULL, NULL}};
    fs_lua_register_type(L, store_type, methods, collect_store);
    lua_newtable(L);
    fs_lua_set_functions(L, functions);
    return 1;
}
