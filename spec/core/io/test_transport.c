/* Requests on the way, seen from the client: what was sent, what came of it, and whom else it affects. */
#include "io/transport.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stage.h"
#include "test.h"

#define EMPTY_PAGE "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"users\":[]}"

static finseg_ticket start_poll(struct stage *stage)
{
    finseg_job *polled = job(stage, "j", 0);
    finseg_ticket ticket = finseg_client_poll(stage->client, polled, NULL);
    finseg_job_free(polled);
    return ticket;
}

/* NULL when it succeeded. */
static finseg_error *result_of(struct stage *stage, finseg_ticket ticket)
{
    finseg_outcome *outcome = finseg_client_await(stage->client, ticket);
    CHECK(outcome != NULL);
    finseg_error *error = outcome ? finseg_outcome_take_error(outcome) : NULL;
    finseg_outcome_free(outcome);
    return error;
}

static finseg_ticket start_create(struct stage *stage)
{
    return finseg_client_create(stage->client, "highBalance", "{\"threshold\":1}", NULL);
}

/* Steps until the server has seen `count` such requests, and not once more: its answer to the last is not read yet. */
static void step_until_seen(struct stage *stage, const char *match, size_t count)
{
    for (;;) {
        struct pollfd watched = {.fd = finseg_client_fd(stage->client), .events = POLLIN};
        poll(&watched, 1, 10);
        if (scripted_server_count(stage->server, match) >= count)
            return;
        CHECK(finseg_client_step(stage->client) >= 0);
    }
}

/* ---- what was sent, and what came ---- */

static void what_never_went_out_was_not_sent(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    set_number(&stage, "retry.attempts", 2);
    const struct scripted_answer answers[] = {{GET_RESULT, EMPTY_PAGE, SCRIPTED_CLOSE, 1}};
    OPEN(&stage, answers);
    /* This request was sent; the ones after it use what it leaves behind, and are not. */
    CHECK(result_of(&stage, start_poll(&stage)) == NULL);
    finseg_ticket ticket = start_create(&stage);
    CHECK(finseg_client_cancel(stage.client, ticket));
    finseg_error *error = result_of(&stage, ticket);
    CHECK(!finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_CANCELLED, "was not told");
    stop_server(&stage);
    error = result_of(&stage, start_create(&stage));
    CHECK(!finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_NETWORK, "create highBalance");
    close_stage(&stage);
}

