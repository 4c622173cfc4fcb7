#include "stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

const char *json(struct stage *stage, const char *status, const char *headers, const char *body)
{
    char *text = scripted_json(status, headers, body);
    stage->texts[stage->text_count++] = text;
    return text;
}

void set_text(struct stage *stage, const char *field, const char *value)
{
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_text(stage->config, field, value, &error), 0);
}

void set_number(struct stage *stage, const char *field, double value)
{
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_number(stage->config, field, value, &error), 0);
}

void prepare(struct stage *stage)
{
    *stage = (struct stage){.config = finseg_config_new()};
    set_text(stage, "client_id", "the-client");
    set_text(stage, "client_secret", "the-secret");
    set_number(stage, "poll.first", 0.01);
    set_number(stage, "poll.max", 0.02);
    set_number(stage, "retry.base", 0.01);
    set_number(stage, "retry.max", 5);
}

void prepare_with_token(struct stage *stage)
{
    *stage = (struct stage){.config = finseg_config_new()};
    set_text(stage, "access_token", "given-token");
    set_number(stage, "retry.base", 0);
}

void open_stage(struct stage *stage, const struct scripted_answer *answers, size_t count)
{
    stage->server = scripted_server_start(answers, count);
    char base_url[128];
    snprintf(base_url, sizeof base_url, "%s/api/v1", scripted_server_url(stage->server));
    set_text(stage, "base_url", base_url);
    finseg_error *error = NULL;
    stage->client = finseg_client_new(stage->config, &error);
    if (!stage->client) {
        printf("  no client: %s\n", finseg_error_message(error));
        abort();
    }
}

void stop_server(struct stage *stage)
{
    if (stage->server)
        scripted_server_stop(stage->server);
    stage->server = NULL;
}

void close_stage(struct stage *stage)
{
    finseg_client_free(stage->client);
    finseg_config_free(stage->config);
    stop_server(stage);
    while (stage->text_count > 0)
        free(stage->texts[--stage->text_count]);
}

finseg_outcome *create(struct stage *stage)
{
    finseg_error *error = NULL;
    finseg_ticket ticket = finseg_client_create(stage->client, "highBalance", "{\"threshold\":5000}", &error);
    CHECK(ticket != 0);
    return finseg_client_await(stage->client, ticket);
}

finseg_job *job(struct stage *stage, const char *id, double created_at)
{
    finseg_error *error = NULL;
    finseg_job *made = finseg_client_job(stage->client, "highBalance", id, created_at, &error);
    CHECK(made != NULL);
    return made;
}

finseg_outcome *wait_for(struct stage *stage, finseg_job *waited, double timeout)
{
    return finseg_client_await(stage->client, finseg_client_wait(stage->client, waited, timeout, NULL));
}

finseg_outcome *poll_once(struct stage *stage, finseg_job *polled)
{
    return finseg_client_await(stage->client, finseg_client_poll(stage->client, polled, NULL));
}

finseg_error *error_of(finseg_outcome *outcome)
{
    finseg_error *error = finseg_outcome_take_error(outcome);
    finseg_outcome_free(outcome);
    return error;
}

void check_page(finseg_outcome *outcome)
{
    finseg_page *page = finseg_outcome_take_page(outcome);
    CHECK(page != NULL);
    if (page)
        CHECK_INT((int64_t)finseg_page_user_count(page), 1);
    finseg_page_free(page);
    finseg_outcome_free(outcome);
}

void check_request(struct stage *stage, const char *match, const char *part)
{
    char *request = scripted_server_last(stage->server, match);
    CHECK_CASE(request && strstr(request, part), part);
    free(request);
}
