#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.h"
#include "io/clock.h"
#include "rate.h"

enum {
    MOST_CONNECTIONS = 256,
    SHARE = 4,  /* one in so many of the process's descriptors, at most */
    MARGIN = 4, /* one in so many more, which libmicrohttpd has not noticed to be hung up */
    CONNECTION_MEMORY = 16 * 1024,
    MOST_TARGETS = 4096, /* kept at a time */
    MOST_TURNS = 16,     /* a step: others want their turn, too */
    /* A body beyond the limit is read and refused politely, but only up to so many times the limit. */
    POLITENESS = 16
};

enum answer { ACCEPTED, NO_SUCH_PATH, WRONG_METHOD, TOO_LARGE, TOO_MANY, ANSWERS };

static const struct {
    unsigned status;
    const char *header; /* NULL: none but the usual */
    const char *value;
} answers[ANSWERS] = {
    [ACCEPTED] = {MHD_HTTP_NO_CONTENT, NULL, NULL},
    [NO_SUCH_PATH] = {MHD_HTTP_NOT_FOUND, NULL, NULL},
    [WRONG_METHOD] = {MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST},
    [TOO_LARGE] = {MHD_HTTP_CONTENT_TOO_LARGE, NULL, NULL},
    [TOO_MANY] = {MHD_HTTP_TOO_MANY_REQUESTS, MHD_HTTP_HEADER_RETRY_AFTER, "1"},
};

struct fs_receiver {
    struct MHD_Daemon *daemon;
    struct MHD_Response *responses[ANSWERS];
    pid_t process;
    int listener;
    int spare; /* a descriptor to give up when there is no other; -1: none */
    char *path;
    size_t path_length;
    uint64_t largest_body;
    double patience; /* seconds */
    unsigned most_connections;
    struct fs_rate rate;
    struct fs_connections connections;
    bool has_closed; /* a connection, in this turn */
    char *targets[MOST_TARGETS];
    size_t first; /* of the targets, which are kept in a ring */
    size_t count;
    uint64_t refused[FS_REFUSALS];
};

/* ---- requests -------------------------------------------------------------------------------------------- */

static enum MHD_Result send_answer(struct fs_receiver *receiver, struct MHD_Connection *connection, enum answer answer)
{
    static const enum fs_refusal refusals[ANSWERS] = {
        [NO_SUCH_PATH] = FS_REFUSED_PATH,
        [WRONG_METHOD] = FS_REFUSED_METHOD,
        [TOO_LARGE] = FS_REFUSED_TOO_LARGE,
        [TOO_MANY] = FS_REFUSED_RATE,
    };
    if (answer != ACCEPTED)
        receiver->refused[refusals[answer]]++;
    return MHD_queue_response(connection, answers[answer].status, receiver->responses[answer]);
}

static bool is_target(const struct fs_receiver *receiver, const char *path)
{
    return strlen(path) <= FS_LONGEST_TARGET && strncmp(path, receiver->path, receiver->path_length) == 0 &&
           path[receiver->path_length] == '/' && path[receiver->path_length + 1] != '\0';
}

/* Keeps a target. False when there is no room. */
static bool keep(struct fs_receiver *receiver, const char *target)
{
    if (receiver->count == MOST_TARGETS)
        return false;
    char *copy = strdup(target);
    if (!copy)
        return false;
    receiver->targets[(receiver->first + receiver->count++) % MOST_TARGETS] = copy;
    return true;
}

/* What is to be said to a request that is there to its end; the callback of a good one is kept. */
static enum answer judge(struct fs_receiver *receiver, const char *path, const char *method, uint64_t received)
{
    if (!is_target(receiver, path))
        return NO_SUCH_PATH;
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return WRONG_METHOD;
    if (received > receiver->largest_body)
        return TOO_LARGE;
    return fs_rate_take(&receiver->rate, fs_clock_monotonic()) && keep(receiver, path) ? ACCEPTED : TOO_MANY;
}

static uint64_t announced_length(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) : 0;
}

