/* Any bytes: skipping and walking agree on the verdict and its byte; what is accepted, cJSON accepts too, with the
 * same strings. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "value/json.h"
#include "value/text.h"

/* cJSON reads numbers through a buffer of this size and refuses longer ones; we do not. */
enum { CJSON_NUMBER_LIMIT = 63 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_string(const struct fs_json_value *string)
{
    struct fs_buffer plain = {0};
    struct fs_buffer again = {0};
    struct fs_buffer plain_again = {0};
    struct fs_json json;
    struct fs_json_value value;
    fs_json_append_unescaped(&plain, string);
    require(fs_text_is_utf8(plain.length ? plain.data : "", plain.length));
    if (plain.length == 0 || !memchr(plain.data, '\0', plain.length))
        require(fs_json_string_is(string, plain.length ? plain.data : ""));
    fs_json_append_string(&again, plain.data, plain.length);
    fs_json_begin(&json, again.data, again.length);
    require(fs_json_skip(&json, &value) && fs_json_finish(&json) && value.type == FS_JSON_STRING);
    fs_json_append_unescaped(&plain_again, &value);
    require(plain.length == plain_again.length &&
            (plain.length == 0 || memcmp(plain.data, plain_again.data, plain.length) == 0));
    fs_buffer_free(&plain);
    fs_buffer_free(&again);
    fs_buffer_free(&plain_again);
}

/* Reads a value by walking into all of it; notes whether a number is too long for cJSON. */
static bool walk(struct fs_json *json, bool *long_number)
{
    enum fs_json_type type;
    struct fs_json_value value;
    bool first = true;
    if (!fs_json_peek(json, &type))
        return false;
    if (type == FS_JSON_OBJECT) {
        require(fs_json_enter(json) || json->problem);
        while (fs_json_next_member(json, &first, &value)) {
            check_string(&value);
            if (!walk(json, long_number))
                return false;
        }
    } else if (type == FS_JSON_ARRAY) {
        require(fs_json_enter(json) || json->problem);
        while (fs_json_next_element(json, &first)) {
            if (!walk(json, long_number))
                return false;
        }
    } else if (fs_json_skip(json, &value)) {
        require(value.type == type);
        if (type == FS_JSON_STRING)
            check_string(&value);
        *long_number = *long_number || (type == FS_JSON_NUMBER && value.length > CJSON_NUMBER_LIMIT);
    }
    return !json->problem;
}

static void check_against_cjson(const char *text, size_t length)
{
    char *terminated = fs_text_copy(text, length);
    require(terminated != NULL);
    cJSON *tree = cJSON_ParseWithLengthOpts(terminated, length + 1, NULL, 1);
    require(tree != NULL);
    struct fs_json json;
    struct fs_json_value value;
    fs_json_begin(&json, text, length);
    require(fs_json_skip(&json, &value));
    if (cJSON_IsString(tree)) {
        struct fs_buffer plain = {0};
        fs_json_append_unescaped(&plain, &value);
        require(strcmp(plain.length ? plain.data : "", cJSON_GetStringValue(tree)) == 0);
        fs_buffer_free(&plain);
    }
    cJSON_Delete(tree);
    free(terminated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *problem = NULL;
    size_t position = 0;
    bool long_number = false;
    struct fs_json json;

    bool accepted = fs_json_check(text, size, &problem, &position);
    fs_json_begin(&json, text, size);
    bool walked = walk(&json, &long_number) && fs_json_finish(&json);
    require(walked == accepted);
    if (!accepted) {
        require(problem && json.problem && strcmp(problem, json.problem) == 0);
        require(position <= size && position == (size_t)(json.at - json.start));
        return 0;
    }
    require(json.depth == 0 && fs_text_is_utf8(text, size));
    if (!long_number)
        check_against_cjson(text, size);
    return 0;
}
