#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Told once, so that one that nobody looks after does not keep the set readable and finseg_client_await() busy. */
enum { WATCHED_FOR = FS_LOOP_READ | FS_LOOP_ONCE };

struct fs_attached {
    struct fs_loop *loop;
    int fd;                 /* as its owner calls it; that number may be another's by now */
    struct fs_watch *watch; /* of a duplicate, whose number is the client's own */
    struct fs_timer alarm;
    bool ready; /* and not told yet */
    LIST_ENTRY(fs_attached) link;
};

static void on_ready(struct fs_watch *watch, unsigned what)
{
    (void)what;
    struct fs_attached *attached = watch->owner;
    attached->ready = true;
}

static void on_alarm(struct fs_timer *timer)
{
    struct fs_attached *attached = timer->owner;
    attached->ready = true;
}

/* Its owner may close the descriptor at any time, and the next socket of libcurl takes the number. So what the client
 * watches, changes and lets go of is a duplicate. */
static bool watch_duplicate(struct fs_attached *attached)
{
    int duplicate = fcntl(attached->fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0)
        return false;
    attached->watch = fs_loop_watch(attached->loop, duplicate, WATCHED_FOR, on_ready, attached);
    if (attached->watch)
        return true;
    int reason = errno;
    close(duplicate);
    errno = reason;
    return false;
}

struct fs_attached *fs_attached_find(const struct fs_attached_list *list, int fd)
{
    struct fs_attached *attached = LIST_FIRST(&list->first);
    while (attached && attached->fd != fd)
        attached = LIST_NEXT(attached, link);
    return attached;
}

bool fs_attach(struct fs_attached_list *list, struct fs_loop *loop, int fd)
{
    if (!fs_loop_reserve_timers(loop, 1)) {
        errno = ENOMEM;
        return false;
    }
    struct fs_attached *attached = calloc(1, sizeof *attached);
    if (attached) {
        *attached = (struct fs_attached){.loop = loop, .fd = fd, .alarm = {.expired = on_alarm, .owner = attached}};
        if (watch_duplicate(attached)) {
            LIST_INSERT_HEAD(&list->first, attached, link);
            return true;
        }
    }
    free(attached);
    fs_loop_release_timers(loop, 1);
    return false;
}

void fs_detach(struct fs_attached *attached)
{
    struct fs_loop *loop = attached->loop;
    LIST_REMOVE(attached, link);
    fs_loop_clear_timer(loop, &attached->alarm);
    fs_loop_release_timers(loop, 1);
    int duplicate = attached->watch->fd;
    fs_loop_unwatch(loop, attached->watch);
    close(duplicate);
    free(attached);
}

void fs_detach_all(struct fs_attached_list *list)
{
    struct fs_attached *attached = LIST_FIRST(&list->first);
    while (attached) {
        struct fs_attached *next = LIST_NEXT(attached, link);
        fs_detach(attached);
        attached = next;
    }
}

void fs_detach_inherited(const struct fs_attached_list *list)
{
    const struct fs_attached *attached;
    LIST_FOREACH(attached, &list->first, link)
    close(attached->watch->fd);
}

void fs_attached_set_alarm(struct fs_attached *attached, double due)
{
    if (due >= 0)
        fs_loop_set_timer(attached->loop, &attached->alarm, due);
    else
        fs_loop_clear_timer(attached->loop, &attached->alarm);
}

int fs_attached_next_ready(struct fs_attached_list *list)
{
    struct fs_attached *attached;
    LIST_FOREACH(attached, &list->first, link)
    {
        if (!attached->ready)
            continue;
        attached->ready = false;
        fs_loop_change(attached->loop, attached->watch, WATCHED_FOR);
        return attached->fd;
    }
    return -1;
}
