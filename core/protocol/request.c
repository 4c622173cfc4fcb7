#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"
#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/money.h"
#include "value/text.h"

/* ---- reading ---- */

struct reader {
    const finseg_kind *kind;
    struct fs_request *request;
    struct fs_buffer text; /* the string that was read last, escapes resolved */
    struct fs_buffer json; /* the value that is being read, as it will be sent */
    finseg_error **error;
};

/* Each of these that refuses answers false. */
static bool refuse(const struct reader *reader, const char *name, const char *problem)
{
    fs_error_give(reader->error, fs_error_new(FINSEG_ERROR_INVALID, "%s: %s %s", reader->kind->name, name, problem));
    return false;
}

static bool out_of_memory(const struct reader *reader)
{
    fs_error_give(reader->error, fs_error_out_of_memory());
    return false;
}

/* Reads a string into reader->text. In C, a zero byte would cut it off. */
static bool read_string(struct reader *reader, const struct fs_json_value *string, const char *name,
                        const char *zero_byte)
{
    fs_buffer_clear(&reader->text);
    fs_buffer_reserve(&reader->text, string->length);
    fs_json_append_unescaped(&reader->text, string);
    if (reader->text.failed)
        return out_of_memory(reader);
    return strlen(reader->text.data) == reader->text.length || refuse(reader, name, zero_byte);
}

static bool is_allowed(const finseg_parameter *parameter, const char *text)
{
    if (!parameter->values)
        return true;
    for (const char *const *value = parameter->values; *value; value++) {
        if (fs_text_equal_ignoring_case(*value, text))
            return true;
    }
    return false;
}

static bool refuse_value(const struct reader *reader, const finseg_parameter *parameter)
{
    struct fs_buffer problem = {0};
    fs_buffer_printf(&problem, "\"%s\" is none of", reader->text.data);
    for (const char *const *value = parameter->values; *value; value++)
        fs_buffer_printf(&problem, "%s %s", value == parameter->values ? "" : ",", *value);
    bool result = problem.failed ? out_of_memory(reader) : refuse(reader, parameter->name, problem.data);
    fs_buffer_free(&problem);
    return result;
}

static bool read_text(struct reader *reader, const finseg_parameter *parameter, const struct fs_json_value *value)
{
    if (value->type != FS_JSON_STRING || value->length == 2)
        return refuse(reader, parameter->name, "must be text that is not empty");
    if (!read_string(reader, value, parameter->name, "must be text without a zero byte"))
        return false;
    if (parameter->type == FINSEG_PARAMETER_URL && !fs_url_is_http(reader->text.data))
        return refuse(reader, parameter->name, "must be an absolute http or https URL");
    if (!is_allowed(parameter, reader->text.data))
        return refuse_value(reader, parameter);
    fs_json_append_string(&reader->json, reader->text.data, reader->text.length);
    return true;
}

static bool read_texts(struct reader *reader, const finseg_parameter *parameter, const struct fs_json_value *value)
{
    struct fs_json list;
    fs_json_begin(&list, value->data, value->length);
    if (value->type != FS_JSON_ARRAY || !fs_json_enter(&list))
        return refuse(reader, parameter->name, "must be a list of text");
    char separator = '[';
    bool first = true;
    while (fs_json_next_element(&list, &first)) {
        struct fs_json_value element;
        fs_json_skip(&list, &element);
        fs_buffer_append_char(&reader->json, separator);
        separator = ',';
        if (!read_text(reader, parameter, &element))
            return false;
    }
    if (separator == '[')
        return refuse(reader, parameter->name, "must not be an empty list");
    fs_buffer_append_char(&reader->json, ']');
    return true;
}

/* An amount keeps its own digits on the way: a double between would change them. */
static bool read_amount(struct reader *reader, const finseg_parameter *parameter, const struct fs_json_value *value)
{
    bool quoted = value->type == FS_JSON_STRING && !value->escaped;
    const char *text = value->data + quoted;
    size_t length = value->length - 2 * quoted;
    int64_t amount;
    enum fs_money_verdict verdict = FS_MONEY_MALFORMED;
    if (quoted || value->type == FS_JSON_NUMBER)
        verdict = fs_money_parse(text, length, &amount);
    if (verdict == FS_MONEY_MALFORMED)
        return refuse(reader, parameter->name, "must be a number or decimal text such as \"5000.10\"");
    if (verdict == FS_MONEY_TOO_FINE)
        return refuse(reader, parameter->name, "has more than four decimals: round it first");
    if (verdict == FS_MONEY_TOO_LARGE)
        return refuse(reader, parameter->name, "is beyond what an amount can be");
    fs_buffer_append(&reader->json, text, length);
    return true;
}

static bool read_integer(struct reader *reader, const finseg_parameter *parameter, const struct fs_json_value *value)
{
    /* 15 digits: exact as a double, and more than any count on the wire needs. */
    double number = 0;
    bool whole = value->type == FS_JSON_NUMBER && value->integer && value->length <= 15;
    for (size_t i = 0; whole && i < value->length; i++) {
        if (value->data[i] != '-')
            number = number * 10 + (value->data[i] - '0');
    }
    if (value->data[0] == '-')
        number = -number;
    if (whole && number >= parameter->minimum && number <= parameter->maximum) {
        bool negative_zero = number == 0 && value->data[0] == '-';
        fs_buffer_append(&reader->json, value->data + negative_zero, value->length - negative_zero);
        return true;
    }
    char problem[128];
    if (parameter->minimum >= -1e15 && parameter->maximum <= 1e15)
        snprintf(problem, sizeof problem, "must be a whole number from %.0f to %.0f", parameter->minimum,
                 parameter->maximum);
    else
        snprintf(problem, sizeof problem, "must be a whole number within its range");
    return refuse(reader, parameter->name, problem);
}

