/* What the client repeats by itself, and what it does not. */
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"
#include "test.h"

static void reads_are_repeated(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, NULL, SCRIPTED_CLOSE, 1},
        {POST_TOKEN, json(&stage, "503 Unavailable", "", ""), SCRIPTED_KEEP, 1},
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", SCRIPTED_KEEP, 1},
        {GET_RESULT, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"users\":[", SCRIPTED_CLOSE, 1},
        {GET_RESULT, json(&stage, "200 OK", "", "{\"users\":[}"), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    check_page(poll_once(&stage, polled));
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT), 4);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_page_of_a_ready_job_that_is_locked_is_fetched_again(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "423 Locked", "", NOT_READY), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "404 Not Found", "", NOT_READY), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *fetched = job(&stage, "j", 0);
    check_page(finseg_client_await(stage.client, finseg_client_fetch(stage.client, fetched, 3, 20, NULL)));
    check_request(&stage, GET_RESULT, "?number=3&size=20 ");
    finseg_job_free(fetched);
    close_stage(&stage);
}

static void tries_are_counted(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "retry.attempts", 3);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "500 Oops", "X-Request-Id: echoed\r\n", ""), SCRIPTED_KEEP, -1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_error *error = error_of(poll_once(&stage, polled));
    CHECK_INT(finseg_error_status(error), 500);
    CHECK_TEXT(finseg_error_request_id(error), "echoed");
    CHECK(finseg_error_retryable(error));
    CHECK_ERROR(error, FINSEG_ERROR_SERVER, "500");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT), 3);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void retry_after_that_is_too_long_is_left_to_the_caller(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "429 Slow Down", "Retry-After: 3600\r\n", ""), SCRIPTED_KEEP, -1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_error *error = error_of(poll_once(&stage, polled));
    CHECK(finseg_error_retry_after(error) == 3600);
    CHECK_ERROR(error, FINSEG_ERROR_RATE_LIMITED, "429");
    CHECK_ERROR(error_of(wait_for(&stage, polled, 0.2)), FINSEG_ERROR_TIMEOUT, "the job lives on");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT), 2);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_create_whose_answer_was_lost_is_not_repeated(void)
{
    struct stage stage;
    prepare(&stage);
    /* The first GET leaves a connection in the pool: a create that reused it would be repeated by libcurl itself. */
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, NULL, SCRIPTED_CLOSE, 1},
        {POST_SEGMENT, json(&stage, "502 Bad Gateway", "", ""), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "503 Unavailable", "", ""), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "200 OK", "", "{\"id\":1}"), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    check_page(poll_once(&stage, polled));
    finseg_job_free(polled);
    const finseg_error_kind kinds[] = {FINSEG_ERROR_NETWORK, FINSEG_ERROR_SERVER, FINSEG_ERROR_SERVER,
                                       FINSEG_ERROR_PROTOCOL};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        finseg_error *error = error_of(create(&stage));
        CHECK(error && finseg_error_maybe_created(error));
        CHECK_ERROR(error, kinds[i], "create highBalance");
        CHECK_INT((int64_t)scripted_server_count(stage.server, POST_SEGMENT), (int64_t)i + 1);
    }
    close_stage(&stage);
}

static void a_create_that_was_turned_away_is_repeated(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {POST_SEGMENT, json(&stage, "429 Slow Down", "", ""), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "503 Unavailable", "Retry-After: 1\r\n", ""), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "202 Accepted", "", "{\"jobId\":\"j\",\"more\":true}"), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_outcome *outcome = create(&stage);
    finseg_job *created = finseg_outcome_take_job(outcome);
    CHECK(created != NULL);
    CHECK_INT((int64_t)scripted_server_count(stage.server, POST_SEGMENT), 3);
    finseg_job_free(created);
    finseg_outcome_free(outcome);
    close_stage(&stage);
}

