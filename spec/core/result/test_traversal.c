#include <inttypes.h>

#include "result/page.h"
#include "test.h"
#include "value/buffer.h"

/* A page of users from..from+count-1; `total` below zero leaves totalElements out. */
static finseg_page *make_page(uint64_t from, uint64_t count, int64_t total)
{
    struct fs_buffer text = {0};
    fs_buffer_append_text(&text, "{\"users\":[");
    for (uint64_t i = 0; i < count; i++)
        fs_buffer_printf(&text, "%s{\"userId\":\"u%" PRIu64 "\"}", i ? "," : "", from + i);
    fs_buffer_append_text(&text, "]");
    if (total >= 0)
        fs_buffer_printf(&text, ",\"totalElements\":%" PRId64, total);
    fs_buffer_append_text(&text, "}");
    finseg_page *page = finseg_page_parse(text.data, text.length, NULL);
    CHECK(page != NULL);
    fs_buffer_free(&text);
    return page;
}

static finseg_traversal *start(uint64_t count, int64_t total, uint64_t first_page, uint32_t page_size,
                               uint32_t parallel, finseg_error **error)
{
    finseg_page *first = make_page(0, count, total);
    finseg_traversal *traversal = finseg_traversal_new(first, first_page, page_size, parallel, error);
    finseg_page_free(first);
    return traversal;
}

static int accept(finseg_traversal *traversal, uint64_t from, uint64_t count, int64_t total, finseg_error **error)
{
    finseg_page *page = make_page(from, count, total);
    int result = finseg_traversal_accept(traversal, page, error);
    finseg_page_free(page);
    return result;
}

static void check_request(finseg_traversal *traversal, uint64_t number, uint32_t size)
{
    uint64_t actual_number = UINT64_MAX;
    uint32_t actual_size = 0;
    CHECK(finseg_traversal_request(traversal, &actual_number, &actual_size));
    CHECK_INT((int64_t)actual_number, (int64_t)number);
    CHECK_INT(actual_size, size);
}

static bool has_request(finseg_traversal *traversal)
{
    uint64_t number;
    uint32_t size;
    return finseg_traversal_request(traversal, &number, &size);
}

static void an_announced_result_is_read_to_its_end(void)
{
    finseg_traversal *traversal = start(20, 50, 0, 20, 1, NULL);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 0);
    check_request(traversal, 1, 20);
    CHECK(!has_request(traversal));
    CHECK_INT(accept(traversal, 20, 20, 50, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 0);
    check_request(traversal, 2, 20);
    CHECK_INT(accept(traversal, 40, 10, 50, NULL), 0);
    CHECK(!has_request(traversal));
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    finseg_traversal_free(traversal);
}

static void pages_are_numbered_from_first_page(void)
{
    finseg_traversal *traversal = start(2, 4, 7, 2, 4, NULL);
    check_request(traversal, 8, 2);
    CHECK(!has_request(traversal));
    finseg_traversal_free(traversal);
}

static void requests_run_ahead_as_far_as_parallel(void)
{
    finseg_traversal *traversal = start(10, 100, 0, 10, 3, NULL);
    check_request(traversal, 1, 10);
    check_request(traversal, 2, 10);
    check_request(traversal, 3, 10);
    CHECK(!has_request(traversal));
    CHECK_INT(accept(traversal, 10, 10, 100, NULL), 0);
    check_request(traversal, 4, 10);
    CHECK(!has_request(traversal));
    finseg_traversal_free(traversal);
}

static void one_page_may_be_the_whole_result(void)
{
    static const struct {
        uint64_t users;
        int64_t total;
    } cases[] = {{0, 0}, {0, -1}, {3, 3}, {20, 20}, {30, 30}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        finseg_traversal *traversal = start(cases[i].users, cases[i].total, 0, 20, 4, NULL);
        CHECK(traversal != NULL);
        if (!traversal)
            return;
        CHECK(!has_request(traversal));
        CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
        finseg_traversal_free(traversal);
    }
}

