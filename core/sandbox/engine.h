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

#endif
