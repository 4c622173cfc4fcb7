/*
 * The one file that knows epoll and timerfd: a private event set seen from outside as one descriptor. It holds
 * watched descriptors, a timerfd for the earliest timer, and an eventfd that keeps the set readable while results wait
 * to be taken or a timer is due.
 */
#ifndef FINSEG_LOOP_H
#define FINSEG_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/* ONCE: no more after the first time, until the watch is changed. */
enum { FS_LOOP_READ = 1, FS_LOOP_WRITE = 2, FS_LOOP_FAILED = 4, FS_LOOP_ONCE = 8 };

/* A descriptor that is watched. Allocated by fs_loop_watch(), freed by the loop when no event can name it any more. */
struct fs_watch {
    int fd;
    bool dead;
    void (*ready)(struct fs_watch *watch, unsigned what);
    void *owner;
    SLIST_ENTRY(fs_watch) in_dead;
};

/* A moment at which `expired` is called; lives inside its owner. Zero-initialise it. */
struct fs_timer {
    double due;  /* monotonic seconds */
    size_t slot; /* 1 + its place in the heap; 0: not set */
    void (*expired)(struct fs_timer *timer);
    void *owner;
};

struct fs_loop {
    int epoll_fd;
    int timer_fd;
    int wake_fd;
    bool awake;
    double armed_for; /* what the timerfd is set to: the earliest timer, or a moment before it; 0: nothing */
    struct fs_timer **heap;
    size_t timer_count;
    size_t timer_capacity;
    size_t timers_reserved;
    SLIST_HEAD(fs_dead_watches, fs_watch) dead;
};

/* What ran out, when the kernel would not give the few descriptors that a connection takes; else NULL. */
const char *fs_loop_shortage(void);

/* 0, or -1 with errno set; then nothing is left open. */
int fs_loop_open(struct fs_loop *loop);
void fs_loop_close(struct fs_loop *loop);

/* `what` is FS_LOOP_READ, FS_LOOP_WRITE and FS_LOOP_ONCE combined. NULL with errno set. */
struct fs_watch *fs_loop_watch(struct fs_loop *loop, int fd, unsigned what,
                               void (*ready)(struct fs_watch *watch, unsigned what), void *owner);
int fs_loop_change(struct fs_loop *loop, struct fs_watch *watch, unsigned what);
/* Safe from inside `ready`, and for a descriptor that is closed already. */
void fs_loop_unwatch(struct fs_loop *loop, struct fs_watch *watch);

/* Whoever owns timers reserves room for them first, so that setting one cannot fail. False when out of memory. */
bool fs_loop_reserve_timers(struct fs_loop *loop, size_t count);
/* Gives the room back; the timers must be clear. */
void fs_loop_release_timers(struct fs_loop *loop, size_t count);
/* Sets a timer, or moves one that is set. */
void fs_loop_set_timer(struct fs_loop *loop, struct fs_timer *timer, double due);
void fs_loop_clear_timer(struct fs_loop *loop, struct fs_timer *timer);
/* When the earliest timer is due; negative when none is set. */
double fs_loop_next_due(const struct fs_loop *loop);

/* Calls what is ready; never waits. 0, or -1 with errno set. */
int fs_loop_run(struct fs_loop *loop);
/* Calls the timers that are due at `now`. */
void fs_loop_expire(struct fs_loop *loop, double now);
/* Makes the set readable when the earliest timer is due, and at once if `awake`. Call it when timers may have changed. It
 * may become readable for a timer that is no longer set, once. */
void fs_loop_arm(struct fs_loop *loop, bool awake);

#endif
