#include "value/json.h"

#include <stdlib.h>

#include "test.h"

static bool accepts(const char *text)
{
    return fs_json_check(text, strlen(text), NULL, NULL);
}

#define ACCEPTS_ALL(...)                                                                                               \
    do {                                                                                                               \
        static const char *const texts[] = {__VA_ARGS__};                                                              \
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)                                                      \
            CHECK_CASE(accepts(texts[i]), texts[i]);                                                                   \
    } while (0)

#define REFUSES_ALL(...)                                                                                               \
    do {                                                                                                               \
        static const char *const texts[] = {__VA_ARGS__};                                                              \
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)                                                      \
            CHECK_CASE(!accepts(texts[i]), texts[i]);                                                                  \
    } while (0)

static void every_kind_of_value_is_accepted(void)
{
    ACCEPTS_ALL("null", "true", "false", "0", "\"\"", "[]", "{}", " \t\r\n[ ] \n", "[[],{}]",
                "{\"a\":{\"b\":[1,2,{}]}}", "{\"\":0}", "{\"a\":1,\"a\":2}", "[null,true,false]",
                " { \"a\" : [ 1 , 2 ] , \"b\" : null } ");
}

static void numbers_follow_the_grammar(void)
{
    ACCEPTS_ALL("0", "-0", "0.0", "1.5", "-1.25", "1e5", "1E5", "1e+5", "1e-5", "0e0", "0.5e-10", "-0.0e-0",
                "123456789012345678901234567890", "1e999999");
    REFUSES_ALL("+1", "01", "-01", "00", "1.", ".5", "-", "-.5", "1.e5", "1e", "1e+", "1e-", "0x10", "1_000", "1,5",
                "NaN", "-NaN", "Infinity", "-Infinity", "0.1.2", "1e1.5", "--1", "1a", "0 1", "- 1", "1 .5",
                "\xEF\xBC\x91");
}

static void strings_hold_no_raw_control_characters(void)
{
    char text[] = "[\"a?x\"]"; /* no escape of any kind */
    for (int c = 0; c < 0x80; c++) {
        bool expected = c >= 0x20 && c != '"' && c != '\\';
        text[3] = (char)c;
        CHECK_CASE(fs_json_check(text, sizeof text - 1, NULL, NULL) == expected, text);
    }
    REFUSES_ALL("\"", "\"a", "'a'", "\"a\nb\"", "\"\t\"", "a", "\"a\"\"b\"");
}

static void escapes_are_checked(void)
{
    ACCEPTS_ALL("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\uABCD\\uabcd\\u0041\"", "\"\\uD83D\\uDE00\"",
                "\"\\uDBFF\\uDFFF\"", "\"\\\\u12\"");
    REFUSES_ALL("\"\\a\"", "\"\\'\"", "\"\\x41\"", "\"\\0\"", "\"\\\"", "\"\\", "\"\\u\"", "\"\\u1\"", "\"\\u123\"",
                "\"\\u123g\"", "\"\\U0041\"", "\"\\u 041\"", "\"\\u00", "\"\\uD83D\"", "\"\\uDE00\"",
                "\"\\uD83D\\uD83D\"", "\"\\uD83Dx\\uDE00\"", "\"\\uD83D\\n\"", "\"\\uDE00\\uD83D\"", "\"\\uD83D\\u\"",
                "\"\\uD83D\\uDE0\"");
}

static void text_must_be_utf8(void)
{
    ACCEPTS_ALL("\"\xC3\xA4\"", "\"\xE2\x82\xAC\"", "\"\xF0\x9F\x98\x80\"", "\"\x7F\"", "\"\xEF\xBB\xBF\"",
                "\"\xEF\xBF\xBF\"");
    REFUSES_ALL("\"\x80\"", "\"\xC3\"", "\"\xC3\x28\"", "\"\xC0\x80\"", "\"\xC1\xBF\"", "\"\xE0\x80\x80\"",
                "\"\xED\xA0\x80\"", "\"\xED\xA0\xBD\xED\xB8\x80\"", "\"\xF0\x80\x80\x80\"", "\"\xF4\x90\x80\x80\"",
                "\"\xF5\x80\x80\x80\"", "\"\xFF\"", "\"\xFE\xFF\"", "\xC3\xA4", "[1]\xC2\xA0", "{\"\xFF\":1}");
}

