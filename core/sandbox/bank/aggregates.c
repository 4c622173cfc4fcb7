#include "aggregates.h"

#include <stdint.h>

#include "label_totals.h"
#include "limits.h"
#include "sandbox/base/database.h"
#include "sandbox/base/date.h"

struct month_aggregates {
    bool open; /* the account existed on a day of the month */
    int64_t lowest;
    int64_t incoming;
    int64_t outgoing;
};

/* One account while its transactions go by, in order of days. */
struct history {
    int64_t account;
    int64_t balance;
    int since; /* the first day that closed, or will close, with `balance` */
    struct month_aggregates months[SB_BANK_MONTHS];
};

/* Of the query of transactions. */
enum column { ACCOUNT, DAY, AMOUNT, LABEL };

struct aggregates {
    sqlite3_stmt *accounts;
    sqlite3_stmt *transactions;
    int transaction; /* SQLITE_ROW while the cursor over transactions stands on one */
    sqlite3_stmt *add_balance;
    sqlite3_stmt *add_month;
    struct sb_label_totals *label_totals;
    int reference_date;
    int first_month; /* the window: this month and the SB_BANK_MONTHS - 1 after it */
    int first_day;
    int last_day;
};

static bool prepare(struct aggregates *aggregates, sqlite3 *database, struct fs_buffer *problem)
{
    aggregates->accounts =
        sb_database_prepare(database, "SELECT number, opened FROM accounts WHERE opened < ?1 ORDER BY number", problem);
    aggregates->transactions = sb_database_prepare(
        database, "SELECT account, day, amount, label FROM transactions WHERE day < ?1 ORDER BY account, day", problem);
    aggregates->add_balance =
        sb_database_prepare(database, "INSERT INTO balances (account, amount) VALUES (?1, ?2)", problem);
    aggregates->add_month = sb_database_prepare(
        database, "INSERT INTO months (account, month, lowest, incoming, outgoing) VALUES (?1, ?2, ?3, ?4, ?5)",
        problem);
    aggregates->label_totals = sb_label_totals_open(database, problem);
    if (!aggregates->label_totals || !aggregates->accounts || !aggregates->transactions || !aggregates->add_balance ||
        !aggregates->add_month)
        return false;
    sqlite3_bind_int(aggregates->accounts, 1, aggregates->reference_date);
    sqlite3_bind_int(aggregates->transactions, 1, aggregates->reference_date);
    return true;
}

/* The days up to `last` closed with the balance. */
static void close_days(const struct aggregates *aggregates, struct history *history, int last)
{
    int first = history->since > aggregates->first_day ? history->since : aggregates->first_day;
    last = last < aggregates->last_day ? last : aggregates->last_day;
    if (first > last)
        return;
    int last_index = sb_date_month(last) - aggregates->first_month;
    for (int i = sb_date_month(first) - aggregates->first_month; i <= last_index; i++) {
        struct month_aggregates *month = &history->months[i];
        if (!month->open || history->balance < month->lowest)
            month->lowest = history->balance;
        month->open = true;
    }
}

/* Adds to the aggregates of the transaction's month. */
static bool count(const struct aggregates *aggregates, struct history *history, int day, int64_t amount,
                  struct fs_buffer *problem)
{
    if (day < aggregates->first_day || day > aggregates->last_day)
        return true;
    int index = sb_date_month(day) - aggregates->first_month;
    struct month_aggregates *month = &history->months[index];
    month->incoming += amount > 0;
    month->outgoing += amount < 0;
    int64_t label = sqlite3_column_int64(aggregates->transactions, LABEL);
    return label == 0 || sb_label_totals_book(aggregates->label_totals, label, index, amount, problem);
}

static bool add_to_balance(struct history *history, int64_t amount, struct fs_buffer *problem)
{
    if (!__builtin_add_overflow(history->balance, amount, &history->balance) &&
        history->balance <= SB_BANK_LARGEST_AMOUNT && history->balance >= -SB_BANK_LARGEST_AMOUNT)
        return true;
    fs_buffer_printf(problem, "the balance of an account grows beyond %lld cents", (long long)SB_BANK_LARGEST_AMOUNT);
    return false;
}

/* Books the transaction that the cursor stands on. */
static bool book(const struct aggregates *aggregates, struct history *history, struct fs_buffer *problem)
{
    int day = sqlite3_column_int(aggregates->transactions, DAY);
    int64_t amount = sqlite3_column_int64(aggregates->transactions, AMOUNT);
    if (day > history->since) {
        close_days(aggregates, history, day - 1);
        history->since = day;
    }
    return add_to_balance(history, amount, problem) && count(aggregates, history, day, amount, problem);
}

