#include "bank.h"

#include <stdlib.h>
#include <string.h>

#include "aggregates.h"
#include "label_totals.h"
#include "sandbox/base/database.h"
#include "text_table.h"
#include "value/text.h"

/*
 * transactions is clustered by account and day: what is walked is an account's history. The tables after it are
 * aggregates.
 */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS loads (source TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS users (number INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS accounts ("
    "  number INTEGER PRIMARY KEY, user INTEGER NOT NULL REFERENCES users, account_id TEXT NOT NULL UNIQUE,"
    "  type TEXT NOT NULL, opened INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS accounts_of_user ON accounts (user, account_id);"
    "CREATE TABLE IF NOT EXISTS labels (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS counterparts (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS transactions ("
    "  account INTEGER NOT NULL REFERENCES accounts, day INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    "  amount INTEGER NOT NULL, label INTEGER REFERENCES labels, counterpart INTEGER REFERENCES counterparts,"
    "  PRIMARY KEY (account, day, sequence)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS balances (account INTEGER PRIMARY KEY, amount INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS months ("
    "  account INTEGER NOT NULL, month INTEGER NOT NULL, lowest INTEGER, incoming INTEGER NOT NULL,"
    "  outgoing INTEGER NOT NULL, PRIMARY KEY (account, month)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS premiums ("
    "  account INTEGER NOT NULL, day INTEGER NOT NULL, sequence INTEGER NOT NULL, amount INTEGER NOT NULL,"
    "  label INTEGER NOT NULL, counterpart INTEGER, PRIMARY KEY (account, day, sequence)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS label_totals (account INTEGER NOT NULL, label INTEGER NOT NULL, " SB_LABEL_TOTAL_COLUMNS
    ","
    "  PRIMARY KEY (account, label)) WITHOUT ROWID;";

/* KiB: segments are walked in the order of userIds, which is none in the file. */
#define CACHE "PRAGMA cache_size = -131072"

enum statement_name {
    FIND_LOAD,
    FIND_LOAD_LIKE,
    ADD_LOAD,
    FIND_USER,
    ADD_USER,
    ADD_ACCOUNT,
    FIND_ACCOUNT,
    ADD_TRANSACTION,
    LAST_ACCOUNT,
    FORGET_AGGREGATES,
    REMEMBER_AGGREGATES,
    FIND_AGGREGATES,
    STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
    [FIND_LOAD] = "SELECT 1 FROM loads WHERE source = ?1",
    [FIND_LOAD_LIKE] = "SELECT source FROM loads WHERE source GLOB ?1 LIMIT 1",
    [ADD_LOAD] = "INSERT INTO loads (source) VALUES (?1)",
    [FIND_USER] = "SELECT number FROM users WHERE user_id = ?1",
    [ADD_USER] = "INSERT INTO users (user_id) VALUES (?1)",
    [ADD_ACCOUNT] = "INSERT INTO accounts (user, account_id, type, opened) VALUES (?1, ?2, ?3, ?4)",
    [FIND_ACCOUNT] = "SELECT number FROM accounts WHERE account_id = ?1 AND number > ?2",
    [ADD_TRANSACTION] = "INSERT INTO transactions (account, day, sequence, amount, label, counterpart)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [LAST_ACCOUNT] = "SELECT max(number) FROM accounts",
    [FORGET_AGGREGATES] = "DELETE FROM facts WHERE name = 'reference_date'",
    [REMEMBER_AGGREGATES] = "INSERT OR REPLACE INTO facts (name, value) VALUES ('reference_date', ?1)",
    [FIND_AGGREGATES] = "SELECT value FROM facts WHERE name = 'reference_date'",
};

struct sb_bank {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct sb_text_table *labels;
    struct sb_text_table *counterparts;
    int64_t last_account_before_load;
    int reference_date;
};

/* Runs a bound query of at most one row: its first column, 0 when there is no row. */
static int64_t query_number(sqlite3_stmt *statement, bool *found)
{
    *found = sqlite3_step(statement) == SQLITE_ROW;
    int64_t number = *found ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return number;
}

static bool prepare_statements(struct sb_bank *bank, struct fs_buffer *problem)
{
    for (int i = 0; i < STATEMENTS; i++) {
        bank->statements[i] = sb_database_prepare(bank->database, statement_sql[i], problem);
        if (!bank->statements[i])
            return false;
    }
    bank->labels = sb_text_table_open(bank->database, "labels", problem);
    bank->counterparts = bank->labels ? sb_text_table_open(bank->database, "counterparts", problem) : NULL;
    return bank->counterparts;
}

struct sb_bank *sb_bank_open(const char *file, struct fs_buffer *problem)
{
    struct sb_bank *bank = calloc(1, sizeof *bank);
    if (!bank) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    bank->database = sb_database_open(file, problem);
    if (!bank->database || !sb_database_run(bank->database, CACHE, problem) ||
        !sb_database_run(bank->database, schema, problem) || !prepare_statements(bank, problem)) {
        sb_bank_close(bank);
        return NULL;
    }
    bool found;
    bank->reference_date = (int)query_number(bank->statements[FIND_AGGREGATES], &found);
    return bank;
}

void sb_bank_close(struct sb_bank *bank)
{
    if (!bank)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(bank->statements[i]);
    sb_text_table_close(bank->labels);
    sb_text_table_close(bank->counterparts);
    sqlite3_close(bank->database);
    free(bank);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static bool record_load(struct sb_bank *bank, const char *source, struct fs_buffer *problem)
{
    bool found;
    bank->last_account_before_load = query_number(bank->statements[LAST_ACCOUNT], &found);
    bind_text(bank->statements[ADD_LOAD], 1, source);
    bool recorded = sb_database_execute(bank->statements[ADD_LOAD], problem);
    sqlite3_clear_bindings(bank->statements[ADD_LOAD]);
    return recorded && sb_database_execute(bank->statements[FORGET_AGGREGATES], problem);
}

bool sb_bank_begin_load(struct sb_bank *bank, const char *source, bool *known, struct fs_buffer *problem)
{
    bind_text(bank->statements[FIND_LOAD], 1, source);
    query_number(bank->statements[FIND_LOAD], known);
    sqlite3_clear_bindings(bank->statements[FIND_LOAD]);
    if (*known)
        return true;
    if (!sb_database_run(bank->database, "BEGIN IMMEDIATE", problem))
        return false;
    if (record_load(bank, source, problem))
        return true;
    sb_bank_rollback_load(bank);
    return false;
}

bool sb_bank_find_load(struct sb_bank *bank, const char *pattern, struct fs_buffer *source)
{
    sqlite3_stmt *find = bank->statements[FIND_LOAD_LIKE];
    bind_text(find, 1, pattern);
    bool found = sqlite3_step(find) == SQLITE_ROW;
    if (found)
        fs_buffer_append_text(source, (const char *)sqlite3_column_text(find, 0));
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    return found;
}

bool sb_bank_commit_load(struct sb_bank *bank, struct fs_buffer *problem)
{
    if (sb_database_run(bank->database, "COMMIT", problem))
        return true;
    sb_bank_rollback_load(bank);
    return false;
}

void sb_bank_rollback_load(struct sb_bank *bank)
{
    sb_database_rollback(bank->database);
    sb_text_table_forget(bank->labels);
    sb_text_table_forget(bank->counterparts);
}

int64_t sb_bank_find_user(struct sb_bank *bank, const char *user_id)
{
    bool found;
    bind_text(bank->statements[FIND_USER], 1, user_id);
    return query_number(bank->statements[FIND_USER], &found);
}

int64_t sb_bank_add_user(struct sb_bank *bank, const char *user_id, struct fs_buffer *problem)
{
    int64_t number = sb_bank_find_user(bank, user_id);
    if (number != 0)
        return number;
    bind_text(bank->statements[ADD_USER], 1, user_id);
    return sb_database_execute(bank->statements[ADD_USER], problem) ? sqlite3_last_insert_rowid(bank->database) : 0;
}

int64_t sb_bank_add_account(struct sb_bank *bank, const struct sb_bank_account *account, struct fs_buffer *problem)
{
    sqlite3_stmt *add = bank->statements[ADD_ACCOUNT];
    sqlite3_bind_int64(add, 1, account->user);
    bind_text(add, 2, account->account_id);
    bind_text(add, 3, account->type);
    sqlite3_bind_int(add, 4, account->opened);
    int verdict = sqlite3_step(add);
    sqlite3_reset(add);
    if (verdict == SQLITE_DONE)
        return sqlite3_last_insert_rowid(bank->database);
    if (verdict == SQLITE_CONSTRAINT)
        fs_buffer_printf(problem, "account %s is in the bank already", account->account_id);
    else
        sb_database_describe(bank->database, problem);
    return 0;
}

int64_t sb_bank_find_account(struct sb_bank *bank, const char *account_id)
{
    bool found;
    bind_text(bank->statements[FIND_ACCOUNT], 1, account_id);
    sqlite3_bind_int64(bank->statements[FIND_ACCOUNT], 2, bank->last_account_before_load);
    return query_number(bank->statements[FIND_ACCOUNT], &found);
}

/* Binds the name's number, or NULL when there is no name. */
static bool bind_name(sqlite3_stmt *statement, int place, struct sb_text_table *names, const char *name,
                      struct fs_buffer *problem)
{
    if (!name) {
        sqlite3_bind_null(statement, place);
        return true;
    }
    int64_t number = sb_text_table_number(names, name, problem);
    sqlite3_bind_int64(statement, place, number);
    return number != 0;
}

bool sb_bank_add_transaction(struct sb_bank *bank, const struct sb_bank_transaction *transaction,
                             struct fs_buffer *problem)
{
    sqlite3_stmt *add = bank->statements[ADD_TRANSACTION];
    sqlite3_bind_int64(add, 1, transaction->account);
    sqlite3_bind_int(add, 2, transaction->day);
    sqlite3_bind_int64(add, 3, transaction->sequence);
    sqlite3_bind_int64(add, 4, transaction->amount);
    if (!bind_name(add, 5, bank->labels, transaction->label, problem) ||
        !bind_name(add, 6, bank->counterparts, transaction->counterpart, problem))
        return false;
    int verdict = sqlite3_step(add);
    sqlite3_reset(add);
    if (verdict == SQLITE_DONE)
        return true;
    if (verdict == SQLITE_CONSTRAINT)
        fs_buffer_printf(problem, "transaction %lld is there already", (long long)transaction->sequence);
    else
        sb_database_describe(bank->database, problem);
    return false;
}

static bool make_aggregates(struct sb_bank *bank, int day, struct fs_buffer *problem)
{
    if (!sb_aggregates_make(bank->database, day, problem))
        return false;
    sqlite3_bind_int(bank->statements[REMEMBER_AGGREGATES], 1, day);
    return sb_database_execute(bank->statements[REMEMBER_AGGREGATES], problem);
}

bool sb_bank_set_reference_date(struct sb_bank *bank, int day, struct fs_buffer *problem)
{
    bool found;
    int64_t made_for = query_number(bank->statements[FIND_AGGREGATES], &found);
    bank->reference_date = day;
    if (found && made_for == day)
        return true;
    if (!sb_database_run(bank->database, "BEGIN IMMEDIATE", problem))
        return false;
    if (make_aggregates(bank, day, problem) && sb_database_run(bank->database, "COMMIT", problem))
        return true;
    sb_database_rollback(bank->database);
    return false;
}

int sb_bank_reference_date(const struct sb_bank *bank)
{
    return bank->reference_date;
}

const char *sb_bank_account_type(const char *type)
{
    static const char *const types[] = {
        "CHECKING", "SAVINGS", "CREDIT_CARD", "SECURITY", "LOAN", "BAUSPAREN", "MEMBERSHIP",
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (fs_text_equal_ignoring_case(types[i], type))
            return types[i];
    }
    return NULL;
}

sqlite3 *sb_bank_database(const struct sb_bank *bank)
{
    return bank->database;
}
