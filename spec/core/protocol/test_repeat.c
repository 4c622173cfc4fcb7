#include "protocol/repeat.h"

#include "test.h"

static enum fs_verdict create_answered(int status, double retry_after)
{
    const struct fs_answer answer = {.status = status, .retry_after = retry_after};
    return fs_repeat_create(&answer);
}

static void a_create_that_was_refused_unread_is_repeated(void)
{
    CHECK_INT(create_answered(429, -1), FS_VERDICT_REPEAT);
    CHECK_INT(create_answered(503, 0), FS_VERDICT_REPEAT);
    CHECK_INT(fs_repeat_failure(FS_OPERATION_CREATE, FINSEG_ERROR_NETWORK, false), FS_VERDICT_REPEAT);
}

static void a_create_that_may_have_been_done_is_never_repeated(void)
{
    const int statuses[] = {500, 502, 503, 504};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        CHECK_INT(create_answered(statuses[i], -1), FS_VERDICT_MAYBE_CREATED);
    for (int kind = 0; kind <= FINSEG_ERROR_RESOURCE; kind++)
        CHECK_INT(fs_repeat_failure(FS_OPERATION_CREATE, (finseg_error_kind)kind, true), FS_VERDICT_MAYBE_CREATED);
}

static void a_create_that_is_wrong_ends(void)
{
    const int statuses[] = {301, 400, 403, 404, 422};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        CHECK_INT(create_answered(statuses[i], -1), FS_VERDICT_END);
}

static void a_get_is_repeated_whatever_was_sent_but_not_what_would_fail_again(void)
{
    CHECK_INT(fs_repeat_failure(FS_OPERATION_WAIT, FINSEG_ERROR_NETWORK, true), FS_VERDICT_REPEAT);
    CHECK_INT(fs_repeat_failure(FS_OPERATION_FETCH, FINSEG_ERROR_TIMEOUT, true), FS_VERDICT_REPEAT);
    CHECK_INT(fs_repeat_failure(FS_OPERATION_WAIT, FINSEG_ERROR_TLS, false), FS_VERDICT_END);
    CHECK_INT(fs_repeat_failure(FS_OPERATION_FETCH, FINSEG_ERROR_TOO_LARGE, true), FS_VERDICT_END);
    CHECK_INT(fs_repeat_get(FS_OPERATION_POLL, FINSEG_ERROR_SERVER), FS_VERDICT_REPEAT);
    CHECK_INT(fs_repeat_get(FS_OPERATION_WAIT, FINSEG_ERROR_RATE_LIMITED), FS_VERDICT_REPEAT);
    CHECK_INT(fs_repeat_get(FS_OPERATION_WAIT, FINSEG_ERROR_FAILED), FS_VERDICT_END);
    CHECK_INT(fs_repeat_get(FS_OPERATION_WAIT, FINSEG_ERROR_PROTOCOL), FS_VERDICT_END);
}

static void a_job_that_is_not_ready_is_asked_again_by_a_wait_alone(void)
{
    CHECK_INT(fs_repeat_get(FS_OPERATION_WAIT, FINSEG_ERROR_PENDING), FS_VERDICT_POLL);
    CHECK_INT(fs_repeat_get(FS_OPERATION_POLL, FINSEG_ERROR_PENDING), FS_VERDICT_END);
    CHECK_INT(fs_repeat_get(FS_OPERATION_FETCH, FINSEG_ERROR_PENDING), FS_VERDICT_REPEAT);
}

static void a_body_that_was_damaged_is_asked_for_again(void)
{
    CHECK_INT(fs_repeat_unreadable(FINSEG_ERROR_PROTOCOL), FS_VERDICT_REPEAT);
    CHECK_INT(fs_repeat_unreadable(FINSEG_ERROR_TOO_LARGE), FS_VERDICT_END);
}

static const struct test tests[] = {
    {"a create that was refused unread is repeated", a_create_that_was_refused_unread_is_repeated},
    {"a create that may have been done is never repeated", a_create_that_may_have_been_done_is_never_repeated},
    {"a create that is wrong ends", a_create_that_is_wrong_ends},
    {"a GET is repeated whatever was sent, but not what would fail again",
     a_get_is_repeated_whatever_was_sent_but_not_what_would_fail_again},
    {"a job that is not ready is asked again by a wait alone", a_job_that_is_not_ready_is_asked_again_by_a_wait_alone},
    {"a body that was damaged is asked for again", a_body_that_was_damaged_is_asked_for_again},
};
SUITE(repeat, tests);
