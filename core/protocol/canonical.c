#include "canonical.h"

#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/money.h"

static int compare_names(const void *a, const void *b)
{
    const struct fs_given *left = a;
    const struct fs_given *right = b;
    return strcmp(left->parameter->name, right->parameter->name);
}

static void append_value(struct fs_buffer *out, const struct fs_given *given)
{
    int64_t amount;
    if (given->parameter->type == FINSEG_PARAMETER_AMOUNT &&
        fs_money_parse(given->json, strlen(given->json), &amount) == FS_MONEY_OK) {
        char text[FS_MONEY_TEXT];
        fs_buffer_append(out, text, fs_money_format(amount, text));
        return;
    }
    bool has_case = !given->parameter->values;
    for (const char *c = given->json; *c; c++)
        fs_buffer_append_char(out, (char)(has_case || *c < 'A' || *c > 'Z' ? *c : *c - 'A' + 'a'));
}

/* Sorts the list of the request. */
static char *write_members(struct fs_request *request)
{
    struct fs_buffer out = {0};
    qsort(request->given, request->count, sizeof *request->given, compare_names);
    char separator = '{';
    for (size_t i = 0; i < request->count; i++) {
        const char *name = request->given[i].parameter->name;
        if (strcmp(name, fs_kind_callback_parameter.name) == 0)
            continue;
        fs_buffer_append_char(&out, separator);
        separator = ',';
        fs_json_append_string(&out, name, strlen(name));
        fs_buffer_append_char(&out, ':');
        append_value(&out, &request->given[i]);
    }
    fs_buffer_append_text(&out, separator == '{' ? "{}" : "}");
    return fs_buffer_take(&out);
}

char *fs_canonical_parameters(const finseg_kind *kind, const char *parameters, finseg_error **error)
{
    struct fs_request request;
    if (fs_request_read(&request, kind, parameters, error) != 0)
        return NULL;
    char *text = write_members(&request);
    fs_request_free(&request);
    if (!text)
        fs_error_give(error, fs_error_out_of_memory());
    return text;
}
