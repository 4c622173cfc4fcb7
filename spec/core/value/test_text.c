#include "value/text.h"

#include <stdlib.h>

#include "test.h"

static void comparing_ignores_ascii_case_only(void)
{
    CHECK(fs_text_equal_ignoring_case("CHECKING", "checking"));
    CHECK(fs_text_equal_ignoring_case("", ""));
    CHECK(!fs_text_equal_ignoring_case("checking", "checkin"));
    CHECK(!fs_text_equal_ignoring_case("a", "b"));
    CHECK(!fs_text_equal_ignoring_case("[", "{")); /* 32 apart, like letters */
    CHECK(!fs_text_equal_ignoring_case("\xC3\x84", "\xC3\xA4"));
}

static void percent_encoding_keeps_unreserved_characters(void)
{
    struct fs_buffer out = {0};
    fs_text_append_percent_encoded(&out, "aZ09-._~", 8);
    CHECK_TEXT(out.data, "aZ09-._~");
    fs_buffer_clear(&out);
    fs_text_append_percent_encoded(&out, "a/b c+d&%\0\xC3\xA4", 12);
    CHECK_TEXT(out.data, "a%2Fb%20c%2Bd%26%25%00%C3%A4");
    fs_buffer_free(&out);
}

static bool is_utf8(const char *text)
{
    return fs_text_is_utf8(text, strlen(text));
}

static void utf8_is_checked_as_rfc_3629_has_it(void)
{
    static const char *const valid[] = {"",
                                        "a",
                                        "\x7F",
                                        "\xC2\x80",
                                        "\xDF\xBF",
                                        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF"};
    static const char *const invalid[] = {"\x80",
                                          "\xBF",
                                          "\xC0\x80",
                                          "\xC1\xBF",
                                          "\xC2",
                                          "\xC2"
                                          "a",
                                          "\xE0\x9F\xBF",
                                          "\xE2\x82",
                                          "\xE2\x82"
                                          "a",
                                          "\xED\xA0\x80",
                                          "\xED\xBF\xBF",
                                          "\xF0\x8F\xBF\xBF",
                                          "\xF0\x90\x80",
                                          "\xF4\x90\x80\x80",
                                          "\xF5\x80\x80\x80",
                                          "\xFE",
                                          "\xFF"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        CHECK_CASE(is_utf8(valid[i]), valid[i]);
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        CHECK_CASE(!is_utf8(invalid[i]), invalid[i]);
}

static void every_scalar_value_is_written_as_valid_utf8(void)
{
    unsigned wrong = 0;
    for (unsigned code = 0; code <= 0x10FFFF; code++) {
        char bytes[4];
        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        size_t length = fs_text_put_utf8(code, bytes);
        if (fs_text_utf8_sequence(bytes, bytes + length) != length)
            wrong++;
    }
    CHECK_INT(wrong, 0);
    struct fs_buffer out = {0};
    fs_text_append_utf8(&out, 0x41);
    fs_text_append_utf8(&out, 0xE4);
    fs_text_append_utf8(&out, 0x20AC);
    fs_text_append_utf8(&out, 0x1F600);
    CHECK_TEXT(out.data, "A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    fs_buffer_free(&out);
}

static void a_copy_is_terminated(void)
{
    char *copy = fs_text_copy("abcdef", 3);
    CHECK_TEXT(copy, "abc");
    free(copy);
    CHECK(fs_text_copy(NULL, 0) == NULL);
}

static const struct test tests[] = {
    {"comparing ignores the case of ASCII letters only", comparing_ignores_ascii_case_only},
    {"percent-encoding keeps the unreserved characters only", percent_encoding_keeps_unreserved_characters},
    {"UTF-8 is checked as RFC 3629 has it", utf8_is_checked_as_rfc_3629_has_it},
    {"every scalar value is written as valid UTF-8", every_scalar_value_is_written_as_valid_utf8},
    {"a copy is terminated", a_copy_is_terminated},
};
SUITE(text, tests);
