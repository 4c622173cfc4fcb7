#include "csv.h"

#include <string.h>

#include "amount.h"
#include "csv_reader.h"
#include "sandbox/base/date.h"

enum { LONGEST_TEXT = 1024 /* bytes */ };

/* Columns, in the order of the files. */
enum user_column { USER_ID, USER_COLUMNS };
enum account_column { ACCOUNT_ID, ACCOUNT_USER, ACCOUNT_TYPE, ACCOUNT_OPENED, ACCOUNT_COLUMNS };
enum transaction_column {
    TRANSACTION_ACCOUNT,
    TRANSACTION_DATE,
    TRANSACTION_AMOUNT,
    TRANSACTION_LABEL,
    TRANSACTION_COUNTERPART,
    TRANSACTION_COLUMNS
};

static const char *const user_header[USER_COLUMNS] = {"userId"};
static const char *const account_header[ACCOUNT_COLUMNS] = {"accountId", "userId", "type", "opened"};
static const char *const transaction_header[TRANSACTION_COLUMNS] = {"accountId", "date", "amount", "label",
                                                                    "counterpart"};

struct import {
    struct sb_bank *bank;
    const char *directory;
    struct fs_buffer *problem;
    struct sb_csv_reader reader; /* the file being read */
    int64_t row;                 /* of transactions.csv, from 1 */
    int64_t account;             /* of the last transaction: most often the next one's, too */
    char account_id[LONGEST_TEXT + 1];
};

/* ---- fields ---------------------------------------------------------------------------------------------- */

static bool check_length(struct import *import, size_t field)
{
    return import->reader.fields[field].length <= LONGEST_TEXT ||
           sb_csv_reader_refuse(&import->reader, field, import->problem, "the text is longer than %d bytes",
                                LONGEST_TEXT);
}

static bool check_id(struct import *import, size_t field)
{
    if (import->reader.fields[field].length == 0)
        return sb_csv_reader_refuse(&import->reader, field, import->problem, "an id is missing");
    return check_length(import, field);
}

static bool read_date(struct import *import, size_t field, int *day)
{
    const struct sb_csv_field *date = &import->reader.fields[field];
    return sb_date_parse(date->text, date->length, day) ||
           sb_csv_reader_refuse(&import->reader, field, import->problem, "'%s' is not a date (YYYY-MM-DD)", date->text);
}

static bool read_amount(struct import *import, size_t field, int64_t *cents)
{
    const struct sb_csv_field *amount = &import->reader.fields[field];
    const char *wrong = sb_amount_read(amount->text, amount->length, cents);
    return !wrong || sb_csv_reader_refuse(&import->reader, field, import->problem, "'%s' %s", amount->text, wrong);
}

/* NULL when the field is empty. */
static bool read_optional(struct import *import, size_t field, const char **text)
{
    *text = import->reader.fields[field].length > 0 ? import->reader.fields[field].text : NULL;
    return check_length(import, field);
}

/* Passes on why the bank refused the row. */
static bool refuse_row(struct import *import, size_t field, struct fs_buffer *reason)
{
    sb_csv_reader_refuse(&import->reader, field, import->problem, "%s", reason->data ? reason->data : "out of memory");
    fs_buffer_free(reason);
    return false;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

static bool read_user(void *owner)
{
    struct import *import = owner;
    struct fs_buffer reason = {0};
    if (!check_id(import, USER_ID))
        return false;
    const char *user_id = import->reader.fields[USER_ID].text;
    if (sb_bank_find_user(import->bank, user_id) != 0)
        return sb_csv_reader_refuse(&import->reader, USER_ID, import->problem, "user %s is in the bank already",
                                    user_id);
    return sb_bank_add_user(import->bank, user_id, &reason) != 0 || refuse_row(import, USER_ID, &reason);
}

static bool read_account(void *owner)
{
    struct import *import = owner;
    const struct sb_csv_field *fields = import->reader.fields;
    struct sb_bank_account account = {.account_id = fields[ACCOUNT_ID].text};
    struct fs_buffer reason = {0};
    if (!check_id(import, ACCOUNT_ID) || !check_id(import, ACCOUNT_USER) ||
        !read_date(import, ACCOUNT_OPENED, &account.opened))
        return false;
    account.user = sb_bank_find_user(import->bank, fields[ACCOUNT_USER].text);
    if (account.user == 0)
        return sb_csv_reader_refuse(&import->reader, ACCOUNT_USER, import->problem, "there is no user %s in users.csv",
                                    fields[ACCOUNT_USER].text);
    account.type = sb_bank_account_type(fields[ACCOUNT_TYPE].text);
    if (!account.type)
        return sb_csv_reader_refuse(&import->reader, ACCOUNT_TYPE, import->problem, "'%s' is not an account type",
                                    fields[ACCOUNT_TYPE].text);
    return sb_bank_add_account(import->bank, &account, &reason) != 0 || refuse_row(import, ACCOUNT_ID, &reason);
}

static bool find_account(struct import *import)
{
    const struct sb_csv_field *id = &import->reader.fields[TRANSACTION_ACCOUNT];
    if (!check_id(import, TRANSACTION_ACCOUNT))
        return false;
    if (import->account != 0 && strcmp(import->account_id, id->text) == 0)
        return true;
    import->account = sb_bank_find_account(import->bank, id->text);
    if (import->account == 0)
        return sb_csv_reader_refuse(&import->reader, TRANSACTION_ACCOUNT, import->problem,
                                    "there is no account %s in accounts.csv", id->text);
    memcpy(import->account_id, id->text, id->length + 1);
    return true;
}

static bool read_transaction(void *owner)
{
    struct import *import = owner;
    struct sb_bank_transaction transaction = {.sequence = ++import->row};
    struct fs_buffer reason = {0};
    if (!find_account(import) || !read_date(import, TRANSACTION_DATE, &transaction.day) ||
        !read_amount(import, TRANSACTION_AMOUNT, &transaction.amount) ||
        !read_optional(import, TRANSACTION_LABEL, &transaction.label) ||
        !read_optional(import, TRANSACTION_COUNTERPART, &transaction.counterpart))
        return false;
    transaction.account = import->account;
    return sb_bank_add_transaction(import->bank, &transaction, &reason) ||
           refuse_row(import, TRANSACTION_ACCOUNT, &reason);
}

/* ---- the import ------------------------------------------------------------------------------------------ */

static bool read_file(struct import *import, const char *name, const char *const *header, size_t columns,
                      bool (*read_row)(void *owner))
{
    return sb_csv_reader_each(&import->reader, import->directory, name, ',', header, columns, read_row, import,
                              import->problem);
}

bool sb_csv_import(struct sb_bank *bank, const char *directory, struct fs_buffer *problem)
{
    struct import import = {.bank = bank, .directory = directory, .problem = problem};
    return read_file(&import, "users.csv", user_header, USER_COLUMNS, read_user) &&
           read_file(&import, "accounts.csv", account_header, ACCOUNT_COLUMNS, read_account) &&
           read_file(&import, "transactions.csv", transaction_header, TRANSACTION_COLUMNS, read_transaction);
}