/* libmicrohttpd calls this when the headers are there, for each piece of the body, and at the end. */
static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *piece, size_t *piece_length, void **context)
{
    (void)version;
    (void)piece;
    struct fs_receiver *receiver = closure;
    struct fs_connection *sender = *context;
    if (!sender) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        sender = info ? info->socket_context : NULL;
        if (!sender)
            return MHD_NO;
        *context = sender;
        sender->received = 0;
        if (announced_length(connection) > receiver->largest_body)
            return send_answer(receiver, connection, judge(receiver, path, method, UINT64_MAX));
        return MHD_YES;
    }
    if (*piece_length == 0)
        return send_answer(receiver, connection, judge(receiver, path, method, sender->received));
    sender->received += *piece_length;
    *piece_length = 0;
    if (sender->received / POLITENESS <= receiver->largest_body)
        return MHD_YES;
    receiver->refused[FS_REFUSED_TOO_LARGE]++;
    return MHD_NO;
}

static void complete_request(void *closure, struct MHD_Connection *connection, void **context,
                             enum MHD_RequestTerminationCode reason)
{
    (void)connection;
    struct fs_receiver *receiver = closure;
    if (*context && reason == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        fs_connections_renew(&receiver->connections, *context, fs_clock_monotonic());
    *context = NULL;
}

/* Paths stay as they are on the wire. */
static size_t leave_encoded(void *closure, struct MHD_Connection *connection, char *text)
{
    (void)closure;
    (void)connection;
    return strlen(text);
}

/* ---- connections ----------------------------------------------------------------------------------------- */

static void open_connection(struct fs_receiver *receiver, struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    int fd = info->connect_fd;
    *context = fs_connections_add(&receiver->connections, fd, fs_clock_monotonic());
    if (!*context)
        shutdown(fd, SHUT_RDWR);
    /* One limit for all addresses: behind a load balancer everybody has the same one. */
    if (receiver->connections.count > receiver->most_connections)
        fs_connections_hang_up_first(&receiver->connections);
}

static void follow_connection(void *closure, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct fs_receiver *receiver = closure;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        open_connection(receiver, connection, context);
        return;
    }
    receiver->has_closed = true;
    fs_connections_remove(&receiver->connections, *context);
    *context = NULL;
}

/* Seconds until the first connection has used up its patience; negative: there is none. */
static double until_first_overdue(const struct fs_receiver *receiver)
{
    const struct fs_connection *first = receiver->connections.first;
    if (!first)
        return -1;
    double seconds = first->idle_since + receiver->patience - fs_clock_monotonic();
    return seconds > 0 ? seconds : 0;
}

static void hang_up_overdue(struct fs_receiver *receiver)
{
    while (until_first_overdue(receiver) == 0)
        fs_connections_hang_up_first(&receiver->connections);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Whether somebody waits to be accepted, and the process has no descriptor left for that. If it has, a spare one that
 * was lost is replaced. */
static bool cannot_accept(struct fs_receiver *receiver)
{
    struct pollfd waiting = {.fd = receiver->listener, .events = POLLIN};
    if (poll(&waiting, 1, 0) != 1)
        return false;
    int another = open_spare();
    if (another < 0)
        return true;
    if (receiver->spare < 0)
        receiver->spare = another;
    else
        close(another);
    return false;
}

/* A connection that cannot be accepted would keep the listener readable and the program busy. It is taken with the
 * descriptor that was kept for this, and closed. */
static void turn_away(struct fs_receiver *receiver)
{
    if (receiver->spare < 0)
        return;
    close(receiver->spare);
    int refused = accept4(receiver->listener, NULL, NULL, SOCK_CLOEXEC);
    if (refused >= 0)
        close(refused);
    receiver->spare = open_spare();
}

/* ---- the server ------------------------------------------------------------------------------------------ */

/* Whether libmicrohttpd wants to be called again at once. It looks again whether it may accept only when it is called,
 * so a connection that was closed is a reason, too. */
static bool has_more(const struct fs_receiver *receiver)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;
    return receiver->has_closed || (MHD_get_timeout(receiver->daemon, &milliseconds) == MHD_YES && milliseconds == 0);
}

size_t fs_receiver_step(struct fs_receiver *receiver)
{
    int turns = 0;
    hang_up_overdue(receiver);
    do {
        receiver->has_closed = false;
        MHD_run(receiver->daemon);
    } while (++turns < MOST_TURNS && has_more(receiver));
    if (cannot_accept(receiver)) {
        if (receiver->connections.count > 0)
            fs_connections_hang_up_first(&receiver->connections);
        else
            turn_away(receiver);
    }
    return receiver->count;
}

