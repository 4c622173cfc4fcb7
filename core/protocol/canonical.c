#include "canonical.h"

#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "value/error.h"
#include "value/json.h"
#include "value/money.h"

struct member {
    const finseg_parameter *parameter;
    struct fs_json_value value;
};

static int compare_names(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    return strcmp(left->parameter->name, right->parameter->name);
}

static const finseg_parameter *find_parameter(const finseg_kind *kind, const struct fs_json_value *key)
{
    for (size_t i = 0; i < kind->parameter_count; i++) {
        if (fs_json_string_is(key, kind->parameters[i].name))
            return &kind->parameters[i];
    }
    return NULL;
}

/* A body's members but callbackURL; at most one for each parameter of the kind, since a body has none twice. */
static size_t read_members(const finseg_kind *kind, const char *body, struct member *members)
{
    struct fs_json json;
    fs_json_begin(&json, body, strlen(body));
    fs_json_enter(&json);
    size_t count = 0;
    bool first = true;
    struct fs_json_value key;
    struct fs_json_value value;
    while (fs_json_next_member(&json, &first, &key) && fs_json_skip(&json, &value)) {
        const finseg_parameter *parameter = find_parameter(kind, &key);
        if (parameter && parameter != &fs_kind_callback_parameter)
            members[count++] = (struct member){parameter, value};
    }
    return count;
}

static void append_lower_case(struct fs_buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        fs_buffer_append_char(out, (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]));
}

static void append_value(struct fs_buffer *out, const struct member *member)
{
    const struct fs_json_value *value = &member->value;
    int64_t amount;
    if (member->parameter->type == FINSEG_PARAMETER_AMOUNT &&
        fs_money_parse(value->data, value->length, &amount) == FS_MONEY_OK) {
        char text[FS_MONEY_TEXT];
        fs_buffer_append(out, text, fs_money_format(amount, text));
    } else if (member->parameter->values) {
        append_lower_case(out, value->data, value->length);
    } else {
        fs_buffer_append(out, value->data, value->length);
    }
}

static char *write_members(struct member *members, size_t count)
{
    struct fs_buffer out = {0};
    qsort(members, count, sizeof *members, compare_names);
    fs_buffer_append_char(&out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fs_buffer_append_char(&out, ',');
        fs_json_append_string(&out, members[i].parameter->name, strlen(members[i].parameter->name));
        fs_buffer_append_char(&out, ':');
        append_value(&out, &members[i]);
    }
    fs_buffer_append_char(&out, '}');
    return fs_buffer_take(&out);
}

char *fs_canonical_parameters(const finseg_kind *kind, const char *parameters, finseg_error **error)
{
    char *body = fs_request_create_body(kind, parameters, error);
    if (!body)
        return NULL;
    struct member *members = calloc(kind->parameter_count + 1, sizeof *members);
    char *text = members ? write_members(members, read_members(kind, body, members)) : NULL;
    if (!text)
        fs_error_give(error, fs_error_out_of_memory());
    free(members);
    free(body);
    return text;
}
