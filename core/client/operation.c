#include "operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "value/error.h"
#include "value/secret.h"
#include "value/text.h"

enum { TIMERS = 2, WHAT = 160 };

static void proceed(struct fs_operation *operation);
static void on_token(struct fs_token_wait *wait, finseg_error *error);

/* ---- beginning and end ---- */

static struct fs_loop *loop_of(const struct fs_operation *operation)
{
    return &operation->operations->session->loop;
}

static void drop_exchange(struct fs_operation *operation)
{
    fs_exchange_free(operation->exchange);
    operation->exchange = NULL;
}

static void free_operation(struct fs_operation *operation)
{
    fs_authorization_stop_waiting(operation->operations->authorization, &operation->token_wait);
    fs_loop_clear_timer(loop_of(operation), &operation->deadline);
    fs_loop_clear_timer(loop_of(operation), &operation->pause);
    fs_loop_release_timers(loop_of(operation), TIMERS);
    drop_exchange(operation);
    finseg_job_free(operation->job);
    free(operation->what);
    free(operation->kind);
    free(operation->path);
    free(operation->body);
    fs_secrets_retire(&operation->operations->session->secrets, operation->callback_url);
    free(operation);
}

void fs_operation_drop(struct fs_operation *operation)
{
    fs_operations_leave(operation->operations, operation->outcome);
    finseg_outcome_free(operation->outcome);
    free_operation(operation);
}

/* Takes over `error` (NULL: it went well), and frees the operation. */
static void end(struct fs_operation *operation, finseg_error *error)
{
    if (error)
        fs_secrets_redact_error(&operation->operations->session->secrets, error);
    operation->outcome->error = error;
    fs_operations_finish(operation->operations, operation->outcome);
    free_operation(operation);
}

static void on_pause_over(struct fs_timer *timer)
{
    proceed(timer->owner);
}

static void on_deadline(struct fs_timer *timer)
{
    struct fs_operation *operation = timer->owner;
    const char *known = operation->polls > 0 ? "not ready" : "no answer";
    end(operation, fs_error_new(FINSEG_ERROR_TIMEOUT, "%s: %s within %g s; the job lives on: wait again, now or later",
                                operation->what, known, operation->timeout));
}

static struct fs_operation *new_operation(struct fs_operations *operations, enum fs_operation_type type)
{
    struct fs_operation *operation = calloc(1, sizeof *operation);
    if (!operation || !fs_loop_reserve_timers(&operations->session->loop, TIMERS)) {
        free(operation);
        return NULL;
    }
    operation->type = type;
    operation->operations = operations;
    operation->deadline = (struct fs_timer){.expired = on_deadline, .owner = operation};
    operation->pause = (struct fs_timer){.expired = on_pause_over, .owner = operation};
    operation->token_wait = (struct fs_token_wait){.ready = on_token, .owner = operation};
    operation->outcome = fs_operations_enter(operations, operation);
    if (operation->outcome)
        return operation;
    free_operation(operation);
    return NULL;
}

/* False when out of memory. */
static bool read_callback_url(struct fs_operation *operation, const struct fs_request *request)
{
    char *url;
    if (!fs_request_callback_url(request, &url))
        return false;
    if (url)
        operation->callback_url = fs_secrets_add_url(&operation->operations->session->secrets, url);
    bool read = !url || operation->callback_url;
    fs_secret_free(url);
    return read;
}

struct fs_operation *fs_operation_new_create(struct fs_operations *operations, const finseg_kind *kind,
                                             const struct fs_request *request)
{
    struct fs_operation *operation = new_operation(operations, FS_OPERATION_CREATE);
    if (!operation)
        return NULL;
    char what[WHAT];
    int length = snprintf(what, sizeof what, "create %.100s", kind->name);
    operation->what = fs_text_copy(what, (size_t)length);
    operation->body = fs_request_body(request);
    operation->kind = fs_text_copy(kind->name, strlen(kind->name));
    operation->path = fs_text_copy(kind->path, strlen(kind->path));
    if (!operation->what || !operation->body || !operation->kind || !operation->path ||
        !read_callback_url(operation, request)) {
        fs_operation_drop(operation);
        return NULL;
    }
    return operation;
}

struct fs_operation *fs_operation_new_get(struct fs_operations *operations, enum fs_operation_type type,
                                          finseg_job *job, uint64_t number, uint32_t size)
{
    struct fs_operation *operation = new_operation(operations, type);
    if (!operation)
        return NULL;
    operation->job = fs_job_hold(job);
    operation->number = number;
    operation->size = size;
    /* Opaque ids may be long; a message quotes enough to find it again. */
    char what[WHAT];
    int length = snprintf(what, sizeof what, "%.40s job %.80s", job->kind, job->job_id);
    operation->what = fs_text_copy(what, (size_t)length);
    if (operation->what)
        return operation;
    fs_operation_drop(operation);
    return NULL;
}

