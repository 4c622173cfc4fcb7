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

struct sb_pacer {
    pthread_mutex_t lock; /* guards the holds, which others add and the thread alone removes */
    struct hold holds[MOST_HOLDS];
    size_t count;
    bool releasing;
    struct pollfd watched[1 + MOST_HOLDS]; /* the thread's: the event, then the sockets in the order of the holds */
    int event;                             /* eventfd(2): there is a new hold, or all are let go */
    pthread_t thread;
};

/* Lets go whose time is over. Answers the milliseconds until the next one's is. Under the lock. */
static int resume_due(struct sb_pacer *pacer)
{
    int64_t now = sb_timestamp_now();
    int64_t soonest = now + LONGEST_SLEEP_MS;
    size_t kept = 0;
    for (size_t i = 0; i < pacer->count; i++) {
        struct hold hold = pacer->holds[i];
        if (pacer->releasing || hold.until <= now) {
            MHD_resume_connection(hold.connection);
            continue;
        }
        soonest = hold.until < soonest ? hold.until : soonest;
        pacer->holds[kept++] = hold;
    }
    pacer->count = kept;
    return (int)(soonest - now);
}

/* Under the lock. */
static size_t list_sockets(struct sb_pacer *pacer)
{
    pacer->watched[0] = (struct pollfd){.fd = pacer->event, .events = POLLIN};
    for (size_t i = 0; i < pacer->count; i++)
        pacer->watched[i + 1] = (struct pollfd){.fd = pacer->holds[i].socket, .events = POLLRDHUP};
    return pacer->count;
}

static void sleep_until(struct sb_pacer *pacer, size_t sockets, int milliseconds)
{
    uint64_t ignored;
    if (poll(pacer->watched, (nfds_t)(sockets + 1), milliseconds) <= 0)
        return;
    if (pacer->watched[0].revents && read(pacer->event, &ignored, sizeof ignored) < 0)
        return; /* another wake-up will come */
    pthread_mutex_lock(&pacer->lock);
    for (size_t i = 0; i < sockets; i++) {
        if (pacer->watched[i + 1].revents)
            pacer->holds[i].until = 0;
    }
    pthread_mutex_unlock(&pacer->lock);
}

static void *pace(void *argument)
{
    struct sb_pacer *pacer = argument;
    bool releasing = false;
    while (!releasing) {
        pthread_mutex_lock(&pacer->lock);
        int milliseconds = resume_due(pacer);
        size_t sockets = list_sockets(pacer);
        releasing = pacer->releasing;
        pthread_mutex_unlock(&pacer->lock);
        if (!releasing)
            sleep_until(pacer, sockets, milliseconds);
    }
    return NULL;
}

struct sb_pacer *sb_pacer_start(struct fs_buffer *problem)
{
    struct sb_pacer *pacer = calloc(1, sizeof *pacer);
    if (!pacer) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&pacer->lock, NULL);
    pacer->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pacer->event >= 0 && pthread_create(&pacer->thread, NULL, pace, pacer) == 0)
        return pacer;
    fs_buffer_append_text(problem, "cannot start a thread for held connections");
    pacer->releasing = true;
    sb_pacer_free(pacer);
    return NULL;
}

static void wake(struct sb_pacer *pacer)
{
    uint64_t one = 1;
    if (write(pacer->event, &one, sizeof one) < 0)
        return; /* the event is pending already */
}

bool sb_pacer_hold(struct sb_pacer *pacer, struct MHD_Connection *connection, int64_t milliseconds)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    pthread_mutex_lock(&pacer->lock);
    bool holds = info && !pacer->releasing && pacer->count < MOST_HOLDS;
    if (holds) {
        MHD_suspend_connection(connection);
        pacer->holds[pacer->count++] = (struct hold){connection, info->connect_fd, sb_timestamp_now() + milliseconds};
    }
    pthread_mutex_unlock(&pacer->lock);
    if (holds)
        wake(pacer);
    return holds;
}

void sb_pacer_release(struct sb_pacer *pacer)
{
    pthread_mutex_lock(&pacer->lock);
    bool first = !pacer->releasing;
    pacer->releasing = true;
    pthread_mutex_unlock(&pacer->lock);
    wake(pacer);
    if (first)
        pthread_join(pacer->thread, NULL);
}

void sb_pacer_free(struct sb_pacer *pacer)
{
    if (!pacer)
        return;
    if (!pacer->releasing)
        sb_pacer_release(pacer);
    if (pacer->event >= 0)
        close(pacer->event);
    pthread_mutex_destroy(&pacer->lock);
    free(pacer);
}
