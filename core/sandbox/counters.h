/* What the service has done since its start, counted without locks: GET /__stats. For any thread. */
#ifndef FINSEG_SANDBOX_COUNTERS_H
#define FINSEG_SANDBOX_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "../buffer.h"
#include "route.h"

enum fs_counter {
    FS_CONNECTIONS_OPENED,
    FS_CONNECTIONS_CLOSED,
    FS_TOKENS_MADE,    /* fresh ones */
    FS_TOKENS_HANDED,  /* token answers, fresh or not */
    FS_TOKENS_REVOKED, /* by a fault */
    FS_JOBS_MADE,
    FS_JOBS_COMPUTED,
    FS_JOBS_FAILED,
    FS_JOBS_SWEPT,
    FS_CALLBACKS_SENT, /* attempts */
    FS_CALLBACKS_DELIVERED,
    FS_CALLBACKS_GIVEN_UP,
    FS_COUNTERS
};

enum { FS_COUNTERS_STATUSES = 600 };

/* Zero-initialise. */
struct fs_counters {
    atomic_uint_fast64_t counters[FS_COUNTERS];
    atomic_uint_fast64_t requests[FS_ROUTES][FS_COUNTERS_STATUSES];
};

void fs_counters_count(struct fs_counters *counters, enum fs_counter counter);
void fs_counters_add(struct fs_counters *counters, enum fs_counter counter, uint64_t number);
void fs_counters_count_request(struct fs_counters *counters, enum fs_route route, unsigned status);
uint64_t fs_counters_value(const struct fs_counters *counters, enum fs_counter counter);
/* Appends the members "requests", "connections", "tokens", "jobs" and "callbacks" of a JSON object, without braces. */
void fs_counters_write(const struct fs_counters *counters, struct fs_buffer *out);

#endif
