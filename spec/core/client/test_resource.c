/* Memory and file descriptors that run out. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stage.h"
#include "test.h"

/* AddressSanitizer ends a program whose memory is limited. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_CAN_RUN_OUT = 0 };
#else
enum { MEMORY_CAN_RUN_OUT = 1 };
#endif

/* Leaves the process `left` descriptors to open; answers the limit there was. */
static struct rlimit use_up_descriptors(unsigned left)
{
    int lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(lowest_free >= 0);
    close(lowest_free);
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit lower = {(rlim_t)lowest_free + left, limit.rlim_max};
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &lower), 0);
    return limit;
}

static void restore_descriptors(struct rlimit limit)
{
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void a_client_takes_three_descriptors_or_is_refused(void)
{
    finseg_config *config = finseg_config_new();
    CHECK_INT(finseg_config_set_text(config, "base_url", "http://127.0.0.1:1", NULL), 0);
    CHECK_INT(finseg_config_set_text(config, "access_token", "given-token", NULL), 0);
    for (unsigned left = 0; left < 3; left++) {
        finseg_error *error = NULL;
        struct rlimit limit = use_up_descriptors(left);
        CHECK(finseg_client_new(config, &error) == NULL);
        restore_descriptors(limit);
        CHECK(finseg_error_retryable(error));
        CHECK_ERROR(error, FINSEG_ERROR_RESOURCE, "out of file descriptors; close");
    }
    finseg_config_free(config);
}

/* With the token at hand, so that the request itself is what fails. */
static void check_request_without_descriptors(const char *host)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "access_token", "given-token");
    set_number(&stage, "retry.attempts", 2);
    const struct scripted_answer answers[] = {
        {POST_SEGMENT, "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{\"jobId\":\"j\"}", SCRIPTED_KEEP, -1},
    };
    OPEN(&stage, answers);
    const char *port = strrchr(scripted_server_url(stage.server), ':');
    char url[128];
    snprintf(url, sizeof url, "http://%s%s/api/v1", host, port ? port : "");
    set_text(&stage, "base_url", url);
    finseg_client_free(stage.client);
    stage.client = finseg_client_new(stage.config, NULL);
    struct rlimit limit = use_up_descriptors(0);
    finseg_error *error = error_of(create(&stage));
    restore_descriptors(limit);
    CHECK(error && !finseg_error_maybe_created(error));
    CHECK_ERROR(error, FINSEG_ERROR_RESOURCE, "out of file descriptors; close");
    CHECK(scripted_server_count(stage.server, POST_SEGMENT) == 0);
    finseg_outcome *outcome = create(&stage);
    CHECK(finseg_outcome_error(outcome) == NULL);
    finseg_outcome_free(outcome);
    close_stage(&stage);
}

static void a_request_that_gets_no_socket_says_so(void)
{
    check_request_without_descriptors("127.0.0.1");
}

static void a_name_that_cannot_be_looked_up_without_descriptors_says_so(void)
{
    check_request_without_descriptors("localhost");
}

static void a_refused_connection_is_no_shortage(void)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "access_token", "given-token");
    set_text(&stage, "base_url", "http://127.0.0.1:1");
    set_number(&stage, "retry.attempts", 1);
    stage.client = finseg_client_new(stage.config, NULL);
    struct rlimit limit = use_up_descriptors(1);
    finseg_error *error = error_of(create(&stage));
    restore_descriptors(limit);
    CHECK_ERROR(error, FINSEG_ERROR_NETWORK, "127.0.0.1:1");
    finseg_client_free(stage.client);
    finseg_config_free(stage.config);
}

static void a_descriptor_that_cannot_be_attached_says_so(void)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "base_url", "http://127.0.0.1:1");
    stage.client = finseg_client_new(stage.config, NULL);
    struct rlimit limit = use_up_descriptors(0);
    finseg_error *error = NULL;
    CHECK_INT(finseg_client_watch(stage.client, STDIN_FILENO, &error), -1);
    restore_descriptors(limit);
    CHECK_ERROR(error, FINSEG_ERROR_RESOURCE, "out of file descriptors; close");
    finseg_client_free(stage.client);
    finseg_config_free(stage.config);
}

