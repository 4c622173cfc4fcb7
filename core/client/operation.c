#include "operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "io/clock.h"
#include "protocol/url.h"
#include "value/error.h"

enum { WHAT_LIMIT = 160, EXCERPT = 80, TIMERS = 2 };

static void proceed(struct fs_operation *operation);

/* ---- the table ---- */

static struct fs_operation **bucket(const struct fs_operation_table *table, finseg_ticket ticket)
{
    return &table->buckets[ticket & (table->bucket_count - 1)];
}

static bool grow(struct fs_operation_table *table)
{
    size_t bucket_count = table->bucket_count ? 2 * table->bucket_count : 16;
    struct fs_operation_table larger = {
        .buckets = calloc(bucket_count, sizeof(*larger.buckets)), .bucket_count = bucket_count, .count = table->count};
    if (!larger.buckets)
        return false;
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct fs_operation *operation = table->buckets[i];
        while (operation) {
            struct fs_operation *next = operation->next_in_bucket;
            struct fs_operation **place = bucket(&larger, operation->outcome->ticket);
            operation->next_in_bucket = *place;
            *place = operation;
            operation = next;
        }
    }
    free(table->buckets);
    *table = larger;
    return true;
}

static bool enter(struct fs_operation_table *table, struct fs_operation *operation)
{
    if (table->count >= table->bucket_count && !grow(table))
        return false;
    struct fs_operation **place = bucket(table, operation->outcome->ticket);
    operation->next_in_bucket = *place;
    *place = operation;
    table->count++;
    return true;
}

static void leave(struct fs_operation_table *table, struct fs_operation *operation)
{
    struct fs_operation **place = bucket(table, operation->outcome->ticket);
    while (*place != operation)
        place = &(*place)->next_in_bucket;
    *place = operation->next_in_bucket;
    table->count--;
}

struct fs_operation *fs_operation_find(const struct fs_operation_table *table, finseg_ticket ticket)
{
    struct fs_operation *operation = table->bucket_count > 0 ? *bucket(table, ticket) : NULL;
    while (operation && operation->outcome->ticket != ticket)
        operation = operation->next_in_bucket;
    return operation;
}

/* ---- beginning and end ---- */

/* Who is asked for what, for messages. */
static void describe(const struct fs_operation *operation, char text[WHAT_LIMIT])
{
    if (operation->type == FS_OPERATION_CREATE)
        snprintf(text, WHAT_LIMIT, "create %.100s", operation->kind);
    else
        snprintf(text, WHAT_LIMIT, "%.40s job %.80s", operation->job->kind, operation->job->job_id);
}

static void on_pause_over(struct fs_timer *timer)
{
    proceed(timer->owner);
}

static void on_deadline(struct fs_timer *timer)
{
    struct fs_operation *operation = timer->owner;
    char what[WHAT_LIMIT];
    describe(operation, what);
    const char *known = operation->polls > 0 ? "not ready" : "no answer";
    fs_operation_end(operation, fs_error_new(FINSEG_ERROR_TIMEOUT,
                                             "%s: %s within %g s; the job lives on: wait again, now or later", what,
                                             known, operation->timeout));
}

static void free_operation(struct fs_operation *operation)
{
    finseg_client *client = operation->client;
    fs_authorization_stop_waiting(client, operation);
    fs_loop_clear_timer(&client->loop, &operation->deadline);
    fs_loop_clear_timer(&client->loop, &operation->pause);
    fs_exchange_free(client, operation->exchange);
    finseg_job_free(operation->job);
    free(operation->kind);
    free(operation->path);
    free(operation->body);
    fs_callback_url_free(&operation->callback_url);
    free(operation);
}

struct fs_operation *fs_operation_new(finseg_client *client, enum fs_operation_type type, finseg_job *job)
{
    struct fs_operation *operation = calloc(1, sizeof *operation);
    finseg_outcome *outcome = calloc(1, sizeof *outcome);
    bool reserved = operation && outcome && fs_loop_reserve_timers(&client->loop, TIMERS);
    if (reserved) {
        outcome->ticket = client->last_ticket + 1;
        *operation = (struct fs_operation){.type = type, .client = client, .outcome = outcome};
        operation->deadline = (struct fs_timer){.expired = on_deadline, .owner = operation};
        operation->pause = (struct fs_timer){.expired = on_pause_over, .owner = operation};
        if (enter(&client->operations, operation)) {
            client->last_ticket++;
            operation->job = job ? fs_job_hold(job) : NULL;
            return operation;
        }
        fs_loop_release_timers(&client->loop, TIMERS);
    }
    free(operation);
    free(outcome);
    return NULL;
}

