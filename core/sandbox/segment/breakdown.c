/* financialBreakdown: the monthly totals of each requested label over all accounts of a user, and their statistics. */
#include <stdlib.h>
#include <string.h>

#include "queries.h"
#include "sandbox/bank/label.h"
#include "sandbox/bank/label_totals.h"
#include "sandbox/base/database.h"
#include "sandbox/base/date.h"
#include "statistics.h"
#include "value/json.h"

enum column { USER, USER_ID, LABEL, FIRST_TOTAL, FIRST_COUNT = FIRST_TOTAL + SB_BANK_MONTHS };

_Static_assert(SB_SEGMENT_LABELS <= 64, "the groups of a label are the bits of a uint64_t");
_Static_assert((int)SB_BANK_MONTHS <= (int)SB_STATISTICS_MOST, "statistics take all months");

struct breakdown {
    const struct sb_segment_request *request;
    struct sb_result *result;
    struct fs_buffer *problem;
    uint64_t *groups;                          /* by a label's number: which requested labels it counts for */
    char months[SB_BANK_MONTHS][SB_DATE_TEXT]; /* their first days */
    int64_t user;
    struct fs_buffer user_id;
    uint64_t found; /* the requested labels that the user has transactions of */
    struct sb_label_total
        label_totals[SB_SEGMENT_LABELS]; /* of the user, by requested label; the oldest month of the request first */
};

/* ---- which labels count for which ------------------------------------------------------------------------ */

