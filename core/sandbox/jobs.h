/*
 * Segment jobs: made at once, computed by a worker thread in the order of their making, ready after the configured delay, and
 * gone after their time to live. Jobs and results are kept in SQLite, one transaction a change of state; a job that was not
 * computed when the program ended is computed at the next start, a callback that was not settled is sent again. All functions but
 * open, finish, start and close may be called from any thread.
 */
#ifndef FINSEG_SANDBOX_JOBS_H
#define FINSEG_SANDBOX_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../buffer.h"
#include "bank.h"
#include "counters.h"
#include "result.h"
#include "secret.h"
#include "segment.h"

struct fs_jobs;

enum fs_job_state {
    FS_JOB_UNKNOWN, /* never made, of another kind, or expired */
    FS_JOB_PENDING,
    FS_JOB_READY,
    FS_JOB_FAILED, /* its computation failed */
    FS_JOB_TROUBLE /* the database failed now; the job may be well */
};

/* What becomes of a job, when a fault has a say in it. */
enum fs_job_fate {
    FS_FATE_NORMAL,
    FS_FATE_STUCK,   /* pending for ever */
    FS_FATE_FAILS,   /* its computation fails */
    FS_FATE_VANISHES /* unknown from the moment it should be ready */
};

/* How a callback goes wrong. */
enum fs_callback_fate {
    FS_CALLBACK_NORMAL,
    FS_CALLBACK_LOST,
    FS_CALLBACK_TWICE,
    FS_CALLBACK_EARLY /* once more, when the job is made */
};

struct fs_jobs_config {
    const char *file;          /* as in fs_bank_open() */
    int64_t delay;             /* until a job is ready, and ... */
    int64_t time_to_live;      /* ... until it is deleted: milliseconds from its making */
    int64_t callback_patience; /* as in fs_callbacks_new() */
    struct fs_counters *counters;
};

/* A job to be made, from a body that fs_segment_read_request() accepted. */
struct fs_job_order {
    const struct fs_segment_kind *kind;
    const char *body;
    size_t length;
    const char *callback_url; /* empty: none */
    enum fs_job_fate fate;
    enum fs_callback_fate callback_fate;
};

/* NULL with a `problem`. */
struct fs_jobs *fs_jobs_open(const struct fs_jobs_config *config, struct fs_buffer *problem);
/* Computes what an earlier run left over. Call it before anything is loaded: a result is that of the bank the job was made at. */
bool fs_jobs_finish(struct fs_jobs *jobs, const struct fs_bank *bank, struct fs_buffer *problem);
/* Starts the worker, which uses the bank alone until fs_jobs_close(), and the sending of callbacks. */
bool fs_jobs_start(struct fs_jobs *jobs, const struct fs_bank *bank, struct fs_buffer *problem);
void fs_jobs_close(struct fs_jobs *jobs);

bool fs_jobs_create(struct fs_jobs *jobs, const struct fs_job_order *order, char id[FS_SECRET_TEXT],
                    struct fs_buffer *problem);
/* `*result` is set when the job is ready; the caller releases it. */
enum fs_job_state fs_jobs_find(struct fs_jobs *jobs, const struct fs_segment_kind *kind, const char *id,
                               struct fs_result **result);
/* Appends a page as the JSON object of API.md, with `total` as its totalElements. `number` counts from 0; a page beyond the last
 * has no users. False, with nothing appended, when the records cannot be read. */
bool fs_jobs_write_page(struct fs_jobs *jobs, const struct fs_result *result, uint64_t number, uint64_t size,
                        size_t total, struct fs_buffer *out);

#endif
