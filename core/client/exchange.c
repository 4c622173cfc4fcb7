#include "exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "value/error.h"

static void report(const struct fs_exchange *exchange, const char *name, const char *message)
{
    if (!exchange->session->events.enabled)
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
    fs_event_add(&exchange->session->events, &event);
}

static void on_done(struct fs_transfer *transfer)
{
    struct fs_exchange *exchange = transfer->owner;
    report(exchange, "response", transfer->answered ? NULL : transfer->problem);
    exchange->done(exchange);
}

struct fs_exchange *fs_exchange_new(struct fs_session *session, char *url)
{
    struct fs_exchange *exchange = url ? calloc(1, sizeof *exchange) : NULL;
    if (!exchange) {
        free(url);
        return NULL;
    }
    exchange->session = session;
    exchange->url = url;
    snprintf(exchange->request_id, sizeof exchange->request_id, "finseg-%016" PRIx64 "%016" PRIx64,
             fs_random_next(&session->random), fs_random_next(&session->random));
    exchange->transfer.url = url;
    exchange->transfer.request_id = exchange->request_id;
    exchange->transfer.done = on_done;
    exchange->transfer.owner = exchange;
    return exchange;
}

bool fs_exchange_start(struct fs_exchange *exchange)
{
    report(exchange, "request", NULL);
    return fs_transport_start(&exchange->session->transport, &exchange->transfer);
}

bool fs_exchange_cancel(struct fs_exchange *exchange)
{
    fs_transport_cancel(&exchange->session->transport, &exchange->transfer);
    return exchange->transfer.sent;
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
        .what = exchange->what,
        .secrets = &exchange->session->secrets,
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
        return "; check base_url: this is not an HTTP server that the library understands";
    case FINSEG_ERROR_RESOURCE:
        return ""; /* the problem names the remedy */
    default:
        return "; check base_url, the proxy and the network";
    }
}

finseg_error *fs_exchange_failure(const struct fs_exchange *exchange)
{
    const struct fs_transfer *transfer = &exchange->transfer;
    /* Up to the path: it names the host, and leaves out what is in the query. */
    const char *host = strstr(exchange->url, "://");
    size_t length = host ? (size_t)(host - exchange->url) + 3 : 0;
    length += strcspn(exchange->url + length, "/?");
    finseg_error *error = fs_error_new(transfer->failure, "%s: no answer from %.*s: %s%s", exchange->what, (int)length,
                                       exchange->url, transfer->problem, failure_advice(transfer->failure));
    fs_error_set_request_id(error, exchange->request_id, strlen(exchange->request_id));
    return error;
}

void fs_exchange_free(struct fs_exchange *exchange)
{
    if (!exchange)
        return;
    fs_exchange_cancel(exchange);
    fs_transfer_clean(&exchange->transfer);
    free(exchange->url);
    free(exchange);
}
