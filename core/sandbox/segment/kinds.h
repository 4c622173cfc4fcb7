/*
 * The kinds of segments: one table in kinds.c says what the body of a create request may hold and which query finds
 * the users.
 */
#ifndef FINSEG_SANDBOX_KINDS_H
#define FINSEG_SANDBOX_KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"
#include "result.h"
#include "sandbox/bank/bank.h"
#include "value/buffer.h"

/* NULL when there is no such kind. */
const struct sb_segment_kind *sb_segment_kind_named(const char *name, size_t length);
/*
 * Computes the result at the bank's reference date. False with a `problem`. The caller frees the result in either case.
 */
bool sb_segment_compute(const struct sb_segment_request *request, const struct sb_bank *bank, struct sb_result *result,
                        struct fs_buffer *problem);

#endif
