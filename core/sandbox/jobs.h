/*
 * Segment jobs: made at once, computed by a worker thread in the order of their making, ready after the configured delay, and
 * gone after their time to live. Jobs and results are kept in SQLite; a job that was not computed when the program ended is
 * computed at the next start. All functions but open, finish, start and close may be called from any thread.
 */
#ifndef FINSEG_SANDBOX_JOBS_H
#define FINSEG_SANDBOX_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../buffer.h"
#include "bank.h"
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

/* `file` as in fs_bank_open(). The delay until a job is ready and its time to live are milliseconds from its making. */
struct fs_jobs *fs_jobs_open(const char *file, int64_t delay, int64_t time_to_live, struct fs_buffer *problem);
/* Computes what an earlier run left over. Call it before anything is loaded: a result is that of the bank the job was made at. */
bool fs_jobs_finish(struct fs_jobs *jobs, const struct fs_bank *bank, struct fs_buffer *problem);
/* Starts the worker, which uses the bank alone until fs_jobs_close(). */
bool fs_jobs_start(struct fs_jobs *jobs, const struct fs_bank *bank, struct fs_buffer *problem);
void fs_jobs_close(struct fs_jobs *jobs);

/* Makes a job from a body that fs_segment_read_request() accepted. */
bool fs_jobs_create(struct fs_jobs *jobs, const struct fs_segment_kind *kind, const char *body, size_t length,
                    char id[FS_SECRET_TEXT], struct fs_buffer *problem);
/* `*result` is set when the job is ready; the caller releases it. */
enum fs_job_state fs_jobs_find(struct fs_jobs *jobs, const struct fs_segment_kind *kind, const char *id,
                               struct fs_result **result);

#endif
