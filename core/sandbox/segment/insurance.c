/* insuranceSpending: the premiums of each policy, and how often they are due. A policy is an account, a provider and a
 * type. */
#include <limits.h>

#include "queries.h"
#include "sandbox/base/database.h"
#include "sandbox/base/date.h"

enum column { USER, USER_ID, ACCOUNT, ACCOUNT_ID, PROVIDER, PROVIDER_NUMBER, TYPE, TYPE_NUMBER, DAY, AMOUNT };

/* The premiums of one policy while they go by, oldest first. */
struct policy {
    int64_t account; /* 0: there is none */
    int64_t provider;
    int64_t type;
    int64_t premium; /* the last one */
    int last_day;
    int payments;
    int shortest_gap; /* days; more than longest_gap while there is one payment */
    int longest_gap;
};

static const struct {
    int least; /* days */
    int most;
    const char *name;
} frequencies[] = {
    {25, 35, "MONTHLY"},
    {80, 100, "QUARTERLY"},
    {170, 195, "HALF_YEARLY"},
    {350, 380, "YEARLY"},
};

static const char *frequency(const struct policy *policy)
{
    for (size_t i = 0; i < sizeof frequencies / sizeof frequencies[0]; i++) {
        if (policy->shortest_gap >= frequencies[i].least && policy->longest_gap <= frequencies[i].most &&
            policy->shortest_gap <= policy->longest_gap)
            return frequencies[i].name;
    }
    return "IRREGULAR";
}

static bool is_of(const struct policy *policy, sqlite3_stmt *row)
{
    return policy->account == sqlite3_column_int64(row, ACCOUNT) &&
           policy->provider == sqlite3_column_int64(row, PROVIDER_NUMBER) &&
           policy->type == sqlite3_column_int64(row, TYPE_NUMBER);
}

/* Writes the entry up to its premium, which is not known before the last payment. */
static void begin_policy(struct policy *policy, struct sb_result *result, sqlite3_stmt *row)
{
    struct fs_buffer *out = &result->records;
    sb_result_begin_entry(result, sqlite3_column_int64(row, USER), (const char *)sqlite3_column_text(row, USER_ID));
    fs_buffer_append_text(out, "{\"accountId\":");
    sb_result_append_column(out, row, ACCOUNT_ID);
    fs_buffer_append_text(out, ",\"provider\":");
    sb_result_append_column(out, row, PROVIDER);
    fs_buffer_append_text(out, ",\"type\":");
    sb_result_append_column(out, row, TYPE);
    *policy = (struct policy){
        .account = sqlite3_column_int64(row, ACCOUNT),
        .provider = sqlite3_column_int64(row, PROVIDER_NUMBER),
        .type = sqlite3_column_int64(row, TYPE_NUMBER),
        .shortest_gap = INT_MAX,
    };
}

static void end_policy(const struct policy *policy, struct fs_buffer *out)
{
    if (policy->account == 0)
        return;
    fs_buffer_append_text(out, ",\"amount\":");
    sb_result_append_amount(out, policy->premium);
    fs_buffer_printf(out, ",\"frequency\":\"%s\"}", frequency(policy));
}

static void pay(struct policy *policy, int day, int64_t premium)
{
    int gap = day - policy->last_day;
    if (policy->payments++ > 0) {
        policy->shortest_gap = gap < policy->shortest_gap ? gap : policy->shortest_gap;
        policy->longest_gap = gap > policy->longest_gap ? gap : policy->longest_gap;
    }
    policy->last_day = day;
    policy->premium = premium;
}

static bool append_policies(sqlite3_stmt *rows, struct sb_result *result, struct fs_buffer *problem)
{
    struct policy policy = {0};
    int verdict;
    while ((verdict = sqlite3_step(rows)) == SQLITE_ROW) {
        if (!is_of(&policy, rows)) {
            end_policy(&policy, &result->records);
            begin_policy(&policy, result, rows);
        }
        pay(&policy, sqlite3_column_int(rows, DAY), sqlite3_column_int64(rows, AMOUNT));
    }
    end_policy(&policy, &result->records);
    if (verdict != SQLITE_DONE)
        sb_database_describe(sqlite3_db_handle(rows), problem);
    return verdict == SQLITE_DONE;
}

bool sb_query_insurance_spending(const struct sb_segment_request *request, const struct sb_bank *bank,
                                 struct sb_result *result, struct fs_buffer *problem)
{
    sqlite3_stmt *query =
        sb_database_prepare(sb_bank_database(bank),
                            "SELECT users.number, user_id, account, account_id, counterparts.name, counterpart, "
                            "labels.name, label, day, amount"
                            " FROM users"
                            " CROSS JOIN accounts ON accounts.user = users.number"
                            " CROSS JOIN premiums ON premiums.account = accounts.number AND day >= ?1 AND day < ?2"
                            " JOIN labels ON labels.number = label"
                            " LEFT JOIN counterparts ON counterparts.number = counterpart"
                            " ORDER BY user_id, account_id, counterparts.name, labels.name, day, sequence",
                            problem);
    if (!query)
        return false;
    int this_month = sb_date_month(sb_bank_reference_date(bank));
    sqlite3_bind_int(query, 1, sb_date_first_day_of_month(this_month - request->duration));
    sqlite3_bind_int(query, 2, sb_date_first_day_of_month(this_month));
    bool found = append_policies(query, result, problem);
    sqlite3_finalize(query);
    return found;
}