static bool add_groups(struct breakdown *breakdown, sqlite3_stmt *labels, const char *requested, uint64_t bit)
{
    int verdict;
    while ((verdict = sqlite3_step(labels)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(labels, 1);
        if (name && sb_label_in_group(name, requested))
            breakdown->groups[sqlite3_column_int64(labels, 0)] |= bit;
    }
    if (verdict != SQLITE_DONE)
        sb_database_describe(sqlite3_db_handle(labels), breakdown->problem);
    sqlite3_reset(labels);
    return verdict == SQLITE_DONE;
}

static bool fill_groups(struct breakdown *breakdown, sqlite3_stmt *labels)
{
    const struct sb_segment_request *request = breakdown->request;
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
        sb_database_prepare(database, "SELECT number, name FROM labels ORDER BY number", breakdown->problem);
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

static void append_months(const struct breakdown *breakdown, const struct sb_label_total *label_total,
                          struct fs_buffer *out)
{
    for (int i = 0; i < breakdown->request->duration; i++) {
        fs_buffer_append_text(out, i > 0 ? ",{\"month\":\"" : "{\"month\":\"");
        fs_buffer_append(out, breakdown->months[i], strlen("YYYY-MM"));
        fs_buffer_append_text(out, "\",\"total\":");
        sb_result_append_amount(out, label_total->totals[i]);
        fs_buffer_append_text(out, ",\"count\":");
        sb_result_append_count(out, label_total->counts[i]);
        fs_buffer_append_char(out, '}');
    }
}

static void append_member(struct fs_buffer *out, const char *name, int64_t cents)
{
    fs_buffer_append_text(out, name);
    sb_result_append_amount(out, cents);
}

static bool append_label_total(struct breakdown *breakdown, size_t i)
{
    const struct fs_json_value *label = &breakdown->request->labels[i];
    struct fs_buffer *out = &breakdown->result->records;
    struct sb_statistics statistics;
    if (!sb_statistics_make(breakdown->label_totals[i].totals, (size_t)breakdown->request->duration, &statistics)) {
        fs_buffer_printf(breakdown->problem, "a total of user %s is beyond %lld cents", breakdown->user_id.data,
                         (long long)SB_BANK_LARGEST_AMOUNT);
        return false;
    }
    sb_result_begin_entry(breakdown->result, breakdown->user, breakdown->user_id.data);
    fs_buffer_append_text(out, "{\"label\":");
    fs_buffer_append(out, label->data, label->length);
    append_member(out, ",\"total\":", statistics.total);
    append_member(out, ",\"average\":", statistics.average);
    append_member(out, ",\"minimum\":", statistics.minimum);
    append_member(out, ",\"maximum\":", statistics.maximum);
    append_member(out, ",\"median\":", statistics.median);
    append_member(out, ",\"standardDeviation\":", statistics.standard_deviation);
    fs_buffer_append_text(out, ",\"months\":[");
    append_months(breakdown, &breakdown->label_totals[i], out);
    fs_buffer_append_text(out, "]}");
    return true;
}

static bool end_user(struct breakdown *breakdown)
{
    for (size_t i = 0; i < breakdown->request->label_count; i++) {
        if (breakdown->found >> i & 1 && !append_label_total(breakdown, i))
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

/* ---- label totals ----------------------------------------------------------------------------------------------- */

/* Adds the row's label_total, of one account and label, to a requested label's. */
static bool add_label_total(struct breakdown *breakdown, sqlite3_stmt *row, int requested)
{
    struct sb_label_total *label_total = &breakdown->label_totals[requested];
    int duration = breakdown->request->duration;
    int64_t transactions = 0;
    if (!(breakdown->found >> requested & 1))
        *label_total = (struct sb_label_total){0};
    for (int i = 0; i < duration; i++) {
        int column = SB_BANK_MONTHS - duration + i;
        int64_t count = sqlite3_column_int64(row, FIRST_COUNT + column);
        label_total->counts[i] += count;
        transactions += count;
        int64_t total = sqlite3_column_int64(row, FIRST_TOTAL + column);
        if (__builtin_add_overflow(label_total->totals[i], total, &label_total->totals[i])) {
            fs_buffer_printf(breakdown->problem, "a total of user %s is beyond 64 bits", breakdown->user_id.data);
            return false;
        }
    }
    if (transactions > 0)
        breakdown->found |= UINT64_C(1) << requested;
    return true;
}

static bool add_row(struct breakdown *breakdown, sqlite3_stmt *row)
{
    uint64_t groups = breakdown->groups[sqlite3_column_int64(row, LABEL)];
    if (groups != 0 && sqlite3_column_int64(row, USER) != breakdown->user &&
        (!end_user(breakdown) || !begin_user(breakdown, row)))
        return false;
    for (; groups != 0; groups &= groups - 1) {
        if (!add_label_total(breakdown, row, __builtin_ctzll(groups)))
            return false;
    }
    return true;
}

static bool walk(struct breakdown *breakdown, const struct sb_bank *bank)
{
    sqlite3_stmt *rows =
        sb_database_prepare(sb_bank_database(bank),
                            "SELECT users.number, user_id, label, " SB_LABEL_TOTAL_COLUMNS " FROM users"
                            " CROSS JOIN accounts ON accounts.user = users.number"
                            " CROSS JOIN label_totals ON label_totals.account = accounts.number ORDER BY user_id",
                            breakdown->problem);
    if (!rows)
        return false;
    int verdict;
    bool added = true;
    while (added && (verdict = sqlite3_step(rows)) == SQLITE_ROW)
        added = add_row(breakdown, rows);
    if (added && verdict != SQLITE_DONE)
        sb_database_describe(sqlite3_db_handle(rows), breakdown->problem);
    added = added && verdict == SQLITE_DONE;
    sqlite3_finalize(rows);
    return added && end_user(breakdown);
}

bool sb_query_financial_breakdown(const struct sb_segment_request *request, const struct sb_bank *bank,
                                  struct sb_result *result, struct fs_buffer *problem)
{
    struct breakdown *breakdown = calloc(1, sizeof *breakdown);
    if (!breakdown) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    breakdown->request = request;
    breakdown->problem = problem;
    breakdown->result = result;
    int first_month = sb_date_month(sb_bank_reference_date(bank)) - request->duration;
    for (int i = 0; i < request->duration; i++)
        sb_date_format(sb_date_first_day_of_month(first_month + i), breakdown->months[i]);
    bool found = find_groups(breakdown, sb_bank_database(bank)) && walk(breakdown, bank);
    fs_buffer_free(&breakdown->user_id);
    free(breakdown->groups);
    free(breakdown);
    return found;
}
