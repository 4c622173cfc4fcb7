#include "client/authorization.h"

#include "stage.h"
#include "test.h"

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

static const struct test tests[] = {
    {"one token serves all who wait for it", one_token_serves_all_who_wait_for_it},
    {"a refused token is renewed once and the request repeated",
     a_refused_token_is_renewed_once_and_the_request_repeated},
    {"a wrong secret fails everybody who waits, and is not repeated", a_wrong_secret_fails_everybody_who_waits},
    {"the password grant renews by its refresh token, then by password",
     the_password_grant_renews_by_its_refresh_token},
    {"a ready-made token that is refused is an auth error", a_ready_made_token_that_is_refused_is_an_auth_error},
};
SUITE(authorization, tests);
