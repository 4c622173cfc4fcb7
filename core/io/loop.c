#include "loop.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "value/shortage.h"

enum { EVENTS_A_ROUND = 64 };

/* What it takes to look a name up, with what reads a file at the same time. */
enum { SPARE_DESCRIPTORS = 4 };

/* Seconds: some thirty years. A service may ask for a pause beyond what the kernel's clock can say. */
#define FAR_AWAY 1e9

/* ---- descriptors ---- */

static uint32_t epoll_mask(unsigned what)
{
    return (what & FS_LOOP_READ ? (uint32_t)EPOLLIN : 0U) | (what & FS_LOOP_WRITE ? (uint32_t)EPOLLOUT : 0U) |
           (what & FS_LOOP_ONCE ? (uint32_t)EPOLLONESHOT : 0U);
}

static unsigned loop_mask(uint32_t events)
{
    return (events & EPOLLIN ? (unsigned)FS_LOOP_READ : 0U) | (events & EPOLLOUT ? (unsigned)FS_LOOP_WRITE : 0U) |
           (events & (EPOLLERR | EPOLLHUP) ? (unsigned)FS_LOOP_FAILED : 0U);
}

/* `mark` is what an event of this descriptor points to, in the place of a watch. */
static int add_own(struct fs_loop *loop, int fd, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
    return fd < 0 ? -1 : epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

const char *fs_loop_shortage(void)
{
    int spare[SPARE_DESCRIPTORS];
    int count = 0;
    const char *shortage = NULL;
    while (count < SPARE_DESCRIPTORS && (spare[count] = eventfd(0, EFD_CLOEXEC)) >= 0)
        count++;
    if (count < SPARE_DESCRIPTORS)
        shortage = fs_shortage(errno);
    while (count > 0)
        close(spare[--count]);
    return shortage;
}

int fs_loop_open(struct fs_loop *loop)
{
    *loop = (struct fs_loop){.epoll_fd = -1, .timer_fd = -1, .wake_fd = -1};
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd >= 0) {
        loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    if (loop->epoll_fd < 0 || add_own(loop, loop->timer_fd, &loop->timer_fd) != 0 ||
        add_own(loop, loop->wake_fd, &loop->wake_fd) != 0) {
        int reason = errno;
        fs_loop_close(loop);
        errno = reason;
        return -1;
    }
    return 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void bury(struct fs_loop *loop)
{
    struct fs_watch *watch;
    while ((watch = SLIST_FIRST(&loop->dead)) != NULL) {
        SLIST_REMOVE_HEAD(&loop->dead, in_dead);
        free(watch);
    }
}

void fs_loop_close(struct fs_loop *loop)
{
    bury(loop);
    close_if_open(loop->timer_fd);
    close_if_open(loop->wake_fd);
    close_if_open(loop->epoll_fd);
    free(loop->heap);
    *loop = (struct fs_loop){.epoll_fd = -1, .timer_fd = -1, .wake_fd = -1};
}

struct fs_watch *fs_loop_watch(struct fs_loop *loop, int fd, unsigned what,
                               void (*ready)(struct fs_watch *watch, unsigned what), void *owner)
{
    struct fs_watch *watch = malloc(sizeof *watch);
    if (!watch)
        return NULL;
    *watch = (struct fs_watch){.fd = fd, .ready = ready, .owner = owner};
    struct epoll_event event = {.events = epoll_mask(what), .data.ptr = watch};
    int result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    /* A number can come again while epoll still remembers a duplicate of the old descriptor. */
    if (result != 0 && errno == EEXIST)
        result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    if (result != 0) {
        int reason = errno;
        free(watch);
        errno = reason;
        return NULL;
    }
    return watch;
}

int fs_loop_change(struct fs_loop *loop, struct fs_watch *watch, unsigned what)
{
    struct epoll_event event = {.events = epoll_mask(what), .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0)
        return 0;
    /* libcurl may have closed the socket, and opened another of the same number. */
    if (errno == ENOENT)
        return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
    return errno == EBADF ? 0 : -1;
}

void fs_loop_unwatch(struct fs_loop *loop, struct fs_watch *watch)
{
    /* EBADF and ENOENT are normal: libcurl closes some sockets before it says so, and the kernel has forgotten them
     * then. */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->dead = true;
    SLIST_INSERT_HEAD(&loop->dead, watch, in_dead);
}

/* ---- timers: a binary heap by due time ---- */

static void place(struct fs_loop *loop, size_t index, struct fs_timer *timer)
{
    loop->heap[index] = timer;
    timer->slot = index + 1;
}

static void sift_up(struct fs_loop *loop, size_t index, struct fs_timer *timer)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (loop->heap[parent]->due <= timer->due)
            break;
        place(loop, index, loop->heap[parent]);
        index = parent;
    }
    place(loop, index, timer);
}

