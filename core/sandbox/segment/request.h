/* The body of a create request: what each kind of segment takes, and how it is read. */
#ifndef FINSEG_SANDBOX_SEGMENT_REQUEST_H
#define FINSEG_SANDBOX_SEGMENT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result.h"
#include "sandbox/bank/bank.h"
#include "sandbox/base/api_errors.h"
#include "value/buffer.h"
#include "value/json.h"

/* Labels that one request may ask for. */
enum { SB_SEGMENT_LABELS = 64 };
/* Bytes of a callbackURL. */
enum { SB_SEGMENT_LONGEST_URL = 2048 };

struct sb_segment_request;

struct sb_segment_kind {
    const char *name; /* as in the path */
    const char *list; /* of its records: "accounts", ... */
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
    char callback_url[SB_SEGMENT_LONGEST_URL + 1]; /* empty: none; not checked */
};

/*
 * Reads a create body. Members of no meaning to the kind are ignored, as the service does. False with at least one
 * complaint when it is no JSON object or a member is missing, doubled or wrong.
 */
bool sb_segment_read_request(const struct sb_segment_kind *kind, const char *body, size_t length,
                             struct sb_segment_request *request, struct sb_api_errors *errors);

#endif
