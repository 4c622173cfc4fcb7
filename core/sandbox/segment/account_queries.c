#include "queries.h"

#include "sandbox/base/database.h"
#include "sandbox/base/date.h"
#include "value/money.h"

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
enum column { USER, USER_ID, ACCOUNT_ID, FIRST_VALUE, SECOND_VALUE };

static void append_amount(struct fs_buffer *out, sqlite3_stmt *row)
{
    fs_buffer_append_text(out, ",\"amount\":");
    sb_result_append_amount(out, sqlite3_column_int64(row, FIRST_VALUE));
}

static void append_counts(struct fs_buffer *out, sqlite3_stmt *row)
{
    fs_buffer_append_text(out, ",\"incomingCount\":");
    sb_result_append_count(out, sqlite3_column_int64(row, FIRST_VALUE));
    fs_buffer_append_text(out, ",\"outgoingCount\":");
    sb_result_append_count(out, sqlite3_column_int64(row, SECOND_VALUE));
}

/* One entry a row; `append_values` writes what it has beside the accountId. The rows come ordered by userId and
 * accountId. */
static bool append_accounts(sqlite3_stmt *rows, void (*append_values)(struct fs_buffer *out, sqlite3_stmt *row),
                            struct sb_result *result, struct fs_buffer *problem)
{
    struct fs_buffer *out = &result->records;
    int verdict;
    while ((verdict = sqlite3_step(rows)) == SQLITE_ROW) {
        sb_result_begin_entry(result, sqlite3_column_int64(rows, USER),
                              (const char *)sqlite3_column_text(rows, USER_ID));
        fs_buffer_append_text(out, "{\"accountId\":");
        sb_result_append_column(out, rows, ACCOUNT_ID);
        append_values(out, rows);
        fs_buffer_append_char(out, '}');
    }
    if (verdict != SQLITE_DONE)
        sb_database_describe(sqlite3_db_handle(rows), problem);
    return verdict == SQLITE_DONE;
}

/* A query over accounts. Its places: ?1 the account type, or NULL for all; ?2 the threshold in cents; ?3 and ?4 the
 * first month and the one after the last. */
struct query {
    const char *sql;
    int64_t threshold;
    void (*append_values)(struct fs_buffer *out, sqlite3_stmt *row);
};

static bool answer(const struct query *query, const struct sb_segment_request *request, const struct sb_bank *bank,
                   struct sb_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *rows = sb_database_prepare(sb_bank_database(bank), query->sql, problem);
    if (!rows)
        return false;
    int this_month = sb_date_month(sb_bank_reference_date(bank));
    sqlite3_bind_text(rows, 1, request->account_type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(rows, 2, query->threshold);
    sqlite3_bind_int(rows, 3, this_month - request->duration);
    sqlite3_bind_int(rows, 4, this_month);
    bool found = append_accounts(rows, query->append_values, result, problem);
    sqlite3_finalize(rows);
    return found;
}

/* Of the accounts that `values` gives with one value each. */
#define ACCOUNTS_WITH(values)                                                                                          \
    "SELECT users.number, user_id, account_id, value FROM (" values ")"                                                \
    " JOIN accounts ON accounts.number = account"                                                                      \
    " JOIN users ON users.number = accounts.user"                                                                      \
    " WHERE ?1 IS NULL OR type = ?1"                                                                                   \
    " ORDER BY user_id, account_id"

bool sb_query_high_balance(const struct sb_segment_request *request, const struct sb_bank *bank,
                           struct sb_result *result, struct fs_buffer *problem)
{
    const struct query query = {ACCOUNTS_WITH("SELECT account, amount AS value FROM balances WHERE amount > ?2"),
                                cents_floor(request->threshold), append_amount};
    return answer(&query, request, bank, result, problem);
}

bool sb_query_low_balance(const struct sb_segment_request *request, const struct sb_bank *bank,
                          struct sb_result *result, struct fs_buffer *problem)
{
    const struct query query = {ACCOUNTS_WITH("SELECT account, min(lowest) AS value FROM months"
                                              " WHERE month >= ?3 AND month < ?4 GROUP BY account"
                                              " HAVING count(lowest) = ?4 - ?3 AND max(lowest) < ?2"),
                                cents_ceiling(request->threshold), append_amount};
    return answer(&query, request, bank, result, problem);
}

bool sb_query_income_spending_summary(const struct sb_segment_request *request, const struct sb_bank *bank,
                                      struct sb_result *result, struct fs_buffer *problem)
{
    const struct query query = {"SELECT users.number, user_id, account_id, sum(incoming), sum(outgoing)"
                                " FROM users"
                                " CROSS JOIN accounts ON accounts.user = users.number"
                                " CROSS JOIN months ON months.account = accounts.number"
                                "  AND month >= ?3 AND month < ?4"
                                " GROUP BY user_id, account_id"
                                " HAVING sum(incoming) + sum(outgoing) > 0"
                                " ORDER BY user_id, account_id",
                                0, append_counts};
    return answer(&query, request, bank, result, problem);
}
