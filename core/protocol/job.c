#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "value/error.h"
#include "value/text.h"

static const char *const state_names[] = {
    [FS_JOB_CREATED] = "created", [FS_JOB_PENDING] = "pending", [FS_JOB_READY] = "ready",
    [FS_JOB_FAILED] = "failed",   [FS_JOB_EXPIRED] = "expired", [FS_JOB_CANCELLED] = "cancelled",
};

finseg_job *fs_job_new(const char *kind, const char *path, const char *job_id, double created_at)
{
    finseg_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->references = 1;
    job->created_at = created_at;
    job->kind = fs_text_copy(kind, strlen(kind));
    job->path = fs_text_copy(path, strlen(path));
    job->job_id = fs_text_copy(job_id, strlen(job_id));
    if (!job->kind || !job->path || !job->job_id) {
        finseg_job_free(job);
        return NULL;
    }
    return job;
}

finseg_job *fs_job_hold(finseg_job *job)
{
    job->references++;
    return job;
}

void finseg_job_free(finseg_job *job)
{
    if (!job || --job->references > 0)
        return;
    free(job->kind);
    free(job->path);
    free(job->job_id);
    free(job);
}

const char *finseg_job_id(const finseg_job *job)
{
    return job->job_id;
}

const char *finseg_job_kind(const finseg_job *job)
{
    return job->kind;
}

double finseg_job_created_at(const finseg_job *job)
{
    return job->created_at;
}

const char *finseg_job_state(const finseg_job *job)
{
    return state_names[job->state];
}

/* A job that was ready stays so: one of its later pages may be slow. */
static void not_ready(finseg_job *job)
{
    if (job->state != FS_JOB_READY)
        job->state = FS_JOB_PENDING;
}

static finseg_error *read_missing(finseg_job *job, const struct fs_answer *answer)
{
    /* No body says nothing: the service's own is not documented. */
    if (answer->length == 0 || fs_answer_is_json(answer)) {
        job->foreign_answers = 0;
    } else if (++job->foreign_answers >= 2) {
        return fs_answer_error(answer, FINSEG_ERROR_PROTOCOL,
                               "the service says so in JSON, so this is another server: check base_url");
    }
    not_ready(job);
    return fs_answer_error(answer, FINSEG_ERROR_PENDING, "the job is pending: ask again later");
}

static finseg_error *read_gone(finseg_job *job, const struct fs_answer *answer, double now)
{
    if (job->created_at > 0 && now - job->created_at > FS_JOB_LIFETIME) {
        job->state = FS_JOB_EXPIRED;
        return fs_answer_error(answer, FINSEG_ERROR_EXPIRED,
                               "results are deleted after 14 days: create the segment again");
    }
    return fs_answer_error(answer, FINSEG_ERROR_NOT_FOUND,
                           "the service does not know this job, or has deleted it: create the segment again; if it "
                           "complains of number or size, correct first_page or page_size instead");
}

finseg_error *fs_job_read(finseg_job *job, const struct fs_answer *answer, double now)
{
    if (answer->status != 404)
        job->foreign_answers = 0;
    switch (answer->status) {
    case 200:
        job->state = FS_JOB_READY;
        return NULL;
    case 400:
        return read_gone(job, answer, now);
    case 404:
        return read_missing(job, answer);
    case 422:
        job->state = FS_JOB_FAILED;
        return fs_answer_error(answer, FINSEG_ERROR_FAILED, "the job failed at the service: create the segment again");
    case 423:
        not_ready(job);
        return fs_answer_error(answer, FINSEG_ERROR_PENDING, "the job is still running: ask again later");
    default: {
        finseg_error_kind kind = fs_answer_kind(answer->status);
        return fs_answer_error(answer, kind, fs_answer_advice(kind));
    }
    }
}
