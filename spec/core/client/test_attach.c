/* Waits that a callback ends, and descriptors of others in a client's set. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "test.h"

/* Longer than any test; nothing is asked by the clock alone. */
#define NEVER 3600.0

/* ---- waits ---- */

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

/* ---- what is said of the URL ---- */

#define CALLBACK_TOKEN "0123456789abcdef0123456789abcdef"
#define CALLBACK_ID "fedcba9876543210"

static void check_silence(const char *text)
{
    if (!text)
        return;
    CHECK(strstr(text, CALLBACK_TOKEN) == NULL);
    CHECK(strstr(text, CALLBACK_ID) == NULL);
}

/* Creates with a callbackURL, and checks that neither the error nor any event repeats it. */
static finseg_error *create_in_silence(struct stage *stage)
{
    const char *parameters =
        "{\"threshold\":5000,\"callbackURL\":\"https://me.example/a+b/" CALLBACK_ID "." CALLBACK_TOKEN "\"}";
    finseg_ticket ticket = finseg_client_create(stage->client, "highBalance", parameters, NULL);
    finseg_error *error = error_of(finseg_client_await(stage->client, ticket));
    check_silence(finseg_error_message(error));
    check_silence(finseg_error_code(error));
    check_silence(finseg_error_request_id(error));
    const finseg_event *event = finseg_client_next_event(stage->client);
    for (; event; event = finseg_client_next_event(stage->client)) {
        check_silence(event->message);
        check_silence(event->request_id);
        check_silence(event->url);
    }
    return error;
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
        finseg_error_free(create_in_silence(&stage));
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
    CHECK_ERROR(create_in_silence(&stage), FINSEG_ERROR_INVALID, "the service answered 400 .***");
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

/* ---- descriptors of others ---- */

struct guest {
    struct stage stage;
    int pipe[2];
};

static void open_guest(struct guest *guest)
{
    prepare(&guest->stage);
    const struct scripted_answer answers[] = {
        {POST_TOKEN, json(&guest->stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1},
        {GET_RESULT, json(&guest->stage, "200 OK", "", PAGE_ANSWER), SCRIPTED_KEEP, -1},
    };
    OPEN(&guest->stage, answers);
    CHECK(pipe(guest->pipe) == 0);
    CHECK(finseg_client_watch(guest->stage.client, guest->pipe[0], NULL) == 0);
}

static void close_guest(struct guest *guest)
{
    close_stage(&guest->stage);
    close(guest->pipe[0]);
    close(guest->pipe[1]);
}

static bool is_readable(finseg_client *client)
{
    struct pollfd watched = {.fd = finseg_client_fd(client), .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

static void a_foreign_descriptor_makes_the_client_readable_until_it_is_read(void)
{
    struct guest guest;
    open_guest(&guest);
    finseg_client *client = guest.stage.client;
    CHECK(!is_readable(client));
    CHECK_INT(finseg_client_next_ready(client), -1);
    CHECK(write(guest.pipe[1], "x", 1) == 1);
    for (int round = 0; round < 2; round++) {
        CHECK(is_readable(client));
        CHECK(finseg_client_step(client) == 0);
        CHECK_INT(finseg_client_next_ready(client), guest.pipe[0]);
        CHECK_INT(finseg_client_next_ready(client), -1);
    }
    char byte;
    CHECK(read(guest.pipe[0], &byte, 1) == 1);
    finseg_client_step(client);
    finseg_client_next_ready(client);
    CHECK(!is_readable(client));
    close_guest(&guest);
}

static void a_foreign_descriptor_that_nobody_reads_does_not_keep_the_client_busy(void)
{
    struct guest guest;
    open_guest(&guest);
    finseg_client *client = guest.stage.client;
    CHECK(write(guest.pipe[1], "x", 1) == 1);
    CHECK(finseg_client_step(client) == 0);
    CHECK(!is_readable(client));
    finseg_job *polled = job(&guest.stage, "j", 0);
    check_page(poll_once(&guest.stage, polled));
    CHECK_INT(finseg_client_next_ready(client), guest.pipe[0]);
    CHECK(is_readable(client));
    finseg_job_free(polled);
    close_guest(&guest);
}

static void a_foreign_descriptor_is_ready_at_its_alarm(void)
{
    struct guest guest;
    open_guest(&guest);
    finseg_client *client = guest.stage.client;
    finseg_client_alarm(client, guest.pipe[0], NEVER);
    CHECK(finseg_client_next_timeout(client) > NEVER / 2);
    finseg_client_alarm(client, guest.pipe[0], -1);
    CHECK(finseg_client_next_timeout(client) < 0);
    finseg_client_alarm(client, guest.pipe[0], 0);
    CHECK(is_readable(client));
    CHECK(finseg_client_step(client) == 0);
    CHECK_INT(finseg_client_next_ready(client), guest.pipe[0]);
    CHECK(!is_readable(client));
    finseg_client_alarm(client, 12345, 0);
    close_guest(&guest);
}

static void a_foreign_descriptor_is_let_go_of(void)
{
    struct guest guest;
    open_guest(&guest);
    finseg_client *client = guest.stage.client;
    finseg_error *error = NULL;
    CHECK_INT(finseg_client_watch(client, guest.pipe[0], &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "already");
    error = NULL;
    CHECK_INT(finseg_client_watch(client, 12345, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_NETWORK, "12345");
    finseg_client_alarm(client, guest.pipe[0], 0);
    CHECK(write(guest.pipe[1], "x", 1) == 1);
    finseg_client_unwatch(client, guest.pipe[0]);
    finseg_client_unwatch(client, guest.pipe[0]);
    CHECK(!is_readable(client));
    CHECK(finseg_client_step(client) == 0);
    CHECK_INT(finseg_client_next_ready(client), -1);
    CHECK(finseg_client_watch(client, guest.pipe[0], NULL) == 0);
    CHECK(is_readable(client));
    close_guest(&guest);
}

/* What the kernel says of a descriptor in the client's set; empty when it is not in it. */
static void read_watch(finseg_client *client, int fd, char line[256])
{
    char path[64];
    char beginning[32];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", finseg_client_fd(client));
    snprintf(beginning, sizeof beginning, "tfd: %8d ", fd);
    line[0] = '\0';
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    if (!file)
        return;
    do {
        if (!fgets(line, 256, file))
            line[0] = '\0';
    } while (line[0] != '\0' && strncmp(line, beginning, strlen(beginning)) != 0);
    fclose(file);
}

static void a_foreign_descriptor_that_was_closed_is_not_taken_for_who_has_its_number_now(void)
{
    struct stage stage;
    prepare(&stage);
    const struct scripted_answer answers[] = {{POST_TOKEN, NULL, SCRIPTED_STALL, -1}};
    OPEN(&stage, answers);
    int closed = eventfd(0, EFD_CLOEXEC);
    CHECK(finseg_client_watch(stage.client, closed, NULL) == 0);
    finseg_client_alarm(stage.client, closed, 0);
    close(closed);
    finseg_job *polled = job(&stage, "j", 0);
    CHECK(finseg_client_poll(stage.client, polled, NULL) != 0);
    CHECK(finseg_client_step(stage.client) == 0);
    char before[256];
    char after[256];
    read_watch(stage.client, closed, before);
    CHECK(before[0] != '\0'); /* the socket of the request for a token */
    CHECK_INT(finseg_client_next_ready(stage.client), closed);
    finseg_client_unwatch(stage.client, closed);
    read_watch(stage.client, closed, after);
    CHECK_TEXT(after, before);
    finseg_job_free(polled);
    close_stage(&stage);
}

static void another_process_watches_nothing_here(void)
{
    struct guest guest;
    open_guest(&guest);
    pid_t child = fork();
    if (child == 0) {
        finseg_client *client = guest.stage.client;
        finseg_error *error = NULL;
        bool refused = finseg_client_watch(client, guest.pipe[1], &error) == -1 &&
                       finseg_error_get_kind(error) == FINSEG_ERROR_INVALID && finseg_client_next_ready(client) == -1;
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    CHECK_INT(status, 0);
    close_guest(&guest);
}

static const struct test tests[] = {
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
    {"no error and no event repeats a callbackURL", no_error_and_no_event_repeats_a_callback_url},
    {"a create that is repeated keeps its callbackURL to itself",
     a_create_that_is_repeated_keeps_its_callback_url_to_itself},
    {"words of a callbackURL that are no token are not blotted out",
     words_of_a_callback_url_that_are_no_token_are_not_blotted_out},
    {"a foreign descriptor makes the client readable until it is read",
     a_foreign_descriptor_makes_the_client_readable_until_it_is_read},
    {"a foreign descriptor that nobody reads does not keep the client busy",
     a_foreign_descriptor_that_nobody_reads_does_not_keep_the_client_busy},
    {"a foreign descriptor is ready at its alarm", a_foreign_descriptor_is_ready_at_its_alarm},
    {"a foreign descriptor is let go of", a_foreign_descriptor_is_let_go_of},
    {"a foreign descriptor that was closed is not taken for who has its number now",
     a_foreign_descriptor_that_was_closed_is_not_taken_for_who_has_its_number_now},
    {"another process watches nothing here", another_process_watches_nothing_here},
};

SUITE(callback, tests);
