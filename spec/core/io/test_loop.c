#include "io/loop.h"

#include <poll.h>
#include <unistd.h>

#include "io/clock.h"
#include "test.h"

enum { TIMER_COUNT = 64 };

/* A loop, and a record of what it called. */
struct stage {
    struct fs_loop loop;
    struct fs_timer timers[TIMER_COUNT];
    double fired[2 * TIMER_COUNT]; /* due times, in the order of the calls */
    size_t fired_count;
    int pipe[2];
    unsigned ready_count;
    unsigned ready_what;
    struct fs_watch *watches[2];
};

static void on_expired(struct fs_timer *timer)
{
    struct stage *stage = timer->owner;
    stage->fired[stage->fired_count++] = timer->due;
}

static void on_ready(struct fs_watch *watch, unsigned what)
{
    struct stage *stage = watch->owner;
    stage->ready_count++;
    stage->ready_what = what;
}

static void open_stage(struct stage *stage)
{
    *stage = (struct stage){0};
    CHECK_INT(fs_loop_open(&stage->loop), 0);
    CHECK_INT(pipe(stage->pipe), 0);
    CHECK(fs_loop_reserve_timers(&stage->loop, TIMER_COUNT));
    for (size_t i = 0; i < TIMER_COUNT; i++)
        stage->timers[i] = (struct fs_timer){.expired = on_expired, .owner = stage};
}

static void close_stage(struct stage *stage)
{
    fs_loop_close(&stage->loop);
    close(stage->pipe[0]);
    close(stage->pipe[1]);
}

static int readable(struct stage *stage, int milliseconds)
{
    struct pollfd watched = {.fd = stage->loop.epoll_fd, .events = POLLIN};
    return poll(&watched, 1, milliseconds);
}

/* ---- timers ---- */

static void timers_fire_in_order_and_once(void)
{
    struct stage stage;
    open_stage(&stage);
    for (size_t i = 0; i < TIMER_COUNT; i++)
        fs_loop_set_timer(&stage.loop, &stage.timers[i], 100 + (double)(i * 37 % TIMER_COUNT));
    CHECK(fs_loop_next_due(&stage.loop) == 100);
    fs_loop_expire(&stage.loop, 99.9);
    CHECK_INT((int64_t)stage.fired_count, 0);
    fs_loop_expire(&stage.loop, 131);
    CHECK_INT((int64_t)stage.fired_count, 32);
    fs_loop_expire(&stage.loop, 1e6);
    fs_loop_expire(&stage.loop, 1e6);
    CHECK_INT((int64_t)stage.fired_count, TIMER_COUNT);
    for (size_t i = 0; i < TIMER_COUNT; i++)
        CHECK(stage.fired[i] == 100 + (double)i);
    CHECK(fs_loop_next_due(&stage.loop) < 0);
    close_stage(&stage);
}

static void timers_can_be_moved_and_cleared(void)
{
    struct stage stage;
    open_stage(&stage);
    for (size_t i = 0; i < TIMER_COUNT; i++)
        fs_loop_set_timer(&stage.loop, &stage.timers[i], 100 + (double)(i * 29 % TIMER_COUNT));
    for (size_t i = 0; i < TIMER_COUNT; i += 4)
        fs_loop_clear_timer(&stage.loop, &stage.timers[i]);
    fs_loop_clear_timer(&stage.loop, &stage.timers[0]);
    for (size_t i = 1; i < TIMER_COUNT; i += 4)
        fs_loop_set_timer(&stage.loop, &stage.timers[i], 1000 - stage.timers[i].due);
    fs_loop_expire(&stage.loop, 1e6);
    CHECK_INT((int64_t)stage.fired_count, TIMER_COUNT * 3 / 4);
    for (size_t i = 1; i < stage.fired_count; i++)
        CHECK(stage.fired[i - 1] <= stage.fired[i]);
    for (size_t i = 0; i < TIMER_COUNT; i++)
        CHECK(stage.timers[i].slot == 0);
    close_stage(&stage);
}

static void on_expired_meddle(struct fs_timer *timer)
{
    struct stage *stage = timer->owner;
    on_expired(timer);
    fs_loop_clear_timer(&stage->loop, &stage->timers[1]);
    if (stage->fired_count == 1)
        fs_loop_set_timer(&stage->loop, timer, timer->due + 1);
}