static void a_byte_is_checked_wherever_it_stands(void)
{
    /* The scanner takes eight bytes at a time: a bad one must be found at every place of such a step. */
    char text[44];
    for (size_t length = 1; length <= 40; length++) {
        for (size_t bad = 0; bad < length; bad++) {
            memset(text, 'a', sizeof text);
            text[0] = '"';
            text[length + 1] = '"';
            CHECK_CASE(fs_json_check(text, length + 2, NULL, NULL), text);
            static const char refused[] = {'\x1F', '\0', '\x80', '\xFF', '"', '\\'};
            for (size_t i = 0; i < sizeof refused; i++) {
                size_t position = 0;
                text[1 + bad] = refused[i];
                CHECK(!fs_json_check(text, length + 2, NULL, &position));
                CHECK(position > bad);
            }
        }
    }
}

static void words_are_exact(void)
{
    REFUSES_ALL("nul", "nulll", "Null", "NULL", "tru", "True", "truefalse", "fals", "undefined", "none", "n", "[tru]",
                "nullx");
}

static void structure_is_strict(void)
{
    REFUSES_ALL("", " ", "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1;2]", "[1}",
                "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":1,,\"b\":2}", "{\"a\" 1}", "{\"a\"=1}",
                "{a:1}", "{1:1}", "{null:1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "[{]}", "[1]]", "{}}", "{}{}", "1 2",
                "[] x", "[1]//c", "/**/[]", "#\n[]", "[\f1]", "[\v1]", "\xEF\xBB\xBF[]", "{\"a\":1",
                "{\"a\":", "{\"a\"", "{\"", "[[[[", "[\"a\",", ",", ":", "\"a\":1");
    CHECK(!fs_json_check("[]\0", 3, NULL, NULL));
    CHECK(!fs_json_check("\0[]", 3, NULL, NULL));
    CHECK(!fs_json_check(NULL, 0, NULL, NULL));
}

static void nested(char *text, size_t levels)
{
    for (size_t i = 0; i < levels; i++) {
        text[i] = '[';
        text[2 * levels - 1 - i] = ']';
    }
    text[2 * levels] = '\0';
}

static void depth_is_limited(void)
{
    char text[4 * FS_JSON_MAX_DEPTH];
    struct fs_json json;
    struct fs_json_value value;
    nested(text, FS_JSON_MAX_DEPTH);
    CHECK(accepts(text));
    nested(text, FS_JSON_MAX_DEPTH + 1);
    fs_json_begin(&json, text, strlen(text));
    CHECK(!fs_json_skip(&json, &value));
    CHECK(json.too_deep);
    CHECK_INT(json.at - json.start, FS_JSON_MAX_DEPTH);

    /* What the caller has entered counts as well. */
    fs_json_begin(&json, text, strlen(text));
    CHECK(fs_json_enter(&json));
    bool first = true;
    CHECK(fs_json_next_element(&json, &first));
    CHECK(!fs_json_skip(&json, &value));
    CHECK(json.too_deep);

    char *endless = malloc(1000000);
    CHECK(endless != NULL);
    if (!endless)
        return;
    memset(endless, '[', 1000000);
    CHECK(!fs_json_check(endless, 1000000, NULL, NULL));
    free(endless);
}

static void a_problem_is_named_with_its_byte(void)
{
    static const struct {
        const char *text;
        const char *problem;
        size_t position;
    } cases[] = {
        {"[1 2]", "a comma or ] is missing", 3},
        {"{\"a\":1 2}", "a comma or } is missing", 7},
        {"{\"a\" 1}", "a colon is missing", 5},
        {"{\"a\":1,}", "a member name in quotes is missing", 7},
        {"[1,]", "a value is missing", 3},
        {"[\"a\nb\"]", "a control character in a string", 3},
        {"[\"a\xFF\"]", "not valid UTF-8", 3},
        {"[\"\\x\"]", "an unknown escape in a string", 2},
        {"[\"\\u12\"]", "an escape \\u without four hexadecimal digits", 2},
        {"[\"\\uD800\"]", "half of a surrogate pair in a string", 2},
        {"[01]", "a number with a leading zero", 1},
        {"[1.]", "a number lacks a digit", 3},
        {"[nil]", "a word that is neither true, false nor null", 1},
        {"[1] 2", "more text after the value", 4},
        {"\xEF\xBB\xBF{}", "a byte order mark before the text", 0},
        {"[1", "the text ends too early", 2},
        {"[\"a", "the text ends inside a string", 3},
        {"", "the text ends too early", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *problem = "none";
        size_t position = 999;
        CHECK(!fs_json_check(cases[i].text, strlen(cases[i].text), &problem, &position));
        CHECK_TEXT(problem, cases[i].problem);
        CHECK_CASE(position == cases[i].position, cases[i].text);
    }
}

static void nothing_beyond_the_end_is_read(void)
{
    static const char text[] =
        "{\"a\":[1.5e+3,\"\\uD83D\\uDE00\xE2\x82\xAC long enough for wide steps\",true,false,null]}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        char *exact = malloc(length ? length : 1); /* the sanitizer sees a byte too far */
        CHECK(exact != NULL);
        if (!exact)
            return;
        memcpy(exact, text, length);
        CHECK(!fs_json_check(exact, length, NULL, NULL));
        free(exact);
    }
    CHECK(accepts(text));
}

