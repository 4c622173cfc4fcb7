#include "authorization.h"

#include <string.h>

#include "client.h"
#include "io/clock.h"
#include "operation.h"
#include "value/error.h"
#include "value/text.h"

static const char what[] = "token endpoint";

const char fs_authorization_refused_token[] =
    "the access_token was refused by the service: make a client with a fresh one, or with client_id and client_secret";

static void start_fetch(finseg_client *client);

/* ---- who waits ---- */

static struct fs_operation *take_first_waiting(struct fs_authorization *authorization)
{
    struct fs_operation *operation = authorization->first_waiting;
    if (operation)
        fs_authorization_stop_waiting(operation->client, operation);
    return operation;
}

void fs_authorization_stop_waiting(finseg_client *client, struct fs_operation *operation)
{
    if (!operation->waiting_for_token)
        return;
    struct fs_authorization *authorization = &client->authorization;
    if (operation->previous_waiting)
        operation->previous_waiting->next_waiting = operation->next_waiting;
    else
        authorization->first_waiting = operation->next_waiting;
    if (operation->next_waiting)
        operation->next_waiting->previous_waiting = operation->previous_waiting;
    else
        authorization->last_waiting = operation->previous_waiting;
    operation->waiting_for_token = false;
}

static void send_all(finseg_client *client)
{
    struct fs_operation *operation;
    while ((operation = take_first_waiting(&client->authorization)) != NULL)
        fs_operation_send(operation);
}

/* Takes over `error`. */
static void fail_all(finseg_client *client, finseg_error *error)
{
    struct fs_operation *operation;
    while ((operation = take_first_waiting(&client->authorization)) != NULL)
        fs_operation_end(operation, fs_error_copy(error));
    finseg_error_free(error);
}

/* ---- the fetch ---- */

static void end_exchange(finseg_client *client)
{
    struct fs_authorization *authorization = &client->authorization;
    fs_exchange_free(client, authorization->exchange);
    authorization->exchange = NULL;
    fs_buffer_free_secret(&authorization->form);
}

static void on_pause_over(struct fs_timer *timer)
{
    start_fetch(timer->owner);
}

/* Tries again later if the schedule allows, else everybody who waits fails. Takes over `error`. */
static void repeat_or_fail(finseg_client *client, finseg_error *error)
{
    struct fs_authorization *authorization = &client->authorization;
    double asked = finseg_error_retry_after(error);
    double pause = -1;
    if (finseg_error_retryable(error) && asked <= client->retry.max)
        pause = fs_retry_pause(&client->retry, ++authorization->failures, asked, fs_random_fraction(&client->random));
    if (pause < 0) {
        authorization->failures = 0;
        fail_all(client, error);
        return;
    }
    finseg_error_free(error);
    fs_loop_set_timer(&client->loop, &authorization->pause, fs_clock_monotonic() + pause);
}

static finseg_error *read_exchange(finseg_client *client)
{
    struct fs_authorization *authorization = &client->authorization;
    const struct fs_exchange *exchange = authorization->exchange;
    if (!exchange->transfer.answered)
        return fs_exchange_failure(exchange, what);
    struct fs_answer answer = fs_exchange_answer(exchange);
    return fs_token_read(&authorization->token, &answer, fs_clock_monotonic());
}

static void report_token(finseg_client *client)
{
    const finseg_event event = {.name = "token", .time = fs_clock_wall(), .message = "a new access token"};
    fs_event_add(&client->events, &event);
}

static void on_done(struct fs_transfer *transfer)
{
    finseg_client *client = transfer->owner;
    struct fs_authorization *authorization = &client->authorization;
    fs_exchange_report(client, authorization->exchange);
    finseg_error *error = read_exchange(client);
    end_exchange(client);
    if (!error) {
        authorization->failures = 0;
        report_token(client);
        send_all(client);
    } else if (authorization->refreshing && finseg_error_get_kind(error) == FINSEG_ERROR_AUTH) {
        /* Refresh tokens end too; the user's own credentials may still be good. */
        finseg_error_free(error);
        fs_token_forget_refresh(&authorization->token);
        start_fetch(client);
    } else {
        repeat_or_fail(client, error);
    }
}

static bool build_form(finseg_client *client)
{
    struct fs_authorization *authorization = &client->authorization;
    const finseg_config *config = client->config;
    struct fs_credentials credentials = {
        .client_id = config->client_id,
        .client_secret = config->client_secret,
        .username = config->username,
        .password = config->password,
    };
    /* Room for all of it at once: growing would leave copies of the secrets behind. */
    fs_buffer_reserve(&authorization->form, 4096);
    authorization->refreshing = config->username && authorization->token.refresh_token;
    if (authorization->refreshing)
        fs_token_refresh_form(&authorization->form, &credentials, authorization->token.refresh_token);
    else
        fs_token_form(&authorization->form, &credentials);
    return !authorization->form.failed;
}

static void start_fetch(finseg_client *client)
{
    struct fs_authorization *authorization = &client->authorization;
    struct fs_exchange *exchange = NULL;
    if (build_form(client))
        exchange = fs_exchange_new(client, fs_text_copy(client->token_url, strlen(client->token_url)));
    authorization->exchange = exchange;
    if (exchange) {
        exchange->transfer.body = authorization->form.data;
        exchange->transfer.body_length = authorization->form.length;
        exchange->transfer.content_type = "application/x-www-form-urlencoded";
        exchange->transfer.loopback = client->token_loopback;
        exchange->transfer.done = on_done;
        exchange->transfer.owner = client;
        if (fs_exchange_start(client, exchange))
            return;
    }
    end_exchange(client);
    fail_all(client, fs_error_out_of_memory());
}

/* ---- for the client and its operations ---- */

bool fs_authorization_open(finseg_client *client)
{
    struct fs_authorization *authorization = &client->authorization;
    authorization->pause = (struct fs_timer){.expired = on_pause_over, .owner = client};
    const char *ready_made = client->config->access_token;
    return fs_loop_reserve_timers(&client->loop, 1) && (!ready_made || fs_token_set(&authorization->token, ready_made));
}

void fs_authorization_close(finseg_client *client)
{
    end_exchange(client);
    fs_loop_clear_timer(&client->loop, &client->authorization.pause);
    fs_token_free(&client->authorization.token);
}

bool fs_authorization_can_renew(const finseg_client *client)
{
    return client->config->client_id != NULL;
}

void fs_authorization_wait(finseg_client *client, struct fs_operation *operation)
{
    struct fs_authorization *authorization = &client->authorization;
    if (!fs_authorization_can_renew(client)) {
        fs_operation_end(operation, fs_error_new(FINSEG_ERROR_AUTH, "%s", fs_authorization_refused_token));
        return;
    }
    operation->waiting_for_token = true;
    operation->next_waiting = NULL;
    operation->previous_waiting = authorization->last_waiting;
    if (authorization->last_waiting)
        authorization->last_waiting->next_waiting = operation;
    else
        authorization->first_waiting = operation;
    authorization->last_waiting = operation;
    if (!authorization->exchange && authorization->pause.slot == 0)
        start_fetch(client);
}
