#include "request.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"
#include "value/error.h"
#include "value/json.h"
#include "value/money.h"
#include "value/text.h"

/* ---- checking parameters ---- */

/* Everything that reading one parameter needs. */
struct reading {
    const struct fs_kind *kind;
    cJSON *body;
    finseg_error **error;
};

static int refuse(const struct reading *reading, const char *name, const char *problem)
{
    return fs_error_give(reading->error,
                         fs_error_new(FINSEG_ERROR_INVALID, "%s: %s %s", reading->kind->name, name, problem));
}

static int out_of_memory(const struct reading *reading)
{
    return fs_error_give(reading->error, fs_error_out_of_memory());
}

/* The text of a JSON string, to be freed. NULL when it has a zero byte, which C takes for its end, and when out of
 * memory. */
static char *string_text(const struct fs_json_value *string)
{
    struct fs_buffer text = {0};
    fs_json_append_unescaped(&text, string);
    if (text.data && strlen(text.data) != text.length)
        text.failed = true;
    return fs_buffer_take(&text);
}

static bool is_allowed(const struct fs_parameter *parameter, const char *text)
{
    if (!parameter->values)
        return true;
    for (const char *const *value = parameter->values; *value; value++) {
        if (fs_text_equal_ignoring_case(*value, text))
            return true;
    }
    return false;
}

static int refuse_value(const struct reading *reading, const struct fs_parameter *parameter, const char *text)
{
    struct fs_buffer problem = {0};
    fs_buffer_printf(&problem, "\"%s\" is none of", text);
    for (const char *const *value = parameter->values; *value; value++)
        fs_buffer_printf(&problem, "%s %s", value == parameter->values ? "" : ",", *value);
    int result = problem.failed ? out_of_memory(reading) : refuse(reading, parameter->name, problem.data);
    fs_buffer_free(&problem);
    return result;
}

static cJSON *read_text(const struct reading *reading, const struct fs_parameter *parameter,
                        const struct fs_json_value *value)
{
    if (value->type != FS_JSON_STRING || value->length == 2) {
        refuse(reading, parameter->name, "must be text that is not empty");
        return NULL;
    }
    char *text = string_text(value);
    cJSON *item = NULL;
    if (!text)
        refuse(reading, parameter->name, "must be text without a zero byte");
    else if (parameter->type == FS_PARAMETER_URL && !fs_url_is_http(text))
        refuse(reading, parameter->name, "must be an absolute http or https URL");
    else if (!is_allowed(parameter, text))
        refuse_value(reading, parameter, text);
    else if (!(item = cJSON_CreateString(text)))
        out_of_memory(reading);
    free(text);
    return item;
}

static cJSON *read_texts(const struct reading *reading, const struct fs_parameter *parameter,
                         const struct fs_json_value *value)
{
    struct fs_json list;
    fs_json_begin(&list, value->data, value->length);
    if (value->type != FS_JSON_ARRAY || !fs_json_enter(&list)) {
        refuse(reading, parameter->name, "must be a list of text");
        return NULL;
    }
    cJSON *items = cJSON_CreateArray();
    if (!items) {
        out_of_memory(reading);
        return NULL;
    }
    bool first = true;
    while (fs_json_next_element(&list, &first)) {
        struct fs_json_value element;
        fs_json_skip(&list, &element);
        cJSON *item = read_text(reading, parameter, &element);
        if (!item) {
            cJSON_Delete(items);
            return NULL;
        }
        cJSON_AddItemToArray(items, item);
    }
    if (cJSON_GetArraySize(items) == 0) {
        cJSON_Delete(items);
        refuse(reading, parameter->name, "must not be an empty list");
        return NULL;
    }
    return items;
}