void fs_operation_drop(struct fs_operation *operation)
{
    finseg_client *client = operation->client;
    leave(&client->operations, operation);
    finseg_outcome_free(operation->outcome);
    free_operation(operation);
    fs_loop_release_timers(&client->loop, TIMERS);
}

static void redact(const struct fs_operation *operation, finseg_error *error)
{
    fs_client_redact(operation->client, error);
    fs_callback_url_redact(&operation->callback_url, error);
}

void fs_operation_end(struct fs_operation *operation, finseg_error *error)
{
    finseg_client *client = operation->client;
    finseg_outcome *outcome = operation->outcome;
    if (error)
        redact(operation, error);
    outcome->error = error;
    leave(&client->operations, operation);
    free_operation(operation);
    fs_loop_release_timers(&client->loop, TIMERS);
    fs_client_deliver(client, outcome);
}

void fs_operation_cancel(struct fs_operation *operation)
{
    char what[WHAT_LIMIT];
    describe(operation, what);
    bool sent = false;
    if (operation->exchange) {
        fs_transport_cancel(&operation->client->transport, &operation->exchange->transfer);
        sent = operation->exchange->transfer.sent;
    }
    finseg_error *error;
    if (operation->type == FS_OPERATION_CREATE && sent) {
        error = fs_error_new(FINSEG_ERROR_CANCELLED,
                             "%s: cancelled after it was sent; the job may exist at the service", what);
        error = fs_error_with_maybe_created(error);
    } else {
        error = fs_error_new(FINSEG_ERROR_CANCELLED, "%s: cancelled here; the service was not told", what);
    }
    if (operation->type == FS_OPERATION_WAIT)
        operation->job->state = FS_JOB_CANCELLED;
    fs_operation_end(operation, error);
}

/* ---- events ---- */

static void report(struct fs_operation *operation, const char *name, const char *message, double seconds)
{
    finseg_client *client = operation->client;
    if (!client->events.enabled)
        return;
    const struct fs_exchange *exchange = operation->exchange;
    const finseg_event event = {
        .name = name,
        .time = fs_clock_wall(),
        .url = exchange ? exchange->url : NULL,
        .request_id = exchange ? exchange->request_id : NULL,
        .message = message,
        .seconds = seconds,
    };
    fs_event_add(&client->events, &event);
}

static void report_job(struct fs_operation *operation, const char *news, double seconds)
{
    char what[WHAT_LIMIT];
    describe(operation, what);
    char message[WHAT_LIMIT + 32];
    snprintf(message, sizeof message, "%s: %s", what, news);
    report(operation, "job", message, seconds);
}

/* ---- trying again ---- */

static void pause_for(struct fs_operation *operation, double seconds)
{
    finseg_client *client = operation->client;
    fs_exchange_free(client, operation->exchange);
    operation->exchange = NULL;
    fs_loop_set_timer(&client->loop, &operation->pause, fs_clock_monotonic() + seconds);
}

/* Takes over `error`: the operation tries again later, or ends with it when its tries are used up. A wait has a
 * deadline and obeys any Retry-After; for the others one that is longer than retry.max is the caller's to decide. */
static void repeat_or_end(struct fs_operation *operation, finseg_error *error)
{
    finseg_client *client = operation->client;
    double asked = finseg_error_retry_after(error);
    double pause = -1;
    if (operation->type == FS_OPERATION_WAIT || asked <= client->retry.max)
        pause = fs_retry_pause(&client->retry, ++operation->failures, asked, fs_random_fraction(&client->random));
    if (pause < 0) {
        fs_operation_end(operation, error);
        return;
    }
    redact(operation, error);
    report(operation, "retry", finseg_error_message(error), pause);
    pause_for(operation, pause);
    finseg_error_free(error);
}

static double next_poll(struct fs_operation *operation, double retry_after)
{
    finseg_client *client = operation->client;
    const struct fs_poll_schedule *schedule = operation->expects_callback ? &client->slow_poll : &client->poll;
    return fs_poll_pause(schedule, operation->schedule_step, retry_after, fs_random_fraction(&client->random));
}

static void poll_again(struct fs_operation *operation, finseg_error *pending)
{
    operation->failures = 0;
    operation->token_renewed = false;
    operation->polls++;
    operation->schedule_step++;
    double pause = operation->called ? 0 : next_poll(operation, finseg_error_retry_after(pending));
    operation->called = false;
    report_job(operation, "not ready yet", pause);
    pause_for(operation, pause);
    finseg_error_free(pending);
}

/* Between two GETs of a wait, and not after a failure, whose pause protects the service. */
static bool is_between_polls(const struct fs_operation *operation)
{
    return operation->pause.slot > 0 && operation->failures == 0;
}

