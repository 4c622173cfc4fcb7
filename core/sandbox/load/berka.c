#include "berka.h"

#include <string.h>

#include "amount.h"
#include "csv_reader.h"
#include "sandbox/base/database.h"
#include "sandbox/base/date.h"

enum { SEPARATOR = ';', LONGEST_ID = 18 /* digits */ };

/* Columns, in the order of the files. */
enum account_column { ACCOUNT_ID, ACCOUNT_DISTRICT, ACCOUNT_FREQUENCY, ACCOUNT_OPENED, ACCOUNT_COLUMNS };
enum disp_column { DISP_ID, DISP_CLIENT, DISP_ACCOUNT, DISP_TYPE, DISP_COLUMNS };
enum trans_column {
    TRANS_ID,
    TRANS_ACCOUNT,
    TRANS_DATE,
    TRANS_TYPE,
    TRANS_OPERATION,
    TRANS_AMOUNT,
    TRANS_BALANCE,
    TRANS_K_SYMBOL,
    TRANS_BANK,
    TRANS_PARTNER,
    TRANS_COLUMNS
};

static const char *const account_header[ACCOUNT_COLUMNS] = {"account_id", "district_id", "frequency", "date"};
static const char *const disp_header[DISP_COLUMNS] = {"disp_id", "client_id", "account_id", "type"};
static const char *const trans_header[TRANS_COLUMNS] = {"trans_id", "account_id", "date",     "type", "operation",
                                                        "amount",   "balance",    "k_symbol", "bank", "account"};

static const struct {
    const char *k_symbol;
    const char *label;
} labels[] = {
    {"", NULL},
    {"POJISTNE", "INSURANCE"},
    {"DUCHOD", "PENSION"},
    {"UROK", "INTEREST"},
    {"SANKC. UROK", "OVERDRAFT_INTEREST"},
    {"SIPO", "HOUSEHOLD"},
    {"SLUZBY", "FEE"},
    {"UVER", "LOAN"},
};

/* What one import needs to remember between the files is in two temporary tables. */
static const char scratch_schema[] = "CREATE TEMP TABLE berka_accounts (account_id TEXT PRIMARY KEY, opened INTEGER, "
                                     "line INTEGER, owned INTEGER DEFAULT 0);"
                                     "CREATE TEMP TABLE berka_transactions (trans_id INTEGER PRIMARY KEY);";
static const char scratch_end[] =
    "DROP TABLE IF EXISTS temp.berka_accounts; DROP TABLE IF EXISTS temp.berka_transactions;";

struct import {
    struct sb_bank *bank;
    const char *directory;
    struct fs_buffer *problem;
    struct sb_csv_reader reader; /* the file being read */
    sqlite3_stmt *add_account;
    sqlite3_stmt *find_account;
    sqlite3_stmt *mark_owned;
    sqlite3_stmt *find_orphan;
    sqlite3_stmt *add_transaction;
};

/* ---- fields ---------------------------------------------------------------------------------------------- */

/* An id is kept as its text, so it has one spelling: digits without leading zeros. */
static bool check_id(struct import *import, size_t field)
{
    const struct sb_csv_field *id = &import->reader.fields[field];
    bool right = id->length > 0 && id->length <= LONGEST_ID && id->text[0] != '0' &&
                 strspn(id->text, "0123456789") == id->length;
    return right ||
           sb_csv_reader_refuse(&import->reader, field, import->problem, "'%s' is not an id (digits)", id->text);
}

static int64_t id_number(const struct sb_csv_field *id)
{
    int64_t number = 0;
    for (size_t i = 0; i < id->length; i++)
        number = number * 10 + (id->text[i] - '0');
    return number;
}

static bool read_date(struct import *import, size_t field, int *day)
{
    const struct sb_csv_field *date = &import->reader.fields[field];
    return sb_date_parse_short(date->text, date->length, day) ||
           sb_csv_reader_refuse(&import->reader, field, import->problem, "'%s' is not a date (YYMMDD)", date->text);
}

static bool read_cents(struct import *import, size_t field, int64_t *cents)
{
    const struct sb_csv_field *amount = &import->reader.fields[field];
    const char *wrong = sb_amount_read(amount->text, amount->length, cents);
    return !wrong || sb_csv_reader_refuse(&import->reader, field, import->problem, "'%s' %s", amount->text, wrong);
}

/* ---- account.asc ----------------------------------------------------------------------------------------- */

static bool read_account(void *owner)
{
    struct import *import = owner;
    int opened;
    const struct sb_csv_field *fields = import->reader.fields;
    if (!check_id(import, ACCOUNT_ID) || !read_date(import, ACCOUNT_OPENED, &opened))
        return false;
    sqlite3_bind_text(import->add_account, 1, fields[ACCOUNT_ID].text, -1, SQLITE_STATIC);
    sqlite3_bind_int(import->add_account, 2, opened);
    sqlite3_bind_int64(import->add_account, 3, (sqlite3_int64)import->reader.line_number);
    int verdict = sqlite3_step(import->add_account);
    sqlite3_reset(import->add_account);
    return verdict == SQLITE_DONE || sb_csv_reader_refuse(&import->reader, ACCOUNT_ID, import->problem,
                                                          "account %s appears twice", fields[ACCOUNT_ID].text);
}

