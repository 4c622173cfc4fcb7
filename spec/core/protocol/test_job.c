#include "protocol/job.h"

#include "test.h"

#define NOT_READY "{\"errors\":[{\"code\":\"NOT_READY\"}]}"

static const double day = 24 * 60 * 60;
static const double created = 1700000000;

static finseg_error *read_answer(finseg_job *job, int status, const char *body, double now)
{
    struct fs_answer answer = {
        .status = status, .body = body, .length = strlen(body), .retry_after = -1, .what = "highBalance job j-1"};
    return fs_job_read(job, &answer, now);
}

static void checks(finseg_job *job, int status, const char *body, finseg_error_kind kind, const char *state)
{
    CHECK_ERROR(read_answer(job, status, body, created + day), kind, "highBalance job j-1");
    CHECK_TEXT(finseg_job_state(job), state);
}

static void an_answer_moves_the_job(void)
{
    finseg_job *job = fs_job_new("highBalance", "path", "j-1", created);
    CHECK_TEXT(finseg_job_state(job), "created");
    checks(job, 404, NOT_READY, FINSEG_ERROR_PENDING, "pending");
    checks(job, 423, NOT_READY, FINSEG_ERROR_PENDING, "pending");
    CHECK(read_answer(job, 200, "", created) == NULL);
    CHECK_TEXT(finseg_job_state(job), "ready");
    checks(job, 422, NOT_READY, FINSEG_ERROR_FAILED, "failed");
    finseg_job_free(job);
}

static void a_trouble_on_the_way_leaves_the_job_as_it_was(void)
{
    finseg_job *job = fs_job_new("highBalance", "path", "j-1", created);
    checks(job, 404, NOT_READY, FINSEG_ERROR_PENDING, "pending");
    checks(job, 500, "", FINSEG_ERROR_SERVER, "pending");
    checks(job, 429, "", FINSEG_ERROR_RATE_LIMITED, "pending");
    checks(job, 401, "", FINSEG_ERROR_AUTH, "pending");
    checks(job, 301, "", FINSEG_ERROR_PROTOCOL, "pending");
    finseg_job_free(job);
}

static void a_job_that_is_gone_has_expired_when_it_is_old_enough(void)
{
    finseg_job *job = fs_job_new("highBalance", "path", "j-1", created);
    CHECK_ERROR(read_answer(job, 400, "", created + 14 * day), FINSEG_ERROR_NOT_FOUND, "does not know this job");
    CHECK_ERROR(read_answer(job, 400, "", created + 14 * day + 1), FINSEG_ERROR_EXPIRED, "14 days");
    CHECK_TEXT(finseg_job_state(job), "expired");
    finseg_job_free(job);
    job = fs_job_new("highBalance", "path", "j-1", 0);
    CHECK_ERROR(read_answer(job, 400, "", created), FINSEG_ERROR_NOT_FOUND, "create the segment again");
    finseg_job_free(job);
}

static void another_server_is_found_out_at_its_second_404(void)
{
    finseg_job *job = fs_job_new("highBalance", "path", "j-1", created);
    checks(job, 404, "<html>", FINSEG_ERROR_PENDING, "pending");
    CHECK_ERROR(read_answer(job, 404, "<html>", created), FINSEG_ERROR_PROTOCOL, "check base_url");
    finseg_job_free(job);
    /* Only twice running. */
    job = fs_job_new("highBalance", "path", "j-1", created);
    const int between[] = {404, 423, 500};
    const char *const bodies[] = {NOT_READY, "", ""};
    for (size_t i = 0; i < 3; i++) {
        checks(job, 404, "<html>", FINSEG_ERROR_PENDING, "pending");
        finseg_error_free(read_answer(job, between[i], bodies[i], created));
    }
    finseg_job_free(job);
}

static void a_404_without_a_body_asks_again_for_ever(void)
{
    finseg_job *job = fs_job_new("highBalance", "path", "j-1", created);
    for (int i = 0; i < 5; i++)
        checks(job, 404, "", FINSEG_ERROR_PENDING, "pending");
    finseg_job_free(job);
}

static void a_job_lives_as_long_as_somebody_holds_it(void)
{
    finseg_job *job = fs_job_new("highBalance", "path", "j-1", created);
    finseg_job *held = fs_job_hold(job);
    finseg_job_free(job);
    CHECK_TEXT(finseg_job_id(held), "j-1");
    CHECK_TEXT(finseg_job_kind(held), "highBalance");
    CHECK(finseg_job_created_at(held) == created);
    finseg_job_free(held);
    finseg_job_free(NULL);
}

static const struct test tests[] = {
    {"an answer moves the job through its life", an_answer_moves_the_job},
    {"a trouble on the way leaves the job as it was", a_trouble_on_the_way_leaves_the_job_as_it_was},
    {"a job that is gone has expired when it is old enough", a_job_that_is_gone_has_expired_when_it_is_old_enough},
    {"another server is found out at its second 404 running", another_server_is_found_out_at_its_second_404},
    {"a 404 without a body asks again, however often", a_404_without_a_body_asks_again_for_ever},
    {"a job lives as long as somebody holds it", a_job_lives_as_long_as_somebody_holds_it},
};
SUITE(job, tests);