static void walking_gives_members_and_elements(void)
{
    static const char text[] = " {\"a\" : [10, -2.5 ], \"b\":\"x\\n\"} ";
    struct fs_json json;
    struct fs_json_value key = {0};
    struct fs_json_value value = {0};
    enum fs_json_type type = FS_JSON_NULL;
    bool members = true;
    bool elements = true;
    fs_json_begin(&json, text, sizeof text - 1);
    CHECK(fs_json_peek(&json, &type) && type == FS_JSON_OBJECT);
    CHECK(fs_json_enter(&json));
    CHECK(fs_json_next_member(&json, &members, &key));
    CHECK(fs_json_string_is(&key, "a"));
    CHECK(fs_json_peek(&json, &type) && type == FS_JSON_ARRAY);
    CHECK(fs_json_enter(&json));
    CHECK_INT(json.depth, 2);
    CHECK(fs_json_next_element(&json, &elements) && fs_json_skip(&json, &value));
    CHECK(value.type == FS_JSON_NUMBER && value.integer);
    CHECK_SLICE(((finseg_slice){value.data, value.length}), "10");
    CHECK(fs_json_next_element(&json, &elements) && fs_json_skip(&json, &value));
    CHECK(value.type == FS_JSON_NUMBER && !value.integer);
    CHECK_SLICE(((finseg_slice){value.data, value.length}), "-2.5");
    CHECK(!fs_json_next_element(&json, &elements));
    CHECK(!json.problem);
    CHECK(fs_json_next_member(&json, &members, &key) && fs_json_skip(&json, &value));
    CHECK(value.type == FS_JSON_STRING && value.escaped);
    CHECK_SLICE(((finseg_slice){value.data, value.length}), "\"x\\n\"");
    CHECK(!fs_json_next_member(&json, &members, &key));
    CHECK_INT(json.depth, 0);
    CHECK(fs_json_finish(&json));
}

static void the_first_problem_stays(void)
{
    struct fs_json json;
    struct fs_json_value value;
    bool first = true;
    fs_json_begin(&json, "[1 2]", 5);
    CHECK(fs_json_enter(&json));
    CHECK(fs_json_next_element(&json, &first) && fs_json_skip(&json, &value));
    CHECK(!fs_json_next_element(&json, &first));
    CHECK_TEXT(json.problem, "a comma or ] is missing");
    CHECK(!fs_json_next_element(&json, &first));
    CHECK(!fs_json_skip(&json, &value));
    CHECK(!fs_json_enter(&json));
    CHECK(!fs_json_finish(&json));
    CHECK_TEXT(json.problem, "a comma or ] is missing");
    CHECK_INT(json.at - json.start, 3);

    first = true;
    fs_json_begin(&json, "[]", 2);
    CHECK(fs_json_enter(&json));
    CHECK(!fs_json_skip(&json, &value)); /* there is no value; the bracket must not end the array now */
    CHECK(!fs_json_next_element(&json, &first));
    CHECK_INT(json.at - json.start, 1);
    CHECK_INT(json.depth, 1);
}

static void entering_a_scalar_is_a_problem(void)
{
    struct fs_json json;
    fs_json_begin(&json, "7", 1);
    CHECK(!fs_json_enter(&json));
    CHECK_TEXT(json.problem, "neither an array nor an object");
}

static struct fs_json_value string_value(const char *text)
{
    struct fs_json json;
    struct fs_json_value value = {0};
    fs_json_begin(&json, text, strlen(text));
    CHECK_CASE(fs_json_skip(&json, &value) && value.type == FS_JSON_STRING, text);
    return value;
}

static void check_unescaped(const char *text, const char *expected, size_t length)
{
    struct fs_json_value value = string_value(text);
    struct fs_buffer out = {0};
    fs_json_append_unescaped(&out, &value);
    CHECK_CASE(out.length == length && (length == 0 || memcmp(out.data, expected, length) == 0), text);
    fs_buffer_free(&out);
}

