#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/text.h"

/* How much of the service's own words a message repeats, and of how much a part is taken. */
enum { QUOTE_LIMIT = 300, EXCERPT_LIMIT = 60, EXCERPT_SOURCE = 16 * 1024 };

bool fs_answer_is_json(const struct fs_answer *answer)
{
    return answer->length > 0 && fs_json_check(answer->body, answer->length, NULL, NULL);
}

char *fs_answer_text_member(const struct fs_answer *answer, const char *name)
{
    struct fs_json_value value;
    fs_json_find(answer->body, answer->length, &name, &value, 1);
    char *text = fs_json_text(&value);
    if (text && *text)
        return text;
    free(text);
    return NULL;
}

finseg_error_kind fs_answer_kind(int status)
{
    switch (status) {
    case 401:
    case 403:
        return FINSEG_ERROR_AUTH;
    case 404:
        return FINSEG_ERROR_NOT_FOUND;
    case 408:
        return FINSEG_ERROR_TIMEOUT;
    case 413:
        return FINSEG_ERROR_TOO_LARGE;
    case 429:
        return FINSEG_ERROR_RATE_LIMITED;
    default:
        break;
    }
    if (status >= 500)
        return FINSEG_ERROR_SERVER;
    return status >= 400 ? FINSEG_ERROR_INVALID : FINSEG_ERROR_PROTOCOL;
}

const char *fs_answer_advice(finseg_error_kind kind)
{
    switch (kind) {
    case FINSEG_ERROR_AUTH:
        return "check the credentials and their rights";
    case FINSEG_ERROR_INVALID:
        return "correct the request";
    case FINSEG_ERROR_NOT_FOUND:
        return "check base_url and the segment kind's path";
    case FINSEG_ERROR_RATE_LIMITED:
        return "ask less often";
    case FINSEG_ERROR_SERVER:
        return "try again later, and quote the request id to the provider if it stays";
    case FINSEG_ERROR_PROTOCOL:
        return "check base_url: the service never answers so";
    default:
        return NULL;
    }
}

/* A long text is cut between characters. */
static void append_quoted(struct fs_buffer *out, const char *text, size_t length, size_t limit)
{
    size_t end = length < limit ? length : limit;
    while (end < length && end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    for (size_t i = 0; i < end; i++)
        fs_buffer_append_char(out, text[i] == '\0' ? ' ' : text[i]);
    if (end < length)
        fs_buffer_append_text(out, "...");
}

/* The beginning of the body, without secrets. */
static void append_excerpt(struct fs_buffer *out, const struct fs_answer *answer)
{
    size_t length = answer->length < EXCERPT_SOURCE ? answer->length : EXCERPT_SOURCE;
    struct fs_buffer source = {0};
    fs_buffer_append(&source, answer->body, length);
    if (source.failed)
        out->failed = true;
    else
        append_quoted(out, source.data, fs_secrets_redact(answer->secrets, source.data, length), EXCERPT_LIMIT);
    fs_buffer_free_secret(&source);
}

/* What the body says of the error, without secrets. */
struct said {
    char *code;
    char *message;
    char *request_id;
};

/* NULL when neither is text. */
static char *read_text(const struct fs_answer *answer, const struct fs_json_value *value,
                       const struct fs_json_value *otherwise)
{
    char *text = fs_json_text(value);
    if (!text && otherwise)
        text = fs_json_text(otherwise);
    fs_secrets_redact_text(answer->secrets, text);
    return text;
}

/* `values` become the code and the message of the first element of the list; without data where there is none. */
static void read_first_error(const struct fs_json_value *errors, struct fs_json_value values[2])
{
    static const char *const names[] = {"code", "message"};
    struct fs_json list;
    struct fs_json_value element = {.type = FS_JSON_NULL};
    bool first = true;
    fs_json_begin(&list, errors->data, errors->length);
    if (errors->type == FS_JSON_ARRAY && fs_json_enter(&list) && fs_json_next_element(&list, &first))
        fs_json_skip(&list, &element);
    fs_json_find(element.data, element.length, names, values, 2);
}

/* False when the body is not JSON. */
static bool read_said(const struct fs_answer *answer, struct said *said)
{
    enum { ERRORS, ERROR, ERROR_DESCRIPTION, REQUEST_ID, COUNT };
    static const char *const names[COUNT] = {"errors", "error", "error_description", "requestId"};
    struct fs_json_value body[COUNT];
    struct fs_json_value first[2];
    bool json = fs_json_find(answer->body, answer->length, names, body, COUNT);
    read_first_error(&body[ERRORS], first);
    said->code = read_text(answer, &first[0], &body[ERROR]);
    said->message = read_text(answer, &first[1], &body[ERROR_DESCRIPTION]);
    said->request_id = read_text(answer, &body[REQUEST_ID], NULL);
    return json;
}

static void append_said(struct fs_buffer *message, const struct said *said, const struct fs_answer *answer, bool json)
{
    if (said->code) {
        fs_buffer_append_char(message, ' ');
        append_quoted(message, said->code, strlen(said->code), QUOTE_LIMIT);
    }
    if (said->message) {
        fs_buffer_append_text(message, ": ");
        append_quoted(message, said->message, strlen(said->message), QUOTE_LIMIT);
    } else if (!json && answer->length > 0) {
        fs_buffer_append_text(message, " with a body that is not JSON, beginning \"");
        append_excerpt(message, answer);
        fs_buffer_append_char(message, '"');
    }
}

static finseg_error *make_error(const struct fs_answer *answer, finseg_error_kind kind, struct fs_buffer *message,
                                const char *request_id)
{
    finseg_error *error = message->failed ? fs_error_out_of_memory() : fs_error_new(kind, "%s", message->data);
    fs_buffer_free(message);
    fs_error_set_answer(error, answer->status, answer->retry_after);
    if (request_id)
        fs_error_set_request_id(error, request_id, strlen(request_id));
    return error;
}

finseg_error *fs_answer_error(const struct fs_answer *answer, finseg_error_kind kind, const char *advice)
{
    struct said said;
    bool json = read_said(answer, &said);
    struct fs_buffer message = {0};
    fs_buffer_printf(&message, "%s: the service answered %d", answer->what, answer->status);
    append_said(&message, &said, answer, json);
    if (advice)
        fs_buffer_printf(&message, "; %s", advice);
    finseg_error *error = make_error(answer, kind, &message, said.request_id ? said.request_id : answer->request_id);
    if (said.code)
        fs_error_set_code(error, said.code, strlen(said.code));
    free(said.code);
    free(said.message);
    free(said.request_id);
    return error;
}

/* What a page holds is the customers' own, and must not get into logs; a text that is not a page tells where it
 * came from. */
char *fs_answer_quote(const struct fs_answer *answer)
{
    size_t at = 0;
    while (at < answer->length && strchr(" \t\r\n", answer->body[at]))
        at++;
    if (answer->length == 0 || (at < answer->length && answer->body[at] == '{'))
        return NULL;
    struct fs_buffer quote = {0};
    append_excerpt(&quote, answer);
    return fs_buffer_take(&quote);
}

finseg_error *fs_answer_unreadable(const struct fs_answer *answer, finseg_error *problem, const char *quote)
{
    finseg_error_kind kind = finseg_error_get_kind(problem);
    struct fs_buffer message = {0};
    fs_buffer_printf(&message, "%s: %s", answer->what, finseg_error_message(problem));
    if (quote)
        fs_buffer_printf(&message, "; it begins \"%s\": check base_url", quote);
    finseg_error_free(problem);
    return make_error(answer, kind, &message, answer->request_id);
}
