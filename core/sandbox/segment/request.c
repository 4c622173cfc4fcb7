#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "duplicate_members.h"
#include "value/json.h"
#include "value/money.h"

enum member { ACCOUNT_TYPE, THRESHOLD, DURATION_IN_MONTH, LABELS, CALLBACK_URL, MEMBERS };

static const char *const member_names[MEMBERS] = {
    [ACCOUNT_TYPE] = "accountType",          [THRESHOLD] = "threshold",
    [DURATION_IN_MONTH] = "durationInMonth", [LABELS] = "labels",
    [CALLBACK_URL] = "callbackURL",
};

/* The members of a body that mean something: absent ones have no data. A null counts as absent. */
struct body {
    struct fs_json_value members[MEMBERS];
};

static bool find_members(const char *text, size_t length, struct body *body, struct sb_api_errors *errors)
{
    bool seen[MEMBERS] = {false};
    struct fs_json json;
    struct fs_json_value key;
    bool first = true;
    fs_json_begin(&json, text, length);
    fs_json_enter(&json);
    while (fs_json_next_member(&json, &first, &key)) {
        struct fs_json_value value;
        if (!fs_json_skip(&json, &value))
            return false;
        for (int i = 0; i < MEMBERS; i++) {
            if (!fs_json_string_is(&key, member_names[i]))
                continue;
            if (seen[i]) {
                sb_api_errors_add(errors, SB_CODE_BAD_REQUEST, "%s appears twice in the body", member_names[i]);
                return false;
            }
            seen[i] = true;
            if (value.type != FS_JSON_NULL)
                body->members[i] = value;
        }
    }
    return true;
}

static bool read_body(const char *text, size_t length, struct body *body, struct sb_api_errors *errors)
{
    const char *problem;
    size_t position;
    if (!fs_json_check(text, length, &problem, &position)) {
        sb_api_errors_add(errors, SB_CODE_BAD_REQUEST, "the body is not JSON: %s at byte %zu", problem, position);
        return false;
    }
    struct fs_json json;
    enum fs_json_type type;
    fs_json_begin(&json, text, length);
    if (!fs_json_peek(&json, &type) || type != FS_JSON_OBJECT) {
        sb_api_errors_add(errors, SB_CODE_BAD_REQUEST, "the body must be a JSON object");
        return false;
    }
    bool repeat;
    if (!find_members(text, length, body, errors))
        return false;
    if (sb_has_duplicate_members(text, length, &repeat) && !repeat)
        return true;
    sb_api_errors_add(errors, SB_CODE_BAD_REQUEST,
                      repeat ? "a member appears twice in the body" : "the body has too many members");
    return false;
}

/* The string's text, which the caller frees; NULL when it is no string or holds a zero byte, and when out of memory. */
static char *string_text(const struct fs_json_value *value)
{
    if (value->type != FS_JSON_STRING)
        return NULL;
    struct fs_buffer text = {0};
    fs_json_append_unescaped(&text, value);
    if (text.data && memchr(text.data, '\0', text.length)) {
        fs_buffer_free(&text);
        return NULL;
    }
    return fs_buffer_take(&text);
}

static void read_account_type(const struct fs_json_value *value, struct sb_segment_request *request,
                              struct sb_api_errors *errors)
{
    if (!value->data)
        return;
    char *text = string_text(value);
    if (text)
        request->account_type = sb_bank_account_type(text);
    free(text);
    if (!request->account_type)
        sb_api_errors_add(
            errors, SB_CODE_ILLEGAL_FIELD_VALUE,
            "accountType must be one of CHECKING, SAVINGS, CREDIT_CARD, SECURITY, LOAN, BAUSPAREN, MEMBERSHIP");
}

static void read_threshold(const struct fs_json_value *value, struct sb_segment_request *request,
                           struct sb_api_errors *errors)
{
    if (!value->data)
        sb_api_errors_add(errors, SB_CODE_MISSING_FIELD, "threshold is missing");
    else if (value->type != FS_JSON_NUMBER)
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "threshold must be a number");
    else if (fs_money_parse(value->data, value->length, &request->threshold) != FS_MONEY_OK)
        sb_api_errors_add(
            errors, SB_CODE_ILLEGAL_FIELD_VALUE,
            "threshold must have at most four decimals and lie between -900000000000000 and 900000000000000");
}

