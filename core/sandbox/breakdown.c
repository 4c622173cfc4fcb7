/* financialBreakdown: the monthly totals of each requested label over all accounts of a user, and their statistics. */
#include <stdlib.h>
#include <string.h>

#include "../json.h"
#include "database.h"
#include "date.h"
#include "engine.h"
#include "label.h"
#include "record.h"
#include "statistics.h"

enum column { USER, USER_ID, DAY, AMOUNT, LABEL };

_Static_assert(FS_SEGMENT_LABELS <= 64, "the groups of a label are the bits of a uint64_t");
_Static_assert((int)FS_BANK_MONTHS <= (int)FS_STATISTICS_MOST, "statistics take all months");

/* One requested label of one user. */
struct flow {
    int64_t totals[FS_BANK_MONTHS]; /* the oldest month first */
    int64_t counts[FS_BANK_MONTHS];
};

struct breakdown {
    const struct fs_segment_request *request;
    struct fs_record_writer writer;
    struct fs_buffer *problem;
    uint64_t *groups;                   /* by a label's number: which requested labels it counts for */
    int first_days[FS_BANK_MONTHS + 1]; /* of the months, and of the one after */
    int64_t user;
    struct fs_buffer user_id;
    uint64_t found; /* the requested labels that the user has transactions of */
    struct flow flows[FS_SEGMENT_LABELS];
};

/* ---- which labels count for which ------------------------------------------------------------------------ */