void fs_operation_cancel(struct fs_operation *operation)
{
    bool sent = operation->exchange && fs_exchange_cancel(operation->exchange);
    finseg_error *error;
    if (operation->type == FS_OPERATION_CREATE && sent) {
        error = fs_error_new(FINSEG_ERROR_CANCELLED,
                             "%s: cancelled after it was sent; the job may exist at the service", operation->what);
        error = fs_error_with_maybe_created(error);
    } else {
        error = fs_error_new(FINSEG_ERROR_CANCELLED, "%s: cancelled here; the service was not told", operation->what);
    }
    if (operation->type == FS_OPERATION_WAIT)
        operation->job->state = FS_JOB_CANCELLED;
    end(operation, error);
}

/* ---- events ---- */

static void report(struct fs_operation *operation, const char *name, const char *message, double seconds)
{
    struct fs_event_log *events = &operation->operations->session->events;
    if (!events->enabled)
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
    fs_event_add(events, &event);
}

static void report_job(struct fs_operation *operation, const char *news, double seconds)
{
    char message[WHAT + 32];
    snprintf(message, sizeof message, "%s: %s", operation->what, news);
    report(operation, "job", message, seconds);
}

/* ---- trying again ---- */

static void pause_for(struct fs_operation *operation, double seconds)
{
    drop_exchange(operation);
    fs_loop_set_timer(loop_of(operation), &operation->pause, fs_clock_monotonic() + seconds);
}

/* Takes over `error`: the operation tries again later, or ends with it when its tries are used up. A wait has a
 * deadline and obeys any Retry-After; for the others one that is longer than retry.max is the caller's to decide. */
static void repeat_or_end(struct fs_operation *operation, finseg_error *error)
{
    struct fs_session *session = operation->operations->session;
    double asked = finseg_error_retry_after(error);
    double pause = -1;
    if (operation->type == FS_OPERATION_WAIT || asked <= session->retry.max)
        pause = fs_retry_pause(&session->retry, ++operation->failures, asked, fs_random_fraction(&session->random));
    if (pause < 0) {
        end(operation, error);
        return;
    }
    report(operation, "retry", finseg_error_message(error), pause);
    pause_for(operation, pause);
    finseg_error_free(error);
}

