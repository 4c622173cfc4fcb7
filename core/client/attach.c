#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "io/clock.h"
#include "value/error.h"

/* Told once, so that one that nobody looks after does not keep the set readable and finseg_client_await() busy. */
enum { WATCHED_FOR = FS_LOOP_READ | FS_LOOP_ONCE };

static void on_ready(struct fs_watch *watch, unsigned what)
{
    (void)what;
    struct fs_companion *companion = watch->owner;
    companion->ready = true;
}

static void on_alarm(struct fs_timer *timer)
{
    struct fs_companion *companion = timer->owner;
    companion->ready = true;
}

/* The place that refers to the companion of a descriptor, or to the end of the list. */
static struct fs_companion **find(finseg_client *client, int fd)
{
    struct fs_companion **place = &client->companions;
    while (*place && (*place)->fd != fd)
        place = &(*place)->next;
    return place;
}

/* Its owner may close the descriptor at any time, and the next socket of libcurl takes the number. So what the client
 * watches, changes and lets go of is a duplicate. */
static struct fs_watch *watch_duplicate(struct fs_companion *companion)
{
    int duplicate = fcntl(companion->fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0)
        return NULL;
    struct fs_watch *watch = fs_loop_watch(&companion->client->loop, duplicate, WATCHED_FOR, on_ready, companion);
    if (!watch) {
        int reason = errno;
        close(duplicate);
        errno = reason;
    }
    return watch;
}

static struct fs_companion *new_companion(finseg_client *client, int fd)
{
    if (!fs_loop_reserve_timers(&client->loop, 1)) {
        errno = ENOMEM;
        return NULL;
    }
    struct fs_companion *companion = calloc(1, sizeof *companion);
    if (companion) {
        *companion =
            (struct fs_companion){.client = client, .fd = fd, .alarm = {.expired = on_alarm, .owner = companion}};
        companion->watch = watch_duplicate(companion);
        if (companion->watch)
            return companion;
    }
    free(companion);
    fs_loop_release_timers(&client->loop, 1);
    return NULL;
}

static void free_companion(struct fs_companion *companion)
{
    struct fs_loop *loop = &companion->client->loop;
    fs_loop_clear_timer(loop, &companion->alarm);
    fs_loop_release_timers(loop, 1);
    int duplicate = companion->watch->fd;
    fs_loop_unwatch(loop, companion->watch);
    close(duplicate);
    free(companion);
}

void fs_companion_free_all(finseg_client *client)
{
    while (client->companions) {
        struct fs_companion *companion = client->companions;
        client->companions = companion->next;
        free_companion(companion);
    }
}

void fs_companion_abandon_all(const finseg_client *client)
{
    for (const struct fs_companion *companion = client->companions; companion; companion = companion->next)
        close(companion->watch->fd);
}

int finseg_client_watch(finseg_client *client, int fd, finseg_error **error)
{
    if (!fs_client_is_ours(client)) {
        fs_client_refuse_child(error);
        return -1;
    }
    struct fs_companion **place = find(client, fd);
    if (*place)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_INVALID, "the client watches descriptor %d already", fd));
    *place = new_companion(client, fd);
    if (*place)
        return 0;
    int reason = errno;
    char what[64];
    snprintf(what, sizeof what, "the client cannot watch descriptor %d", fd);
    return fs_error_give(error, fs_error_system(FINSEG_ERROR_NETWORK, what, reason));
}

void finseg_client_unwatch(finseg_client *client, int fd)
{
    struct fs_companion **place = find(client, fd);
    struct fs_companion *companion = *place;
    if (!companion || !fs_client_is_ours(client))
        return;
    *place = companion->next;
    free_companion(companion);
    fs_client_settle(client);
}

void finseg_client_alarm(finseg_client *client, int fd, double seconds)
{
    struct fs_companion *companion = *find(client, fd);
    if (!companion || !fs_client_is_ours(client))
        return;
    if (seconds >= 0)
        fs_loop_set_timer(&client->loop, &companion->alarm, fs_clock_monotonic() + seconds);
    else
        fs_loop_clear_timer(&client->loop, &companion->alarm);
    fs_client_settle(client);
}

int finseg_client_next_ready(finseg_client *client)
{
    if (!fs_client_is_ours(client))
        return -1;
    for (struct fs_companion *companion = client->companions; companion; companion = companion->next) {
        if (!companion->ready)
            continue;
        companion->ready = false;
        fs_loop_change(&client->loop, companion->watch, WATCHED_FOR);
        return companion->fd;
    }
    return -1;
}