static bool add_groups(struct breakdown *breakdown, sqlite3_stmt *labels, const char *requested, uint64_t bit)
{
    int verdict;
    while ((verdict = sqlite3_step(labels)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(labels, 1);
        if (name && fs_label_in_group(name, requested))
            breakdown->groups[sqlite3_column_int64(labels, 0)] |= bit;
    }
    if (verdict != SQLITE_DONE)
        fs_database_describe(sqlite3_db_handle(labels), breakdown->problem);
    sqlite3_reset(labels);
    return verdict == SQLITE_DONE;
}

static bool fill_groups(struct breakdown *breakdown, sqlite3_stmt *labels)
{
    const struct fs_segment_request *request = breakdown->request;
    bool filled = true;
    for (size_t i = 0; filled && i < request->label_count; i++) {
        struct fs_buffer requested = {0};
        fs_json_append_unescaped(&requested, &request->labels[i]);
        filled = !requested.failed && add_groups(breakdown, labels, requested.data, UINT64_C(1) << i);
        fs_buffer_free(&requested);
    }
    return filled;
}

static int64_t largest_number(sqlite3_stmt *labels)
{
    int64_t largest = 0;
    while (sqlite3_step(labels) == SQLITE_ROW)
        largest = sqlite3_column_int64(labels, 0);
    sqlite3_reset(labels);
    return largest;
}

static bool find_groups(struct breakdown *breakdown, sqlite3 *database)
{
    sqlite3_stmt *labels =
        fs_database_prepare(database, "SELECT number, name FROM labels ORDER BY number", breakdown->problem);
    if (!labels)
        return false;
    size_t places = (size_t)largest_number(labels) + 1;
    breakdown->groups = calloc(places, sizeof *breakdown->groups);
    bool found = breakdown->groups && fill_groups(breakdown, labels);
    if (!found && breakdown->problem->length == 0)
        fs_buffer_append_text(breakdown->problem, "out of memory");
    sqlite3_finalize(labels);
    return found;
}

/* ---- a user's entries ------------------------------------------------------------------------------------ */

static void append_months(const struct breakdown *breakdown, const struct flow *flow, struct fs_buffer *out)
{
    for (int i = 0; i < breakdown->request->duration; i++) {
        char first_day[FS_DATE_TEXT];
        fs_date_format(breakdown->first_days[i], first_day);
        fs_buffer_printf(out, "%s{\"month\":\"%.7s\",\"total\":", i ? "," : "", first_day);
        fs_record_append_amount(out, flow->totals[i]);
        fs_buffer_printf(out, ",\"count\":%lld}", (long long)flow->counts[i]);
    }
}

static void append_member(struct fs_buffer *out, const char *name, int64_t cents)
{
    fs_buffer_append_text(out, name);
    fs_record_append_amount(out, cents);
}

static bool append_flow(struct breakdown *breakdown, size_t i)
{
    const struct fs_json_value *label = &breakdown->request->labels[i];
    struct fs_buffer *out = &breakdown->writer.result->records;
    struct fs_statistics statistics;
    if (!fs_statistics_make(breakdown->flows[i].totals, (size_t)breakdown->request->duration, &statistics)) {
        fs_buffer_printf(breakdown->problem, "a total of user %s is beyond %lld cents", breakdown->user_id.data,
                         (long long)FS_BANK_LARGEST_AMOUNT);
        return false;
    }
    fs_record_next_entry(&breakdown->writer, breakdown->user, breakdown->user_id.data);
    fs_buffer_append_text(out, "{\"label\":");
    fs_buffer_append(out, label->data, label->length);
    append_member(out, ",\"total\":", statistics.total);
    append_member(out, ",\"average\":", statistics.average);
    append_member(out, ",\"minimum\":", statistics.minimum);
    append_member(out, ",\"maximum\":", statistics.maximum);
    append_member(out, ",\"median\":", statistics.median);
    append_member(out, ",\"standardDeviation\":", statistics.standard_deviation);
    fs_buffer_append_text(out, ",\"months\":[");
    append_months(breakdown, &breakdown->flows[i], out);
    fs_buffer_append_text(out, "]}");
    return true;
}

static bool end_user(struct breakdown *breakdown)
{
    for (size_t i = 0; i < breakdown->request->label_count; i++) {
        if (breakdown->found >> i & 1 && !append_flow(breakdown, i))
            return false;
    }
    return true;
}

static bool begin_user(struct breakdown *breakdown, sqlite3_stmt *row)
{
    breakdown->user = sqlite3_column_int64(row, USER);
    breakdown->found = 0;
    fs_buffer_clear(&breakdown->user_id);
    fs_buffer_append_text(&breakdown->user_id, (const char *)sqlite3_column_text(row, USER_ID));
    if (breakdown->user_id.failed)
        fs_buffer_append_text(breakdown->problem, "out of memory");
    return !breakdown->user_id.failed;
}

/* ---- transactions ---------------------------------------------------------------------------------------- */

static int month_index(const struct breakdown *breakdown, int day)
{
    int index = 0;
    while (day >= breakdown->first_days[index + 1])
        index++;
    return index;
}

static bool book(struct breakdown *breakdown, sqlite3_stmt *row, uint64_t groups)
{
    int64_t amount = sqlite3_column_int64(row, AMOUNT);
    int month = month_index(breakdown, sqlite3_column_int(row, DAY));
    for (; groups; groups &= groups - 1) {
        int i = __builtin_ctzll(groups);
        struct flow *flow = &breakdown->flows[i];
        if (!(breakdown->found >> i & 1))
            *flow = (struct flow){0};
        breakdown->found |= UINT64_C(1) << i;
        flow->counts[month]++;
        if (__builtin_add_overflow(flow->totals[month], amount, &flow->totals[month])) {
            fs_buffer_printf(breakdown->problem, "a total of user %s is beyond 64 bits", breakdown->user_id.data);
            return false;
        }
    }
    return true;
}

static bool walk(struct breakdown *breakdown, sqlite3_stmt *rows)
{
    int verdict;
    while ((verdict = sqlite3_step(rows)) == SQLITE_ROW) {
        uint64_t groups = breakdown->groups[sqlite3_column_int64(rows, LABEL)];
        if (groups == 0)
            continue;
        if (sqlite3_column_int64(rows, USER) != breakdown->user &&
            (!end_user(breakdown) || !begin_user(breakdown, rows)))
            return false;
        if (!book(breakdown, rows, groups))
            return false;
    }
    if (verdict == SQLITE_DONE)
        return end_user(breakdown);
    fs_database_describe(sqlite3_db_handle(rows), breakdown->problem);
    return false;
}

static bool walk_transactions(struct breakdown *breakdown, const struct fs_bank *bank)
{
    sqlite3_stmt *query = fs_database_prepare(
        fs_bank_database(bank),
        "SELECT users.number, user_id, day, amount, label FROM users"
        " CROSS JOIN accounts ON accounts.user = users.number AND opened < ?3"
        " CROSS JOIN transactions ON transactions.account = accounts.number AND day >= ?1 AND day < ?2"
        " WHERE label IS NOT NULL ORDER BY user_id",
        breakdown->problem);
    if (!query)
        return false;
    sqlite3_bind_int(query, 1, breakdown->first_days[0]);
    sqlite3_bind_int(query, 2, breakdown->first_days[breakdown->request->duration]);
    sqlite3_bind_int(query, 3, fs_bank_reference_date(bank));
    bool walked = walk(breakdown, query);
    sqlite3_finalize(query);
    return walked;
}

bool fs_engine_financial_breakdown(const struct fs_segment_request *request, const struct fs_bank *bank,
                                   struct fs_result *result, struct fs_buffer *problem)
{
    struct breakdown *breakdown = calloc(1, sizeof *breakdown);
    if (!breakdown) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    breakdown->request = request;
    breakdown->problem = problem;
    breakdown->writer = (struct fs_record_writer){.result = result, .list = "breakdowns"};
    int first_month = fs_date_month(fs_bank_reference_date(bank)) - request->duration;
    for (int i = 0; i <= request->duration; i++)
        breakdown->first_days[i] = fs_date_first_day_of_month(first_month + i);
    bool found = find_groups(breakdown, fs_bank_database(bank)) && walk_transactions(breakdown, bank);
    fs_record_end(&breakdown->writer);
    fs_buffer_free(&breakdown->user_id);
    free(breakdown->groups);
    free(breakdown);
    return found;
}