static double next_poll(struct fs_operation *operation, double retry_after)
{
    struct fs_session *session = operation->operations->session;
    const struct fs_poll_schedule *schedule = operation->expects_callback ? &session->slow_poll : &session->poll;
    return fs_poll_pause(schedule, operation->schedule_step, retry_after, fs_random_fraction(&session->random));
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

/* Takes over `error`. */
static void conclude(struct fs_operation *operation, finseg_error *error, enum fs_verdict verdict)
{
    switch (verdict) {
    case FS_VERDICT_POLL:
        poll_again(operation, error);
        break;
    case FS_VERDICT_REPEAT:
        repeat_or_end(operation, error);
        break;
    case FS_VERDICT_MAYBE_CREATED:
        end(operation, fs_error_with_maybe_created(error));
        break;
    case FS_VERDICT_END:
        end(operation, error);
        break;
    }
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
        fs_loop_set_timer(loop_of(operation), &operation->pause, operation->schedule_began);
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
    struct fs_session *session = operation->operations->session;
    double now = fs_clock_monotonic();
    operation->schedule_step = fs_poll_next(&session->poll, now - operation->schedule_began);
    if (!is_between_polls(operation))
        return;
    /* Callbacks end for all waits of a client at once: their GETs are spread over the pause that each is in. */
    double pause = next_poll(operation, -1) * fs_random_fraction(&session->random);
    fs_loop_set_timer(loop_of(operation), &operation->pause, now + pause);
}

/* ---- answers ---- */

static void on_created(struct fs_operation *operation, const struct fs_answer *answer)
{
    char *job_id = fs_answer_text_member(answer, "jobId");
    if (!job_id) {
        finseg_error *error = fs_answer_error(
            answer, FINSEG_ERROR_PROTOCOL, "there is no jobId in the answer: the job may exist, but cannot be found");
        conclude(operation, error, FS_VERDICT_MAYBE_CREATED);
        return;
    }
    finseg_job *job = fs_job_new(operation->kind, operation->path, job_id, fs_clock_wall());
    free(job_id);
    operation->outcome->job = job;
    report_job(operation, "created", 0);
    if (job)
        end(operation, NULL);
    else
        conclude(operation, fs_error_out_of_memory(), FS_VERDICT_MAYBE_CREATED);
}

static void on_create_answer(struct fs_operation *operation, const struct fs_answer *answer)
{
    if (answer->status / 100 == 2) {
        on_created(operation, answer);
        return;
    }
    finseg_error_kind kind = fs_answer_kind(answer->status);
    conclude(operation, fs_answer_error(answer, kind, fs_answer_advice(kind)), fs_repeat_create(answer));
}

static void on_page(struct fs_operation *operation, const struct fs_answer *answer)
{
    /* The page takes the body over. */
    char *quote = fs_answer_quote(answer);
    finseg_error *error = NULL;
    finseg_page *page = fs_page_pool_read(&operation->operations->pages, &operation->exchange->transfer.answer, &error);
    if (page) {
        if (operation->type == FS_OPERATION_WAIT)
            report_job(operation, "ready", 0);
        operation->outcome->page = page;
        end(operation, NULL);
    } else {
        error = fs_answer_unreadable(answer, error, quote);
        conclude(operation, error, fs_repeat_unreadable(finseg_error_get_kind(error)));
    }
    free(quote);
}

static void on_result_answer(struct fs_operation *operation, const struct fs_answer *answer)
{
    finseg_error *error = fs_job_read(operation->job, answer, fs_clock_wall());
    if (error)
        conclude(operation, error, fs_repeat_get(operation->type, finseg_error_get_kind(error)));
    else
        on_page(operation, answer);
}

static void on_failure(struct fs_operation *operation)
{
    const struct fs_transfer *transfer = &operation->exchange->transfer;
    enum fs_verdict verdict = fs_repeat_failure(operation->type, transfer->failure, transfer->sent);
    conclude(operation, fs_exchange_failure(operation->exchange), verdict);
}

static void on_done(struct fs_exchange *exchange)
{
    struct fs_operation *operation = exchange->owner;
    if (!exchange->transfer.answered) {
        on_failure(operation);
        return;
    }
    struct fs_answer answer = fs_exchange_answer(exchange);
    if (answer.status == 401) {
        if (!fs_authorization_refuse(operation->operations->authorization, operation->token_generation)) {
            end(operation, fs_answer_error(&answer, FINSEG_ERROR_AUTH, fs_authorization_advice));
            return;
        }
        if (!operation->token_renewed) {
            operation->token_renewed = true;
            drop_exchange(operation);
            proceed(operation);
            return;
        }
    }
    if (operation->type == FS_OPERATION_CREATE)
        on_create_answer(operation, &answer);
    else
        on_result_answer(operation, &answer);
}

/* ---- sending ---- */

static void lend_page(struct fs_transfer *transfer)
{
    struct fs_exchange *exchange = transfer->owner;
    struct fs_operation *operation = exchange->owner;
    fs_page_pool_lend(&operation->operations->pages, &transfer->answer);
}

static struct fs_exchange *build_exchange(struct fs_operation *operation)
{
    struct fs_session *session = operation->operations->session;
    char *url;
    if (operation->type == FS_OPERATION_CREATE)
        url = fs_url_segment(session->base.text, operation->path);
    else
        url = fs_url_page(session->base.text, operation->job->path, operation->job->job_id, operation->number,
                          operation->size);
    struct fs_exchange *exchange = fs_exchange_new(session, url);
    if (!exchange)
        return NULL;
    exchange->what = operation->what;
    exchange->done = on_done;
    exchange->owner = operation;
    struct fs_transfer *transfer = &exchange->transfer;
    if (operation->type == FS_OPERATION_CREATE) {
        transfer->body = operation->body;
        transfer->body_length = strlen(operation->body);
        transfer->content_type = "application/json";
        transfer->once = true;
    } else {
        transfer->lend = lend_page;
    }
    transfer->loopback = session->base.loopback;
    transfer->bearer = operation->operations->authorization->token.access_token;
    return exchange;
}

static void on_token(struct fs_token_wait *wait, finseg_error *error)
{
    struct fs_operation *operation = wait->owner;
    if (error) {
        end(operation, error);
        return;
    }
    operation->token_generation = operation->operations->authorization->token.generation;
    operation->exchange = build_exchange(operation);
    if (!operation->exchange || !fs_exchange_start(operation->exchange))
        end(operation, fs_error_out_of_memory());
}

static void proceed(struct fs_operation *operation)
{
    fs_authorization_wait(operation->operations->authorization, &operation->token_wait);
}

void fs_operation_start(struct fs_operation *operation, double timeout)
{
    double now = fs_clock_monotonic();
    operation->schedule_began = now;
    operation->timeout = timeout;
    if (timeout >= 0)
        fs_loop_set_timer(loop_of(operation), &operation->deadline, now + timeout);
    if (operation->type != FS_OPERATION_WAIT) {
        proceed(operation);
        return;
    }
    double pause = next_poll(operation, -1);
    /* A short wait must still have the time to ask. */
    if (timeout >= 0 && pause > timeout / 2)
        pause = timeout / 2;
    fs_loop_set_timer(loop_of(operation), &operation->pause, now + pause);
}
