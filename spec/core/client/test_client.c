/* The client against a real server that answers byte for byte what a test says. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "test.h"
#include "value/buffer.h"

/* ---- the main job ---- */

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

static void one_token_serves_all_who_wait_for_it(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, -1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_ticket tickets[200];
    for (size_t i = 0; i < 200; i++)
        tickets[i] = finseg_client_poll(stage.client, polled, NULL);
    for (size_t i = 0; i < 200; i++)
        check_page(finseg_client_await(stage.client, tickets[i]));
    CHECK_INT((int64_t)scripted_server_count(stage.server, POST_TOKEN), 1);
    CHECK_INT((int64_t)finseg_client_pending(stage.client), 0);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_refused_token_is_renewed_once_and_the_request_repeated(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "401 Unauthorized", "", "{\"error\":\"invalid_token\"}"), SCRIPTED_KEEP, 1},
        {POST_TOKEN, json(&stage, "200 OK", "", "{\"access_token\":\"token-two\",\"expires_in\":60}"), SCRIPTED_KEEP,
         1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "401 Unauthorized", "", "{\"error\":\"invalid_token\"}"), SCRIPTED_KEEP, 2},
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    check_page(poll_once(&stage, polled));
    check_request(&stage, GET_RESULT, "Bearer token-two\r\n");
    finseg_error *error = error_of(poll_once(&stage, polled));
    CHECK_TEXT(finseg_error_code(error), "invalid_token");
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "401 invalid_token");
    CHECK_INT((int64_t)scripted_server_count(stage.server, GET_RESULT), 4);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_wrong_secret_fails_everybody_who_waits(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN,
         json(&stage, "401 Unauthorized", "", "{\"error\":\"invalid_client\",\"error_description\":\"no the-secret\"}"),
         SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_ticket first = finseg_client_poll(stage.client, polled, NULL);
    finseg_ticket second = finseg_client_poll(stage.client, polled, NULL);
    finseg_error *error = error_of(finseg_client_await(stage.client, first));
    CHECK(strstr(finseg_error_message(error), "the-secret") == NULL);
    CHECK_INT(finseg_error_status(error), 401);
    CHECK(finseg_error_request_id(error) != NULL);
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "invalid_client");
    CHECK_ERROR(error_of(finseg_client_await(stage.client, second)), FINSEG_ERROR_AUTH,
                "check client_id and client_secret");
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_secret_is_not_repeated_in_the_form_that_it_was_sent_in(void)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "client_secret", "a/b+c d");
    const struct scripted_answer answers[] = {
        {POST_TOKEN,
         json(&stage, "400 Bad Request", "", "{\"errors\":[{\"message\":\"client_secret=a%2Fb%2Bc%20d\"}]}"),
         SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_error *error = error_of(create(&stage));
    CHECK(strstr(finseg_error_message(error), "a%2Fb") == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "client_secret=***");
    check_request(&stage, POST_TOKEN, "client_secret=a%2Fb%2Bc%20d");
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

static void the_password_grant_renews_by_its_refresh_token(void)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "username", "ann");
    set_text(&stage, "password", "p&ss");
    const struct scripted_answer answers[] = {
        {POST_TOKEN,
         json(&stage, "200 OK", "", "{\"access_token\":\"one\",\"expires_in\":60,\"refresh_token\":\"again\"}"),
         SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "401 Unauthorized", "", "{}"), SCRIPTED_KEEP, 1},
        {POST_TOKEN, json(&stage, "400 Bad Request", "", "{\"errors\":[{\"code\":\"GONE\"}]}"), SCRIPTED_KEEP, 1},
        {POST_TOKEN, json(&stage, "200 OK", "", "{\"access_token\":\"two\",\"expires_in\":60}"), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_ticket ticket = finseg_client_poll(stage.client, polled, NULL);
    check_page(finseg_client_await(stage.client, ticket));
    CHECK_INT((int64_t)scripted_server_count(stage.server, POST_TOKEN), 3);
    check_request(&stage, POST_TOKEN,
                  "grant_type=password&client_id=the-client&client_secret=the-secret&username=ann&"
                  "password=p%26ss");
    finseg_job_free(polled);
    close_stage(&stage);
}

static void a_ready_made_token_that_is_refused_is_an_auth_error(void)
{
    struct stage stage;
    prepare(&stage);
    finseg_config_free(stage.config);
    stage.config = finseg_config_new();
    set_text(&stage, "access_token", "given-token");
    const struct scripted_answer answers[] = {
        {GET_RESULT, json(&stage, "401 Unauthorized", "", "{\"error\":\"given-token is bad\"}"), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    finseg_error *error = error_of(poll_once(&stage, polled));
    CHECK(strstr(finseg_error_message(error), "given-token") == NULL);
    CHECK(strstr(finseg_error_code(error), "given-token") == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "make a client with a fresh one");
    check_request(&stage, GET_RESULT, "Bearer given-token\r\n");
    CHECK_ERROR(error_of(poll_once(&stage, polled)), FINSEG_ERROR_AUTH, "access_token was refused");
    finseg_job_free(polled);
    close_stage(&stage);
}

/* ---- what ends a wait ---- */

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

/* ---- cancelling, closing, stepping ---- */

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

static void a_child_process_cannot_step(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {{NULL, NULL, SCRIPTED_CLOSE, -1}};
    OPEN(&stage, answers);
    pid_t child = fork();
    if (child == 0) {
        errno = 0;
        finseg_error *error = NULL;
        bool refused = finseg_client_step(stage.client) == -1 && errno == EPERM &&
                       finseg_client_create(stage.client, "highBalance", "{\"threshold\":1}", &error) == 0 && error &&
                       finseg_client_next(stage.client) == NULL;
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close_stage(&stage);
}

static void events_tell_the_story_without_secrets(void)
{
    struct stage stage;
    prepare(&stage);
    finseg_config_set_flag(stage.config, "log", true, NULL);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "503 token-one", "", "{\"errors\":[{\"message\":\"token-one the-secret\"}]}"),
         SCRIPTED_KEEP, 1},
        {GET_RESULT, json(&stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_job *polled = job(&stage, "j", 0);
    check_page(poll_once(&stage, polled));
    struct fs_buffer names = {0};
    const finseg_event *event;
    while ((event = finseg_client_next_event(stage.client)) != NULL) {
        fs_buffer_printf(&names, "%s ", event->name);
        const char *texts[] = {event->url, event->request_id, event->message};
        for (size_t i = 0; i < 3; i++)
            CHECK(!texts[i] || (!strstr(texts[i], "the-secret") && !strstr(texts[i], "token-one")));
    }
    CHECK_TEXT(names.data, "request response token request response retry request response ");
    fs_buffer_free(&names);
    finseg_job_free(polled);
    close_stage(&stage);
}

/* ---- configuration as a whole ---- */

static void wrong_configurations_are_refused(void)
{
    static const struct {
        const char *fields[6];
        const char *part;
    } cases[] = {
        {{NULL}, "FINSEG_CLIENT_ID"},
        {{"client_id", "a", NULL}, "client_secret is missing"},
        {{"client_secret", "a", NULL}, "client_id is missing"},
        {{"access_token", "a b", NULL}, "access_token"},
        {{"access_token", "a", "username", "b", NULL}, "username and password"},
        {{"access_token", "a", "base_url", "http://example.org/api/v1", NULL}, "plain http"},
        {{"access_token", "a", "base_url", "http://localhost.example.org/", NULL}, "plain http"},
        {{"access_token", "a", "base_url", "ftp://127.0.0.1/", NULL}, "neither http nor https"},
        {{"access_token", "a", "base_url", "https://user:pass@host/", NULL}, "carries credentials"},
        {{"access_token", "a", "base_url", "nonsense", NULL}, "base_url"},
        {{"access_token", "a", "token_url", "http://example.org/token", NULL}, "token_url"},
        {{"access_token", "a", "ca_file", "/does/not/exist", NULL}, "ca_file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        finseg_config *config = finseg_config_new();
        for (size_t f = 0; cases[i].fields[f]; f += 2)
            finseg_config_set_text(config, cases[i].fields[f], cases[i].fields[f + 1], NULL);
        finseg_error *error = NULL;
        CHECK(finseg_client_new(config, &error) == NULL);
        CHECK_ERROR(error, FINSEG_ERROR_CONFIG, cases[i].part);
        finseg_config_free(config);
    }
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
    {"a client tells whose jobs it makes", a_client_tells_whose_jobs_it_makes},
    {"a client writes equal requests alike", a_client_writes_equal_requests_alike},
    {"a segment is created, waited for and read", a_segment_is_created_waited_for_and_read},
    {"one token serves all who wait for it", one_token_serves_all_who_wait_for_it},
    {"a refused token is renewed once and the request repeated",
     a_refused_token_is_renewed_once_and_the_request_repeated},
    {"a wrong secret fails everybody who waits, and is not repeated", a_wrong_secret_fails_everybody_who_waits},
    {"a secret is not repeated in the form that it was sent in",
     a_secret_is_not_repeated_in_the_form_that_it_was_sent_in},
    {"a page beyond a limit is not fetched again, a 408 is", a_page_beyond_a_limit_is_not_fetched_again},
    {"a body that is no page is told without the customers in it",
     a_body_that_is_no_page_is_told_without_the_customers},
    {"a short wait still asks", a_short_wait_still_asks},
    {"the password grant renews by its refresh token, then by password",
     the_password_grant_renews_by_its_refresh_token},
    {"a ready-made token that is refused is an auth error", a_ready_made_token_that_is_refused_is_an_auth_error},
    {"a wait ends when the job has ended", a_wait_ends_when_the_job_has_ended},
    {"a wait ends at its deadline though the server stalls", a_wait_ends_at_its_deadline_though_the_server_stalls},
    {"a request ends at its timeout", a_request_ends_at_its_timeout},
    {"cancelling ends an operation at once", cancelling_ends_an_operation_at_once},
    {"a create cancelled on its way may exist", a_create_cancelled_on_its_way_may_exist},
    {"closing with work under way frees it", closing_with_work_under_way_frees_it},
    {"the descriptor tells when there is work", the_descriptor_tells_when_there_is_work},
    {"a child process cannot step its parent's client", a_child_process_cannot_step},
    {"events tell the story without secrets", events_tell_the_story_without_secrets},
    {"wrong configurations are refused", wrong_configurations_are_refused},
};
SUITE(client, tests);