static void a_timer_may_set_and_clear_timers_when_it_fires(void)
{
    struct stage stage;
    open_stage(&stage);
    stage.timers[0].expired = on_expired_meddle;
    for (size_t i = 0; i < 3; i++)
        fs_loop_set_timer(&stage.loop, &stage.timers[i], 10);
    fs_loop_set_timer(&stage.loop, &stage.timers[0], 9);
    fs_loop_expire(&stage.loop, 10);
    CHECK_INT((int64_t)stage.fired_count, 3);
    CHECK(stage.timers[1].slot == 0);
    CHECK(fs_loop_next_due(&stage.loop) < 0);
    close_stage(&stage);
}

/* ---- the descriptor ---- */

static void the_descriptor_is_readable_when_a_timer_is_due(void)
{
    struct stage stage;
    open_stage(&stage);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    double now = fs_clock_monotonic();
    fs_loop_set_timer(&stage.loop, &stage.timers[0], now + 3600);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    fs_loop_set_timer(&stage.loop, &stage.timers[1], now + 0.01);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 5000), 1);
    CHECK(fs_clock_monotonic() >= now + 0.01);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    fs_loop_expire(&stage.loop, fs_clock_monotonic());
    CHECK_INT((int64_t)stage.fired_count, 1);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    close_stage(&stage);
}

static void a_timer_that_is_gone_wakes_it_once_at_most(void)
{
    struct stage stage;
    open_stage(&stage);
    double now = fs_clock_monotonic();
    fs_loop_set_timer(&stage.loop, &stage.timers[0], now + 0.01);
    fs_loop_set_timer(&stage.loop, &stage.timers[1], now + 0.05);
    fs_loop_arm(&stage.loop, false);
    fs_loop_clear_timer(&stage.loop, &stage.timers[0]);
    int rounds = 0;
    while (stage.fired_count == 0 && rounds < 10) {
        fs_loop_arm(&stage.loop, false);
        CHECK_INT(readable(&stage, 5000), 1);
        CHECK_INT(fs_loop_run(&stage.loop), 0);
        fs_loop_expire(&stage.loop, fs_clock_monotonic());
        rounds++;
    }
    CHECK(stage.fired[0] == now + 0.05);
    CHECK(rounds <= 2);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    close_stage(&stage);
}

static void an_earlier_timer_is_not_missed(void)
{
    struct stage stage;
    open_stage(&stage);
    double now = fs_clock_monotonic();
    fs_loop_set_timer(&stage.loop, &stage.timers[0], now + 3600);
    fs_loop_arm(&stage.loop, false);
    fs_loop_set_timer(&stage.loop, &stage.timers[1], now + 0.02);
    fs_loop_arm(&stage.loop, false);
    fs_loop_set_timer(&stage.loop, &stage.timers[2], now + 0.01);
    fs_loop_arm(&stage.loop, false);
    while (stage.fired_count < 2 && readable(&stage, 5000) == 1) {
        CHECK_INT(fs_loop_run(&stage.loop), 0);
        fs_loop_expire(&stage.loop, fs_clock_monotonic());
        fs_loop_arm(&stage.loop, false);
    }
    CHECK(stage.fired[0] == now + 0.01 && stage.fired[1] == now + 0.02);
    close_stage(&stage);
}

static void a_timer_of_the_past_makes_it_readable_at_once(void)
{
    struct stage stage;
    open_stage(&stage);
    fs_loop_set_timer(&stage.loop, &stage.timers[0], fs_clock_monotonic());
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 5000), 1);
    fs_loop_clear_timer(&stage.loop, &stage.timers[0]);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    close_stage(&stage);
}

static void a_timer_beyond_all_time_does_not_keep_it_readable(void)
{
    struct stage stage;
    open_stage(&stage);
    fs_loop_set_timer(&stage.loop, &stage.timers[0], fs_clock_monotonic());
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 5000), 1);
    fs_loop_expire(&stage.loop, fs_clock_monotonic());
    fs_loop_set_timer(&stage.loop, &stage.timers[0], 9223372036854775807.0);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    close_stage(&stage);
}

static void it_stays_readable_while_it_is_kept_awake(void)
{
    struct stage stage;
    open_stage(&stage);
    fs_loop_arm(&stage.loop, true);
    fs_loop_arm(&stage.loop, true);
    CHECK_INT(readable(&stage, 0), 1);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(readable(&stage, 0), 1);
    fs_loop_arm(&stage.loop, false);
    CHECK_INT(readable(&stage, 0), 0);
    close_stage(&stage);
}

/* ---- watched descriptors ---- */

