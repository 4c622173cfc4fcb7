#include "exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "io/clock.h"
#include "value/error.h"

struct fs_exchange *fs_exchange_new(finseg_client *client, char *url)
{
    struct fs_exchange *exchange = url ? calloc(1, sizeof *exchange) : NULL;
    if (!exchange) {
        free(url);
        return NULL;
    }
    exchange->url = url;
    snprintf(exchange->request_id, sizeof exchange->request_id, "finseg-%016" PRIx64 "%016" PRIx64,
             fs_random_next(&client->random), fs_random_next(&client->random));
    exchange->transfer.url = url;
    exchange->transfer.request_id = exchange->request_id;
    return exchange;
}

static void report(finseg_client *client, const struct fs_exchange *exchange, const char *name, const char *message)
{
    if (!client->events.enabled)
        return;
    const struct fs_transfer *transfer = &exchange->transfer;
    finseg_event event = {
        .name = name,
        .time = fs_clock_wall(),
        .method = transfer->body ? "POST" : "GET",
        .url = exchange->url,
        .request_id = exchange->request_id,
        .message = message,
        .status = transfer->status,
        .seconds = transfer->seconds,
    };
    fs_event_add(&client->events, &event);
}

bool fs_exchange_start(finseg_client *client, struct fs_exchange *exchange)
{
    report(client, exchange, "request", NULL);
    return fs_transport_start(&client->transport, &exchange->transfer);
}

static void redact_text(finseg_client *client, const struct fs_exchange *exchange, char *text)
{
    fs_client_redact_text(client, text);
    if (exchange->callback_url)
        fs_callback_url_redact_text(exchange->callback_url, text);
}

/* Here and not in the finished error: a message quotes only a part, which may end in the middle of a secret. */
void fs_exchange_redact_body(finseg_client *client, struct fs_exchange *exchange)
{
    struct fs_buffer *body = &exchange->transfer.answer;
    if (!body->data || strlen(body->data) != body->length)
        return;
    redact_text(client, exchange, body->data);
    body->length = strlen(body->data);
}

void fs_exchange_report(finseg_client *client, struct fs_exchange *exchange)
{
    redact_text(client, exchange, exchange->transfer.problem);
    if (exchange->transfer.status / 100 != 2)
        fs_exchange_redact_body(client, exchange);
    report(client, exchange, "response", exchange->transfer.answered ? NULL : exchange->transfer.problem);
}

struct fs_answer fs_exchange_answer(const struct fs_exchange *exchange)
{
    const struct fs_transfer *transfer = &exchange->transfer;
    return (struct fs_answer){
        .status = transfer->status,
        .body = transfer->answer.data,
        .length = transfer->answer.length,
        .retry_after = transfer->retry_after,
        .request_id = transfer->answered_id[0] ? transfer->answered_id : exchange->request_id,
    };
}

static const char *failure_advice(finseg_error_kind kind)
{
    switch (kind) {
    case FINSEG_ERROR_TLS:
        return "; check the host name in base_url, the server's certificate, and ca_file if its authority is your own";
    case FINSEG_ERROR_TIMEOUT:
        return "; try again later, or raise timeout";
    case FINSEG_ERROR_TOO_LARGE:
        return "; ask for smaller pages, or raise max_body";
    case FINSEG_ERROR_PROTOCOL:
        return "; check base_url: this is no HTTP server that the library understands";
    case FINSEG_ERROR_RESOURCE:
        return ""; /* the problem names the remedy */
    default:
        return "; check base_url, the proxy and the network";
    }
}

finseg_error *fs_exchange_failure(const struct fs_exchange *exchange, const char *what)
{
    const struct fs_transfer *transfer = &exchange->transfer;
    /* Up to the path: it names the host, and leaves out what is in the query. */
    const char *host = strstr(exchange->url, "://");
    size_t length = host ? (size_t)(host - exchange->url) + 3 : 0;
    length += strcspn(exchange->url + length, "/?");
    finseg_error *error = fs_error_new(transfer->failure, "%s: no answer from %.*s: %s%s", what, (int)length,
                                       exchange->url, transfer->problem, failure_advice(transfer->failure));
    fs_error_set_request_id(error, exchange->request_id, strlen(exchange->request_id));
    return error;
}

void fs_exchange_free(finseg_client *client, struct fs_exchange *exchange)
{
    if (!exchange)
        return;
    fs_transport_cancel(&client->transport, &exchange->transfer);
    fs_transfer_clean(&exchange->transfer);
    free(exchange->url);
    free(exchange);
}
