/* Who is in a segment: one function a kind, each appending its users' records ordered by userId, then accountId. */
#ifndef FINSEG_SANDBOX_ENGINE_H
#define FINSEG_SANDBOX_ENGINE_H

#include "segment.h"

/* Accounts whose balance is above the threshold. */
bool fs_engine_high_balance(const struct fs_segment_request *request, const struct fs_bank *bank,
                            struct fs_result *result, struct fs_buffer *problem);
/* Accounts whose closing balance fell below the threshold in each of the last `duration` complete months. */
bool fs_engine_low_balance(const struct fs_segment_request *request, const struct fs_bank *bank,
                           struct fs_result *result, struct fs_buffer *problem);
/* Accounts with incoming or outgoing transactions in the last `duration` complete months, and how many. */
bool fs_engine_income_spending_summary(const struct fs_segment_request *request, const struct fs_bank *bank,
                                       struct fs_result *result, struct fs_buffer *problem);
/* Insurance policies that premiums were paid for in the last `duration` complete months: in insurance.c. */
bool fs_engine_insurance_spending(const struct fs_segment_request *request, const struct fs_bank *bank,
                                  struct fs_result *result, struct fs_buffer *problem);
/* Statistics of the monthly totals of each requested label: in breakdown.c. */
bool fs_engine_financial_breakdown(const struct fs_segment_request *request, const struct fs_bank *bank,
                                   struct fs_result *result, struct fs_buffer *problem);

#endif
