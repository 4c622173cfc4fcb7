/*
 * What the service has done since its start, requests aside, counted without locks: a part of GET /__stats. For any
 * thread.
 */
#ifndef FINSEG_SANDBOX_COUNTERS_H
#define FINSEG_SANDBOX_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "value/buffer.h"

enum sb_counter {
    SB_CONNECTIONS_OPENED,
    SB_CONNECTIONS_CLOSED,
    SB_TOKENS_MADE,    /* fresh ones */
    SB_TOKENS_HANDED,  /* token answers, fresh or not */
    SB_TOKENS_REVOKED, /* by a fault */
    SB_JOBS_MADE,
    SB_JOBS_COMPUTED,
    SB_JOBS_FAILED,
    SB_JOBS_SWEPT,
    SB_CALLBACKS_SENT, /* attempts */
    SB_CALLBACKS_DELIVERED,
    SB_CALLBACKS_GIVEN_UP,
    SB_COUNTERS
};

/* Zero-initialise. */
struct sb_counters {
    atomic_uint_fast64_t counters[SB_COUNTERS];
};

void sb_counters_count(struct sb_counters *counters, enum sb_counter counter);
void sb_counters_add(struct sb_counters *counters, enum sb_counter counter, uint64_t number);
uint64_t sb_counters_value(const struct sb_counters *counters, enum sb_counter counter);
/* Appends the members "connections", "tokens", "jobs" and "callbacks" of a JSON object, without braces. */
void sb_counters_write(const struct sb_counters *counters, struct fs_buffer *out);

#endif
