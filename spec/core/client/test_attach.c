#include "client/attach.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stage.h"
#include "test.h"

/* Longer than any test. */
#define NEVER 3600.0

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

static void a_foreign_descriptor_is_detached(void)
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

static bool attaches_nothing(void *argument)
{
    struct guest *guest = argument;
    finseg_client *client = guest->stage.client;
    finseg_error *error = NULL;
    return finseg_client_watch(client, guest->pipe[1], &error) == -1 &&
           finseg_error_get_kind(error) == FINSEG_ERROR_INVALID && finseg_client_next_ready(client) == -1;
}

static void another_process_attaches_nothing(void)
{
    struct guest guest;
    open_guest(&guest);
    CHECK(is_true_in_child(attaches_nothing, &guest));
    close_guest(&guest);
}

static const struct test tests[] = {
    {"a foreign descriptor makes the client readable until it is read",
     a_foreign_descriptor_makes_the_client_readable_until_it_is_read},
    {"a foreign descriptor that nobody reads does not keep the client busy",
     a_foreign_descriptor_that_nobody_reads_does_not_keep_the_client_busy},
    {"a foreign descriptor is ready at its alarm", a_foreign_descriptor_is_ready_at_its_alarm},
    {"a foreign descriptor is detached", a_foreign_descriptor_is_detached},
    {"a foreign descriptor that was closed is not taken for who has its number now",
     a_foreign_descriptor_that_was_closed_is_not_taken_for_who_has_its_number_now},
    {"another process attaches nothing", another_process_attaches_nothing},
};
SUITE(attach, tests);
