/* Who is in a segment: one function a kind, each appending its users' records ordered by userId, then accountId. */
#ifndef FINSEG_SANDBOX_QUERIES_H
#define FINSEG_SANDBOX_QUERIES_H

#include "request.h"

/* Accounts whose balance is above the threshold. */
bool sb_query_high_balance(const struct sb_segment_request *request, const struct sb_bank *bank,
                           struct sb_result *result, struct fs_buffer *problem);
/* Accounts whose closing balance fell below the threshold in each of the last `duration` complete months. */
bool sb_query_low_balance(const struct sb_segment_request *request, const struct sb_bank *bank,
                          struct sb_result *result, struct fs_buffer *problem);
/* Accounts with incoming or outgoing transactions in the last `duration` complete months, and how many. */
bool sb_query_income_spending_summary(const struct sb_segment_request *request, const struct sb_bank *bank,
                                      struct sb_result *result, struct fs_buffer *problem);
/* Insurance policies that premiums were paid for in the last `duration` complete months: in insurance.c. */
bool sb_query_insurance_spending(const struct sb_segment_request *request, const struct sb_bank *bank,
                                 struct sb_result *result, struct fs_buffer *problem);
/* Statistics of the monthly totals of each requested label: in breakdown.c. */
bool sb_query_financial_breakdown(const struct sb_segment_request *request, const struct sb_bank *bank,
                                  struct sb_result *result, struct fs_buffer *problem);

#endif