/* ---- memory ---- */

enum { LARGE = 64 * 1024 * 1024 };

/* From here on the process gets no more than a few megabytes. */
static void limit_memory(void)
{
    FILE *sizes = fopen("/proc/self/statm", "re");
    char line[128];
    if (!sizes || !fgets(line, sizeof line, sizes))
        _exit(2);
    fclose(sizes);
    unsigned long pages = strtoul(line, NULL, 10);
    rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 8 * 1024 * 1024;
    const struct rlimit limit = {bytes, bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(2);
}

/* Runs it in a process of its own, since the limit cannot be undone. It answers whether all was as it should be. */
static void check_in_child(bool (*run)(void *), void *argument)
{
    if (MEMORY_CAN_RUN_OUT)
        CHECK(is_true_in_child(run, argument));
}

static bool is_shortage(finseg_error *error, bool maybe_created)
{
    bool is = error && finseg_error_get_kind(error) == FINSEG_ERROR_RESOURCE &&
              strstr(finseg_error_message(error), "out of memory; ") &&
              finseg_error_maybe_created(error) == maybe_created;
    if (!is)
        printf("  %s\n", error ? finseg_error_message(error) : "no error");
    finseg_error_free(error);
    return is;
}

static bool read_large_page(void *text)
{
    limit_memory();
    finseg_error *error = NULL;
    return !finseg_page_parse(text, strlen(text), &error) && is_shortage(error, false);
}

static void a_page_that_does_not_fit_is_a_shortage(void)
{
    char *text = malloc(LARGE + 1);
    memset(text, ' ', LARGE);
    memcpy(text + LARGE - 12, "{\"users\":[]}", 13);
    check_in_child(read_large_page, text);
    free(text);
}

static bool create_with_large_answer(void *config)
{
    finseg_error *error = NULL;
    finseg_client *client = finseg_client_new(config, &error);
    if (!client)
        return false;
    limit_memory();
    finseg_ticket ticket = finseg_client_create(client, "highBalance", "{\"threshold\":5000}", &error);
    finseg_outcome *outcome = finseg_client_await(client, ticket);
    return outcome && is_shortage(finseg_outcome_take_error(outcome), true);
}

static void a_create_whose_answer_does_not_fit_may_have_made_a_job(void)
{
    struct stage stage;
    prepare(&stage);
    set_text(&stage, "access_token", "given-token");
    set_number(&stage, "max_body", 2.0 * LARGE);
    char *body = malloc(LARGE + 1);
    memset(body, ' ', LARGE);
    memcpy(body + LARGE - 13, "{\"jobId\":\"j\"}", 14);
    const struct scripted_answer answers[] = {
        {POST_SEGMENT, json(&stage, "201 Created", "", body), SCRIPTED_KEEP, -1},
    };
    free(body);
    OPEN(&stage, answers);
    check_in_child(create_with_large_answer, stage.config);
    close_stage(&stage);
}

static const struct test tests[] = {
    {"a client takes three descriptors, or is refused", a_client_takes_three_descriptors_or_is_refused},
    {"a request that gets no socket says so", a_request_that_gets_no_socket_says_so},
    {"a name that cannot be looked up without descriptors says so",
     a_name_that_cannot_be_looked_up_without_descriptors_says_so},
    {"a refused connection is no shortage", a_refused_connection_is_no_shortage},
    {"a descriptor that cannot be attached says so", a_descriptor_that_cannot_be_attached_says_so},
    {"a page that does not fit is a shortage", a_page_that_does_not_fit_is_a_shortage},
    {"a create whose answer does not fit may have made a job", a_create_whose_answer_does_not_fit_may_have_made_a_job},
};
SUITE(resource, tests);