/* An amount keeps its own digits on the way: a double between would change them. */
static cJSON *read_amount(const struct reading *reading, const struct fs_parameter *parameter,
                          const struct fs_json_value *value)
{
    bool quoted = value->type == FS_JSON_STRING && !value->escaped;
    char *text = fs_text_copy(value->data + quoted, value->length - 2 * quoted);
    if (!text) {
        out_of_memory(reading);
        return NULL;
    }
    int64_t amount;
    enum fs_money_verdict verdict = FS_MONEY_MALFORMED;
    if (quoted || value->type == FS_JSON_NUMBER)
        verdict = fs_money_parse(text, strlen(text), &amount);
    cJSON *item = NULL;
    if (verdict == FS_MONEY_MALFORMED)
        refuse(reading, parameter->name, "must be a number or decimal text such as \"5000.10\"");
    else if (verdict == FS_MONEY_TOO_FINE)
        refuse(reading, parameter->name, "has more than four decimals: round it first");
    else if (verdict == FS_MONEY_TOO_LARGE)
        refuse(reading, parameter->name, "is beyond what an amount can be");
    else if (!(item = cJSON_CreateRaw(text)))
        out_of_memory(reading);
    free(text);
    return item;
}

static cJSON *read_integer(const struct reading *reading, const struct fs_parameter *parameter,
                           const struct fs_json_value *value)
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
        cJSON *item = cJSON_CreateNumber(number);
        if (!item)
            out_of_memory(reading);
        return item;
    }
    char problem[128];
    if (parameter->minimum >= -1e15 && parameter->maximum <= 1e15)
        snprintf(problem, sizeof problem, "must be a whole number from %.0f to %.0f", parameter->minimum,
                 parameter->maximum);
    else
        snprintf(problem, sizeof problem, "must be a whole number within its range");
    refuse(reading, parameter->name, problem);
    return NULL;
}

static cJSON *read_flag(const struct reading *reading, const struct fs_parameter *parameter,
                        const struct fs_json_value *value)
{
    if (value->type != FS_JSON_TRUE && value->type != FS_JSON_FALSE) {
        refuse(reading, parameter->name, "must be true or false");
        return NULL;
    }
    cJSON *item = cJSON_CreateBool(value->type == FS_JSON_TRUE);
    if (!item)
        out_of_memory(reading);
    return item;
}

static cJSON *read_value(const struct reading *reading, const struct fs_parameter *parameter,
                         const struct fs_json_value *value)
{
    switch (parameter->type) {
    case FS_PARAMETER_TEXT:
    case FS_PARAMETER_URL:
        return read_text(reading, parameter, value);
    case FS_PARAMETER_TEXTS:
        return read_texts(reading, parameter, value);
    case FS_PARAMETER_AMOUNT:
        return read_amount(reading, parameter, value);
    case FS_PARAMETER_INTEGER:
        return read_integer(reading, parameter, value);
    case FS_PARAMETER_FLAG:
        return read_flag(reading, parameter, value);
    }
    return NULL;
}

static int refuse_unknown(const struct reading *reading, const char *name)
{
    struct fs_buffer problem = {0};
    fs_buffer_append_text(&problem, "is no parameter of this kind: it takes ");
    for (size_t i = 0; i < reading->kind->parameter_count; i++)
        fs_buffer_printf(&problem, "%s, ", reading->kind->parameters[i].name);
    fs_buffer_append_text(&problem, fs_kind_callback_parameter.name);
    int result = problem.failed ? out_of_memory(reading) : refuse(reading, name, problem.data);
    fs_buffer_free(&problem);
    return result;
}

static int read_member(const struct reading *reading, const char *name, const struct fs_json_value *value)
{
    const struct fs_parameter *parameter = fs_kind_parameter(reading->kind, name);
    if (!parameter)
        return refuse_unknown(reading, name);
    if (cJSON_GetObjectItemCaseSensitive(reading->body, name))
        return refuse(reading, name, "is given twice");
    cJSON *item = read_value(reading, parameter, value);
    if (!item)
        return -1;
    if (!cJSON_AddItemToObject(reading->body, name, item)) {
        cJSON_Delete(item);
        return out_of_memory(reading);
    }
    return 0;
}