static void strings_are_unescaped(void)
{
    check_unescaped("\"\"", "", 0);
    check_unescaped("\"plain\"", "plain", 5);
    check_unescaped("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    check_unescaped("\"a\\u0041\\u00e4\\u20AC\\uD83D\\uDE00z\"", "aA\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z", 12);
    check_unescaped("\"\\u0000x\"", "\0x", 2);
    check_unescaped("\"\\uDBFF\\uDFFF\"", "\xF4\x8F\xBF\xBF", 4);
}

static void strings_are_compared_without_escapes(void)
{
    struct fs_json_value value = string_value("\"user\\u0049d\"");
    CHECK(fs_json_string_is(&value, "userId"));
    CHECK(!fs_json_string_is(&value, "userI"));
    CHECK(!fs_json_string_is(&value, "userIds"));
    CHECK(!fs_json_string_is(&value, "user\\u0049d"));
    value = string_value("\"\\uD83D\\uDE00\"");
    CHECK(fs_json_string_is(&value, "\xF0\x9F\x98\x80"));
    CHECK(!fs_json_string_is(&value, "\xF0\x9F"));
    value = string_value("\"a\\u0000b\"");
    CHECK(!fs_json_string_is(&value, "a"));
    value = string_value("\"\"");
    CHECK(fs_json_string_is(&value, ""));
    CHECK(!fs_json_string_is(&value, "a"));
}

static void what_is_written_reads_back(void)
{
    char every[256];
    size_t count = 0;
    for (int c = 0; c < 0x80; c++)
        every[count++] = (char)c;
    memcpy(every + count, "\xC3\xA4\xF0\x9F\x98\x80", 6);
    count += 6;
    struct fs_buffer written = {0};
    struct fs_buffer read = {0};
    fs_json_append_string(&written, every, count);
    struct fs_json_value value = string_value(written.data);
    CHECK_INT((int64_t)value.length, (int64_t)written.length);
    fs_json_append_unescaped(&read, &value);
    CHECK(read.length == count && memcmp(read.data, every, count) == 0);
    fs_buffer_clear(&written);
    fs_json_append_string(&written, "a\"b\\c\n\x01\x7F", 8);
    CHECK_TEXT(written.data, "\"a\\\"b\\\\c\\n\\u0001\x7F\"");
    fs_buffer_clear(&written);
    fs_json_append_string(&written, NULL, 0);
    CHECK_TEXT(written.data, "\"\"");
    fs_buffer_free(&written);
    fs_buffer_free(&read);
}

static void members_are_found_in_one_strict_pass(void)
{
    static const char *const names[] = {"a", "b\xC3\xA4", "c"};
    static const char text[] = " {\"c\":[1,{\"a\":2}], \"b\\u00e4\":\"x\\n\", \"c\":7} ";
    struct fs_json_value values[3];
    CHECK(fs_json_find(text, strlen(text), names, values, 3));
    CHECK(values[0].data == NULL && fs_json_text(&values[0]) == NULL);
    char *found = fs_json_text(&values[1]);
    CHECK_TEXT(found, "x\n");
    free(found);
    CHECK(values[2].type == FS_JSON_ARRAY && fs_json_text(&values[2]) == NULL);
    CHECK(fs_json_find("[{\"a\":1}]", 9, names, values, 3) && !values[0].data);
    const char *const broken[] = {"", "{\"a\":1", "{\"a\":1} x", "{\"a\":1,}", "{\"a\":01}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK_CASE(!fs_json_find(broken[i], strlen(broken[i]), names, values, 3) && !values[0].data, broken[i]);
    CHECK(!fs_json_find(NULL, 0, names, values, 3));
}

static const struct test tests[] = {
    {"every kind of value is accepted", every_kind_of_value_is_accepted},
    {"numbers follow the grammar", numbers_follow_the_grammar},
    {"strings hold no raw control characters", strings_hold_no_raw_control_characters},
    {"escapes are checked", escapes_are_checked},
    {"text must be UTF-8", text_must_be_utf8},
    {"a byte is checked wherever it stands", a_byte_is_checked_wherever_it_stands},
    {"words are exact", words_are_exact},
    {"structure is strict", structure_is_strict},
    {"depth is limited", depth_is_limited},
    {"a problem is named with its byte", a_problem_is_named_with_its_byte},
    {"nothing beyond the end is read", nothing_beyond_the_end_is_read},
    {"walking gives members and elements", walking_gives_members_and_elements},
    {"the first problem stays", the_first_problem_stays},
    {"entering a scalar is a problem", entering_a_scalar_is_a_problem},
    {"strings are unescaped", strings_are_unescaped},
    {"strings are compared without escapes", strings_are_compared_without_escapes},
    {"what is written reads back", what_is_written_reads_back},
    {"members are found in one strict pass, the first of a name", members_are_found_in_one_strict_pass},
};
SUITE(json, tests);
