#include "value/error.h"

#include <errno.h>

#include "test.h"

static void an_error_tells_what_it_was_given(void)
{
    finseg_error *error = fs_error_new(FINSEG_ERROR_NOT_FOUND, "no job %s at %d", "J1", 7);
    CHECK_TEXT(finseg_error_message(error), "no job J1 at 7");
    CHECK_INT(finseg_error_get_kind(error), FINSEG_ERROR_NOT_FOUND);
    CHECK(finseg_error_code(error) == NULL);
    CHECK(finseg_error_request_id(error) == NULL);
    CHECK(finseg_error_retry_after(error) < 0);
    CHECK_INT(finseg_error_status(error), 0);
    CHECK(!finseg_error_maybe_created(error));
    fs_error_set_code(error, "UNKNOWN_ENTITY", 14);
    fs_error_set_code(error, "OTHER!", 5);
    fs_error_set_request_id(error, "abc", 3);
    CHECK_TEXT(finseg_error_code(error), "OTHER");
    CHECK_TEXT(finseg_error_request_id(error), "abc");
    finseg_error_free(error);
}

static void what_may_pass_by_itself_is_retryable(void)
{
    for (int kind = FINSEG_ERROR_CONFIG; kind <= FINSEG_ERROR_RESOURCE; kind++) {
        bool expected = kind == FINSEG_ERROR_PENDING || kind == FINSEG_ERROR_RATE_LIMITED ||
                        kind == FINSEG_ERROR_SERVER || kind == FINSEG_ERROR_NETWORK || kind == FINSEG_ERROR_TIMEOUT ||
                        kind == FINSEG_ERROR_RESOURCE;
        finseg_error *error = fs_error_new((finseg_error_kind)kind, "x");
        CHECK_CASE(finseg_error_retryable(error) == expected, finseg_error_kind_name((finseg_error_kind)kind));
        finseg_error_free(error);
    }
}

static void kinds_have_their_names(void)
{
    CHECK_TEXT(finseg_error_kind_name(FINSEG_ERROR_RATE_LIMITED), "rate_limited");
    CHECK_TEXT(finseg_error_kind_name(FINSEG_ERROR_CANCELLED), "cancelled");
    CHECK_TEXT(finseg_error_kind_name(FINSEG_ERROR_RESOURCE), "resource");
    CHECK_TEXT(finseg_error_kind_name((finseg_error_kind)99), "unknown");
}

static void out_of_memory_is_shared_and_never_changes(void)
{
    finseg_error *error = fs_error_out_of_memory();
    fs_error_set_code(error, "CODE", 4);
    fs_error_set_request_id(error, "id", 2);
    CHECK(finseg_error_code(error) == NULL);
    CHECK(finseg_error_request_id(error) == NULL);
    finseg_error_free(error);
    CHECK_ERROR(fs_error_out_of_memory(), FINSEG_ERROR_RESOURCE, "out of memory; ");
    CHECK(!finseg_error_maybe_created(error));
}

static void out_of_memory_keeps_that_a_job_may_have_been_made(void)
{
    finseg_error *error = fs_error_copy(fs_error_with_maybe_created(fs_error_out_of_memory()));
    CHECK(finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_RESOURCE, "out of memory; ");
}

static void what_ran_out_is_told_from_other_failures(void)
{
    CHECK_ERROR(fs_error_system(FINSEG_ERROR_NETWORK, "x", EMFILE), FINSEG_ERROR_RESOURCE,
                "x: out of file descriptors");
    CHECK_ERROR(fs_error_system(FINSEG_ERROR_NETWORK, "x", ENFILE), FINSEG_ERROR_RESOURCE,
                "x: out of file descriptors");
    CHECK_ERROR(fs_error_system(FINSEG_ERROR_NETWORK, "x", ENOMEM), FINSEG_ERROR_RESOURCE, "x: out of memory");
    CHECK_ERROR(fs_error_system(FINSEG_ERROR_NETWORK, "x", EPERM), FINSEG_ERROR_NETWORK, "x: Operation not permitted");
}

static void an_error_nobody_asked_for_is_freed(void)
{
    finseg_error *place = NULL;
    CHECK_INT(fs_error_give(NULL, fs_error_new(FINSEG_ERROR_CONFIG, "dropped")), -1);
    CHECK_INT(fs_error_give(&place, fs_error_new(FINSEG_ERROR_CONFIG, "kept")), -1);
    CHECK_ERROR(place, FINSEG_ERROR_CONFIG, "kept");
    finseg_error_free(NULL);
}

static const struct test tests[] = {
    {"it tells what it was given", an_error_tells_what_it_was_given},
    {"what may pass by itself is retryable", what_may_pass_by_itself_is_retryable},
    {"kinds have their names", kinds_have_their_names},
    {"out of memory is shared and never changes", out_of_memory_is_shared_and_never_changes},
    {"out of memory keeps that a job may have been made", out_of_memory_keeps_that_a_job_may_have_been_made},
    {"what ran out is told from other failures", what_ran_out_is_told_from_other_failures},
    {"an error nobody asked for is freed", an_error_nobody_asked_for_is_freed},
};
SUITE(error, tests);