static void a_watch_is_called_for_what_it_asked(void)
{
    struct stage stage;
    open_stage(&stage);
    struct fs_watch *watch = fs_loop_watch(&stage.loop, stage.pipe[0], FS_LOOP_READ, on_ready, &stage);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(stage.ready_count, 0);
    CHECK_INT(write(stage.pipe[1], "x", 1), 1);
    CHECK_INT(readable(&stage, 0), 1);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(stage.ready_count, 2);
    CHECK_INT(stage.ready_what, FS_LOOP_READ);
    CHECK_INT(fs_loop_change(&stage.loop, watch, 0), 0);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(stage.ready_count, 2);
    fs_loop_unwatch(&stage.loop, watch);
    watch = fs_loop_watch(&stage.loop, stage.pipe[1], FS_LOOP_READ | FS_LOOP_WRITE, on_ready, &stage);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(stage.ready_what, FS_LOOP_WRITE);
    close(stage.pipe[0]);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK(stage.ready_what & FS_LOOP_FAILED);
    fs_loop_unwatch(&stage.loop, watch);
    stage.pipe[0] = dup(stage.pipe[1]);
    close_stage(&stage);
}

static void on_ready_end_both(struct fs_watch *watch, unsigned what)
{
    struct stage *stage = watch->owner;
    (void)what;
    stage->ready_count++;
    for (size_t i = 0; i < 2; i++)
        fs_loop_unwatch(&stage->loop, stage->watches[i]);
}

static void a_watch_may_be_ended_by_another_of_the_same_round(void)
{
    struct stage stage;
    open_stage(&stage);
    int second[2];
    CHECK_INT(pipe(second), 0);
    CHECK_INT(write(stage.pipe[1], "x", 1) + write(second[1], "x", 1), 2);
    /* Whichever comes first ends both; epoll has reported both by then. */
    stage.watches[0] = fs_loop_watch(&stage.loop, stage.pipe[0], FS_LOOP_READ, on_ready_end_both, &stage);
    stage.watches[1] = fs_loop_watch(&stage.loop, second[0], FS_LOOP_READ, on_ready_end_both, &stage);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(stage.ready_count, 1);
    CHECK_INT(readable(&stage, 0), 0);
    close(second[0]);
    close(second[1]);
    close_stage(&stage);
}

static void a_descriptor_that_was_closed_first_is_no_trouble(void)
{
    struct stage stage;
    open_stage(&stage);
    struct fs_watch *watch = fs_loop_watch(&stage.loop, stage.pipe[0], FS_LOOP_READ, on_ready, &stage);
    int number = stage.pipe[0];
    close(number);
    CHECK_INT(fs_loop_change(&stage.loop, watch, FS_LOOP_READ), 0);
    /* The same number, another descriptor: watching goes on with that. */
    int second[2];
    CHECK_INT(pipe(second), 0);
    CHECK_INT(dup2(second[0], number), number);
    CHECK_INT(write(second[1], "x", 1), 1);
    CHECK_INT(fs_loop_change(&stage.loop, watch, FS_LOOP_READ), 0);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    CHECK_INT(stage.ready_count, 1);
    close(number);
    fs_loop_unwatch(&stage.loop, watch);
    CHECK_INT(fs_loop_run(&stage.loop), 0);
    stage.pipe[0] = second[0];
    close(second[1]);
    close_stage(&stage);
}

static const struct test tests[] = {
    {"timers fire in order, and once", timers_fire_in_order_and_once},
    {"timers can be moved and cleared", timers_can_be_moved_and_cleared},
    {"a timer may set and clear timers when it fires", a_timer_may_set_and_clear_timers_when_it_fires},
    {"the descriptor is readable when a timer is due, not before", the_descriptor_is_readable_when_a_timer_is_due},
    {"a timer that is gone wakes it once at most", a_timer_that_is_gone_wakes_it_once_at_most},
    {"an earlier timer is not missed", an_earlier_timer_is_not_missed},
    {"a timer of the past makes it readable at once", a_timer_of_the_past_makes_it_readable_at_once},
    {"a timer beyond all time does not keep it readable", a_timer_beyond_all_time_does_not_keep_it_readable},
    {"it stays readable while it is kept awake", it_stays_readable_while_it_is_kept_awake},
    {"a watch is called for what it asked, and for failure", a_watch_is_called_for_what_it_asked},
    {"a watch may be ended by another of the same round", a_watch_may_be_ended_by_another_of_the_same_round},
    {"a descriptor that was closed first is no trouble", a_descriptor_that_was_closed_first_is_no_trouble},
};
SUITE(loop, tests);