static void a_retry_after_belongs_to_its_own_answer(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    const struct scripted_answer answers[] = {
        {GET_RESULT, "HTTP/1.1 423 Locked\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", SCRIPTED_KEEP, 1},
        {GET_RESULT, "HTTP/1.1 423 Locked\r\nContent-Length: 0\r\n\r\n", SCRIPTED_KEEP, 1},
        {GET_RESULT, "HTTP/1.1 423 Locked\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", SCRIPTED_KEEP, 1},
        {GET_RESULT, "HTTP/1.1 423 Locked\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
         SCRIPTED_KEEP, 1},
        {POST_SEGMENT, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", SCRIPTED_KEEP, 1},
        {POST_SEGMENT, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"jobId\":\"j\"}", SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    const double said[] = {7, -1, 0, 0};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        finseg_error *error = result_of(&stage, start_poll(&stage));
        CHECK(error && finseg_error_retry_after(error) == said[i]);
        finseg_error_free(error);
    }
    CHECK(result_of(&stage, start_create(&stage)) == NULL);
    close_stage(&stage);
}

static void a_request_id_that_is_too_long_is_none(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    const char answer[] = "HTTP/1.1 404 No\r\nX-Request-Id: %0*d\r\nContent-Length: 0\r\n\r\n";
    char longest[512];
    char longer[512];
    snprintf(longest, sizeof longest, answer, 255, 7);
    snprintf(longer, sizeof longer, answer, 256, 7);
    const struct scripted_answer answers[] = {
        {GET_RESULT, longest, SCRIPTED_KEEP, 1},
        {GET_RESULT, longer, SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_error *error = result_of(&stage, start_poll(&stage));
    CHECK_INT((int64_t)strlen(finseg_error_request_id(error)), 255);
    finseg_error_free(error);
    error = result_of(&stage, start_poll(&stage));
    CHECK(strncmp(finseg_error_request_id(error), "finseg-", 7) == 0);
    finseg_error_free(error);
    close_stage(&stage);
}

static void an_answer_that_is_there_counts_though_its_time_has_passed(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    set_number(&stage, "timeout", 0.05);
    set_number(&stage, "retry.attempts", 1);
    const struct scripted_answer answers[] = {
        {POST_SEGMENT, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"jobId\":\"j\"}", SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_ticket ticket = start_create(&stage);
    step_until_seen(&stage, POST_SEGMENT, 1);
    /* A host that was busy with its own work. */
    usleep(100000);
    finseg_error *error = result_of(&stage, ticket);
    CHECK_CASE(error == NULL, error ? finseg_error_message(error) : "");
    finseg_error_free(error);
    close_stage(&stage);
}

static void a_request_ends_at_its_timeout(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "timeout", 0.05);
    set_number(&stage, "retry.attempts", 2);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", SCRIPTED_STALL, -1},
        {POST_SEGMENT, NULL, SCRIPTED_STALL, -1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    CHECK_ERROR(error_of(poll_once(&stage, polled)), FINSEG_ERROR_TIMEOUT, "0.05 s");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT), 2);
    finseg_error *error = error_of(create(&stage));
    CHECK(finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_TIMEOUT, "create highBalance");
    CHECK_INT((int64_t)scripted_server_count(stage.server, POST_SEGMENT), 1);
    finseg_job_free(polled);
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

/* ---- who else is affected ---- */

static bool is_readable_within(const struct stage *stage, int milliseconds)
{
    struct pollfd watched = {.fd = finseg_client_fd(stage->client), .events = POLLIN};
    return poll(&watched, 1, milliseconds) == 1;
}

static void cancelling_makes_room_for_those_in_the_queue(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    enum { MANY = 200 };
    const struct scripted_answer answers[] = {{GET_RESULT, NULL, SCRIPTED_STALL, -1}};
    OPEN(&stage, answers);
    finseg_ticket tickets[MANY];
    for (size_t i = 0; i < MANY; i++)
        tickets[i] = start_poll(&stage);
    /* Until nothing is planned that would wake the client soon. */
    while (is_readable_within(&stage, 500))
        CHECK(finseg_client_step(stage.client) == 0);
    size_t active = scripted_server_count(stage.server, GET_RESULT);
    CHECK(active > 0 && active < MANY);
    for (size_t i = 0; i < active; i++) {
        finseg_client_cancel(stage.client, tickets[i]);
        CHECK_ERROR(result_of(&stage, tickets[i]), FINSEG_ERROR_CANCELLED, "job j");
    }
    while (scripted_server_count(stage.server, GET_RESULT) == active && is_readable_within(&stage, 5000))
        CHECK(finseg_client_step(stage.client) == 0);
    CHECK(scripted_server_count(stage.server, GET_RESULT) > active);
    close_stage(&stage);
}

static void a_request_that_stalls_does_not_hold_up_others(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    set_number(&stage, "timeout", 2);
    set_number(&stage, "retry.attempts", 1);
    const struct scripted_answer answers[] = {
        {GET_RESULT, NULL, SCRIPTED_STALL, 1},
        {GET_RESULT, EMPTY_PAGE, SCRIPTED_KEEP, -1},
    };
    OPEN(&stage, answers);
    finseg_ticket stalled = start_poll(&stage);
    step_until_seen(&stage, GET_RESULT, 1);
    finseg_error *error = result_of(&stage, start_poll(&stage));
    CHECK_CASE(error == NULL, error ? finseg_error_message(error) : "");
    finseg_error_free(error);
    /* Still under way: the other one did not just wait until it had timed out. */
    CHECK(finseg_client_cancel(stage.client, stalled));
    close_stage(&stage);
}

static bool frees(void *client)
{
    finseg_client_free(client);
    return true;
}

static void a_child_that_closes_its_copy_leaves_the_parent_alone(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    const struct scripted_answer answers[] = {{GET_RESULT, EMPTY_PAGE, SCRIPTED_KEEP, -1}};
    OPEN(&stage, answers);
    CHECK(result_of(&stage, start_poll(&stage)) == NULL);
    finseg_ticket ticket = start_poll(&stage);
    finseg_client_step(stage.client);
    CHECK(is_true_in_child(frees, stage.client));
    struct pollfd watched = {.fd = finseg_client_fd(stage.client), .events = POLLIN};
    while (poll(&watched, 1, 2000) == 1 && finseg_client_step(stage.client) == 0)
        continue;
    finseg_outcome *outcome = finseg_client_next(stage.client);
    CHECK(outcome && !finseg_outcome_error(outcome) && finseg_outcome_ticket(outcome) == ticket);
    finseg_outcome_free(outcome);
    close_stage(&stage);
}

/* ---- where it goes ---- */

static void loopback_is_reached_without_the_environments_proxy(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    set_number(&stage, "retry.attempts", 1);
    const struct scripted_answer answers[] = {{GET_RESULT, EMPTY_PAGE, SCRIPTED_KEEP, -1}};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    OPEN(&stage, answers);
    finseg_error *error = result_of(&stage, start_poll(&stage));
    CHECK_CASE(error == NULL, error ? finseg_error_message(error) : "");
    finseg_error_free(error);
    unsetenv("http_proxy");
    close_stage(&stage);
}

static const struct test tests[] = {
    {"what never went out was not sent, whatever went before it", what_never_went_out_was_not_sent},
    {"a Retry-After belongs to its own answer, and may be 0 or past", a_retry_after_belongs_to_its_own_answer},
    {"a request id that is too long is none", a_request_id_that_is_too_long_is_none},
    {"an answer that is there counts though its time has passed",
     an_answer_that_is_there_counts_though_its_time_has_passed},
    {"a request ends at its timeout", a_request_ends_at_its_timeout},
    {"an answer beyond max_body is refused", an_answer_beyond_max_body_is_refused},
    {"cancelling makes room for those in the queue", cancelling_makes_room_for_those_in_the_queue},
    {"a request that stalls does not hold up others", a_request_that_stalls_does_not_hold_up_others},
    {"a child that closes its copy leaves the parent alone", a_child_that_closes_its_copy_leaves_the_parent_alone},
    {"loopback is reached without the environment's proxy", loopback_is_reached_without_the_environments_proxy},
};
SUITE(transport, tests);