void fs_operation_called(struct fs_operation *operation)
{
    /* Should the job not be ready after all, it soon will be: the schedule begins anew. */
    operation->expects_callback = false;
    operation->schedule_step = 0;
    operation->schedule_began = fs_clock_monotonic();
    report_job(operation, "a callback came", 0);
    if (is_between_polls(operation))
        fs_loop_set_timer(&operation->client->loop, &operation->pause, operation->schedule_began);
    else
        operation->called = true;
}

void fs_operation_expect_callback(struct fs_operation *operation, bool expected)
{
    if (operation->expects_callback == expected)
        return;
    operation->expects_callback = expected;
    if (expected)
        return;
    finseg_client *client = operation->client;
    double now = fs_clock_monotonic();
    operation->schedule_step = fs_poll_next(&client->poll, now - operation->schedule_began);
    if (!is_between_polls(operation))
        return;
    /* Callbacks end for all waits of a client at once: their GETs are spread over the pause that each is in. */
    double pause = next_poll(operation, -1) * fs_random_fraction(&client->random);
    fs_loop_set_timer(&client->loop, &operation->pause, now + pause);
}

/* ---- answers ---- */

static void end_with_maybe_created(struct fs_operation *operation, finseg_error *error)
{
    fs_operation_end(operation, fs_error_with_maybe_created(error));
}

static void end_without_job_id(struct fs_operation *operation)
{
    char what[WHAT_LIMIT];
    describe(operation, what);
    fs_exchange_redact_body(operation->client, operation->exchange);
    struct fs_answer answer = fs_exchange_answer(operation->exchange);
    end_with_maybe_created(operation,
                           fs_answer_error(&answer, FINSEG_ERROR_PROTOCOL, what,
                                           "there is no jobId in the answer: the job may exist, but cannot be found"));
}

static void on_created(struct fs_operation *operation, const struct fs_answer *answer)
{
    char *job_id = fs_answer_text_member(answer, "jobId");
    if (!job_id) {
        end_without_job_id(operation);
        return;
    }
    finseg_job *job = fs_job_new(operation->kind, operation->path, job_id, fs_clock_wall());
    free(job_id);
    operation->outcome->job = job;
    report_job(operation, "created", 0);
    if (job)
        fs_operation_end(operation, NULL);
    else
        end_with_maybe_created(operation, fs_error_out_of_memory());
}

static void on_create_answer(struct fs_operation *operation, const struct fs_answer *answer)
{
    if (answer->status / 100 == 2) {
        on_created(operation, answer);
        return;
    }
    char what[WHAT_LIMIT];
    describe(operation, what);
    finseg_error_kind kind = fs_answer_kind(answer->status);
    finseg_error *error = fs_answer_error(answer, kind, what, fs_answer_advice(kind));
    /* These two say that nothing was done; any other 5xx leaves it open, and a second job would be the price of
     * guessing. */
    bool refused = answer->status == 429 || (answer->status == 503 && answer->retry_after >= 0);
    if (refused)
        repeat_or_end(operation, error);
    else if (kind == FINSEG_ERROR_SERVER)
        end_with_maybe_created(operation, error);
    else
        fs_operation_end(operation, error);
}

static void on_page(struct fs_operation *operation)
{
    /* The page takes the body over; its beginning stays for a message. */
    const struct fs_buffer *body = &operation->exchange->transfer.answer;
    char beginning[EXCERPT + 1];
    struct fs_answer answer = fs_exchange_answer(operation->exchange);
    answer.length = body->length < EXCERPT ? body->length : EXCERPT;
    memcpy(beginning, body->data ? body->data : "", answer.length);
    answer.body = beginning;

    finseg_error *error = NULL;
    finseg_page *page = fs_page_pool_read(&operation->client->pages, &operation->exchange->transfer.answer, &error);
    if (page) {
        if (operation->type == FS_OPERATION_WAIT)
            report_job(operation, "ready", 0);
        operation->outcome->page = page;
        fs_operation_end(operation, NULL);
        return;
    }
    char what[WHAT_LIMIT];
    describe(operation, what);
    error = fs_answer_unreadable(&answer, error, what);
    /* A body that was damaged on the way is whole the next time. */
    if (finseg_error_get_kind(error) == FINSEG_ERROR_PROTOCOL)
        repeat_or_end(operation, error);
    else
        fs_operation_end(operation, error);
}

static void on_result_answer(struct fs_operation *operation, const struct fs_answer *answer)
{
    finseg_error *error = fs_job_read(operation->job, answer, fs_clock_wall());
    if (!error) {
        on_page(operation);
        return;
    }
    switch (finseg_error_get_kind(error)) {
    case FINSEG_ERROR_PENDING:
        if (operation->type == FS_OPERATION_WAIT)
            poll_again(operation, error);
        else if (operation->type == FS_OPERATION_FETCH)
            repeat_or_end(operation, error); /* of a job that was ready: a passing state */
        else
            fs_operation_end(operation, error);
        break;
    case FINSEG_ERROR_RATE_LIMITED:
    case FINSEG_ERROR_SERVER:
    case FINSEG_ERROR_TIMEOUT:
        repeat_or_end(operation, error);
        break;
    default:
        fs_operation_end(operation, error);
        break;
    }
}