static int read_members(const struct reading *reading, const char *parameters)
{
    struct fs_json json;
    fs_json_begin(&json, parameters, strlen(parameters));
    enum fs_json_type type;
    if (!fs_json_peek(&json, &type) || type != FS_JSON_OBJECT || !fs_json_enter(&json))
        return refuse(reading, "parameters", "must be a JSON object");
    bool first = true;
    struct fs_json_value key;
    struct fs_json_value value;
    while (fs_json_next_member(&json, &first, &key) && fs_json_skip(&json, &value)) {
        char *name = string_text(&key);
        int result =
            name ? read_member(reading, name, &value) : refuse(reading, "parameters", "have a name with a zero byte");
        free(name);
        if (result != 0)
            return result;
    }
    if (json.problem || !fs_json_finish(&json))
        return fs_error_give(reading->error, fs_error_new(FINSEG_ERROR_INVALID, "%s: parameters are no JSON: %s",
                                                          reading->kind->name, json.problem));
    return 0;
}

static int check_required(const struct reading *reading)
{
    for (size_t i = 0; i < reading->kind->parameter_count; i++) {
        const struct fs_parameter *parameter = &reading->kind->parameters[i];
        if (parameter->required && !cJSON_GetObjectItemCaseSensitive(reading->body, parameter->name))
            return refuse(reading, parameter->name, "is missing");
    }
    return 0;
}

char *fs_request_create_body(const struct fs_kind *kind, const char *parameters, finseg_error **error)
{
    struct reading reading = {.kind = kind, .body = cJSON_CreateObject(), .error = error};
    char *body = NULL;
    if (!reading.body) {
        out_of_memory(&reading);
        return NULL;
    }
    if (read_members(&reading, parameters ? parameters : "{}") == 0 && check_required(&reading) == 0) {
        char *printed = cJSON_PrintUnformatted(reading.body);
        if (printed)
            body = fs_text_copy(printed, strlen(printed));
        if (!body)
            out_of_memory(&reading);
        cJSON_free(printed);
    }
    cJSON_Delete(reading.body);
    return body;
}

/* ---- URLs ---- */

static void append_create_url(struct fs_buffer *url, const char *base_url, const char *path)
{
    fs_buffer_printf(url, "%s/segments", base_url);
    /* A path that a config gives may have several parts. */
    while (*path) {
        size_t length = strcspn(path, "/");
        fs_buffer_append_char(url, '/');
        fs_text_append_percent_encoded(url, path, length);
        path += length + (path[length] == '/');
    }
}

char *fs_request_create_url(const char *base_url, const char *path)
{
    struct fs_buffer url = {0};
    append_create_url(&url, base_url, path);
    return fs_buffer_take(&url);
}

char *fs_request_page_url(const char *base_url, const char *path, const char *job_id, uint64_t number, uint32_t size)
{
    struct fs_buffer url = {0};
    append_create_url(&url, base_url, path);
    fs_buffer_append_char(&url, '/');
    fs_text_append_percent_encoded(&url, job_id, strlen(job_id));
    fs_buffer_printf(&url, "?number=%" PRIu64 "&size=%" PRIu32, number, size);
    return fs_buffer_take(&url);
}

/* ---- the token endpoint's forms ---- */

static void append_field(struct fs_buffer *form, const char *name, const char *value)
{
    fs_buffer_printf(form, "%s%s=", form->length ? "&" : "", name);
    fs_text_append_percent_encoded(form, value, strlen(value));
}

static void append_client(struct fs_buffer *form, const char *grant, const struct fs_credentials *credentials)
{
    append_field(form, "grant_type", grant);
    append_field(form, "client_id", credentials->client_id);
    append_field(form, "client_secret", credentials->client_secret);
}

void fs_request_token_form(struct fs_buffer *form, const struct fs_credentials *credentials)
{
    append_client(form, credentials->username ? "password" : "client_credentials", credentials);
    if (credentials->username) {
        append_field(form, "username", credentials->username);
        append_field(form, "password", credentials->password);
    }
}

void fs_request_refresh_form(struct fs_buffer *form, const struct fs_credentials *credentials,
                             const char *refresh_token)
{
    append_client(form, "refresh_token", credentials);
    append_field(form, "refresh_token", refresh_token);
}