static void sift_down(struct fs_loop *loop, size_t index, struct fs_timer *timer)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= loop->timer_count)
            break;
        if (child + 1 < loop->timer_count && loop->heap[child + 1]->due < loop->heap[child]->due)
            child++;
        if (timer->due <= loop->heap[child]->due)
            break;
        place(loop, index, loop->heap[child]);
        index = child;
    }
    place(loop, index, timer);
}

static void settle(struct fs_loop *loop, size_t index, struct fs_timer *timer)
{
    if (index > 0 && timer->due < loop->heap[(index - 1) / 2]->due)
        sift_up(loop, index, timer);
    else
        sift_down(loop, index, timer);
}

bool fs_loop_reserve_timers(struct fs_loop *loop, size_t count)
{
    size_t needed = loop->timers_reserved + count;
    if (needed > loop->timer_capacity) {
        size_t capacity = loop->timer_capacity ? loop->timer_capacity : 16;
        while (capacity < needed)
            capacity *= 2;
        struct fs_timer **heap = realloc(loop->heap, capacity * sizeof(*heap));
        if (!heap)
            return false;
        loop->heap = heap;
        loop->timer_capacity = capacity;
    }
    loop->timers_reserved = needed;
    return true;
}

void fs_loop_release_timers(struct fs_loop *loop, size_t count)
{
    loop->timers_reserved -= count;
}

void fs_loop_set_timer(struct fs_loop *loop, struct fs_timer *timer, double due)
{
    timer->due = due;
    if (timer->slot > 0) {
        settle(loop, timer->slot - 1, timer);
        return;
    }
    loop->timer_count++;
    sift_up(loop, loop->timer_count - 1, timer);
}

void fs_loop_clear_timer(struct fs_loop *loop, struct fs_timer *timer)
{
    if (timer->slot == 0)
        return;
    size_t index = timer->slot - 1;
    timer->slot = 0;
    loop->timer_count--;
    struct fs_timer *last = loop->heap[loop->timer_count];
    if (last != timer)
        settle(loop, index, last);
}

double fs_loop_next_due(const struct fs_loop *loop)
{
    return loop->timer_count > 0 ? loop->heap[0]->due : -1;
}

/* ---- running ---- */

void fs_loop_expire(struct fs_loop *loop, double now)
{
    while (loop->timer_count > 0 && loop->heap[0]->due <= now) {
        struct fs_timer *timer = loop->heap[0];
        fs_loop_clear_timer(loop, timer);
        timer->expired(timer);
    }
}

/* The timerfd has come due: takes back its being readable. */
static void note_timer_fd(struct fs_loop *loop)
{
    uint64_t expirations;
    if (read(loop->timer_fd, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
        loop->armed_for = 0;
}

static void call_ready(struct fs_watch *watch, unsigned what)
{
    /* An earlier event of the same round may have ended this watch. */
    if (!watch->dead)
        watch->ready(watch, what);
}

int fs_loop_run(struct fs_loop *loop)
{
    struct epoll_event events[EVENTS_A_ROUND];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_ROUND, 0);
    if (count < 0 && errno != EINTR)
        return -1;
    for (int i = 0; i < count; i++) {
        void *source = events[i].data.ptr;
        if (source == &loop->timer_fd)
            note_timer_fd(loop);
        else if (source != &loop->wake_fd) /* which arm() deals with */
            call_ready(source, loop_mask(events[i].events));
    }
    bury(loop);
    return 0;
}

static void set_timer_fd(struct fs_loop *loop, double due)
{
    struct itimerspec setting = {{0, 0}, {0, 0}};
    double moment = due < FAR_AWAY ? due : FAR_AWAY;
    /* Rounded up by a nanosecond: waking before a timer is due would be a round for nothing. */
    double whole = floor(moment);
    setting.it_value.tv_sec = (time_t)whole;
    setting.it_value.tv_nsec = (long)((moment - whole) * 1e9) + 1;
    if (setting.it_value.tv_nsec > 999999999L) {
        setting.it_value.tv_sec++;
        setting.it_value.tv_nsec = 0;
    }
    timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &setting, NULL);
    loop->armed_for = due;
}

/*
 * Setting a timerfd costs more than all else that a round does, so it is set for an earlier timer only. One that was
 * cleared may leave it set: then it wakes the loop once for nothing. What is due already goes by the eventfd.
 */
void fs_loop_arm(struct fs_loop *loop, bool awake)
{
    double due = fs_loop_next_due(loop);
    if (due >= 0 && (loop->armed_for == 0 || due < loop->armed_for)) {
        if (due <= fs_clock_monotonic())
            awake = true;
        else
            set_timer_fd(loop, due);
    }
    if (awake != loop->awake) {
        uint64_t value = 1;
        ssize_t moved = awake ? write(loop->wake_fd, &value, sizeof value) : read(loop->wake_fd, &value, sizeof value);
        if (moved == (ssize_t)sizeof value)
            loop->awake = awake;
    }
}