/* ---- disp.asc -------------------------------------------------------------------------------------------- */

/* Looks up an account of account.asc. */
static bool find_scratch_account(struct import *import, const char *account_id, int *opened, bool *owned)
{
    sqlite3_stmt *find = import->find_account;
    sqlite3_bind_text(find, 1, account_id, -1, SQLITE_STATIC);
    bool found = sqlite3_step(find) == SQLITE_ROW;
    if (found) {
        *opened = sqlite3_column_int(find, 0);
        *owned = sqlite3_column_int(find, 1) != 0;
    }
    sqlite3_reset(find);
    return found;
}

static bool load_owner(struct import *import, int opened)
{
    const struct sb_csv_field *fields = import->reader.fields;
    struct fs_buffer reason = {0};
    struct sb_bank_account account = {
        .user = sb_bank_add_user(import->bank, fields[DISP_CLIENT].text, &reason),
        .account_id = fields[DISP_ACCOUNT].text,
        .type = "CHECKING",
        .opened = opened,
    };
    bool loaded = account.user != 0 && sb_bank_add_account(import->bank, &account, &reason) != 0;
    if (!loaded)
        sb_csv_reader_refuse(&import->reader, DISP_ACCOUNT, import->problem, "%s",
                             reason.data ? reason.data : "out of memory");
    fs_buffer_free(&reason);
    sqlite3_bind_text(import->mark_owned, 1, account.account_id, -1, SQLITE_STATIC);
    return loaded && sb_database_execute(import->mark_owned, import->problem);
}

static bool read_disp(void *owner)
{
    struct import *import = owner;
    const struct sb_csv_field *fields = import->reader.fields;
    const char *account_id = fields[DISP_ACCOUNT].text;
    int opened = 0;
    bool owned = false;
    if (!check_id(import, DISP_ID) || !check_id(import, DISP_CLIENT) || !check_id(import, DISP_ACCOUNT))
        return false;
    if (!find_scratch_account(import, account_id, &opened, &owned))
        return sb_csv_reader_refuse(&import->reader, DISP_ACCOUNT, import->problem,
                                    "there is no account %s in account.asc", account_id);
    if (strcmp(fields[DISP_TYPE].text, "DISPONENT") == 0)
        return true;
    if (strcmp(fields[DISP_TYPE].text, "OWNER") != 0)
        return sb_csv_reader_refuse(&import->reader, DISP_TYPE, import->problem, "'%s' is neither OWNER nor DISPONENT",
                                    fields[DISP_TYPE].text);
    if (owned)
        return sb_csv_reader_refuse(&import->reader, DISP_ACCOUNT, import->problem, "account %s has a second OWNER",
                                    account_id);
    return load_owner(import, opened);
}

static bool check_owners(struct import *import)
{
    bool orphan = sqlite3_step(import->find_orphan) == SQLITE_ROW;
    if (orphan)
        fs_buffer_printf(import->problem, "%s/account.asc:%lld:1: account %s has no OWNER in disp.asc",
                         import->directory, (long long)sqlite3_column_int64(import->find_orphan, 1),
                         sqlite3_column_text(import->find_orphan, 0));
    sqlite3_reset(import->find_orphan);
    return !orphan;
}

/* ---- trans.asc ------------------------------------------------------------------------------------------- */

static bool read_amount(struct import *import, int64_t *cents)
{
    const char *type = import->reader.fields[TRANS_TYPE].text;
    bool debit = strcmp(type, "VYDAJ") == 0 || strcmp(type, "VYBER") == 0;
    int64_t balance;
    if (!debit && strcmp(type, "PRIJEM") != 0)
        return sb_csv_reader_refuse(&import->reader, TRANS_TYPE, import->problem,
                                    "'%s' is none of PRIJEM, VYDAJ, VYBER", type);
    if (!read_cents(import, TRANS_AMOUNT, cents) || !read_cents(import, TRANS_BALANCE, &balance))
        return false;
    if (*cents < 0)
        return sb_csv_reader_refuse(&import->reader, TRANS_AMOUNT, import->problem, "the amount is negative");
    *cents = debit ? -*cents : *cents;
    return true;
}

static bool read_label(struct import *import, const char **label)
{
    const char *k_symbol = import->reader.fields[TRANS_K_SYMBOL].text;
    const char *trimmed = k_symbol + strspn(k_symbol, " ");
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (strcmp(labels[i].k_symbol, trimmed) == 0) {
            *label = labels[i].label;
            return true;
        }
    }
    return sb_csv_reader_refuse(&import->reader, TRANS_K_SYMBOL, import->problem, "'%s' is not a known k_symbol",
                                k_symbol);
}