static void a_refused_create_says_what_the_service_said(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {POST_SEGMENT,
         json(
             &stage, "400 Bad Request", "",
             "{\"errors\":[{\"message\":\"Betrag\\nfalsch\",\"code\":\"ILLEGAL_FIELD_VALUE\"}],\"requestId\":\"r-1\"}"),
         SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "403 Forbidden", "", "{\"error\":\"access_denied\"}"), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, "HTTP/1.1 301 Moved\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n",
         SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_error *error = error_of(create(&stage));
    CHECK_TEXT(finseg_error_code(error), "ILLEGAL_FIELD_VALUE");
    CHECK_TEXT(finseg_error_request_id(error), "r-1");
    CHECK(!finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "400 ILLEGAL_FIELD_VALUE: Betrag falsch");
    CHECK_ERROR(error_of(create(&stage)), FINSEG_ERROR_AUTH, "403 access_denied");
    CHECK_ERROR(error_of(create(&stage)), FINSEG_ERROR_PROTOCOL, "301");
    close_stage(&stage);
}

static void an_answer_beyond_max_body_is_refused(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "max_body", 1024);
    char *long_body = malloc(4001);
    memset(long_body, ' ', 4000);
    long_body[4000] = '\0';
    char chunked[1600];
    snprintf(chunked, sizeof chunked,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n500\r\n%.1280s\r\n0\r\n\r\n", long_body);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT, json(&stage, "200 OK", "", long_body), SCRIPTED_CLOSE, 1},
        {GET_RESULT, chunked, SCRIPTED_CLOSE, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    CHECK_ERROR(error_of(poll_once(&stage, polled)), FINSEG_ERROR_TOO_LARGE, "max_body, 1024 bytes");
    CHECK_ERROR(error_of(poll_once(&stage, polled)), FINSEG_ERROR_TOO_LARGE, "max_body, 1024 bytes");
    finseg_job_free(polled);
    free(long_body);
    close_stage(&stage);
}

static void no_server_is_a_network_error(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "retry.attempts", 2);
    const struct scripted_answer answers[] = {{NULL, NULL, SCRIPTED_CLOSE, -1}};
    OPEN(&stage, answers);
    finseg_client_free(stage.client);
    set_text(&stage, "base_url", "http://127.0.0.1:1/api/v1");
    stage.client = finseg_client_new(stage.config, NULL);
    finseg_error *error = error_of(create(&stage));
    CHECK(!finseg_error_maybe_created(error));
    CHECK(finseg_error_retryable(error));
    CHECK_ERROR(error, FINSEG_ERROR_NETWORK, "http://127.0.0.1:1");
    close_stage(&stage);
}

static void a_long_id_is_quoted_in_part(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "423 Locked", "", ""), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    char id[3001];
    for (size_t i = 0; i < 3000; i++)
        id[i] = "\xE2\x82\xAC"[i % 3];
    id[3000] = '\0';
    finseg_job *polled = job(&stage, id, 0);
    finseg_error *error = error_of(poll_once(&stage, polled));
    CHECK(strlen(finseg_error_message(error)) < 300);
    CHECK_ERROR(error, FINSEG_ERROR_PENDING, "highBalance job \xE2\x82\xAC");
    finseg_job_free(polled);
    close_stage(&stage);
}

static const struct test tests[] = {
    {"a long id is quoted in part", a_long_id_is_quoted_in_part},
    {"reads are repeated", reads_are_repeated},
    {"a page of a ready job that is locked is fetched again", a_page_of_a_ready_job_that_is_locked_is_fetched_again},
    {"tries are counted", tries_are_counted},
    {"a Retry-After that is too long is left to the caller", retry_after_that_is_too_long_is_left_to_the_caller},
    {"a create whose answer was lost is not repeated", a_create_whose_answer_was_lost_is_not_repeated},
    {"a create that was turned away is repeated", a_create_that_was_turned_away_is_repeated},
    {"a refused create says what the service said", a_refused_create_says_what_the_service_said},
    {"an answer beyond max_body is refused", an_answer_beyond_max_body_is_refused},
    {"no server is a network error", no_server_is_a_network_error},
};
SUITE(operation, tests);
