/*
 * The segment kinds: what the body of a create request may hold, and who is in the segment. One table in segment.c; engine.h has
 * what finds the users.
 */
#ifndef FINSEG_SANDBOX_SEGMENT_H
#define FINSEG_SANDBOX_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/bank/bank.h"
#include "sandbox/base/complaint.h"
#include "sandbox/jobs/callback_address.h"
#include "sandbox/jobs/result.h"
#include "value/buffer.h"
#include "value/json.h"

/* Labels that one request may ask for. */
enum { SB_SEGMENT_LABELS = 64 };

struct sb_segment_request;

struct sb_segment_kind {
    const char *name; /* as in the path */
    bool has_account_type;
    bool has_threshold;
    bool has_duration;
    bool has_labels;
    /* Appends the records of the users in the segment. */
    bool (*find_users)(const struct sb_segment_request *request, const struct sb_bank *bank, struct sb_result *result,
                       struct fs_buffer *problem);
};

/* The body of a create request, read. It points into the body, which must outlive it. */
struct sb_segment_request {
    const struct sb_segment_kind *kind;
    const char *account_type; /* as in the bank; NULL: every type */
    int64_t threshold;        /* at scale 10^-4 */
    int duration;             /* complete months, 1 to 12; 0 where the kind has none */
    /* JSON strings, in the order requested, no two alike; groups: see label.h. */
    struct fs_json_value labels[SB_SEGMENT_LABELS];
    size_t label_count;
    char callback_url[SB_RECEIVER_LONGEST_URL + 1]; /* empty: none; not checked */
};

/* NULL when there is no such kind. */
const struct sb_segment_kind *sb_segment_kind_named(const char *name, size_t length);
/* The account type of the wire that is `type` but for case; NULL when there is none. */
const char *sb_segment_account_type(const char *type);
/*
 * Reads a create body. Members of no meaning to the kind are ignored, as the service does. False with at least one complaint when
 * it is no JSON object or a member is missing, doubled or wrong.
 */
bool sb_segment_read_request(const struct sb_segment_kind *kind, const char *body, size_t length,
                             struct sb_segment_request *request, struct sb_complaints *complaints);
/* The result at the bank's reference date. NULL with a `problem`. */
struct sb_result *sb_segment_compute(const struct sb_segment_request *request, const struct sb_bank *bank,
                                     struct fs_buffer *problem);

#endif
