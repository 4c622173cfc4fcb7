/* What an operation makes of an answer, what it repeats by itself, and when a wait asks. */
#include "client/operation.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"
#include "test.h"

/* Longer than any test; nothing is asked by the clock alone. */
#define NEVER 3600.0

/* ---- answers and repeats ---- */

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

static void a_page_beyond_a_limit_is_not_fetched_again(void)
{
    struct stage stage;
    prepare(&stage);
    char deep[401] = "{\"x\":";
    memset(deep + strlen(deep), '[', 400 - strlen(deep));
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "408 Request Timeout", "", ""), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", deep), SCRIPTED_KEEP, -1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    CHECK_ERROR(error_of(poll_once(&stage, polled)), FINSEG_ERROR_TOO_LARGE, "");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT), 2);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_body_that_is_no_page_is_told_without_the_customers(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "retry.attempts", 1);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", "<html>Willkommen"), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", "{\"users\":[{\"userId\":\"zoe\","), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_error *error = error_of(poll_once(&stage, polled));
    CHECK(strstr(finseg_error_message(error), "highBalance job j: the result page cannot be read") != NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "begins \"<html>Willkommen\": check base_url");
    error = error_of(poll_once(&stage, polled));
    CHECK(strstr(finseg_error_message(error), "zoe") == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "highBalance job j");
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_create_cancelled_on_its_way_may_exist(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, NULL, SCRIPTED_STALL, 1},
    };
    OPEN(&stage, answers);
    finseg_ticket ticket = finseg_client_create(stage.client, "highBalance", "{\"threshold\":1}", NULL);
    while (scripted_server_count(stage.server, POST_SEGMENT) == 0) {
        struct pollfd watched = {.fd = finseg_client_fd(stage.client), .events = POLLIN};
        poll(&watched, 1, 10);
        CHECK(finseg_client_step(stage.client) == 0);
    }
    finseg_client_cancel(stage.client, ticket);
    finseg_error *error = error_of(finseg_client_next(stage.client));
    CHECK(finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_CANCELLED, "may exist");
    close_stage(&stage);
}

/* ---- waits ---- */

static void a_short_wait_still_asks(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.first", 3600);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    check_page(wait_for(&stage, waited, 2));
    finseg_job_free(waited);
    close_stage(&stage);
}

static void a_wait_ends_when_the_job_has_ended(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT "highBalance/gone?", json(&stage, "400 Bad Request", "", NOT_READY), SCRIPTED_KEEP, -1},
        {GET_RESULT "highBalance/failed?", json(&stage, "422 Unprocessable", "", NOT_READY), SCRIPTED_KEEP, -1},
        {GET_RESULT "highBalance/foreign?", "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>", SCRIPTED_KEEP,
         -1},
    };
    OPEN(&stage, answers);
    finseg_job *unknown = job(&stage, "gone", 0);
    finseg_job *old = job(&stage, "gone", 1000000);
    finseg_job *failed = job(&stage, "failed", 0);
    finseg_job *foreign = job(&stage, "foreign", 0);
    CHECK_ERROR(error_of(wait_for(&stage, unknown, 10)), FINSEG_ERROR_NOT_FOUND, "highBalance job gone");
    CHECK_TEXT(finseg_job_state(unknown), "created");
    CHECK_ERROR(error_of(wait_for(&stage, old, 10)), FINSEG_ERROR_EXPIRED, "14 days");
    CHECK_TEXT(finseg_job_state(old), "expired");
    CHECK_ERROR(error_of(wait_for(&stage, failed, 10)), FINSEG_ERROR_FAILED, "422");
    CHECK_ERROR(error_of(wait_for(&stage, foreign, 10)), FINSEG_ERROR_PROTOCOL, "base_url");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT "highBalance/foreign?"), 2);
    finseg_job_free(unknown);
    finseg_job_free(old);
    finseg_job_free(failed);
    finseg_job_free(foreign);
    close_stage(&stage);
}

static void a_wait_ends_at_its_deadline_though_the_server_stalls(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT, NULL, SCRIPTED_STALL, -1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_error *error = error_of(wait_for(&stage, waited, 0.1));
    CHECK(finseg_error_retryable(error));
    CHECK_ERROR(error, FINSEG_ERROR_TIMEOUT, "no answer within 0.1 s");
    finseg_job_free(waited);
    close_stage(&stage);
}

/* ---- waits for a callback ---- */

static finseg_ticket wait_for_callback(struct stage *stage, finseg_job *waited)
{
    finseg_error *error = NULL;
    finseg_ticket ticket = finseg_client_wait_for_callback(stage->client, waited, -1, &error);
    CHECK(ticket != 0);
    CHECK(error == NULL);
    return ticket;
}

static int64_t count_gets(struct stage *stage)
{
    return (int64_t)scripted_server_count(stage->server, GET_RESULT);
}

static void a_wait_for_a_callback_asks_when_it_is_called(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.callback", NEVER);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_ticket ticket = wait_for_callback(&stage, waited);
    CHECK(finseg_client_next_timeout(stage.client) > NEVER / 2);
    CHECK(finseg_client_called(stage.client, ticket));
    CHECK(finseg_client_next_timeout(stage.client) < 1);
    check_page(finseg_client_await(stage.client, ticket));
    CHECK_INT(count_gets(&stage), 1);
    CHECK(!finseg_client_called(stage.client, ticket));
    CHECK(!finseg_client_expect_callback(stage.client, ticket, true));
    finseg_job_free(waited);
    close_stage(&stage);
}