static void read_duration(const struct fs_json_value *value, struct sb_segment_request *request,
                          struct sb_api_errors *errors)
{
    if (!value->data) {
        sb_api_errors_add(errors, SB_CODE_MISSING_FIELD, "durationInMonth is missing");
        return;
    }
    int64_t amount = 0;
    if (value->type == FS_JSON_NUMBER && value->integer)
        fs_money_parse(value->data, value->length, &amount);
    request->duration = amount >= FS_MONEY_SCALE && amount <= (int64_t)SB_BANK_MONTHS * FS_MONEY_SCALE
                            ? (int)(amount / FS_MONEY_SCALE)
                            : 0;
    if (request->duration == 0)
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "durationInMonth must be an integer from 1 to %d",
                          SB_BANK_MONTHS);
}

static bool stands_before(struct sb_segment_request *request, const char *label)
{
    for (size_t i = 0; i < request->label_count; i++) {
        if (fs_json_string_is(&request->labels[i], label))
            return true;
    }
    return false;
}

static void read_label(const struct fs_json_value *value, struct sb_segment_request *request,
                       struct sb_api_errors *errors)
{
    char *label = string_text(value);
    size_t place = request->label_count;
    if (!label || *label == '\0')
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "labels[%zu] must be a text that is not empty", place);
    else if (stands_before(request, label))
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "labels[%zu] appears twice", place);
    free(label);
    request->labels[request->label_count++] = *value;
}

static void read_labels(const struct fs_json_value *value, struct sb_segment_request *request,
                        struct sb_api_errors *errors)
{
    struct fs_json json;
    struct fs_json_value label;
    bool first = true;
    if (!value->data) {
        sb_api_errors_add(errors, SB_CODE_MISSING_FIELD, "labels is missing");
        return;
    }
    if (value->type != FS_JSON_ARRAY) {
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "labels must be a list of texts");
        return;
    }
    fs_json_begin(&json, value->data, value->length);
    fs_json_enter(&json);
    while (fs_json_next_element(&json, &first) && fs_json_skip(&json, &label)) {
        if (request->label_count == SB_SEGMENT_LABELS) {
            sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "labels has more than %d entries",
                              SB_SEGMENT_LABELS);
            return;
        }
        read_label(&label, request, errors);
    }
    if (request->label_count == 0)
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "labels must not be empty");
}

static void read_callback_url(const struct fs_json_value *value, struct sb_segment_request *request,
                              struct sb_api_errors *errors)
{
    if (!value->data)
        return;
    char *text = string_text(value);
    if (!text || *text == '\0' || strlen(text) > SB_SEGMENT_LONGEST_URL)
        sb_api_errors_add(errors, SB_CODE_ILLEGAL_FIELD_VALUE, "callbackURL must be a string of 1 to %d bytes",
                          (int)SB_SEGMENT_LONGEST_URL);
    else
        memcpy(request->callback_url, text, strlen(text) + 1);
    free(text);
}

bool sb_segment_read_request(const struct sb_segment_kind *kind, const char *body, size_t length,
                             struct sb_segment_request *request, struct sb_api_errors *errors)
{
    struct body found = {0};
    *request = (struct sb_segment_request){.kind = kind};
    if (!read_body(body, length, &found, errors))
        return false;
    if (kind->has_account_type)
        read_account_type(&found.members[ACCOUNT_TYPE], request, errors);
    if (kind->has_threshold)
        read_threshold(&found.members[THRESHOLD], request, errors);
    if (kind->has_duration)
        read_duration(&found.members[DURATION_IN_MONTH], request, errors);
    if (kind->has_labels)
        read_labels(&found.members[LABELS], request, errors);
    read_callback_url(&found.members[CALLBACK_URL], request, errors);
    return errors->members.length == 0;
}