static void a_shorter_first_page_sets_the_stride(void)
{
    finseg_traversal *traversal = start(20, 45, 0, 500, 4, NULL);
    check_request(traversal, 1, 20);
    check_request(traversal, 2, 20);
    CHECK(!has_request(traversal));
    CHECK_INT(accept(traversal, 20, 20, 45, NULL), 0);
    CHECK_INT(accept(traversal, 40, 5, 45, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    finseg_traversal_free(traversal);
}

static void a_first_page_that_contradicts_itself_is_refused(void)
{
    finseg_error *error = NULL;
    CHECK(start(5, 4, 0, 20, 1, &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 0 has 5 users, more than its totalElements of 4");
    error = NULL;
    CHECK(start(0, 4, 0, 20, 1, &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 0 has no users, 4 are announced");
    error = NULL;
    CHECK(start(30, 40, 0, 20, 1, &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 0 has 30 users, more than the 20 asked for");
    error = NULL;
    CHECK(start(30, -1, 0, 20, 1, &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 0 has 30 users, more than the 20 asked for");
}

static void check_accept_refused(uint64_t from, uint64_t count, int64_t total, const char *part)
{
    finseg_traversal *traversal = start(10, 25, 0, 10, 4, NULL);
    finseg_error *error = NULL;
    CHECK_INT(accept(traversal, 10, 10, 25, NULL), 0);
    CHECK_INT(accept(traversal, from, count, total, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, part);
    CHECK(!has_request(traversal));
    error = NULL;
    CHECK_INT(finseg_traversal_finished(traversal, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 2 did not fit");
    finseg_traversal_free(traversal);
}

static void a_page_of_the_wrong_length_is_refused(void)
{
    check_accept_refused(20, 4, 25, "page 2 has 4 users, 5 were to come: 24 received so far, 25 announced");
    check_accept_refused(20, 6, 25, "page 2 has 6 users, 5 were to come: 26 received so far, 25 announced");
    check_accept_refused(20, 0, 25, "page 2 has 0 users, 5 were to come");
}

static void a_page_that_repeats_an_earlier_one_is_refused(void)
{
    check_accept_refused(10, 10, 25, "page 2 repeats page 1");
    check_accept_refused(0, 10, 25, "page 2 repeats page 0");
}

static void another_total_is_refused(void)
{
    check_accept_refused(20, 5, 26, "page 2 says totalElements 26, earlier pages said 25");
    finseg_traversal *traversal = start(10, 15, 0, 10, 4, NULL);
    CHECK_INT(accept(traversal, 10, 5, -1, NULL), 0); /* to say nothing is no contradiction */
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    finseg_traversal_free(traversal);
}

static void a_page_beyond_the_end_must_be_empty(void)
{
    finseg_traversal *traversal = start(10, 10, 0, 10, 4, NULL);
    finseg_error *error = NULL;
    CHECK_INT(accept(traversal, 0, 0, 10, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    CHECK_INT(accept(traversal, 10, 1, 10, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 2 has 1 users although the result ended on page 0");
    finseg_traversal_free(traversal);
}

static void without_a_total_a_short_page_is_the_last(void)
{
    finseg_traversal *traversal = start(10, -1, 0, 10, 2, NULL);
    check_request(traversal, 1, 10);
    check_request(traversal, 2, 10);
    CHECK(!has_request(traversal));
    CHECK_INT(accept(traversal, 10, 10, -1, NULL), 0);
    check_request(traversal, 3, 10);
    CHECK_INT(accept(traversal, 20, 3, -1, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    CHECK(!has_request(traversal));
    CHECK_INT(accept(traversal, 0, 0, -1, NULL), 0); /* asked for ahead */
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    finseg_traversal_free(traversal);
}

static void without_a_total_an_empty_page_is_the_last(void)
{
    finseg_traversal *traversal = start(10, -1, 0, 10, 1, NULL);
    check_request(traversal, 1, 10);
    CHECK_INT(accept(traversal, 0, 0, -1, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    finseg_traversal_free(traversal);
}

static void without_a_total_a_short_first_page_asks_for_one_more(void)
{
    finseg_traversal *traversal = start(4, -1, 0, 10, 5, NULL);
    check_request(traversal, 1, 4);
    CHECK(!has_request(traversal));
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 0);
    CHECK_INT(accept(traversal, 4, 4, -1, NULL), 0); /* the service has a limit of its own */
    check_request(traversal, 2, 4);
    check_request(traversal, 3, 4);
    CHECK_INT(accept(traversal, 8, 1, -1, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 1);
    finseg_traversal_free(traversal);
}

static void without_a_total_a_longer_page_is_refused(void)
{
    finseg_traversal *traversal = start(10, -1, 0, 10, 1, NULL);
    finseg_error *error = NULL;
    CHECK_INT(accept(traversal, 10, 11, -1, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 1 has 11 users, more than the 10 asked for");
    finseg_traversal_free(traversal);
}

static void a_total_told_late_is_held_against_the_end(void)
{
    finseg_traversal *traversal = start(10, -1, 0, 10, 1, NULL);
    finseg_error *error = NULL;
    CHECK_INT(accept(traversal, 10, 3, 14, NULL), 0);
    CHECK_INT(finseg_traversal_finished(traversal, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "the result ended after 13 users, 14 were announced");
    finseg_traversal_free(traversal);
}

static void many_pages_are_remembered(void)
{
    enum { PAGES = 20000 };
    finseg_traversal *traversal = start(1, PAGES, 0, 1, 1, NULL);
    for (uint64_t i = 1; i < PAGES - 1; i++)
        CHECK_INT(accept(traversal, i, 1, PAGES, NULL), 0);
    finseg_error *error = NULL;
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 0);
    CHECK_INT(accept(traversal, 4711, 1, PAGES, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 19999 repeats page 4711: ");
    finseg_traversal_free(traversal);
}

static void huge_totals_do_not_overflow(void)
{
    finseg_traversal *traversal = start(1, INT64_MAX, 0, 1, 1, NULL);
    CHECK(traversal != NULL);
    if (!traversal)
        return;
    check_request(traversal, 1, 1);
    CHECK_INT(finseg_traversal_finished(traversal, NULL), 0);
    finseg_traversal_free(traversal);
    finseg_traversal_free(NULL);
}

static void pages_that_overlap_are_refused(void)
{
    finseg_traversal *traversal = start(20, 60, 0, 20, 1, NULL);
    CHECK_INT(accept(traversal, 20, 20, 60, NULL), 0);
    finseg_error *error = NULL;
    /* Two users were inserted before: the counts still agree. */
    CHECK_INT(accept(traversal, 38, 20, 60, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "page 2 begins with user u38, who was on the page before");
    finseg_traversal_free(traversal);
}

static const struct test tests[] = {
    {"an announced result is read to its end", an_announced_result_is_read_to_its_end},
    {"pages are numbered from first_page", pages_are_numbered_from_first_page},
    {"requests run ahead as far as parallel allows", requests_run_ahead_as_far_as_parallel},
    {"one page may be the whole result", one_page_may_be_the_whole_result},
    {"a shorter first page sets the stride", a_shorter_first_page_sets_the_stride},
    {"a first page that contradicts itself is refused", a_first_page_that_contradicts_itself_is_refused},
    {"a page of the wrong length is refused", a_page_of_the_wrong_length_is_refused},
    {"a page that repeats an earlier one is refused", a_page_that_repeats_an_earlier_one_is_refused},
    {"pages that overlap are refused", pages_that_overlap_are_refused},
    {"another totalElements is refused", another_total_is_refused},
    {"a page beyond the end must be empty", a_page_beyond_the_end_must_be_empty},
    {"without a total a short page is the last", without_a_total_a_short_page_is_the_last},
    {"without a total an empty page is the last", without_a_total_an_empty_page_is_the_last},
    {"without a total a short first page asks for one more", without_a_total_a_short_first_page_asks_for_one_more},
    {"without a total a longer page is refused", without_a_total_a_longer_page_is_refused},
    {"a total told late is held against the end", a_total_told_late_is_held_against_the_end},
    {"many pages are remembered", many_pages_are_remembered},
    {"huge totals do not overflow", huge_totals_do_not_overflow},
};
SUITE(traversal, tests);
