#include <stdlib.h>

#include "test.h"

#define PAGE(amounts) "{\"users\":[{\"userId\":\"u\",\"accounts\":[" amounts "]}]}"
#define AMOUNT(number) "{\"amount\":" number "}"

static const char some[] = PAGE(AMOUNT("1") "," AMOUNT("-2.5") "," AMOUNT("0") "," AMOUNT("1.0001") "," AMOUNT("7e2"));
static const char unfit[] = PAGE(AMOUNT("1") "," AMOUNT("0.00001"));
static const char without[] = "{\"users\":[{\"userId\":\"u\"}]}";
static const char empty[] = "{\"users\":[]}";

static finseg_page *parse(const char *text)
{
    finseg_page *page = finseg_page_parse(text, strlen(text), NULL);
    CHECK_CASE(page != NULL, text);
    return page;
}

static int count(const char *text, int64_t minimum, int64_t maximum, uint64_t *found, finseg_error **error)
{
    finseg_page *page = parse(text);
    int result = finseg_page_count(page, minimum, maximum, found, error);
    finseg_page_free(page);
    return result;
}

static void both_bounds_of_a_count_belong_to_it(void)
{
    uint64_t found = 0;
    CHECK_INT(count(some, INT64_MIN, INT64_MAX, &found, NULL), 0);
    CHECK_INT((int64_t)found, 5);
    CHECK_INT(count(some, 10000, INT64_MAX, &found, NULL), 0); /* 1, 1.0001 and 700 come on top */
    CHECK_INT((int64_t)found, 8);
    found = 0;
    CHECK_INT(count(some, -25000, 10000, &found, NULL), 0);
    CHECK_INT((int64_t)found, 3);
    CHECK_INT(count(some, 10000, -25000, &found, NULL), 0);
    CHECK_INT((int64_t)found, 3);
}

static int extend(finseg_range *range, const char *text, finseg_error **error)
{
    finseg_page *page = parse(text);
    int result = finseg_page_range(page, range, error);
    finseg_page_free(page);
    return result;
}

static void a_range_goes_over_pages(void)
{
    finseg_range range = {0};
    CHECK_INT(extend(&range, empty, NULL), 0);
    CHECK_INT((int64_t)range.count, 0);
    CHECK_INT(extend(&range, PAGE(AMOUNT("5")), NULL), 0);
    CHECK_INT(range.minimum, 50000);
    CHECK_INT(range.maximum, 50000);
    CHECK_INT(extend(&range, some, NULL), 0);
    CHECK_INT(range.minimum, -25000);
    CHECK_INT(range.maximum, 7000000);
    CHECK_INT((int64_t)range.count, 6);
    CHECK_INT(extend(&range, PAGE(AMOUNT("-922337203685477.5808") "," AMOUNT("922337203685477.5807")), NULL), 0);
    CHECK(range.minimum == INT64_MIN && range.maximum == INT64_MAX);
}

static void a_histogram_counts_from_each_bound_on(void)
{
    static const int64_t bounds[] = {-25000, 0, 10000, 10001, 8000000};
    uint64_t counts[6] = {9};
    finseg_page *page = parse(some);
    CHECK_INT(finseg_page_histogram(page, bounds, 5, counts, NULL), 0);
    CHECK_INT((int64_t)counts[0], 9);
    CHECK_INT((int64_t)counts[1], 1); /* -2.5 */
    CHECK_INT((int64_t)counts[2], 1); /* 0 */
    CHECK_INT((int64_t)counts[3], 1); /* 1 */
    CHECK_INT((int64_t)counts[4], 2); /* 1.0001 and 700 */
    CHECK_INT((int64_t)counts[5], 0);
    CHECK_INT(finseg_page_histogram(page, NULL, 0, counts, NULL), 0);
    CHECK_INT((int64_t)counts[0], 14);
    finseg_page_free(page);
}

