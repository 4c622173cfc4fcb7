/*
 * Segment jobs: made at once, computed by a worker thread in the order they were made, ready after the configured
 * delay, and gone after their time to live. Jobs and results are kept in SQLite, one transaction a change of state; a
 * job that was not computed when the program ended is computed at the next start, a callback that was not settled is
 * sent again. All functions but open, finish, start and close may be called from any thread.
 */
#ifndef FINSEG_SANDBOX_JOBS_H
#define FINSEG_SANDBOX_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/bank/bank.h"
#include "sandbox/base/counters.h"
#include "sandbox/base/date.h"
#include "sandbox/segment/kinds.h"
#include "value/buffer.h"
#include "value/secret.h"

struct sb_jobs;

enum sb_job_state {
    SB_JOB_UNKNOWN, /* never made, of another kind, or expired */
    SB_JOB_PENDING,
    SB_JOB_READY,
    SB_JOB_FAILED, /* its computation failed */
    SB_JOB_TROUBLE /* the database failed now; the job may be well */
};

/* What becomes of a job, when a fault has a say in it. */
enum sb_job_fate {
    SB_FATE_NORMAL,
    SB_FATE_STUCK,   /* pending for ever */
    SB_FATE_FAILS,   /* its computation fails */
    SB_FATE_VANISHES /* unknown from the moment it should be ready */
};

/* How a callback goes wrong. */
enum sb_callback_fate {
    SB_CALLBACK_NORMAL,
    SB_CALLBACK_LOST,
    SB_CALLBACK_TWICE,
    SB_CALLBACK_EARLY /* once more, when the job is made */
};

struct sb_jobs_config {
    const char *file;          /* as in sb_bank_open() */
    int64_t delay;             /* until a job is ready, and ... */
    int64_t time_to_live;      /* ... until it is deleted: milliseconds after it was made */
    int64_t callback_patience; /* as in sb_callbacks_new() */
    struct sb_counters *counters;
};

/* A job to be made, from a body that sb_segment_read_request() accepted. */
struct sb_job_order {
    const struct sb_segment_kind *kind;
    const char *body;
    size_t length;
    const char *callback_url; /* empty: none */
    enum sb_job_fate fate;
    enum sb_callback_fate callback_fate;
};

/* A job that is ready. */
struct sb_job {
    int64_t number;
    uint64_t users;                   /* over all pages */
    int duration;                     /* durationInMonth; 0 where the kind has none */
    char creation_date[SB_DATE_TEXT]; /* YYYY-MM-DD */
};

/* NULL with a `problem`. */
struct sb_jobs *sb_jobs_open(const struct sb_jobs_config *config, struct fs_buffer *problem);
/*
 * Computes what an earlier run left over. Call it before anything is loaded: a result is that of the bank the job was
 * made at.
 */
bool sb_jobs_finish(struct sb_jobs *jobs, const struct sb_bank *bank, struct fs_buffer *problem);
/* Starts the worker, which uses the bank alone until sb_jobs_close(), and the sending of callbacks. */
bool sb_jobs_start(struct sb_jobs *jobs, const struct sb_bank *bank, struct fs_buffer *problem);
void sb_jobs_close(struct sb_jobs *jobs);

bool sb_jobs_create(struct sb_jobs *jobs, const struct sb_job_order *order, char id[FS_SECRET_TEXT],
                    struct fs_buffer *problem);
/* `*job` is set when the job is ready. */
enum sb_job_state sb_jobs_find(struct sb_jobs *jobs, const struct sb_segment_kind *kind, const char *id,
                               struct sb_job *job);
/*
 * Appends a page as a JSON object, with `total` as its totalElements. `number` counts from 0; a page beyond the last
 * has no users. False, with nothing appended, when the records cannot be read, or have expired by now.
 */
bool sb_jobs_write_page(struct sb_jobs *jobs, const struct sb_job *job, uint64_t number, uint64_t size, uint64_t total,
                        struct fs_buffer *out);

#endif