/* "bank/account" when the row names both; an empty buffer otherwise. */
static void append_counterpart(const struct import *import, struct fs_buffer *counterpart)
{
    const struct sb_csv_field *fields = import->reader.fields;
    if (fields[TRANS_BANK].length > 0 && fields[TRANS_PARTNER].length > 0)
        fs_buffer_printf(counterpart, "%s/%s", fields[TRANS_BANK].text, fields[TRANS_PARTNER].text);
}

static bool is_new_transaction(struct import *import)
{
    const struct sb_csv_field *id = &import->reader.fields[TRANS_ID];
    sqlite3_bind_int64(import->add_transaction, 1, id_number(id));
    int verdict = sqlite3_step(import->add_transaction);
    sqlite3_reset(import->add_transaction);
    return verdict == SQLITE_DONE ||
           sb_csv_reader_refuse(&import->reader, TRANS_ID, import->problem, "transaction %s appears twice", id->text);
}

static bool load_transaction(struct import *import, struct sb_bank_transaction *transaction)
{
    struct fs_buffer counterpart = {0};
    struct fs_buffer reason = {0};
    append_counterpart(import, &counterpart);
    transaction->counterpart = counterpart.length > 0 ? counterpart.data : NULL;
    bool loaded = !counterpart.failed && sb_bank_add_transaction(import->bank, transaction, &reason);
    if (!loaded)
        sb_csv_reader_refuse(&import->reader, TRANS_ID, import->problem, "%s",
                             reason.data ? reason.data : "out of memory");
    fs_buffer_free(&counterpart);
    fs_buffer_free(&reason);
    return loaded;
}

static bool read_transaction(void *owner)
{
    struct import *import = owner;
    const struct sb_csv_field *fields = import->reader.fields;
    struct sb_bank_transaction transaction = {0};
    if (!check_id(import, TRANS_ID) || !check_id(import, TRANS_ACCOUNT) ||
        !read_date(import, TRANS_DATE, &transaction.day) || !read_amount(import, &transaction.amount) ||
        !read_label(import, &transaction.label) || !is_new_transaction(import))
        return false;
    transaction.sequence = id_number(&fields[TRANS_ID]);
    transaction.account = sb_bank_find_account(import->bank, fields[TRANS_ACCOUNT].text);
    if (transaction.account == 0)
        return sb_csv_reader_refuse(&import->reader, TRANS_ACCOUNT, import->problem,
                                    "there is no account %s in account.asc", fields[TRANS_ACCOUNT].text);
    return load_transaction(import, &transaction);
}

/* ---- the import ------------------------------------------------------------------------------------------ */

static bool read_file(struct import *import, const char *name, const char *const *header, size_t columns,
                      bool (*read_row)(void *owner))
{
    return sb_csv_reader_each(&import->reader, import->directory, name, SEPARATOR, header, columns, read_row, import,
                              import->problem);
}

static bool prepare(struct import *import)
{
    sqlite3 *database = sb_bank_database(import->bank);
    struct fs_buffer *problem = import->problem;
    if (!sb_database_run(database, scratch_schema, problem))
        return false;
    import->add_account = sb_database_prepare(
        database, "INSERT INTO berka_accounts (account_id, opened, line) VALUES (?1, ?2, ?3)", problem);
    import->find_account =
        sb_database_prepare(database, "SELECT opened, owned FROM berka_accounts WHERE account_id = ?1", problem);
    import->mark_owned =
        sb_database_prepare(database, "UPDATE berka_accounts SET owned = 1 WHERE account_id = ?1", problem);
    import->find_orphan = sb_database_prepare(
        database, "SELECT account_id, line FROM berka_accounts WHERE NOT owned ORDER BY line LIMIT 1", problem);
    import->add_transaction =
        sb_database_prepare(database, "INSERT INTO berka_transactions (trans_id) VALUES (?1)", problem);
    return import->add_account && import->find_account && import->mark_owned && import->find_orphan &&
           import->add_transaction;
}

static void finish(struct import *import)
{
    struct fs_buffer ignored = {0};
    sqlite3_finalize(import->add_account);
    sqlite3_finalize(import->find_account);
    sqlite3_finalize(import->mark_owned);
    sqlite3_finalize(import->find_orphan);
    sqlite3_finalize(import->add_transaction);
    sb_database_run(sb_bank_database(import->bank), scratch_end, &ignored);
    fs_buffer_free(&ignored);
}

bool sb_berka_import(struct sb_bank *bank, const char *directory, struct fs_buffer *problem)
{
    struct import import = {.bank = bank, .directory = directory, .problem = problem};
    bool imported = prepare(&import) &&
                    read_file(&import, "account.asc", account_header, ACCOUNT_COLUMNS, read_account) &&
                    read_file(&import, "disp.asc", disp_header, DISP_COLUMNS, read_disp) && check_owners(&import) &&
                    read_file(&import, "trans.asc", trans_header, TRANS_COLUMNS, read_transaction);
    finish(&import);
    return imported;
}