static void bounds_must_rise(void)
{
    static const int64_t level[] = {0, 12500, 12500};
    uint64_t counts[4] = {0};
    finseg_error *error = NULL;
    finseg_page *page = parse(some);
    CHECK_INT(finseg_page_histogram(page, level, 3, counts, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "must rise: 1.25");
    CHECK_INT((int64_t)(counts[0] + counts[1] + counts[2] + counts[3]), 0);
    finseg_page_free(page);
}

static void what_cannot_be_exact_is_an_error_and_changes_nothing(void)
{
    static const char *const texts[] = {unfit, without};
    static const char *const parts[] = {"amount 0.00001 of user \"u\" cannot be ", "no amounts"};
    for (int i = 0; i < 2; i++) {
        uint64_t found = 3;
        uint64_t counts[1] = {4};
        finseg_range range = {.minimum = 1, .maximum = 2, .count = 1};
        finseg_error *error = NULL;
        finseg_page *page = parse(texts[i]);
        CHECK_INT(finseg_page_count(page, 0, 1, &found, &error), -1);
        CHECK_ERROR(error, FINSEG_ERROR_INVALID, parts[i]);
        error = NULL;
        CHECK_INT(finseg_page_range(page, &range, &error), -1);
        CHECK_ERROR(error, FINSEG_ERROR_INVALID, parts[i]);
        error = NULL;
        CHECK_INT(finseg_page_histogram(page, NULL, 0, counts, &error), -1);
        CHECK_ERROR(error, FINSEG_ERROR_INVALID, parts[i]);
        CHECK(found == 3 && counts[0] == 4 && range.minimum == 1 && range.maximum == 2 && range.count == 1);
        finseg_page_free(page);
    }
}

static void check_refused(const char *text, const char *part)
{
    int64_t amount = 5;
    finseg_error *error = NULL;
    CHECK_INT(finseg_amount_parse(text, strlen(text), &amount, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, part);
    CHECK_INT(amount, 5);
}

static void amounts_are_read_and_written_as_text(void)
{
    int64_t amount = 0;
    char text[FINSEG_AMOUNT_TEXT];
    CHECK_INT(finseg_amount_parse("-12.5", 5, &amount, NULL), 0);
    CHECK_INT(amount, -125000);
    finseg_amount_text(amount, text);
    CHECK_TEXT(text, "-12.50");
    check_refused("0.00001", "the amount \"0.00001\" has more than four decimals");
    check_refused("1e16", "too large");
    check_refused("ten", "is no decimal number");
    check_refused("", "is no decimal number");
}

/* ---- the sum ---- */

static int add(finseg_total *total, const char *text, finseg_error **error)
{
    finseg_page *page = parse(text);
    int result = finseg_page_sum(page, total, error);
    finseg_page_free(page);
    return result;
}

static void check_total_text(int64_t high, uint64_t low, const char *expected)
{
    finseg_total total = {.high = high, .low = low};
    char text[FINSEG_TOTAL_TEXT];
    finseg_total_text(&total, text);
    CHECK_TEXT(text, expected);
}

static void pages_add_up_exactly(void)
{
    finseg_total total = {0};
    char text[FINSEG_TOTAL_TEXT];
    CHECK_INT(add(&total, "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":0.1},{\"amount\":0.2}]}]}", NULL),
              0);
    CHECK_INT(add(&total, "{\"users\":[{\"userId\":\"v\",\"insurances\":[{\"amount\":-12345.6789}]}]}", NULL), 0);
    finseg_total_text(&total, text);
    CHECK_TEXT(text, "-12345.3789");
    CHECK_INT((int64_t)total.count, 3);
    CHECK(finseg_total_number(&total) == -12345.3789);
}

static void sums_go_beyond_64_bits_and_back(void)
{
    static const char up[] = "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":922337203685477.5807},{"
                             "\"amount\":922337203685477.5807},"
                             "{\"amount\":922337203685477.5807}]}]}";
    static const char down[] = "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":-922337203685477.5808},"
                               "{\"amount\":-922337203685477.5808},{\"amount\":-922337203685477.5808}]}]}";
    finseg_total total = {0};
    char text[FINSEG_TOTAL_TEXT];
    CHECK_INT(add(&total, up, NULL), 0);
    finseg_total_text(&total, text);
    CHECK_TEXT(text, "2767011611056432.7421");
    CHECK_INT(add(&total, down, NULL), 0);
    finseg_total_text(&total, text);
    CHECK_TEXT(text, "-0.0003");
    CHECK_INT(add(&total, down, NULL), 0);
    finseg_total_text(&total, text);
    CHECK_TEXT(text, "-2767011611056432.7427");
    CHECK_INT((int64_t)total.count, 9);
}

static void an_empty_page_adds_nothing(void)
{
    finseg_total total = {.low = 5, .count = 1};
    CHECK_INT(add(&total, "{\"users\":[]}", NULL), 0);
    CHECK_INT((int64_t)total.low, 5);
    CHECK_INT((int64_t)total.count, 1);
}

static void a_kind_without_amounts_has_no_sum(void)
{
    finseg_total total = {.low = 5, .count = 1};
    finseg_error *error = NULL;
    CHECK_INT(add(&total, "{\"users\":[{\"userId\":\"u\",\"breakdowns\":[]}]}", &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "no amounts");
    CHECK_INT((int64_t)total.low, 5);
}

static void an_amount_that_does_not_fit_fails_the_sum_whole(void)
{
    finseg_total total = {.low = 5, .count = 1};
    finseg_error *error = NULL;
    CHECK_INT(add(&total,
                  "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":1}]},{\"userId\":\"v\\n\",\"accounts\":[{"
                  "\"amount\":0.00005}]}]}",
                  &error),
              -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "the amount 0.00005 of user \"v\\n\"");
    error = NULL;
    CHECK_INT(add(&total,
                  "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":"
                  "1000000000000000000000000000000000000000000000000000000000000000000000}]}]}",
                  &error),
              -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "0... of user \"u\"");
    CHECK_INT((int64_t)total.low, 5);
    CHECK_INT((int64_t)total.count, 1);
}

