#include "authorization.h"

#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "value/error.h"
#include "value/text.h"

static const char token_path[] = "/api/v2/oauth/token";

const char fs_authorization_advice[] =
    "the access_token was refused by the service: make a client with a fresh one, or with client_id and client_secret";

static void start_fetch(struct fs_authorization *authorization);

/* ---- who waits ---- */

void fs_authorization_stop_waiting(struct fs_authorization *authorization, struct fs_token_wait *wait)
{
    if (wait->waiting)
        TAILQ_REMOVE(&authorization->waits, wait, link);
    wait->waiting = false;
}

/* Takes over `error`, of which each gets a copy; NULL: there is a token. */
static void tell_all(struct fs_authorization *authorization, finseg_error *error)
{
    struct fs_token_wait *wait;
    while ((wait = TAILQ_FIRST(&authorization->waits)) != NULL) {
        fs_authorization_stop_waiting(authorization, wait);
        wait->ready(wait, error ? fs_error_copy(error) : NULL);
    }
    finseg_error_free(error);
}

/* ---- the fetch ---- */

static void end_exchange(struct fs_authorization *authorization)
{
    fs_exchange_free(authorization->exchange);
    authorization->exchange = NULL;
    fs_buffer_free_secret(&authorization->form);
}

static void on_pause_over(struct fs_timer *timer)
{
    start_fetch(timer->owner);
}

/* Tries again later if the schedule allows, else everybody who waits fails. Takes over `error`. */
static void repeat_or_fail(struct fs_authorization *authorization, finseg_error *error)
{
    struct fs_session *session = authorization->session;
    double asked = finseg_error_retry_after(error);
    double pause = -1;
    if (finseg_error_retryable(error) && asked <= session->retry.max)
        pause = fs_retry_pause(&session->retry, ++authorization->failures, asked, fs_random_fraction(&session->random));
    if (pause < 0) {
        authorization->failures = 0;
        tell_all(authorization, error);
        return;
    }
    finseg_error_free(error);
    fs_loop_set_timer(&session->loop, &authorization->pause, fs_clock_monotonic() + pause);
}

/* In the place of the one before, which an answer under way may still quote. */
static bool make_known(struct fs_secrets *secrets, struct fs_secret_entry **known, const char *secret)
{
    struct fs_secret_entry *entry = secret ? fs_secrets_add(secrets, secret) : NULL;
    fs_secrets_retire(secrets, *known);
    *known = entry;
    return entry || !secret;
}

static finseg_error *take_token(struct fs_authorization *authorization)
{
    const struct fs_exchange *exchange = authorization->exchange;
    if (!exchange->transfer.answered)
        return fs_exchange_failure(exchange);
    struct fs_session *session = authorization->session;
    struct fs_token *token = &authorization->token;
    struct fs_answer answer = fs_exchange_answer(exchange);
    finseg_error *error = fs_token_read(token, &answer, fs_clock_monotonic());
    if (error)
        return error;
    if (!make_known(&session->secrets, &authorization->known_access, token->access_token) ||
        !make_known(&session->secrets, &authorization->known_refresh, token->refresh_token)) {
        fs_token_refuse(token, token->generation);
        return fs_error_out_of_memory();
    }
    const finseg_event event = {.name = "token", .time = fs_clock_wall(), .message = "a new access token"};
    fs_event_add(&session->events, &event);
    return NULL;
}

static void on_done(struct fs_exchange *exchange)
{
    struct fs_authorization *authorization = exchange->owner;
    finseg_error *error = take_token(authorization);
    end_exchange(authorization);
    if (!error) {
        authorization->failures = 0;
        tell_all(authorization, NULL);
    } else if (authorization->refreshing && finseg_error_get_kind(error) == FINSEG_ERROR_AUTH) {
        /* Refresh tokens end too; the user's own credentials may still be good. */
        finseg_error_free(error);
        fs_token_forget_refresh(&authorization->token);
        start_fetch(authorization);
    } else {
        repeat_or_fail(authorization, error);
    }
}

static bool build_form(struct fs_authorization *authorization)
{
    const finseg_config *config = authorization->session->config;
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

static void start_fetch(struct fs_authorization *authorization)
{
    struct fs_exchange *exchange = NULL;
    if (build_form(authorization))
        exchange =
            fs_exchange_new(authorization->session, fs_text_copy(authorization->url, strlen(authorization->url)));
    authorization->exchange = exchange;
    if (exchange) {
        exchange->transfer.body = authorization->form.data;
        exchange->transfer.body_length = authorization->form.length;
        exchange->transfer.content_type = "application/x-www-form-urlencoded";
        exchange->transfer.loopback = authorization->loopback;
        exchange->what = "token endpoint";
        exchange->done = on_done;
        exchange->owner = authorization;
        if (fs_exchange_start(exchange))
            return;
    }
    end_exchange(authorization);
    tell_all(authorization, fs_error_out_of_memory());
}

/* ---- for the client and its operations ---- */

static int set_url(struct fs_authorization *authorization, finseg_error **error)
{
    const struct fs_session *session = authorization->session;
    const char *token_url = session->config->token_url;
    if (!token_url) {
        struct fs_buffer url = {0};
        fs_buffer_printf(&url, "%s%s", session->base.origin, token_path);
        authorization->url = fs_buffer_take(&url);
        authorization->loopback = session->base.loopback;
    } else {
        struct fs_url url;
        if (fs_config_read_url(session->config, "token_url", token_url, &url, error) != 0)
            return -1;
        authorization->url = fs_text_copy(token_url, strlen(token_url));
        authorization->loopback = url.loopback;
        fs_url_free(&url);
    }
    return authorization->url ? 0 : fs_error_give(error, fs_error_out_of_memory());
}

void fs_authorization_init(struct fs_authorization *authorization, struct fs_session *session)
{
    *authorization = (struct fs_authorization){.session = session};
    authorization->pause = (struct fs_timer){.expired = on_pause_over, .owner = authorization};
    TAILQ_INIT(&authorization->waits);
}

int fs_authorization_open(struct fs_authorization *authorization, finseg_error **error)
{
    struct fs_session *session = authorization->session;
    if (set_url(authorization, error) != 0)
        return -1;
    const char *given = session->config->access_token;
    if (!fs_loop_reserve_timers(&session->loop, 1) || (given && !fs_token_set(&authorization->token, given)))
        return fs_error_give(error, fs_error_out_of_memory());
    return 0;
}

void fs_authorization_close(struct fs_authorization *authorization)
{
    end_exchange(authorization);
    fs_loop_clear_timer(&authorization->session->loop, &authorization->pause);
    fs_token_free(&authorization->token);
    free(authorization->url);
}

static bool can_fetch(const struct fs_authorization *authorization)
{
    return authorization->session->config->client_id != NULL;
}

void fs_authorization_wait(struct fs_authorization *authorization, struct fs_token_wait *wait)
{
    if (fs_token_usable(&authorization->token, fs_clock_monotonic())) {
        wait->ready(wait, NULL);
        return;
    }
    if (!can_fetch(authorization)) {
        wait->ready(wait, fs_error_new(FINSEG_ERROR_AUTH, "%s", fs_authorization_advice));
        return;
    }
    wait->waiting = true;
    TAILQ_INSERT_TAIL(&authorization->waits, wait, link);
    if (!authorization->exchange && authorization->pause.slot == 0)
        start_fetch(authorization);
}

bool fs_authorization_refuse(struct fs_authorization *authorization, uint64_t generation)
{
    fs_token_refuse(&authorization->token, generation);
    return can_fetch(authorization);
}