static void on_failure(struct fs_operation *operation)
{
    char what[WHAT_LIMIT];
    describe(operation, what);
    const struct fs_transfer *transfer = &operation->exchange->transfer;
    bool lost_create = operation->type == FS_OPERATION_CREATE && transfer->sent;
    finseg_error *error = fs_exchange_failure(operation->exchange, what);
    if (lost_create)
        end_with_maybe_created(operation, error);
    else if (transfer->failure == FINSEG_ERROR_TLS || transfer->failure == FINSEG_ERROR_TOO_LARGE)
        fs_operation_end(operation, error);
    else
        repeat_or_end(operation, error);
}

static bool takes_new_token(struct fs_operation *operation)
{
    finseg_client *client = operation->client;
    fs_token_refuse(&client->authorization.token, operation->token_generation);
    if (operation->token_renewed || !fs_authorization_can_renew(client))
        return false;
    operation->token_renewed = true;
    fs_exchange_free(client, operation->exchange);
    operation->exchange = NULL;
    proceed(operation);
    return true;
}

static void on_done(struct fs_transfer *transfer)
{
    struct fs_operation *operation = transfer->owner;
    fs_exchange_report(operation->client, operation->exchange);
    if (!transfer->answered) {
        on_failure(operation);
        return;
    }
    if (transfer->status == 401 && takes_new_token(operation))
        return;
    struct fs_answer answer = fs_exchange_answer(operation->exchange);
    if (transfer->status == 401 && !fs_authorization_can_renew(operation->client)) {
        char what[WHAT_LIMIT];
        describe(operation, what);
        fs_operation_end(operation, fs_answer_error(&answer, FINSEG_ERROR_AUTH, what, fs_authorization_refused_token));
        return;
    }
    if (operation->type == FS_OPERATION_CREATE)
        on_create_answer(operation, &answer);
    else
        on_result_answer(operation, &answer);
}

/* ---- sending ---- */

static void lend_page(struct fs_transfer *transfer)
{
    struct fs_operation *operation = transfer->owner;
    fs_page_pool_lend(&operation->client->pages, &transfer->answer);
}

static struct fs_exchange *build_exchange(struct fs_operation *operation)
{
    finseg_client *client = operation->client;
    char *url;
    if (operation->type == FS_OPERATION_CREATE)
        url = fs_url_segment(client->base.text, operation->path);
    else
        url = fs_url_page(client->base.text, operation->job->path, operation->job->job_id, operation->number,
                          operation->size);
    struct fs_exchange *exchange = fs_exchange_new(client, url);
    if (!exchange)
        return NULL;
    struct fs_transfer *transfer = &exchange->transfer;
    if (operation->type == FS_OPERATION_CREATE) {
        transfer->body = operation->body;
        transfer->body_length = strlen(operation->body);
        transfer->content_type = "application/json";
        transfer->once = true;
        exchange->callback_url = &operation->callback_url;
    } else {
        transfer->lend = lend_page;
    }
    transfer->loopback = client->base.loopback;
    transfer->bearer = client->authorization.token.access_token;
    transfer->done = on_done;
    transfer->owner = operation;
    return exchange;
}

void fs_operation_send(struct fs_operation *operation)
{
    finseg_client *client = operation->client;
    operation->token_generation = client->authorization.token.generation;
    operation->exchange = build_exchange(operation);
    if (!operation->exchange || !fs_exchange_start(client, operation->exchange))
        fs_operation_end(operation, fs_error_out_of_memory());
}

static void proceed(struct fs_operation *operation)
{
    finseg_client *client = operation->client;
    if (fs_token_usable(&client->authorization.token, fs_clock_monotonic()))
        fs_operation_send(operation);
    else
        fs_authorization_wait(client, operation);
}

void fs_operation_start(struct fs_operation *operation, double timeout)
{
    finseg_client *client = operation->client;
    double now = fs_clock_monotonic();
    operation->schedule_began = now;
    operation->timeout = timeout;
    if (timeout >= 0)
        fs_loop_set_timer(&client->loop, &operation->deadline, now + timeout);
    if (operation->type != FS_OPERATION_WAIT) {
        proceed(operation);
        return;
    }
    double pause = next_poll(operation, -1);
    /* A short wait must still have the time to ask. */
    if (timeout >= 0 && pause > timeout / 2)
        pause = timeout / 2;
    fs_loop_set_timer(&client->loop, &operation->pause, now + pause);
}
