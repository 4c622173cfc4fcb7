#include "engine.h"

#include "../json.h"
#include "../money.h"
#include "database.h"
#include "date.h"

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

/* Column `i` as a JSON string. */
static void append_text(struct fs_buffer *out, sqlite3_stmt *row, int i)
{
    const char *text = (const char *)sqlite3_column_text(row, i);
    fs_json_append_string(out, text ? text : "", (size_t)sqlite3_column_bytes(row, i));
}

/* Column `i`, in cents, as an exact decimal. */
static void append_amount(struct fs_buffer *out, sqlite3_stmt *row, int i)
{
    char text[FS_MONEY_TEXT];
    size_t length = fs_money_format(sqlite3_column_int64(row, i) * STEPS_PER_CENT, text);
    fs_buffer_append(out, text, length);
}

static void append_account(struct fs_buffer *out, sqlite3_stmt *row)
{
    fs_buffer_append_text(out, "{\"accountId\":");
    append_text(out, row, 2);
    fs_buffer_append_text(out, ",\"amount\":");
    append_amount(out, row, 3);
    fs_buffer_append_char(out, '}');
}

static void open_user(struct fs_buffer *out, sqlite3_stmt *row)
{
    fs_buffer_append_text(out, "{\"userId\":");
    append_text(out, row, 1);
    fs_buffer_append_text(out, ",\"accounts\":[");
}

static void close_user(struct fs_result *result)
{
    fs_buffer_append_text(&result->records, "]}");
    fs_result_end_record(result);
}

/* Rows of user number, userId, accountId, amount, ordered by userId and accountId. */
static bool append_accounts_by_user(sqlite3_stmt *rows, struct fs_result *result, struct fs_buffer *problem)
{
    struct fs_buffer *out = &result->records;
    sqlite3_int64 user = 0;
    int verdict;
    while ((verdict = sqlite3_step(rows)) == SQLITE_ROW) {
        bool same_user = sqlite3_column_int64(rows, 0) == user;
        if (same_user) {
            fs_buffer_append_char(out, ',');
        } else {
            if (user != 0)
                close_user(result);
            user = sqlite3_column_int64(rows, 0);
            open_user(out, rows);
        }
        append_account(out, rows);
    }
    if (user != 0)
        close_user(result);
    if (verdict != SQLITE_DONE)
        fs_database_describe(sqlite3_db_handle(rows), problem);
    return verdict == SQLITE_DONE;
}

/* Places 1 and 2 of every query: the account type, or NULL for all, and the threshold in cents. */
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
    bool found = append_accounts_by_user(query, result, problem);
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
                                              "       HAVING count(*) = ?4 - ?3 AND max(lowest) < ?2)"
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
    bool found = append_accounts_by_user(query, result, problem);
    sqlite3_finalize(query);
    return found;
}
