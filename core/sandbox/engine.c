#include "engine.h"

#include "../money.h"
#include "database.h"
#include "date.h"
#include "record.h"

/* Steps of the threshold's scale in one cent. */
enum { STEPS_PER_CENT = FS_MONEY_SCALE / 100 };

/* For integers, balance > threshold says the same as balance > floor(threshold), and balance < threshold as
 * balance < ceiling(threshold): so a threshold finer than a cent compares exactly. */
static int64_t cents_floor(int64_t threshold)
{
    return threshold / STEPS_PER_CENT - (threshold % STEPS_PER_CENT < 0);
}

static int64_t cents_ceiling(int64_t threshold)
{
    return threshold / STEPS_PER_CENT + (threshold % STEPS_PER_CENT > 0);
}

/* Columns that all queries begin with. */
enum column { USER, USER_ID, ACCOUNT_ID, FIRST_FIGURE, SECOND_FIGURE };

static void append_amount(struct fs_buffer *out, sqlite3_stmt *row)
{
    fs_buffer_append_text(out, ",\"amount\":");
    fs_record_append_amount(out, sqlite3_column_int64(row, FIRST_FIGURE));
}

static void append_counts(struct fs_buffer *out, sqlite3_stmt *row)
{
    fs_buffer_append_text(out, ",\"incomingCount\":");
    fs_record_append_count(out, sqlite3_column_int64(row, FIRST_FIGURE));
    fs_buffer_append_text(out, ",\"outgoingCount\":");
    fs_record_append_count(out, sqlite3_column_int64(row, SECOND_FIGURE));
}

/* One entry a row; `append_figures` writes what it has beside the accountId. The rows come ordered by userId and
 * accountId. */
static bool append_accounts(sqlite3_stmt *rows, void (*append_figures)(struct fs_buffer *out, sqlite3_stmt *row),
                            struct fs_result *result, struct fs_buffer *problem)
{
    struct fs_record_writer writer = {.result = result, .list = "accounts"};
    struct fs_buffer *out = &result->records;
    int verdict;
    while ((verdict = sqlite3_step(rows)) == SQLITE_ROW) {
        fs_record_next_entry(&writer, sqlite3_column_int64(rows, USER),
                             (const char *)sqlite3_column_text(rows, USER_ID));
        fs_buffer_append_text(out, "{\"accountId\":");
        fs_record_append_column(out, rows, ACCOUNT_ID);
        append_figures(out, rows);
        fs_buffer_append_char(out, '}');
    }
    fs_record_end(&writer);
    if (verdict != SQLITE_DONE)
        fs_database_describe(sqlite3_db_handle(rows), problem);
    return verdict == SQLITE_DONE;
}

/* Places 1 and 2 of the balance queries: the account type, or NULL for all, and the threshold in cents. */
static void bind_common(sqlite3_stmt *query, const struct fs_segment_request *request, int64_t threshold)
{
    sqlite3_bind_text(query, 1, request->account_type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(query, 2, threshold);
}

bool fs_engine_high_balance(const struct fs_segment_request *request, const struct fs_bank *bank,
                            struct fs_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *query = fs_database_prepare(fs_bank_database(bank),
                                              "SELECT users.number, user_id, account_id, amount"
                                              " FROM balances"
                                              " JOIN accounts ON accounts.number = balances.account"
                                              " JOIN users ON users.number = accounts.user"
                                              " WHERE amount > ?2 AND (?1 IS NULL OR type = ?1)"
                                              " ORDER BY user_id, account_id",
                                              problem);
    if (!query)
        return false;
    bind_common(query, request, cents_floor(request->threshold));
    bool found = append_accounts(query, append_amount, result, problem);
    sqlite3_finalize(query);
    return found;
}

bool fs_engine_low_balance(const struct fs_segment_request *request, const struct fs_bank *bank,
                           struct fs_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *query = fs_database_prepare(fs_bank_database(bank),
                                              "SELECT users.number, user_id, account_id, lowest_of_all"
                                              " FROM (SELECT account, min(lowest) AS lowest_of_all FROM months"
                                              "       WHERE month >= ?3 AND month < ?4 GROUP BY account"
                                              "       HAVING count(lowest) = ?4 - ?3 AND max(lowest) < ?2)"
                                              " JOIN accounts ON accounts.number = account"
                                              " JOIN users ON users.number = accounts.user"
                                              " WHERE ?1 IS NULL OR type = ?1"
                                              " ORDER BY user_id, account_id",
                                              problem);
    if (!query)
        return false;
    int this_month = fs_date_month(fs_bank_reference_date(bank));
    bind_common(query, request, cents_ceiling(request->threshold));
    sqlite3_bind_int(query, 3, this_month - request->duration);
    sqlite3_bind_int(query, 4, this_month);
    bool found = append_accounts(query, append_amount, result, problem);
    sqlite3_finalize(query);
    return found;
}

bool fs_engine_income_spending_summary(const struct fs_segment_request *request, const struct fs_bank *bank,
                                       struct fs_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *query = fs_database_prepare(fs_bank_database(bank),
                                              "SELECT users.number, user_id, account_id, sum(incoming), sum(outgoing)"
                                              " FROM users"
                                              " CROSS JOIN accounts ON accounts.user = users.number"
                                              " CROSS JOIN months ON months.account = accounts.number"
                                              "  AND month >= ?1 AND month < ?2"
                                              " GROUP BY user_id, account_id"
                                              " HAVING sum(incoming) + sum(outgoing) > 0"
                                              " ORDER BY user_id, account_id",
                                              problem);
    if (!query)
        return false;
    int this_month = fs_date_month(fs_bank_reference_date(bank));
    sqlite3_bind_int(query, 1, this_month - request->duration);
    sqlite3_bind_int(query, 2, this_month);
    bool found = append_accounts(query, append_counts, result, problem);
    sqlite3_finalize(query);
    return found;
}
