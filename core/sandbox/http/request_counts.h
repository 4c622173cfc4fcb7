/*
 * How many requests were answered, by route and status, counted without locks: a part of GET /__stats. For any thread.
 */
#ifndef FINSEG_SANDBOX_REQUEST_COUNTS_H
#define FINSEG_SANDBOX_REQUEST_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "route.h"
#include "value/buffer.h"

enum { SB_REQUEST_COUNTS_STATUSES = 600 };

/* Zero-initialise. */
struct sb_request_counts {
    atomic_uint_fast64_t counts[SB_ROUTES][SB_REQUEST_COUNTS_STATUSES];
};

void sb_request_counts_add(struct sb_request_counts *requests, enum sb_route route, unsigned status);
/* Appends a JSON array of {"method", "path", "status", "count"}. */
void sb_request_counts_write(const struct sb_request_counts *requests, struct fs_buffer *out);

#endif
