/* The client against a real server that answers byte for byte what a test says. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "stage.h"
#include "test.h"

static void a_segment_is_created_waited_for_and_read(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "201 Created", "", "{\"jobId\":\"not a uuid\"}"), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "404 Not Found", "", NOT_READY), SCRIPTED_KEEP, 3},
        {GET_RESULT, json(&stage, "423 Locked", "", NOT_READY), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_outcome *outcome = create(&stage);
    finseg_job *created = finseg_outcome_take_job(outcome);
    finseg_outcome_free(outcome);
    CHECK_TEXT(finseg_job_id(created), "not a uuid");
    CHECK_TEXT(finseg_job_state(created), "created");
    check_page(wait_for(&stage, created, 10));
    CHECK_TEXT(finseg_job_state(created), "ready");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT "highBalance/not%20a%20uuid?number=0&size=500 "),
              5);
    CHECK_INT((int64_t)scripted_server_count(stage.server, POST_TOKEN), 1);
    check_request(&stage, POST_TOKEN, "grant_type=client_credentials&client_id=the-client&client_secret=the-secret");
    check_request(&stage, POST_SEGMENT, "Authorization: Bearer token-one\r\n");
    check_request(&stage, POST_SEGMENT, "\r\n\r\n{\"threshold\":5000}");
    check_request(&stage, GET_RESULT, "X-Request-Id: finseg-");
    finseg_job_free(created);
    close_stage(&stage);
}

static void cancelling_ends_an_operation_at_once(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, NULL, SCRIPTED_STALL, -1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    finseg_ticket wait = finseg_client_wait(stage.client, waited, -1, NULL);
    finseg_ticket poll = finseg_client_poll(stage.client, waited, NULL);
    finseg_job_free(waited);
    CHECK(finseg_client_cancel(stage.client, wait));
    CHECK(!finseg_client_cancel(stage.client, wait));
    CHECK_ERROR(error_of(finseg_client_await(stage.client, wait)), FINSEG_ERROR_CANCELLED, "highBalance job j");
    finseg_client_cancel_all(stage.client);
    CHECK_ERROR(error_of(finseg_client_next(stage.client)), FINSEG_ERROR_CANCELLED, "highBalance job j");
    CHECK(finseg_client_next(stage.client) == NULL);
    CHECK(finseg_client_await(stage.client, poll) == NULL);
    close_stage(&stage);
}

static void closing_with_work_under_way_frees_it(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, NULL, SCRIPTED_STALL, -1},
    };
    OPEN(&stage, answers);
    finseg_job *waited = job(&stage, "j", 0);
    /* More than may be on their way at once, so that some are queued inside. */
    for (size_t i = 0; i < 300; i++)
        finseg_client_poll(stage.client, waited, NULL);
    finseg_client_wait(stage.client, waited, 60, NULL);
    while (scripted_server_count(stage.server, GET_RESULT) < 40) {
        struct pollfd watched = {.fd = finseg_client_fd(stage.client), .events = POLLIN};
        poll(&watched, 1, 10);
        finseg_client_step(stage.client);
    }
    CHECK(finseg_client_transfers(stage.client) >= 300);
    finseg_job_free(waited);
    close_stage(&stage);
}

static void the_descriptor_tells_when_there_is_work(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    struct pollfd watched = {.fd = finseg_client_fd(stage.client), .events = POLLIN};
    CHECK_INT(poll(&watched, 1, 0), 0);
    CHECK(finseg_client_next_timeout(stage.client) < 0);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_client_poll(stage.client, polled, NULL);
    int steps = 0;
    int done = 0;
    while (done == 0 && poll(&watched, 1, 5000) == 1) {
        done = finseg_client_step(stage.client);
        steps++;
    }
    CHECK_INT(done, 1);
    /* Two small requests: a client that spins needs hundreds of steps. */
    CHECK(steps < 60);
    CHECK_INT(poll(&watched, 1, 0), 1);
    CHECK_INT((int64_t)finseg_client_pending(stage.client), 1);
    check_page(finseg_client_next(stage.client));
    finseg_client_step(stage.client);
    CHECK_INT(poll(&watched, 1, 0), 0);
    finseg_job_free(polled);
    close_stage(&stage);
}

static bool refuses_everything(void *client)
{
    errno = 0;
    finseg_error *error = NULL;
    return finseg_client_step(client) == -1 && errno == EPERM &&
           finseg_client_create(client, "highBalance", "{\"threshold\":1}", &error) == 0 && error &&
           finseg_client_next(client) == NULL;
}

static void a_child_process_cannot_step(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {{NULL, NULL, SCRIPTED_CLOSE, -1}};
    OPEN(&stage, answers);
    CHECK(is_true_in_child(refuses_everything, stage.client));
    close_stage(&stage);
}

static void a_client_tells_whose_jobs_it_makes(void)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "base_url", "https://bank.example/api/v1/");
    finseg_client *client = finseg_client_new(stage.config, NULL);
    finseg_identity identity = finseg_client_identity(client);
    CHECK_TEXT(identity.base_url, "https://bank.example/api/v1");
    CHECK_TEXT(identity.client_id, "the-client");
    CHECK(identity.username == NULL);
    finseg_client_free(client);
    finseg_config_free(stage.config);
}

static void a_client_writes_equal_requests_alike(void)
{
    struct stage stage;
    prepare(&stage);
    CHECK_INT(finseg_config_add_kind(stage.config, "mine", "{\"parameters\":{\"least\":{\"type\":\"amount\"}}}", NULL),
              0);
    finseg_client *client = finseg_client_new(stage.config, NULL);
    char *text = finseg_client_canonical(client, "mine", "{\"least\":\"1e2\"}", NULL);
    CHECK_TEXT(text, "{\"least\":100.00}");
    free(text);
    finseg_error *error = NULL;
    CHECK(finseg_client_canonical(client, "mine", "{\"last\":1}", &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "mine: last is no parameter");
    error = NULL;
    CHECK(finseg_client_canonical(client, "yours", "{}", &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "there is no segment kind \"yours\"");
    finseg_client_free(client);
    finseg_config_free(stage.config);
}

static const struct test tests[] = {
    {"a segment is created, waited for and read", a_segment_is_created_waited_for_and_read},
    {"cancelling ends an operation at once", cancelling_ends_an_operation_at_once},
    {"closing with work under way frees it", closing_with_work_under_way_frees_it},
    {"the descriptor tells when there is work", the_descriptor_tells_when_there_is_work},
    {"a child process cannot step its parent's client", a_child_process_cannot_step},
    {"a client tells whose jobs it makes", a_client_tells_whose_jobs_it_makes},
    {"a client writes equal requests alike", a_client_writes_equal_requests_alike},
};
SUITE(client, tests);