static bool read_flag(struct reader *reader, const finseg_parameter *parameter, const struct fs_json_value *value)
{
    if (value->type != FS_JSON_TRUE && value->type != FS_JSON_FALSE)
        return refuse(reader, parameter->name, "must be true or false");
    fs_buffer_append(&reader->json, value->data, value->length);
    return true;
}

static bool read_value(struct reader *reader, const finseg_parameter *parameter, const struct fs_json_value *value)
{
    switch (parameter->type) {
    case FINSEG_PARAMETER_TEXT:
    case FINSEG_PARAMETER_URL:
        return read_text(reader, parameter, value);
    case FINSEG_PARAMETER_TEXTS:
        return read_texts(reader, parameter, value);
    case FINSEG_PARAMETER_AMOUNT:
        return read_amount(reader, parameter, value);
    case FINSEG_PARAMETER_INTEGER:
        return read_integer(reader, parameter, value);
    case FINSEG_PARAMETER_FLAG:
        return read_flag(reader, parameter, value);
    }
    return false;
}

static bool refuse_unknown(const struct reader *reader, const char *name)
{
    struct fs_buffer problem = {0};
    fs_buffer_append_text(&problem, "is no parameter of this kind: it takes ");
    for (size_t i = 0; i < reader->kind->parameter_count; i++)
        fs_buffer_printf(&problem, "%s, ", reader->kind->parameters[i].name);
    fs_buffer_append_text(&problem, fs_kind_callback_parameter.name);
    bool result = problem.failed ? out_of_memory(reader) : refuse(reader, name, problem.data);
    fs_buffer_free(&problem);
    return result;
}

static const struct fs_given *find(const struct fs_request *request, const char *name)
{
    for (size_t i = 0; i < request->count; i++) {
        if (strcmp(request->given[i].parameter->name, name) == 0)
            return &request->given[i];
    }
    return NULL;
}

static bool read_member(struct reader *reader, const struct fs_json_value *key, const struct fs_json_value *value)
{
    struct fs_request *request = reader->request;
    if (!read_string(reader, key, "parameters", "have a name with a zero byte"))
        return false;
    const finseg_parameter *parameter = fs_kind_parameter(reader->kind, reader->text.data);
    if (!parameter)
        return refuse_unknown(reader, reader->text.data);
    if (find(request, parameter->name))
        return refuse(reader, parameter->name, "is given twice");
    if (!read_value(reader, parameter, value))
        return false;
    char *json = fs_buffer_take(&reader->json);
    if (!json)
        return out_of_memory(reader);
    request->given[request->count++] = (struct fs_given){parameter, json};
    return true;
}

static bool read_members(struct reader *reader, const char *parameters)
{
    struct fs_json json;
    fs_json_begin(&json, parameters, strlen(parameters));
    enum fs_json_type type;
    if (!fs_json_peek(&json, &type) || type != FS_JSON_OBJECT || !fs_json_enter(&json))
        return refuse(reader, "parameters", "must be a JSON object");
    bool first = true;
    struct fs_json_value key;
    struct fs_json_value value;
    while (fs_json_next_member(&json, &first, &key) && fs_json_skip(&json, &value)) {
        if (!read_member(reader, &key, &value))
            return false;
    }
    if (!json.problem && fs_json_finish(&json))
        return true;
    fs_error_give(reader->error, fs_error_new(FINSEG_ERROR_INVALID, "%s: parameters are no JSON: %s",
                                              reader->kind->name, json.problem));
    return false;
}

static bool check_required(const struct reader *reader)
{
    for (size_t i = 0; i < reader->kind->parameter_count; i++) {
        const finseg_parameter *parameter = &reader->kind->parameters[i];
        if (parameter->required && !find(reader->request, parameter->name))
            return refuse(reader, parameter->name, "is missing");
    }
    return true;
}

int fs_request_read(struct fs_request *request, const finseg_kind *kind, const char *parameters, finseg_error **error)
{
    struct reader reader = {.kind = kind, .request = request, .error = error};
    *request = (struct fs_request){.given = calloc(kind->parameter_count + 1, sizeof *request->given)};
    bool read = request->given ? read_members(&reader, parameters ? parameters : "{}") && check_required(&reader)
                               : out_of_memory(&reader);
    fs_buffer_free(&reader.text);
    fs_buffer_free(&reader.json);
    if (!read)
        fs_request_free(request);
    return read ? 0 : -1;
}

void fs_request_free(struct fs_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        free(request->given[i].json);
    free(request->given);
    *request = (struct fs_request){0};
}

/* ---- writing ---- */

char *fs_request_body(const struct fs_request *request)
{
    struct fs_buffer body = {0};
    fs_buffer_append_char(&body, '{');
    for (size_t i = 0; i < request->count; i++) {
        const char *name = request->given[i].parameter->name;
        if (i > 0)
            fs_buffer_append_char(&body, ',');
        fs_json_append_string(&body, name, strlen(name));
        fs_buffer_append_char(&body, ':');
        fs_buffer_append_text(&body, request->given[i].json);
    }
    fs_buffer_append_char(&body, '}');
    return fs_buffer_take(&body);
}

bool fs_request_callback_url(const struct fs_request *request, char **url)
{
    const struct fs_given *given = find(request, fs_kind_callback_parameter.name);
    *url = NULL;
    if (!given || given->json[0] != '"')
        return true;
    struct fs_json_value string = {
        .type = FS_JSON_STRING, .data = given->json, .length = strlen(given->json), .escaped = true};
    *url = fs_json_text(&string);
    return *url != NULL;
}
