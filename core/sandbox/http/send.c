#include "send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRICKLE_PAUSE_MS = 5,
    STALL_MS = 120 * 1000,
    ANNOUNCED_TOO_MUCH = 64,          /* bytes */
    HUGE_PADDING = 256 * 1024 * 1024, /* bytes */
    BLOCK = 32 * 1024
};

/* ---- bodies that are sent piece by piece ----------------------------------------------------------------- */

/* A body on its way, and what goes wrong with it. */
struct stream {
    struct sb_holds *holds;
    struct MHD_Connection *connection;
    enum sb_fault_effect fault;
    char *body;
    size_t length;
    size_t padding; /* bytes of white space before the body */
    bool rested;    /* the pause before the next piece is over */
};

static void free_stream(void *closure)
{
    struct stream *stream = closure;
    free(stream->body);
    free(stream);
}

static ssize_t copy(const struct stream *stream, size_t at, size_t most, char *out)
{
    size_t left = stream->length - at;
    size_t length = left < most ? left : most;
    memcpy(out, stream->body + at, length);
    return (ssize_t)length;
}

/* Holds the connection; libmicrohttpd asks again afterwards. */
static ssize_t pause_stream(struct stream *stream, int64_t milliseconds)
{
    stream->rested = true;
    return sb_holds_add(stream->holds, stream->connection, milliseconds) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t trickle(struct stream *stream, size_t at, char *out)
{
    if (!stream->rested)
        return pause_stream(stream, TRICKLE_PAUSE_MS);
    stream->rested = false;
    return copy(stream, at, 1, out);
}

/* Half the body, and then an end that is none, after a while or at once. */
static ssize_t break_off(struct stream *stream, size_t at, char *out, size_t most, int64_t after)
{
    size_t half = stream->length / 2;
    if (at < half)
        return copy(stream, at, most < half - at ? most : half - at, out);
    if (after > 0 && !stream->rested)
        return pause_stream(stream, after);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t pad(const struct stream *stream, size_t at, char *out, size_t most)
{
    if (at >= stream->padding + stream->length)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (at >= stream->padding)
        return copy(stream, at - stream->padding, most, out);
    size_t left = stream->padding - at;
    size_t length = left < most ? left : most;
    memset(out, ' ', length);
    return (ssize_t)length;
}

static ssize_t read_stream(void *closure, uint64_t position, char *out, size_t most)
{
    struct stream *stream = closure;
    size_t at = (size_t)position;
    switch (stream->fault) {
    case SB_FAULT_TRICKLE:
        return trickle(stream, at, out);
    case SB_FAULT_STALL:
        return break_off(stream, at, out, most, STALL_MS);
    case SB_FAULT_HUGE:
    case SB_FAULT_ANNOUNCE_LESS:
    case SB_FAULT_ANNOUNCE_MORE:
        return pad(stream, at, out, most);
    default:
        return break_off(stream, at, out, most, 0);
    }
}

/* Takes the body. */
static struct MHD_Response *make_stream(struct sb_holds *holds, struct MHD_Connection *connection,
                                        enum sb_fault_effect fault, char *body, size_t length)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        free(body);
        return NULL;
    }
    *stream = (struct stream){
        .holds = holds,
        .connection = connection,
        .fault = fault,
        .body = body,
        .length = length,
        .padding = fault == SB_FAULT_HUGE ? HUGE_PADDING : 0,
    };
    bool counted = fault == SB_FAULT_TRICKLE || fault == SB_FAULT_STALL || fault == SB_FAULT_DROP_AMID;
    uint64_t announced = counted ? length : MHD_SIZE_UNKNOWN;
    struct MHD_Response *response =
        MHD_create_response_from_callback(announced, BLOCK, read_stream, stream, free_stream);
    if (!response)
        free_stream(stream);
    return response;
}

/* ---- answers --------------------------------------------------------------------------------------------- */

/* Takes the body. */
static struct MHD_Response *make_whole(char *body, size_t length)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(body);
    return response;
}

/* libmicrohttpd announces a length that it knows, whatever we say; so it is told none, and to do without chunks. */
static void announce(struct MHD_Response *response, size_t length)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", length);
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT | MHD_RF_INSANITY_HEADER_CONTENT_LENGTH,
                             MHD_RO_END);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_LENGTH, text);
}

static struct MHD_Response *make_response(struct sb_holds *holds, struct MHD_Connection *connection,
                                          struct sb_answer *answer)
{
    size_t length = answer->body.length;
    char *body = fs_buffer_take(&answer->body);
    struct MHD_Response *response;
    if (!body)
        return NULL;
    switch (answer->send_fault) {
    case SB_FAULT_TRICKLE:
    case SB_FAULT_STALL:
    case SB_FAULT_HUGE:
    case SB_FAULT_DROP_AMID:
        return make_stream(holds, connection, answer->send_fault, body, length);
    case SB_FAULT_ANNOUNCE_LESS:
    case SB_FAULT_ANNOUNCE_MORE:
        response = make_stream(holds, connection, answer->send_fault, body, length);
        if (response)
            announce(response, answer->send_fault == SB_FAULT_ANNOUNCE_LESS ? length / 2 : length + ANNOUNCED_TOO_MUCH);
        return response;
    default:
        return make_whole(body, length);
    }
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value && *value)
        MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct sb_answer *answer)
{
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
               answer->content_type ? answer->content_type : "application/json");
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(response, "X-Request-Id", answer->request_id);
    add_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->authenticate);
    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, answer->retry_after);
}

static enum sb_send_order order_for(enum sb_fault_effect fault)
{
    switch (fault) {
    case SB_FAULT_DROP_AFTER:
        return SB_SEND_CLOSE_AFTER;
    case SB_FAULT_SILENCE:
        return SB_SEND_KEEP_SILENT;
    default:
        return SB_SEND_NOTHING;
    }
}

enum MHD_Result sb_send_answer(struct sb_holds *holds, struct MHD_Connection *connection, struct sb_answer *answer,
                               enum sb_send_order *order)
{
    *order = order_for(answer->send_fault);
    if (answer->send_fault == SB_FAULT_DROP_BEFORE)
        return MHD_NO;
    if (answer->send_fault == SB_FAULT_SILENCE)
        return sb_holds_add(holds, connection, STALL_MS) ? MHD_YES : MHD_NO;
    struct MHD_Response *response = make_response(holds, connection, answer);
    if (!response)
        return MHD_NO;
    add_headers(response, answer);
    enum MHD_Result queued = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}
