#include "json.h"

#include <string.h>

#include "json_inline.h"
#include "text.h"

bool fs_json_fail(struct fs_json *json, const char *at, const char *problem)
{
    json->at = at;
    json->problem = problem;
    return false;
}

bool fs_json_fail_at_end(struct fs_json *json)
{
    return fs_json_fail(json, json->end, "the text ends too early");
}

/* ---- strings, numbers, words: each type of token has one function ----------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hexadecimal digits at `at`; -1 when they are not. */
static long hex_quad(const char *at, const char *end)
{
    if (end - at < 4)
        return -1;
    long code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static bool is_high_surrogate(long code)
{
    return code >= 0xD800 && code <= 0xDBFF;
}

static bool is_low_surrogate(long code)
{
    return code >= 0xDC00 && code <= 0xDFFF;
}

/* At a backslash: checks the escape, a surrogate pair as one, and steps behind it. */
static bool scan_escape(struct fs_json *json)
{
    const char *at = json->at;
    if (json->end - at < 2)
        return fs_json_fail_at_end(json);
    if (at[1] != 'u') {
        if (at[1] == '\0' || !strchr("\"\\/bfnrt", at[1]))
            return fs_json_fail(json, at, "an unknown escape in a string");
        json->at = at + 2;
        return true;
    }
    long code = hex_quad(at + 2, json->end);
    if (code < 0)
        return fs_json_fail(json, at, "an escape \\u without four hexadecimal digits");
    json->at = at + 6;
    if (is_low_surrogate(code))
        return fs_json_fail(json, at, "half of a surrogate pair in a string");
    if (!is_high_surrogate(code))
        return true;
    if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u' ||
        !is_low_surrogate(hex_quad(json->at + 2, json->end)))
        return fs_json_fail(json, at, "half of a surrogate pair in a string");
    json->at += 6;
    return true;
}

bool fs_json_scan_string_rest(struct fs_json *json, struct fs_json_value *value)
{
    for (;;) {
        if (json->at == json->end)
            return fs_json_fail(json, json->end, "the text ends inside a string");
        unsigned char c = (unsigned char)*json->at;
        if (c == '"')
            break;
        if (c == '\\') {
            value->escaped = true;
            if (!scan_escape(json))
                return false;
        } else if (c < 0x20) {
            return fs_json_fail(json, json->at, "a control character in a string");
        } else {
            size_t length = fs_text_utf8_sequence(json->at, json->end);
            if (length == 0)
                return fs_json_fail(json, json->at, "not valid UTF-8");
            json->at += length;
        }
        json->at = fs_json_skip_plain(json, json->at);
    }
    json->at++;
    value->length = (size_t)(json->at - value->data);
    return true;
}

static bool skip_digits(struct fs_json *json)
{
    const char *at = json->at;
    while (at < json->end && *at >= '0' && *at <= '9')
        at++;
    if (at == json->at)
        return at == json->end ? fs_json_fail_at_end(json) : fs_json_fail(json, at, "a number lacks a digit");
    json->at = at;
    return true;
}

/* At a digit or a minus. */
static bool scan_number(struct fs_json *json, struct fs_json_value *value)
{
    value->type = FS_JSON_NUMBER;
    value->data = json->at;
    value->integer = true;
    if (*json->at == '-')
        json->at++;
    const char *whole = json->at;
    if (!skip_digits(json))
        return false;
    if (*whole == '0' && json->at - whole > 1)
        return fs_json_fail(json, whole, "a number with a leading zero");
    if (json->at < json->end && *json->at == '.') {
        value->integer = false;
        json->at++;
        if (!skip_digits(json))
            return false;
    }
    if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')) {
        value->integer = false;
        json->at++;
        if (json->at < json->end && (*json->at == '+' || *json->at == '-'))
            json->at++;
        if (!skip_digits(json))
            return false;
    }
    value->length = (size_t)(json->at - value->data);
    return true;
}

static bool scan_word(struct fs_json *json, struct fs_json_value *value, const char *word, enum fs_json_type type)
{
    size_t length = strlen(word);
    if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length) != 0)
        return fs_json_fail(json, json->at, "a word that is neither true, false nor null");
    value->type = type;
    value->data = json->at;
    value->length = length;
    json->at += length;
    return true;
}

static bool fail_without_value(struct fs_json *json)
{
    static const char byte_order_mark[] = {'\xEF', '\xBB', '\xBF'};
    if (json->at == json->start && (size_t)(json->end - json->at) >= sizeof byte_order_mark &&
        memcmp(json->at, byte_order_mark, sizeof byte_order_mark) == 0)
        return fs_json_fail(json, json->at, "a byte order mark before the text");
    return fs_json_fail(json, json->at, "a value is missing");
}

