#include "kinds.h"

#include <string.h>

#include "queries.h"

static const struct sb_segment_kind kinds[] = {
    {
        .name = "highBalance",
        .list = "accounts",
        .has_account_type = true,
        .has_threshold = true,
        .find_users = sb_query_high_balance,
    },
    {
        .name = "lowBalance",
        .list = "accounts",
        .has_account_type = true,
        .has_threshold = true,
        .has_duration = true,
        .find_users = sb_query_low_balance,
    },
    {
        .name = "incomeSpendingSummary",
        .list = "accounts",
        .has_duration = true,
        .find_users = sb_query_income_spending_summary,
    },
    {
        .name = "insuranceSpending",
        .list = "insurances",
        .has_duration = true,
        .find_users = sb_query_insurance_spending,
    },
    {
        .name = "financialBreakdown",
        .list = "breakdowns",
        .has_duration = true,
        .has_labels = true,
        .find_users = sb_query_financial_breakdown,
    },
};

const struct sb_segment_kind *sb_segment_kind_named(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0)
            return &kinds[i];
    }
    return NULL;
}

bool sb_segment_compute(const struct sb_segment_request *request, const struct sb_bank *bank, struct sb_result *result,
                        struct fs_buffer *problem)
{
    *result = (struct sb_result){.list = request->kind->list, .duration = request->duration};
    sb_date_format(sb_bank_reference_date(bank), result->creation_date);
    if (!request->kind->find_users(request, bank, result, problem))
        return false;
    sb_result_end(result);
    if (result->too_large)
        fs_buffer_printf(problem, "the result is larger than %d bytes", SB_RESULT_LARGEST);
    else if (result->records.failed || result->ends.failed)
        fs_buffer_append_text(problem, "out of memory");
    else
        return true;
    return false;
}