static bool make_responses(struct fs_receiver *receiver)
{
    for (int i = 0; i < ANSWERS; i++) {
        struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        receiver->responses[i] = response;
        if (!response)
            return false;
        if (answers[i].header && MHD_add_response_header(response, answers[i].header, answers[i].value) != MHD_YES)
            return false;
    }
    return true;
}

/* The program has other work, which needs descriptors, too. */
static unsigned most_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / SHARE >= MOST_CONNECTIONS)
        return MOST_CONNECTIONS;
    return limit.rlim_cur / SHARE > 0 ? (unsigned)(limit.rlim_cur / SHARE) : 1;
}

static struct MHD_Daemon *start_daemon(struct fs_receiver *receiver, int listener)
{
    unsigned most = receiver->most_connections;
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, receiver, MHD_OPTION_LISTEN_SOCKET, listener,
                            MHD_OPTION_CONNECTION_LIMIT, most + most / MARGIN + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, complete_request, receiver, MHD_OPTION_NOTIFY_CONNECTION,
                            follow_connection, receiver, MHD_OPTION_END);
}

static void free_receiver(struct fs_receiver *receiver)
{
    for (int i = 0; i < ANSWERS; i++) {
        if (receiver->responses[i])
            MHD_destroy_response(receiver->responses[i]);
    }
    for (size_t i = 0; i < receiver->count; i++)
        free(receiver->targets[(receiver->first + i) % MOST_TARGETS]);
    if (receiver->spare >= 0)
        close(receiver->spare);
    free(receiver->path);
    free(receiver);
}

struct fs_receiver *fs_receiver_start(int listener, const struct fs_receiver_config *config)
{
    struct fs_receiver *receiver = calloc(1, sizeof *receiver);
    if (!receiver)
        return NULL;
    receiver->process = getpid();
    receiver->listener = listener;
    receiver->largest_body = config->largest_body;
    receiver->patience = config->patience;
    receiver->most_connections = most_connections();
    fs_rate_begin(&receiver->rate, config->rate, fs_clock_monotonic());
    receiver->path = strdup(config->path);
    receiver->path_length = strlen(config->path);
    receiver->spare = open_spare();
    if (receiver->path && receiver->spare >= 0 && make_responses(receiver)) {
        errno = 0;
        receiver->daemon = start_daemon(receiver, listener);
        if (receiver->daemon)
            return receiver;
    }
    int reason = errno != 0 ? errno : ENOMEM;
    free_receiver(receiver);
    errno = reason;
    return NULL;
}

/* What a process inherited by fork: closing it there changes nothing for the one that made it, but libmicrohttpd would
 * shut down the sockets that both have. Its memory is left. */
static void abandon(struct fs_receiver *receiver)
{
    for (struct fs_connection *each = receiver->connections.first; each; each = each->after)
        close(each->fd);
    close(fs_receiver_fd(receiver));
    close(receiver->listener);
    close(receiver->spare);
}

void fs_receiver_stop(struct fs_receiver *receiver)
{
    if (!receiver)
        return;
    if (receiver->process != getpid()) {
        abandon(receiver);
        return;
    }
    MHD_stop_daemon(receiver->daemon); /* closes the listener */
    free_receiver(receiver);
}

/* ---- looking --------------------------------------------------------------------------------------------- */

int fs_receiver_fd(const struct fs_receiver *receiver)
{
    return MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

double fs_receiver_next_timeout(const struct fs_receiver *receiver)
{
    return receiver->count > 0 || has_more(receiver) ? 0 : until_first_overdue(receiver);
}

bool fs_receiver_next(struct fs_receiver *receiver, char target[FS_LONGEST_TARGET + 1])
{
    if (receiver->count == 0)
        return false;
    char *kept = receiver->targets[receiver->first];
    memcpy(target, kept, strlen(kept) + 1);
    free(kept);
    receiver->first = (receiver->first + 1) % MOST_TARGETS;
    receiver->count--;
    return true;
}

size_t fs_receiver_connections(const struct fs_receiver *receiver)
{
    return receiver->connections.count;
}

uint64_t fs_receiver_refused(const struct fs_receiver *receiver, enum fs_refusal refusal)
{
    return receiver->refused[refusal];
}
