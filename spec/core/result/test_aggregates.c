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

static const struct test tests[] = {
    {"both bounds of a count belong to it", both_bounds_of_a_count_belong_to_it},
    {"a range goes over pages", a_range_goes_over_pages},
    {"a histogram counts from each bound on", a_histogram_counts_from_each_bound_on},
    {"the bounds of a histogram must rise", bounds_must_rise},
    {"what cannot be exact is an error and changes nothing", what_cannot_be_exact_is_an_error_and_changes_nothing},
    {"amounts are read and written as text", amounts_are_read_and_written_as_text},
};
SUITE(aggregate, tests);
