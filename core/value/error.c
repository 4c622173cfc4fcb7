#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shortage.h"
#include "text.h"

/* Bytes of a code or a request id (of which 255 are documented): whatever is longer is none. */
enum { TEXT_LIMIT = 255 };

static const char *const kind_names[] = {
    [FINSEG_ERROR_CONFIG] = "config",
    [FINSEG_ERROR_AUTH] = "auth",
    [FINSEG_ERROR_INVALID] = "invalid",
    [FINSEG_ERROR_NOT_FOUND] = "not_found",
    [FINSEG_ERROR_PENDING] = "pending",
    [FINSEG_ERROR_FAILED] = "failed",
    [FINSEG_ERROR_EXPIRED] = "expired",
    [FINSEG_ERROR_RATE_LIMITED] = "rate_limited",
    [FINSEG_ERROR_SERVER] = "server",
    [FINSEG_ERROR_NETWORK] = "network",
    [FINSEG_ERROR_TLS] = "tls",
    [FINSEG_ERROR_TIMEOUT] = "timeout",
    [FINSEG_ERROR_PROTOCOL] = "protocol",
    [FINSEG_ERROR_TOO_LARGE] = "too_large",
    [FINSEG_ERROR_CANCELLED] = "cancelled",
    [FINSEG_ERROR_RESOURCE] = "resource",
};

/* Shared and never written to: the setters and the free below leave them alone. The second is for a create that was
 * sent. */
static finseg_error out_of_memory[2] = {
    {.kind = FINSEG_ERROR_RESOURCE, .retryable = true, .retry_after = -1, .message = (char *)fs_out_of_memory},
    {.kind = FINSEG_ERROR_RESOURCE,
     .retryable = true,
     .maybe_created = true,
     .retry_after = -1,
     .message = (char *)fs_out_of_memory},
};

const char *finseg_error_kind_name(finseg_error_kind kind)
{
    size_t count = sizeof kind_names / sizeof *kind_names;
    return (size_t)kind < count ? kind_names[kind] : "unknown";
}

finseg_error_kind finseg_error_get_kind(const finseg_error *error)
{
    return error->kind;
}

const char *finseg_error_message(const finseg_error *error)
{
    return error->message;
}

int finseg_error_status(const finseg_error *error)
{
    return error->status;
}

const char *finseg_error_code(const finseg_error *error)
{
    return error->code;
}

const char *finseg_error_request_id(const finseg_error *error)
{
    return error->request_id;
}

bool finseg_error_retryable(const finseg_error *error)
{
    return error->retryable;
}

double finseg_error_retry_after(const finseg_error *error)
{
    return error->retry_after;
}

bool finseg_error_maybe_created(const finseg_error *error)
{
    return error->maybe_created;
}

void finseg_error_free(finseg_error *error)
{
    if (!error || fs_error_is_shared(error))
        return;
    free(error->message);
    free(error->code);
    free(error->request_id);
    free(error);
}

/* What services and callers wrote may be anything: a line break would forge a log line, an escape rewrite a screen. */
static void make_plain_line(char *text)
{
    const char *end = text + strlen(text);
    size_t step;
    for (char *at = text; at < end; at += step) {
        step = fs_text_utf8_sequence(at, end);
        if (step == 0) {
            *at = '?';
            step = 1;
        } else if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            *at = ' ';
        }
    }
}

finseg_error *fs_error_new(finseg_error_kind kind, const char *format, ...)
{
    finseg_error *error = calloc(1, sizeof *error);
    if (!error)
        return fs_error_out_of_memory();
    struct fs_buffer message = {0};
    va_list arguments;
    va_start(arguments, format);
    fs_buffer_vprintf(&message, format, arguments);
    va_end(arguments);
    error->message = fs_buffer_take(&message);
    if (!error->message) {
        free(error);
        return fs_error_out_of_memory();
    }
    make_plain_line(error->message);
    error->kind = kind;
    error->retry_after = -1;
    error->retryable = kind == FINSEG_ERROR_PENDING || kind == FINSEG_ERROR_RATE_LIMITED ||
                       kind == FINSEG_ERROR_SERVER || kind == FINSEG_ERROR_NETWORK || kind == FINSEG_ERROR_TIMEOUT ||
                       kind == FINSEG_ERROR_RESOURCE;
    return error;
}

finseg_error *fs_error_out_of_memory(void)
{
    return &out_of_memory[0];
}

bool fs_error_is_shared(const finseg_error *error)
{
    return error == &out_of_memory[0] || error == &out_of_memory[1];
}

finseg_error *fs_error_system(finseg_error_kind kind, const char *what, int reason)
{
    const char *shortage = fs_shortage(reason);
    return fs_error_new(shortage ? FINSEG_ERROR_RESOURCE : kind, "%s: %s", what,
                        shortage ? shortage : strerror(reason));
}

static void set_plain_text(char **place, const char *text, size_t length)
{
    free(*place);
    *place = fs_text_copy(text, length < TEXT_LIMIT ? length : TEXT_LIMIT);
    if (*place)
        make_plain_line(*place);
}

void fs_error_set_code(finseg_error *error, const char *code, size_t length)
{
    if (!fs_error_is_shared(error))
        set_plain_text(&error->code, code, length);
}

void fs_error_set_request_id(finseg_error *error, const char *request_id, size_t length)
{
    if (!fs_error_is_shared(error))
        set_plain_text(&error->request_id, request_id, length);
}

void fs_error_set_answer(finseg_error *error, int status, double retry_after)
{
    if (fs_error_is_shared(error))
        return;
    error->status = status;
    error->retry_after = retry_after;
}

void fs_error_set_retryable(finseg_error *error, bool retryable)
{
    if (!fs_error_is_shared(error))
        error->retryable = retryable;
}

finseg_error *fs_error_with_maybe_created(finseg_error *error)
{
    if (fs_error_is_shared(error))
        return &out_of_memory[1];
    error->maybe_created = true;
    return error;
}

void fs_error_set_message(finseg_error *error, char *message)
{
    if (fs_error_is_shared(error)) {
        free(message);
        return;
    }
    free(error->message);
    error->message = message;
}

finseg_error *fs_error_copy(const finseg_error *error)
{
    if (fs_error_is_shared(error))
        return (finseg_error *)error;
    finseg_error *copy = fs_error_new(error->kind, "%s", error->message);
    if (fs_error_is_shared(copy))
        return error->maybe_created ? fs_error_with_maybe_created(copy) : copy;
    copy->status = error->status;
    copy->retryable = error->retryable;
    copy->maybe_created = error->maybe_created;
    copy->retry_after = error->retry_after;
    if (error->code)
        fs_error_set_code(copy, error->code, strlen(error->code));
    if (error->request_id)
        fs_error_set_request_id(copy, error->request_id, strlen(error->request_id));
    return copy;
}

int fs_error_give(finseg_error **place, finseg_error *error)
{
    if (place)
        *place = error;
    else
        finseg_error_free(error);
    return -1;
}
