#include "hold.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sandbox/base/timestamp.h"

enum { MOST_HOLDS = 1024, LONGEST_SLEEP_MS = 60000 };

struct hold {
    struct MHD_Connection *connection;
    int socket;
    int64_t until;
};

struct sb_holds {
    pthread_mutex_t lock; /* guards the list, to which others add and from which the thread alone removes */
    struct hold list[MOST_HOLDS];
    size_t count;
    bool releasing;
    struct pollfd watched[1 + MOST_HOLDS]; /* the thread's: the event, then the sockets in the order of the holds */
    int event;                             /* eventfd(2): there is a new hold, or all are let go */
    pthread_t thread;
};

/* Lets go whose time is over. Answers the milliseconds until the next one's is. Under the lock. */
static int resume_due(struct sb_holds *holds)
{
    int64_t now = sb_timestamp_now();
    int64_t soonest = now + LONGEST_SLEEP_MS;
    size_t kept = 0;
    for (size_t i = 0; i < holds->count; i++) {
        struct hold hold = holds->list[i];
        if (holds->releasing || hold.until <= now) {
            MHD_resume_connection(hold.connection);
            continue;
        }
        soonest = hold.until < soonest ? hold.until : soonest;
        holds->list[kept++] = hold;
    }
    holds->count = kept;
    return (int)(soonest - now);
}

/* Under the lock. */
static size_t list_sockets(struct sb_holds *holds)
{
    holds->watched[0] = (struct pollfd){.fd = holds->event, .events = POLLIN};
    for (size_t i = 0; i < holds->count; i++)
        holds->watched[i + 1] = (struct pollfd){.fd = holds->list[i].socket, .events = POLLRDHUP};
    return holds->count;
}

static void sleep_until(struct sb_holds *holds, size_t sockets, int milliseconds)
{
    uint64_t ignored;
    if (poll(holds->watched, (nfds_t)(sockets + 1), milliseconds) <= 0)
        return;
    if (holds->watched[0].revents && read(holds->event, &ignored, sizeof ignored) < 0)
        return; /* another wake-up will come */
    pthread_mutex_lock(&holds->lock);
    for (size_t i = 0; i < sockets; i++) {
        if (holds->watched[i + 1].revents)
            holds->list[i].until = 0;
    }
    pthread_mutex_unlock(&holds->lock);
}

static void *resume_in_time(void *argument)
{
    struct sb_holds *holds = argument;
    bool releasing = false;
    while (!releasing) {
        pthread_mutex_lock(&holds->lock);
        int milliseconds = resume_due(holds);
        size_t sockets = list_sockets(holds);
        releasing = holds->releasing;
        pthread_mutex_unlock(&holds->lock);
        if (!releasing)
            sleep_until(holds, sockets, milliseconds);
    }
    return NULL;
}

struct sb_holds *sb_holds_start(struct fs_buffer *problem)
{
    struct sb_holds *holds = calloc(1, sizeof *holds);
    if (!holds) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&holds->lock, NULL);
    holds->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (holds->event >= 0 && pthread_create(&holds->thread, NULL, resume_in_time, holds) == 0)
        return holds;
    fs_buffer_append_text(problem, "cannot start a thread for held connections");
    holds->releasing = true;
    sb_holds_free(holds);
    return NULL;
}

static void wake(struct sb_holds *holds)
{
    uint64_t one = 1;
    if (write(holds->event, &one, sizeof one) < 0)
        return; /* the event is pending already */
}

bool sb_holds_add(struct sb_holds *holds, struct MHD_Connection *connection, int64_t milliseconds)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    pthread_mutex_lock(&holds->lock);
    bool added = info && !holds->releasing && holds->count < MOST_HOLDS;
    if (added) {
        MHD_suspend_connection(connection);
        holds->list[holds->count++] = (struct hold){connection, info->connect_fd, sb_timestamp_now() + milliseconds};
    }
    pthread_mutex_unlock(&holds->lock);
    if (added)
        wake(holds);
    return added;
}

void sb_holds_release(struct sb_holds *holds)
{
    pthread_mutex_lock(&holds->lock);
    bool first = !holds->releasing;
    holds->releasing = true;
    pthread_mutex_unlock(&holds->lock);
    wake(holds);
    if (first)
        pthread_join(holds->thread, NULL);
}

void sb_holds_free(struct sb_holds *holds)
{
    if (!holds)
        return;
    if (!holds->releasing)
        sb_holds_release(holds);
    if (holds->event >= 0)
        close(holds->event);
    pthread_mutex_destroy(&holds->lock);
    free(holds);
}
