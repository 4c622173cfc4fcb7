#include <inttypes.h>
#include <stdio.h>

#include "value/decimal.h"

#include "test.h"

static struct fs_decimal read(const char *text)
{
    struct fs_decimal number;
    CHECK_CASE(fs_decimal_read(text, strlen(text), &number), text);
    return number;
}

static void numbers_are_compared_whatever_their_length_and_writing(void)
{
    /* Each list is one number; each is less than the next one. */
    static const char *const rising[][4] = {
        {"-1e99999999999999999999999"},
        {"-12345678901234567890.2", "-1234567890123456789020e-2"},
        {"-12345678901234567890.1"},
        {"-1", "-1.0", "-10e-1"},
        {"-1e-99999999"},
        {"0", "-0.0", "0e999999999999999999999", "0.000"},
        {"1e-99999999", "0.1e-99999998", "1.000E-0099999999"},
        {"0.1", "1e-1", "0.100"},
        {"0.10000000000000000000000000000000000000001"},
        {"12.1", "12.10", "121e-1", "0.00121E+4"},
        {"100", "1e2", "1.00e+2"},
        {"9007199254740992"},
        {"9007199254740993", "9007199254740993.0"},
        {"1e500", "10e499"},
        {"2e500"},
    };
    enum { COUNT = sizeof rising / sizeof *rising };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            for (size_t m = 0; m < 4 && rising[i][m]; m++) {
                for (size_t n = 0; n < 4 && rising[j][n]; n++) {
                    struct fs_decimal a = read(rising[i][m]);
                    struct fs_decimal b = read(rising[j][n]);
                    int order = fs_decimal_compare(&a, &b);
                    CHECK_CASE((order > 0) - (order < 0) == (i > j) - (i < j), rising[i][m]);
                }
            }
        }
    }
}

/* What a - b is, both ways round: a + -b, too. */
static void check_difference(const char *a_text, const char *b_text, const char *expected)
{
    struct fs_decimal a = read(a_text);
    struct fs_decimal b = read(b_text);
    struct fs_buffer out = {0};
    CHECK_CASE(fs_decimal_subtract(&a, &b, &out), a_text);
    CHECK_TEXT(out.data, expected);
    fs_buffer_clear(&out);
    b.negative = !b.negative;
    CHECK_CASE(fs_decimal_add(&b, &a, &out), a_text);
    CHECK_TEXT(out.data, expected);
    fs_buffer_free(&out);
}

static void numbers_are_subtracted_and_added_with_all_digits(void)
{
    static const char *const cases[][3] = {
        {"0.3", "0.1", "0.2"},
        {"0.1", "-0.2", "0.3"},
        {"12.10", "12.1", "0"},
        {"-0", "0", "0"},
        {"0", "5", "-5"},
        {"5", "0.0", "5"},
        {"-10", "2.5", "-12.5"},
        {"-10", "-2.5", "-7.5"},
        {"9223372036854775807.99", "9223372036854775808", "-0.01"},
        {"9999999999999999999999.99", "-0.02", "10000000000000000000000.01"},
        {"9007199254740993.10", "12.10", "9007199254740981"},
        {"1e3", "1.25E-2", "999.9875"},
        {"1e30", "1e30", "0"},
        {"99.5", "-0.5", "100"},
        {"0.05", "-0.05", "0.1"},
        {"1e25", "0", "10000000000000000000000000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_difference(cases[i][0], cases[i][1], cases[i][2]);
}

static void sums_agree_with_whole_numbers(void)
{
    for (int64_t a = -300; a <= 300; a += 7) {
        for (int64_t b = -30; b <= 30; b++) {
            char a_text[24];
            char b_text[24];
            char expected[24];
            snprintf(a_text, sizeof a_text, "%" PRId64 "e3", a);
            snprintf(b_text, sizeof b_text, "%" PRId64, b);
            snprintf(expected, sizeof expected, "%" PRId64, a * 1000 - b);
            check_difference(a_text, b_text, expected);
        }
    }
}

static void a_sum_of_any_length_is_made_but_for_zeros_that_only_exponents_ask_for(void)
{
    char nines[5001];
    memset(nines, '9', sizeof nines - 1);
    nines[sizeof nines - 1] = '\0';
    struct fs_decimal a = read(nines);
    struct fs_decimal one = read("1");
    struct fs_decimal huge = read("1e2000");
    struct fs_decimal tiny = read("1e-999999999999999999999");
    struct fs_buffer out = {0};
    CHECK(fs_decimal_add(&a, &one, &out));
    CHECK_INT((int64_t)out.length, (int64_t)sizeof nines);
    CHECK(out.data && out.data[0] == '1' && strspn(out.data + 1, "0") == sizeof nines - 1);
    fs_buffer_clear(&out);
    CHECK(!fs_decimal_add(&huge, &one, &out));
    CHECK(!fs_decimal_subtract(&one, &tiny, &out));
    CHECK_INT((int64_t)out.length, 0);
    fs_buffer_free(&out);
}

static const struct test tests[] = {
    {"numbers are compared whatever their length and writing", numbers_are_compared_whatever_their_length_and_writing},
    {"numbers are subtracted and added with all digits", numbers_are_subtracted_and_added_with_all_digits},
    {"sums agree with whole numbers", sums_agree_with_whole_numbers},
    {"a sum of any length is made, but for zeros that only exponents ask for",
     a_sum_of_any_length_is_made_but_for_zeros_that_only_exponents_ask_for},
};
SUITE(decimal, tests);
