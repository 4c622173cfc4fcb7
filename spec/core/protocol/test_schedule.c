#include "protocol/schedule.h"

#include <limits.h>

#include "test.h"

static bool is_near(double actual, double expected)
{
    double off = actual - expected;
    return off < 1e-9 && off > -1e-9;
}

static const struct fs_poll_schedule polls = {.first = 0.5, .factor = 2, .max = 5};
static const struct fs_retry_schedule tries = {.attempts = 5, .base = 0.5, .max = 3};

static void polls_slow_down_up_to_the_maximum(void)
{
    const double expected[] = {0.5, 1, 2, 4, 5, 5};
    for (unsigned poll = 0; poll < 6; poll++)
        CHECK(is_near(fs_poll_pause(&polls, poll, -1, 0.5), expected[poll]));
    CHECK(is_near(fs_poll_pause(&polls, UINT_MAX, -1, 0.5), 5));
}

static void polls_are_spread_by_a_fifth(void)
{
    CHECK(is_near(fs_poll_pause(&polls, 1, -1, 0), 0.8));
    double most = fs_poll_pause(&polls, 1, -1, 0.999999);
    CHECK(most > 1.19 && most < 1.2);
}

static void a_poll_never_comes_before_retry_after(void)
{
    CHECK(is_near(fs_poll_pause(&polls, 0, 60, 0), 60));
    CHECK(is_near(fs_poll_pause(&polls, 0, 60, 0.5), 63));
    CHECK(is_near(fs_poll_pause(&polls, 3, 1, 0.5), 4));
    CHECK(is_near(fs_poll_pause(&polls, 0, 0, 0.5), 0.5));
}

static void a_factor_of_one_keeps_the_pause(void)
{
    const struct fs_poll_schedule steady = {.first = 0.25, .factor = 1, .max = 30};
    CHECK(is_near(fs_poll_pause(&steady, UINT_MAX, -1, 0.5), 0.25));
    const struct fs_poll_schedule slow = {.first = 60, .factor = 1, .max = 30};
    CHECK(is_near(fs_poll_pause(&slow, 0, -1, 0.5), 30));
}

static void a_wait_of_some_age_is_at_its_place_in_the_schedule(void)
{
    /* GETs at 0.5, 1.5, 3.5, 7.5, 12.5, and then every 5 seconds. */
    const struct {
        double age;
        unsigned next;
    } cases[] = {{0, 0}, {0.4, 0}, {0.5, 1}, {1.4, 1}, {1.6, 2}, {3.6, 3}, {7.6, 4}, {12.6, 4}, {1e9, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(fs_poll_next(&polls, cases[i].age), cases[i].next);
    const struct fs_poll_schedule steady = {.first = 0.25, .factor = 1, .max = 30};
    CHECK_INT(fs_poll_next(&steady, 1e9), 0);
}

static void retries_back_off_with_full_jitter(void)
{
    CHECK(is_near(fs_retry_pause(&tries, 1, -1, 0.5), 0.25));
    CHECK(is_near(fs_retry_pause(&tries, 2, -1, 0.5), 0.5));
    CHECK(is_near(fs_retry_pause(&tries, 3, -1, 0.5), 1));
    CHECK(is_near(fs_retry_pause(&tries, 4, -1, 0.5), 1.5));
    CHECK(fs_retry_pause(&tries, 4, -1, 0) == 0);
    CHECK(is_near(fs_retry_pause(&tries, 1, 7, 0), 7));
    CHECK(is_near(fs_retry_pause(&tries, 1, 7, 0.5), 7.35));
}

static void attempts_are_tries_in_all(void)
{
    CHECK(fs_retry_pause(&tries, 4, -1, 0.5) >= 0);
    CHECK(fs_retry_pause(&tries, 5, -1, 0.5) < 0);
    CHECK(fs_retry_pause(&tries, 5, 1, 0.5) < 0);
    const struct fs_retry_schedule once = {.attempts = 1, .base = 0.5, .max = 3};
    CHECK(fs_retry_pause(&once, 1, -1, 0.5) < 0);
}

static const struct test tests[] = {
    {"polls slow down up to the maximum", polls_slow_down_up_to_the_maximum},
    {"polls are spread by a fifth to either side", polls_are_spread_by_a_fifth},
    {"a wait of some age is at its place in the schedule", a_wait_of_some_age_is_at_its_place_in_the_schedule},
    {"a poll never comes before Retry-After", a_poll_never_comes_before_retry_after},
    {"a factor of one keeps the pause, however often", a_factor_of_one_keeps_the_pause},
    {"retries back off with full jitter, never before Retry-After", retries_back_off_with_full_jitter},
    {"attempts are tries in all", attempts_are_tries_in_all},
};
SUITE(schedule, tests);
