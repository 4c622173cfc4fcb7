/* The life of a job: created -> pending -> ready | failed | expired | cancelled, as the answers to its GETs tell it.
 * Pure. */
#ifndef FINSEG_JOB_H
#define FINSEG_JOB_H

#include "answer.h"

enum fs_job_state { FS_JOB_CREATED, FS_JOB_PENDING, FS_JOB_READY, FS_JOB_FAILED, FS_JOB_EXPIRED, FS_JOB_CANCELLED };

/* Results are deleted 14 days after creation (stated). */
enum { FS_JOB_LIFETIME = 14 * 24 * 60 * 60 };

struct finseg_job {
    unsigned references;
    enum fs_job_state state;
    unsigned foreign_answers; /* 404s in a row whose body is no JSON */
    double created_at;        /* seconds since 1970, 0: not known */
    char *kind;
    char *path; /* of the kind, so that a job does not need its client */
    char *job_id;
};

/* One reference, the caller's. NULL when out of memory. */
finseg_job *fs_job_new(const char *kind, const char *path, const char *job_id, double created_at);
finseg_job *fs_job_hold(finseg_job *job);

/*
 * Reads the answer to a GET of the job's result and moves its state. NULL for 200: the body is a page. Else the
 * error: pending (404, 423: stated, ours), not_found or expired (400: stated), failed (422: ours), protocol (the
 * second 404 in a row that is no JSON: no answer of the service), or what the status means elsewhere. `now` is wall
 * clock.
 */
finseg_error *fs_job_read(finseg_job *job, const struct fs_answer *answer, double now);

#endif
