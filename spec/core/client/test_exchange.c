/* Requests on the way, seen from the client: what was sent, what is said about it, and whom else it affects. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scripted_server.h"
#include "test.h"

#define PAGE_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"users\":[]}"
#define GET_RESULT "GET /api/v1/segments/"
#define POST_SEGMENT "POST /api/v1/segments/"
#define POST_TOKEN "POST /api/v2/oauth/token "

/* A server with its script, and a client of it that needs no token endpoint. */
struct stage {
    struct scripted_server *server;
    finseg_config *config;
    finseg_client *client;
    finseg_job *job;
};

static void set_text(struct stage *stage, const char *field, const char *value)
{
    CHECK_INT(finseg_config_set_text(stage->config, field, value, NULL), 0);
}

static void set_number(struct stage *stage, const char *field, double value)
{
    CHECK_INT(finseg_config_set_number(stage->config, field, value, NULL), 0);
}

static void prepare(struct stage *stage)
{
    *stage = (struct stage){.config = finseg_config_new()};
    set_text(stage, "access_token", "given-token");
    set_number(stage, "retry.base", 0);
}

static void open_stage(struct stage *stage, const struct scripted_answer *answers, size_t count)
{
    stage->server = scripted_server_start(answers, count);
    char base_url[128];
    snprintf(base_url, sizeof base_url, "%s/api/v1", scripted_server_url(stage->server));
    set_text(stage, "base_url", base_url);
    stage->client = finseg_client_new(stage->config, NULL);
    if (!stage->client)
        abort();
    stage->job = finseg_client_job(stage->client, "highBalance", "j", 0, NULL);
}

#define OPEN(stage, answers) open_stage((stage), (answers), sizeof(answers) / sizeof *(answers))

static void stop_server(struct stage *stage)
{
    if (stage->server)
        scripted_server_stop(stage->server);
    stage->server = NULL;
}

static void close_stage(struct stage *stage)
{
    finseg_job_free(stage->job);
    finseg_client_free(stage->client);
    finseg_config_free(stage->config);
    stop_server(stage);
}

static finseg_ticket start_poll(struct stage *stage)
{
    return finseg_client_poll(stage->client, stage->job, NULL);
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

/* ---- what was sent ---- */

static void what_never_went_out_was_not_sent(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "retry.attempts", 2);
    const struct scripted_answer answers[] = {{GET_RESULT, PAGE_ANSWER, SCRIPTED_CLOSE, 1}};
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
    prepare(&stage);
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

static void an_answer_that_is_there_counts_though_its_time_has_passed(void)
{
    struct stage stage;
    prepare(&stage);
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

/* ---- who else is affected ---- */

static bool is_readable_within(const struct stage *stage, int milliseconds)
{
    struct pollfd watched = {.fd = finseg_client_fd(stage->client), .events = POLLIN};
    return poll(&watched, 1, milliseconds) == 1;
}

static void cancelling_makes_room_for_those_in_the_queue(void)
{
    struct stage stage;
    prepare(&stage);
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
    prepare(&stage);
    set_number(&stage, "timeout", 2);
    set_number(&stage, "retry.attempts", 1);
    const struct scripted_answer answers[] = {
        {GET_RESULT, NULL, SCRIPTED_STALL, 1},
        {GET_RESULT, PAGE_ANSWER, SCRIPTED_KEEP, -1},
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

static void a_child_that_closes_its_copy_leaves_the_parent_alone(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {{GET_RESULT, PAGE_ANSWER, SCRIPTED_KEEP, -1}};
    OPEN(&stage, answers);
    CHECK(result_of(&stage, start_poll(&stage)) == NULL);
    finseg_ticket ticket = start_poll(&stage);
    finseg_client_step(stage.client);
    pid_t child = fork();
    if (child == 0) {
        finseg_job_free(stage.job);
        finseg_client_free(stage.client);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
    prepare(&stage);
    set_number(&stage, "retry.attempts", 1);
    const struct scripted_answer answers[] = {{GET_RESULT, PAGE_ANSWER, SCRIPTED_KEEP, -1}};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    OPEN(&stage, answers);
    finseg_error *error = result_of(&stage, start_poll(&stage));
    CHECK_CASE(error == NULL, error ? finseg_error_message(error) : "");
    finseg_error_free(error);
    unsetenv("http_proxy");
    close_stage(&stage);
}

/* ---- what is said about it ---- */

static void check_silence(struct stage *stage, finseg_error *error, const char *secret)
{
    CHECK_CASE(error && !strstr(finseg_error_message(error), secret), error ? finseg_error_message(error) : "no error");
    finseg_error_free(error);
    const finseg_event *event;
    while ((event = finseg_client_next_event(stage->client)) != NULL)
        CHECK_CASE(!event->message || !strstr(event->message, secret), event->message);
}

static void a_proxys_password_is_never_told(void)
{
    struct stage stage;
    prepare(&stage);
    set_number(&stage, "retry.attempts", 2);
    finseg_config_set_flag(stage.config, "log", true, NULL);
    set_text(&stage, "proxy", "http://user:proxysecret@[nonsense");
    const struct scripted_answer answers[] = {{NULL, NULL, SCRIPTED_CLOSE, -1}};
    OPEN(&stage, answers);
    check_silence(&stage, result_of(&stage, start_poll(&stage)), "proxysecret");
    close_stage(&stage);
}

static void a_secret_that_is_quoted_is_not_told_even_in_part(void)
{
    struct stage stage;
    prepare(&stage);
    finseg_config_set_flag(stage.config, "log", true, NULL);
    /* What is quoted of a page ends in the middle of the token. */
    const struct scripted_answer answers[] = {
        {GET_RESULT,
         "HTTP/1.1 403 No\r\nContent-Length: 66\r\n\r\n<html><body>Nobody here has heard of the bearer token "
         "given-token.",
         SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    check_silence(&stage, result_of(&stage, start_poll(&stage)), "given");
    close_stage(&stage);
}

static const struct test tests[] = {
    {"what never went out was not sent, whatever went before it", what_never_went_out_was_not_sent},
    {"a Retry-After belongs to its own answer, and may be 0 or past", a_retry_after_belongs_to_its_own_answer},
    {"an answer that is there counts though its time has passed",
     an_answer_that_is_there_counts_though_its_time_has_passed},
    {"cancelling makes room for those in the queue", cancelling_makes_room_for_those_in_the_queue},
    {"a request that stalls does not hold up others", a_request_that_stalls_does_not_hold_up_others},
    {"a child that closes its copy leaves the parent alone", a_child_that_closes_its_copy_leaves_the_parent_alone},
    {"loopback is reached without the environment's proxy", loopback_is_reached_without_the_environments_proxy},
    {"a proxy's password is never told", a_proxys_password_is_never_told},
    {"a secret that is quoted is not told, not even in part", a_secret_that_is_quoted_is_not_told_even_in_part},
};
SUITE(exchange, tests);