static void text_has_two_to_four_decimals(void)
{
    check_total_text(0, 0, "0.00");
    check_total_text(0, 1, "0.0001");
    check_total_text(-1, UINT64_MAX, "-0.0001");
    check_total_text(-1, UINT64_MAX - 99, "-0.01");
    check_total_text(0, 1000, "0.10");
    check_total_text(0, 123456000, "12345.60");
    check_total_text(0, 123456700, "12345.67");
    check_total_text(0, 123456780, "12345.678");
    check_total_text(0, 10000000000, "1000000.00");
    check_total_text(0, UINT64_MAX, "1844674407370955.1615");
    check_total_text(1, 0, "1844674407370955.1616");
    check_total_text(-1, 0, "-1844674407370955.1616");
    check_total_text(INT64_MAX, UINT64_MAX, "17014118346046923173168730371588410.5727");
    check_total_text(INT64_MIN, 0, "-17014118346046923173168730371588410.5728");
}

static void the_number_is_the_nearest_double(void)
{
    uint64_t random = 88172645463325252U;
    for (int i = 0; i < 20000; i++) {
        uint64_t words[2];
        for (int w = 0; w < 2; w++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[w] = random;
        }
        /* Of every magnitude, and with long runs of zeros, where ties are. */
        finseg_total total = {.high = (int64_t)words[0] >> (i % 64), .low = i & 1 ? words[1] : words[1] << (i % 64)};
        char text[FINSEG_TOTAL_TEXT];
        finseg_total_text(&total, text);
        CHECK_CASE(finseg_total_number(&total) == strtod(text, NULL), text);
    }
    finseg_total zero = {0};
    CHECK(finseg_total_number(&zero) == 0.0);
    finseg_total smallest = {.low = 1};
    CHECK(finseg_total_number(&smallest) == 0.0001);
    finseg_total lowest = {.high = INT64_MIN};
    CHECK(finseg_total_number(&lowest) == -17014118346046923173168730371588410.5728);
}

/* The number high * 2^64 + low, as a total. */
static finseg_total total_of(uint64_t high, uint64_t low)
{
    finseg_total total = {0};
    for (int times = 0; times < 10000; times++) {
        uint64_t sum = total.low + low;
        total.high += (int64_t)(high + (sum < total.low));
        total.low = sum;
    }
    return total;
}

static void ties_go_to_the_even_double(void)
{
    const uint64_t two_53 = UINT64_C(1) << 53;
    finseg_total total = total_of(0, two_53 + 1);
    CHECK(finseg_total_number(&total) == 9007199254740992.0);
    total = total_of(0, two_53 + 3);
    CHECK(finseg_total_number(&total) == 9007199254740996.0);
    /* 2^100 + 2^47 is halfway; one more is not. */
    total = total_of(UINT64_C(1) << 36, UINT64_C(1) << 47);
    CHECK(finseg_total_number(&total) == 0x1p100);
    total = total_of(UINT64_C(1) << 36, (UINT64_C(1) << 47) + 1);
    CHECK(finseg_total_number(&total) == 0x1.0000000000001p100);
}

static const struct test tests[] = {
    {"both bounds of a count belong to it", both_bounds_of_a_count_belong_to_it},
    {"a range goes over pages", a_range_goes_over_pages},
    {"a histogram counts from each bound on", a_histogram_counts_from_each_bound_on},
    {"the bounds of a histogram must rise", bounds_must_rise},
    {"what cannot be exact is an error and changes nothing", what_cannot_be_exact_is_an_error_and_changes_nothing},
    {"amounts are read and written as text", amounts_are_read_and_written_as_text},
    {"pages add up exactly", pages_add_up_exactly},
    {"sums go beyond 64 bits and back", sums_go_beyond_64_bits_and_back},
    {"an empty page adds nothing", an_empty_page_adds_nothing},
    {"a kind without amounts has no sum", a_kind_without_amounts_has_no_sum},
    {"an amount that does not fit fails the sum whole", an_amount_that_does_not_fit_fails_the_sum_whole},
    {"text has two to four decimals", text_has_two_to_four_decimals},
    {"the number is the nearest double", the_number_is_the_nearest_double},
    {"ties go to the even double", ties_go_to_the_even_double},
};
SUITE(aggregates, tests);