static bool write_month(sqlite3_stmt *add, int64_t account, int month, const struct month_aggregates *values,
                        struct fs_buffer *problem)
{
    if (!values->open && values->incoming == 0 && values->outgoing == 0)
        return true;
    sqlite3_bind_int64(add, 1, account);
    sqlite3_bind_int(add, 2, month);
    if (values->open)
        sqlite3_bind_int64(add, 3, values->lowest);
    else
        sqlite3_bind_null(add, 3);
    sqlite3_bind_int64(add, 4, values->incoming);
    sqlite3_bind_int64(add, 5, values->outgoing);
    return sb_database_execute(add, problem);
}

static bool write_aggregates(const struct aggregates *aggregates, const struct history *history,
                             struct fs_buffer *problem)
{
    sqlite3_bind_int64(aggregates->add_balance, 1, history->account);
    sqlite3_bind_int64(aggregates->add_balance, 2, history->balance);
    if (!sb_database_execute(aggregates->add_balance, problem))
        return false;
    for (int i = 0; i < SB_BANK_MONTHS; i++) {
        if (!write_month(aggregates->add_month, history->account, aggregates->first_month + i, &history->months[i],
                         problem))
            return false;
    }
    return true;
}

/* Books the account's transactions; those of accounts that are not open yet are passed over. */
static bool walk_account(struct aggregates *aggregates, struct history *history, struct fs_buffer *problem)
{
    sqlite3_stmt *rows = aggregates->transactions;
    while (aggregates->transaction == SQLITE_ROW && sqlite3_column_int64(rows, ACCOUNT) <= history->account) {
        bool mine = sqlite3_column_int64(rows, ACCOUNT) == history->account;
        if (mine && !book(aggregates, history, problem))
            return false;
        aggregates->transaction = sqlite3_step(rows);
    }
    close_days(aggregates, history, aggregates->reference_date - 1);
    return write_aggregates(aggregates, history, problem) &&
           sb_label_totals_write(aggregates->label_totals, history->account, problem);
}

static bool walk_accounts(struct aggregates *aggregates, struct fs_buffer *problem)
{
    int account;
    aggregates->transaction = sqlite3_step(aggregates->transactions);
    while ((account = sqlite3_step(aggregates->accounts)) == SQLITE_ROW) {
        struct history history = {
            .account = sqlite3_column_int64(aggregates->accounts, 0),
            .since = sqlite3_column_int(aggregates->accounts, 1),
        };
        if (!walk_account(aggregates, &history, problem))
            return false;
    }
    bool ended_well = aggregates->transaction == SQLITE_ROW || aggregates->transaction == SQLITE_DONE;
    if (account == SQLITE_DONE && ended_well)
        return true;
    sb_database_describe(sqlite3_db_handle(aggregates->accounts), problem);
    return false;
}

/* The group of INSURANCE as label.h has it: in GLOB's patterns an underscore is itself. */
static bool copy_premiums(const struct aggregates *aggregates, sqlite3 *database, struct fs_buffer *problem)
{
    sqlite3_stmt *copy = sb_database_prepare(
        database,
        "INSERT INTO premiums (account, day, sequence, amount, label, counterpart)"
        " SELECT account, day, sequence, -amount, label, counterpart FROM transactions"
        " WHERE day >= ?1 AND day <= ?2 AND amount < 0"
        " AND label IN (SELECT number FROM labels WHERE name = 'INSURANCE' OR name GLOB 'INSURANCE_*')"
        " AND account IN (SELECT account FROM balances)"
        " ORDER BY account, day, sequence",
        problem);
    if (!copy)
        return false;
    sqlite3_bind_int(copy, 1, aggregates->first_day);
    sqlite3_bind_int(copy, 2, aggregates->last_day);
    bool copied = sb_database_execute(copy, problem);
    sqlite3_finalize(copy);
    return copied;
}

bool sb_aggregates_make(sqlite3 *database, int reference_date, struct fs_buffer *problem)
{
    int this_month = sb_date_month(reference_date);
    struct aggregates aggregates = {
        .reference_date = reference_date,
        .first_month = this_month - SB_BANK_MONTHS,
        .first_day = sb_date_first_day_of_month(this_month - SB_BANK_MONTHS),
        .last_day = sb_date_first_day_of_month(this_month) - 1,
    };
    bool made =
        sb_database_run(database,
                        "DELETE FROM balances; DELETE FROM months; DELETE FROM label_totals; DELETE FROM premiums",
                        problem) &&
        prepare(&aggregates, database, problem) && walk_accounts(&aggregates, problem) &&
        copy_premiums(&aggregates, database, problem);
    sqlite3_finalize(aggregates.accounts);
    sqlite3_finalize(aggregates.transactions);
    sqlite3_finalize(aggregates.add_balance);
    sqlite3_finalize(aggregates.add_month);
    sb_label_totals_close(aggregates.label_totals);
    return made;
}
