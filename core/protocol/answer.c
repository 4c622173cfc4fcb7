#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/text.h"

/* How much of the service's own words a message repeats, and of how much a part is taken. */
enum { QUOTE_LIMIT = 300, EXCERPT_LIMIT = 60, EXCERPT_SOURCE = 16 * 1024 };

enum { TREE_LIMIT = 1024 * 1024 };

bool fs_answer_is_json(const struct fs_answer *answer)
{
    return answer->length > 0 && fs_json_check(answer->body, answer->length, NULL, NULL);
}

/* cJSON is laxer than RFC 8259, so our own scanner goes first. A tree takes some forty times the memory of its text,
 * and nothing that is read through one is long. */
cJSON *fs_answer_tree(const struct fs_answer *answer)
{
    bool readable = answer->length <= TREE_LIMIT && fs_answer_is_json(answer);
    return readable ? cJSON_ParseWithLength(answer->body, answer->length) : NULL;
}

char *fs_answer_text_member(const struct fs_answer *answer, const char *name)
{
    cJSON *tree = fs_answer_tree(answer);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, name));
    char *copy = text && *text ? fs_text_copy(text, strlen(text)) : NULL;
    cJSON_Delete(tree);
    return copy;
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

static char *read_text(const struct fs_answer *answer, const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    char *copy = text ? fs_text_copy(text, strlen(text)) : NULL;
    fs_secrets_redact_text(answer->secrets, copy);
    return copy;
}

static struct said read_said(const struct fs_answer *answer, const cJSON *tree)
{
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(tree, "errors");
    const cJSON *first = cJSON_IsArray(errors) ? cJSON_GetArrayItem(errors, 0) : NULL;
    struct said said = {
        .code = read_text(answer, first, "code"),
        .message = read_text(answer, first, "message"),
        .request_id = read_text(answer, tree, "requestId"),
    };
    if (!said.code)
        said.code = read_text(answer, tree, "error");
    if (!said.message)
        said.message = read_text(answer, tree, "error_description");
    return said;
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
    cJSON *tree = fs_answer_tree(answer);
    struct said said = read_said(answer, tree);
    struct fs_buffer message = {0};
    fs_buffer_printf(&message, "%s: the service answered %d", answer->what, answer->status);
    append_said(&message, &said, answer, tree || fs_answer_is_json(answer));
    cJSON_Delete(tree);
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
