/* What a client is made of, and what it does not say: no error and no event has a secret. */
#include "client/session.h"

#include "stage.h"
#include "test.h"
#include "value/buffer.h"

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
        {{"access_token", "a", "ca_file", "/dev/null/no-such-file.pem", NULL}, "ca_file"},
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

/* ---- a proxy and a token ---- */

/* Frees the error, which must not have the secret, and takes the events, which must not have it either. */
static void check_silence(struct stage *stage, finseg_error *error, const char *secret)
{
    CHECK(error != NULL);
    const char *said[] = {finseg_error_message(error), finseg_error_code(error), finseg_error_request_id(error)};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        CHECK_CASE(!said[i] || !strstr(said[i], secret), said[i]);
    finseg_error_free(error);
    const finseg_event *event;
    while ((event = finseg_client_next_event(stage->client)) != NULL) {
        const char *told[] = {event->message, event->request_id, event->url};
        for (size_t i = 0; i < sizeof told / sizeof *told; i++)
            CHECK_CASE(!told[i] || !strstr(told[i], secret), told[i]);
    }
}

/* The error of a poll. */
static finseg_error *poll_error(struct stage *stage)
{
    finseg_job *polled = job(stage, "j", 0);
    finseg_error *error = error_of(poll_once(stage, polled));
    finseg_job_free(polled);
    return error;
}

static void a_proxys_password_is_never_told(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    set_number(&stage, "retry.attempts", 2);
    finseg_config_set_flag(stage.config, "log", true, NULL);
    set_text(&stage, "proxy", "http://user:proxysecret@[nonsense");
    const struct scripted_answer answers[] = {{NULL, NULL, SCRIPTED_CLOSE, -1}};
    OPEN(&stage, answers);
    check_silence(&stage, poll_error(&stage), "proxysecret");
    close_stage(&stage);
}

static void a_secret_that_is_quoted_is_not_told_even_in_part(void)
{
    struct stage stage;
    prepare_with_token(&stage);
    finseg_config_set_flag(stage.config, "log", true, NULL);
    /* What is quoted of a page ends in the middle of the token. */
    const struct scripted_answer answers[] = {
        {GET_RESULT,
         "HTTP/1.1 403 No\r\nContent-Length: 66\r\n\r\n<html><body>Nobody here has heard of the bearer token "
         "given-token.",
         SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    check_silence(&stage, poll_error(&stage), "given");
    close_stage(&stage);
}

/* ---- a callbackURL ---- */

#define CALLBACK_TOKEN "0123456789abcdef0123456789abcdef"
#define CALLBACK_ID "fedcba9876543210"

static finseg_error *create_with_callback(struct stage *stage)
{
    const char *parameters =
        "{\"threshold\":5000,\"callbackURL\":\"https://me.example/a+b/" CALLBACK_ID "." CALLBACK_TOKEN "\"}";
    return error_of(
        finseg_client_await(stage->client, finseg_client_create(stage->client, "highBalance", parameters, NULL)));
}

static void no_error_and_no_event_repeats_a_callback_url(void)
{
    static const struct {
        const char *status;
        const char *headers;
        const char *body;
    } answers_with_it[] = {
        {"400 Bad Request", "",
         "{\"errors\":[{\"message\":\"no https://me.example/a+b/" CALLBACK_ID "." CALLBACK_TOKEN
         "!\",\"code\":\"x." CALLBACK_TOKEN "\"}],\"requestId\":\"" CALLBACK_TOKEN "\"}"},
        {"400 Bad Request", "",
         "{\"errors\":[{\"message\":\"https:\\/\\/me.example\\/a+b\\/" CALLBACK_ID "." CALLBACK_TOKEN "\"}]}"},
        {"400 Bad Request", "", "https%3A%2F%2Fme.example%2Fa%2Bb%2F" CALLBACK_ID "." CALLBACK_TOKEN},
        {"400 Bad Request", "X-Request-Id: " CALLBACK_TOKEN "\r\n", "{}"},
        {"500 Internal Server Error", "", "cut amid it: https://me.example/a+b/" CALLBACK_ID "." CALLBACK_TOKEN},
        {"201 Created", "", "cut amid it: https://me.example/a+b/" CALLBACK_ID "." CALLBACK_TOKEN},
    };
    for (size_t i = 0; i < sizeof answers_with_it / sizeof *answers_with_it; i++) {
        struct stage stage;
        prepare(&stage);
        CHECK(finseg_config_set_flag(stage.config, "log", true, NULL) == 0);
        const char *answer =
            json(&stage, answers_with_it[i].status, answers_with_it[i].headers, answers_with_it[i].body);
        const struct scripted_answer answers[] = {
            {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
            {POST_SEGMENT, answer, SCRIPTED_KEEP, 1},
        };
        OPEN(&stage, answers);
        finseg_error *error = create_with_callback(&stage);
        CHECK(!strstr(finseg_error_message(error), CALLBACK_ID));
        check_silence(&stage, error, CALLBACK_TOKEN);
        close_stage(&stage);
    }
}

static void a_create_that_is_repeated_keeps_its_callback_url_to_itself(void)
{
    struct stage stage;
    prepare(&stage);
    CHECK(finseg_config_set_flag(stage.config, "log", true, NULL) == 0);
    const char *echo = "{\"error\":\"." CALLBACK_TOKEN "\"}";
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "503 Service Unavailable", "Retry-After: 0\r\n", echo), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "400 Bad Request", "", echo), SCRIPTED_KEEP, 1},
    };
    OPEN(&stage, answers);
    finseg_error *error = create_with_callback(&stage);
    CHECK(strstr(finseg_error_message(error), "the service answered 400 .***") != NULL);
    check_silence(&stage, error, CALLBACK_TOKEN);
    CHECK_INT((int64_t)scripted_server_count(stage.server, POST_SEGMENT), 2);
    close_stage(&stage);
}

static void words_of_a_callback_url_that_are_no_token_are_not_blotted_out(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, 1},
        {POST_SEGMENT, json(&stage, "400 Bad Request", "", "{\"error\":\"html of receiver.example\"}"), SCRIPTED_KEEP,
         1},
    };
    OPEN(&stage, answers);
    const char *parameters = "{\"threshold\":5000,\"callbackURL\":\"https://receiver.example/callback.html\"}";
    finseg_ticket ticket = finseg_client_create(stage.client, "highBalance", parameters, NULL);
    CHECK_ERROR(error_of(finseg_client_await(stage.client, ticket)), FINSEG_ERROR_INVALID, "html of receiver.example");
    close_stage(&stage);
}

static const struct test tests[] = {
    {"wrong configurations are refused", wrong_configurations_are_refused},
    {"events tell the story without secrets", events_tell_the_story_without_secrets},
    {"a secret is not repeated in the form that it was sent in",
     a_secret_is_not_repeated_in_the_form_that_it_was_sent_in},
    {"a proxy's password is never told", a_proxys_password_is_never_told},
    {"a secret that is quoted is not told, not even in part", a_secret_that_is_quoted_is_not_told_even_in_part},
    {"no error and no event repeats a callbackURL", no_error_and_no_event_repeats_a_callback_url},
    {"a create that is repeated keeps its callbackURL to itself",
     a_create_that_is_repeated_keeps_its_callback_url_to_itself},
    {"words of a callbackURL that are no token are not blotted out",
     words_of_a_callback_url_that_are_no_token_are_not_blotted_out},
};
SUITE(session, tests);