/* ---- arrays and objects ---------------------------------------------------------------------------------- */

static bool type_at(struct fs_json *json, enum fs_json_type *type)
{
    switch (*json->at) {
    case '{':
        *type = FS_JSON_OBJECT;
        return true;
    case '[':
        *type = FS_JSON_ARRAY;
        return true;
    case '"':
        *type = FS_JSON_STRING;
        return true;
    case 't':
        *type = FS_JSON_TRUE;
        return true;
    case 'f':
        *type = FS_JSON_FALSE;
        return true;
    case 'n':
        *type = FS_JSON_NULL;
        return true;
    default:
        *type = FS_JSON_NUMBER;
        return *json->at == '-' || (*json->at >= '0' && *json->at <= '9') || fail_without_value(json);
    }
}

static bool scan_scalar(struct fs_json *json, enum fs_json_type type, struct fs_json_value *value)
{
    value->escaped = false;
    value->integer = false;
    switch (type) {
    case FS_JSON_STRING:
        return fs_json_scan_string(json, value);
    case FS_JSON_TRUE:
        return scan_word(json, value, "true", type);
    case FS_JSON_FALSE:
        return scan_word(json, value, "false", type);
    case FS_JSON_NULL:
        return scan_word(json, value, "null", type);
    default:
        return scan_number(json, value);
    }
}

/* At an opening bracket. */
static bool open_bracket(struct fs_json *json)
{
    if (json->depth == FS_JSON_MAX_DEPTH) {
        json->too_deep = true;
        return fs_json_fail(json, json->at, "arrays and objects nested too deeply");
    }
    json->depth++;
    json->at++;
    return true;
}

/* At an opening bracket: reads to the closing one. Which of the open brackets are objects' is kept as bits, the
 * innermost lowest. */
static bool scan_nested(struct fs_json *json)
{
    const unsigned outside = json->depth;
    uint64_t objects = 0;
    bool first = true;
    struct fs_json_value ignored;
    _Static_assert(FS_JSON_MAX_DEPTH <= 64, "one bit a level");

    objects = *json->at == '{';
    if (!open_bracket(json))
        return false;
    while (json->depth > outside) {
        if (!(objects & 1 ? fs_json_next_member(json, &first, &ignored) : fs_json_scan_element(json, &first))) {
            if (json->problem)
                return false;
            objects >>= 1;
            continue;
        }
        enum fs_json_type type;
        if (!fs_json_find_token(json) || !type_at(json, &type))
            return false;
        if (type == FS_JSON_OBJECT || type == FS_JSON_ARRAY) {
            objects = objects << 1 | (type == FS_JSON_OBJECT);
            first = true;
            if (!open_bracket(json))
                return false;
        } else if (!scan_scalar(json, type, &ignored)) {
            return false;
        }
    }
    return true;
}

/* ---- walking --------------------------------------------------------------------------------------------- */

void fs_json_begin(struct fs_json *json, const char *text, size_t length)
{
    if (length == 0)
        text = "";
    *json = (struct fs_json){.start = text, .at = text, .end = text + length, .simd = FS_SIMD};
}

bool fs_json_peek(struct fs_json *json, enum fs_json_type *type)
{
    return !json->problem && fs_json_find_token(json) && type_at(json, type);
}

bool fs_json_skip(struct fs_json *json, struct fs_json_value *value)
{
    enum fs_json_type type;
    if (!fs_json_peek(json, &type))
        return false;
    if (type != FS_JSON_OBJECT && type != FS_JSON_ARRAY)
        return scan_scalar(json, type, value);
    const char *start = json->at;
    if (!scan_nested(json))
        return false;
    *value = (struct fs_json_value){.type = type, .data = start, .length = (size_t)(json->at - start)};
    return true;
}

bool fs_json_enter(struct fs_json *json)
{
    enum fs_json_type type;
    if (!fs_json_peek(json, &type))
        return false;
    if (type != FS_JSON_OBJECT && type != FS_JSON_ARRAY)
        return fs_json_fail(json, json->at, "neither an array nor an object");
    return open_bracket(json);
}

bool fs_json_next_member(struct fs_json *json, bool *first, struct fs_json_value *key)
{
    return fs_json_scan_member(json, first) && fs_json_scan_name(json, key) && fs_json_scan_colon(json);
}

bool fs_json_next_element(struct fs_json *json, bool *first)
{
    return fs_json_scan_element(json, first);
}

bool fs_json_finish(struct fs_json *json)
{
    if (json->problem)
        return false;
    fs_json_skip_white_space(json);
    return json->at == json->end || fs_json_fail(json, json->at, "more text after the value");
}