static void a_callback_that_is_early_begins_the_poll_schedule(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.callback", NEVER);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "404 Not Found", "", NOT_READY), SCRIPTED_KEEP, 3},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_ticket ticket = wait_for_callback(&stage, waited);
    finseg_client_called(stage.client, ticket);
    check_page(finseg_client_await(stage.client, ticket));
    CHECK_INT(count_gets(&stage), 4);
    finseg_job_free(waited);
    close_stage(&stage);
}

static void a_callback_that_is_lost_costs_time_only(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.first", NEVER);
    set_number(&stage, "poll.max", NEVER);
    set_number(&stage, "poll.callback", 0.02);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "404 Not Found", "", NOT_READY), SCRIPTED_KEEP, 2},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    check_page(finseg_client_await(stage.client, wait_for_callback(&stage, waited)));
    finseg_job_free(waited);
    close_stage(&stage);
}

static void a_callback_during_a_question_has_it_asked_again_at_once(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.first", NEVER);
    set_number(&stage, "poll.max", NEVER);
    set_number(&stage, "poll.callback", NEVER);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "404 Not Found", "", NOT_READY), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_ticket ticket = wait_for_callback(&stage, waited);
    finseg_client_called(stage.client, ticket);
    CHECK(finseg_client_step(stage.client) == 0);
    CHECK_INT((int64_t)finseg_client_transfers(stage.client), 1);
    finseg_client_called(stage.client, ticket);
    check_page(finseg_client_await(stage.client, ticket));
    CHECK_INT(count_gets(&stage), 2);
    finseg_job_free(waited);
    close_stage(&stage);
}

/* Steps until the server has been asked so often and no transfer is under way. */
static void step_until_asked(struct stage *stage, int64_t gets)
{
    while (count_gets(stage) < gets || finseg_client_transfers(stage->client) > 0) {
        struct pollfd watched = {.fd = finseg_client_fd(stage->client), .events = POLLIN};
        poll(&watched, 1, 20);
        CHECK(finseg_client_step(stage->client) >= 0);
    }
}

static void a_callback_does_not_cut_the_pause_that_the_service_asked_for(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.callback", NEVER);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "503 Service Unavailable", "Retry-After: 600\r\n", NOT_READY), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_ticket ticket = wait_for_callback(&stage, waited);
    finseg_client_called(stage.client, ticket);
    step_until_asked(&stage, 1);
    finseg_client_called(stage.client, ticket);
    CHECK(finseg_client_next_timeout(stage.client) > 500);
    finseg_job_free(waited);
    close_stage(&stage);
}

static void waits_go_on_by_polling_when_callbacks_can_no_longer_come(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "poll.callback", NEVER);
    set_number(&stage, "poll.first", 0.05);
    set_number(&stage, "poll.max", NEVER);
    const struct scripted_answer answers[] = {{POST_TOKEN, NULL, SCRIPTED_STALL, -1}};
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_ticket ticket = wait_for_callback(&stage, waited);
    CHECK(finseg_client_expect_callback(stage.client, ticket, true));
    CHECK(finseg_client_next_timeout(stage.client) > NEVER / 2);
    CHECK(finseg_client_expect_callback(stage.client, ticket, false));
    CHECK(finseg_client_next_timeout(stage.client) < 30);
    finseg_job_free(waited);
    close_stage(&stage);
}

static void only_waits_are_called(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {{POST_TOKEN, NULL, SCRIPTED_STALL, -1}};
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_ticket ticket = finseg_client_poll(stage.client, polled, NULL);
    CHECK(!finseg_client_called(stage.client, ticket));
    CHECK(!finseg_client_expect_callback(stage.client, ticket, false));
    CHECK(!finseg_client_called(stage.client, 0));
    finseg_job_free(polled);
    close_stage(&stage);
}

static const struct test tests[] = {
    {"reads are repeated", reads_are_repeated},
    {"a page of a ready job that is locked is fetched again", a_page_of_a_ready_job_that_is_locked_is_fetched_again},
    {"tries are counted", tries_are_counted},
    {"a Retry-After that is too long is left to the caller", retry_after_that_is_too_long_is_left_to_the_caller},
    {"a create whose answer was lost is not repeated", a_create_whose_answer_was_lost_is_not_repeated},
    {"a create that was turned away is repeated", a_create_that_was_turned_away_is_repeated},
    {"a refused create says what the service said", a_refused_create_says_what_the_service_said},
    {"no server is a network error", no_server_is_a_network_error},
    {"a long id is quoted in part", a_long_id_is_quoted_in_part},
    {"a page beyond a limit is not fetched again, a 408 is", a_page_beyond_a_limit_is_not_fetched_again},
    {"a body that is no page is told without the customers in it",
     a_body_that_is_no_page_is_told_without_the_customers},
    {"a create cancelled on its way may exist", a_create_cancelled_on_its_way_may_exist},
    {"a short wait still asks", a_short_wait_still_asks},
    {"a wait ends when the job has ended", a_wait_ends_when_the_job_has_ended},
    {"a wait ends at its deadline though the server stalls", a_wait_ends_at_its_deadline_though_the_server_stalls},
    {"a wait for a callback asks when it is called, and not before", a_wait_for_a_callback_asks_when_it_is_called},
    {"a callback before the job is ready begins the poll schedule anew",
     a_callback_that_is_early_begins_the_poll_schedule},
    {"a callback that is lost costs time only", a_callback_that_is_lost_costs_time_only},
    {"a callback during a question has it asked again at once",
     a_callback_during_a_question_has_it_asked_again_at_once},
    {"a callback does not cut the pause that the service asked for",
     a_callback_does_not_cut_the_pause_that_the_service_asked_for},
    {"waits go on by polling when callbacks can no longer come",
     waits_go_on_by_polling_when_callbacks_can_no_longer_come},
    {"only waits are called", only_waits_are_called},
};
SUITE(operation, tests);