bool fs_json_check(const char *text, size_t length, const char **problem, size_t *position)
{
    struct fs_json json;
    struct fs_json_value value;
    fs_json_begin(&json, text, length);
    if (fs_json_skip(&json, &value) && fs_json_finish(&json))
        return true;
    if (problem)
        *problem = json.problem;
    if (position)
        *position = (size_t)(json.at - json.start);
    return false;
}

/* ---- the text of strings --------------------------------------------------------------------------------- */

/* Resolves the escape at `*at`, steps behind it, and answers how many bytes (of at most four) it stands for. */
static size_t resolve_escape(const char **at, char bytes[4])
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const char *escape = *at;
    if (escape[1] != 'u') {
        const char *letter = strchr(letters, escape[1]);
        bytes[0] = letter ? meanings[letter - letters] : escape[1];
        *at += 2;
        return 1;
    }
    long code = hex_quad(escape + 2, escape + 6);
    *at += 6;
    if (is_high_surrogate(code)) {
        code = 0x10000 + ((code - 0xD800) << 10) + (hex_quad(escape + 8, escape + 12) - 0xDC00);
        *at += 6;
    }
    return fs_text_put_utf8((unsigned)code, bytes);
}

void fs_json_append_unescaped(struct fs_buffer *out, const struct fs_json_value *string)
{
    const char *at = string->data + 1;
    const char *end = string->data + string->length - 1;
    while (at < end) {
        const char *escape = string->escaped ? memchr(at, '\\', (size_t)(end - at)) : NULL;
        const char *plain_end = escape ? escape : end;
        fs_buffer_append(out, at, (size_t)(plain_end - at));
        at = plain_end;
        if (escape) {
            char bytes[4];
            fs_buffer_append(out, bytes, resolve_escape(&at, bytes));
        }
    }
}

char *fs_json_text(const struct fs_json_value *value)
{
    if (!value->data || value->type != FS_JSON_STRING)
        return NULL;
    struct fs_buffer text = {0};
    /* At once: growing would leave copies behind, and this may be a secret. */
    fs_buffer_reserve(&text, value->length);
    fs_json_append_unescaped(&text, value);
    return fs_buffer_take(&text);
}

bool fs_json_string_is(const struct fs_json_value *string, const char *text)
{
    const char *at = string->data + 1;
    const char *end = string->data + string->length - 1;
    size_t left = strlen(text);
    if (!string->escaped)
        return left == (size_t)(end - at) && memcmp(at, text, left) == 0;
    while (at < end) {
        char bytes[4] = {*at};
        size_t length = 1;
        if (*at == '\\')
            length = resolve_escape(&at, bytes);
        else
            at++;
        if (length > left || memcmp(bytes, text, length) != 0)
            return false;
        text += length;
        left -= length;
    }
    return left == 0;
}

void fs_json_append_string(struct fs_buffer *out, const char *text, size_t length)
{
    static const char letters[] = "\"\\bfnrt";
    static const char meanings[] = "\"\\\b\f\n\r\t";
    if (length == 0)
        text = ""; /* it may be NULL then */
    fs_buffer_append_char(out, '"');
    size_t plain = 0; /* where the run of bytes begins that is copied as it is */
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        fs_buffer_append(out, text + plain, i - plain);
        plain = i + 1;
        const char *meaning = c ? strchr(meanings, c) : NULL;
        if (meaning) {
            char escape[2] = {'\\', letters[meaning - meanings]};
            fs_buffer_append(out, escape, sizeof escape);
        } else {
            fs_buffer_printf(out, "\\u%04x", c);
        }
    }
    fs_buffer_append(out, text + plain, length - plain);
    fs_buffer_append_char(out, '"');
}

static void find_members(struct fs_json *json, const char *const *names, struct fs_json_value *values, size_t count)
{
    bool first = true;
    struct fs_json_value name;
    struct fs_json_value value;
    while (fs_json_next_member(json, &first, &name) && fs_json_skip(json, &value)) {
        for (size_t i = 0; i < count; i++) {
            if (!values[i].data && fs_json_string_is(&name, names[i]))
                values[i] = value;
        }
    }
}

bool fs_json_find(const char *text, size_t length, const char *const *names, struct fs_json_value *values, size_t count)
{
    struct fs_json json;
    struct fs_json_value other;
    enum fs_json_type type;
    memset(values, 0, count * sizeof *values);
    fs_json_begin(&json, text, length);
    if (fs_json_peek(&json, &type) && type == FS_JSON_OBJECT && fs_json_enter(&json))
        find_members(&json, names, values, count);
    else
        fs_json_skip(&json, &other);
    if (!json.problem && fs_json_finish(&json))
        return true;
    memset(values, 0, count * sizeof *values);
    return false;
}
