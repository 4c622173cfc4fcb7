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

struct fs_http_server {
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
    uint64_t refused[FS_REFUSED_COUNT];
};

/* ---- requests -------------------------------------------------------------------------------------------- */

static enum MHD_Result send_answer(struct fs_http_server *server, struct MHD_Connection *connection, enum answer answer)
{
    static const enum fs_refused reasons[ANSWERS] = {
        [NO_SUCH_PATH] = FS_REFUSED_PATH,
        [WRONG_METHOD] = FS_REFUSED_METHOD,
        [TOO_LARGE] = FS_REFUSED_TOO_LARGE,
        [TOO_MANY] = FS_REFUSED_RATE,
    };
    if (answer != ACCEPTED)
        server->refused[reasons[answer]]++;
    return MHD_queue_response(connection, answers[answer].status, server->responses[answer]);
}

static bool is_target(const struct fs_http_server *server, const char *path)
{
    return strlen(path) <= FS_LONGEST_TARGET && strncmp(path, server->path, server->path_length) == 0 &&
           path[server->path_length] == '/' && path[server->path_length + 1] != '\0';
}

/* Keeps a target. False when there is no room. */
static bool keep(struct fs_http_server *server, const char *target)
{
    if (server->count == MOST_TARGETS)
        return false;
    char *copy = strdup(target);
    if (!copy)
        return false;
    server->targets[(server->first + server->count++) % MOST_TARGETS] = copy;
    return true;
}

/* What is to be said to a request that is there to its end; the callback of a good one is kept. */
static enum answer judge(struct fs_http_server *server, const char *path, const char *method, uint64_t received)
{
    if (!is_target(server, path))
        return NO_SUCH_PATH;
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return WRONG_METHOD;
    if (received > server->largest_body)
        return TOO_LARGE;
    return fs_rate_take(&server->rate, fs_clock_monotonic()) && keep(server, path) ? ACCEPTED : TOO_MANY;
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
    struct fs_http_server *server = closure;
    struct fs_connection *sender = *context;
    if (!sender) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        sender = info ? info->socket_context : NULL;
        if (!sender)
            return MHD_NO;
        *context = sender;
        sender->received = 0;
        if (announced_length(connection) > server->largest_body)
            return send_answer(server, connection, judge(server, path, method, UINT64_MAX));
        return MHD_YES;
    }
    if (*piece_length == 0)
        return send_answer(server, connection, judge(server, path, method, sender->received));
    sender->received += *piece_length;
    *piece_length = 0;
    if (sender->received / POLITENESS <= server->largest_body)
        return MHD_YES;
    server->refused[FS_REFUSED_TOO_LARGE]++;
    return MHD_NO;
}

static void complete_request(void *closure, struct MHD_Connection *connection, void **context,
                             enum MHD_RequestTerminationCode reason)
{
    (void)connection;
    struct fs_http_server *server = closure;
    if (*context && reason == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        fs_connections_renew(&server->connections, *context, fs_clock_monotonic());
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

static void open_connection(struct fs_http_server *server, struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    int fd = info->connect_fd;
    *context = fs_connections_add(&server->connections, fd, fs_clock_monotonic());
    if (!*context)
        shutdown(fd, SHUT_RDWR);
    /* One limit for all addresses: behind a load balancer everybody has the same one. */
    if (server->connections.count > server->most_connections)
        fs_connections_hang_up_first(&server->connections);
}

static void follow_connection(void *closure, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct fs_http_server *server = closure;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        open_connection(server, connection, context);
        return;
    }
    server->has_closed = true;
    fs_connections_remove(&server->connections, *context);
    *context = NULL;
}

/* Seconds until the first connection has used up its patience; negative: there is none. */
static double until_first_overdue(const struct fs_http_server *server)
{
    const struct fs_connection *first = server->connections.first;
    if (!first)
        return -1;
    double seconds = first->idle_since + server->patience - fs_clock_monotonic();
    return seconds > 0 ? seconds : 0;
}

static void hang_up_overdue(struct fs_http_server *server)
{
    while (until_first_overdue(server) == 0)
        fs_connections_hang_up_first(&server->connections);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Whether somebody waits to be accepted, and the process has no descriptor left for that. If it has, a spare one that
 * was lost is replaced. */
static bool cannot_accept(struct fs_http_server *server)
{
    struct pollfd waiting = {.fd = server->listener, .events = POLLIN};
    if (poll(&waiting, 1, 0) != 1)
        return false;
    int another = open_spare();
    if (another < 0)
        return true;
    if (server->spare < 0)
        server->spare = another;
    else
        close(another);
    return false;
}

/* A connection that cannot be accepted would keep the listener readable and the program busy. It is taken with the
 * descriptor that was kept for this, and closed. */
static void turn_away(struct fs_http_server *server)
{
    if (server->spare < 0)
        return;
    close(server->spare);
    int refused = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (refused >= 0)
        close(refused);
    server->spare = open_spare();
}

/* ---- the server ------------------------------------------------------------------------------------------ */

/* Whether libmicrohttpd wants to be called again at once. It looks again whether it may accept only when it is called,
 * so a connection that was closed is a reason, too. */
static bool has_more(const struct fs_http_server *server)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;
    return server->has_closed || (MHD_get_timeout(server->daemon, &milliseconds) == MHD_YES && milliseconds == 0);
}

size_t fs_http_server_step(struct fs_http_server *server)
{
    int turns = 0;
    hang_up_overdue(server);
    do {
        server->has_closed = false;
        MHD_run(server->daemon);
    } while (++turns < MOST_TURNS && has_more(server));
    if (cannot_accept(server)) {
        if (server->connections.count > 0)
            fs_connections_hang_up_first(&server->connections);
        else
            turn_away(server);
    }
    return server->count;
}

static bool make_responses(struct fs_http_server *server)
{
    for (int i = 0; i < ANSWERS; i++) {
        struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        server->responses[i] = response;
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

static struct MHD_Daemon *start_daemon(struct fs_http_server *server, int listener)
{
    unsigned most = server->most_connections;
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, listener,
                            MHD_OPTION_CONNECTION_LIMIT, most + most / MARGIN + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, complete_request, server, MHD_OPTION_NOTIFY_CONNECTION,
                            follow_connection, server, MHD_OPTION_END);
}

static void free_server(struct fs_http_server *server)
{
    for (int i = 0; i < ANSWERS; i++) {
        if (server->responses[i])
            MHD_destroy_response(server->responses[i]);
    }
    for (size_t i = 0; i < server->count; i++)
        free(server->targets[(server->first + i) % MOST_TARGETS]);
    if (server->spare >= 0)
        close(server->spare);
    free(server->path);
    free(server);
}

struct fs_http_server *fs_http_server_start(int listener, const struct fs_http_server_config *config)
{
    struct fs_http_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->process = getpid();
    server->listener = listener;
    server->largest_body = config->largest_body;
    server->patience = config->patience;
    server->most_connections = most_connections();
    fs_rate_begin(&server->rate, config->rate, fs_clock_monotonic());
    server->path = strdup(config->path);
    server->path_length = strlen(config->path);
    server->spare = open_spare();
    if (server->path && server->spare >= 0 && make_responses(server)) {
        errno = 0;
        server->daemon = start_daemon(server, listener);
        if (server->daemon)
            return server;
    }
    int reason = errno != 0 ? errno : ENOMEM;
    free_server(server);
    errno = reason;
    return NULL;
}

/* What a process inherited by fork: closing it there changes nothing for the one that made it, but libmicrohttpd would
 * shut down the sockets that both have. Its memory is left. */
static void abandon(struct fs_http_server *server)
{
    for (struct fs_connection *each = server->connections.first; each; each = each->after)
        close(each->fd);
    close(fs_http_server_fd(server));
    close(server->listener);
    close(server->spare);
}

void fs_http_server_stop(struct fs_http_server *server)
{
    if (!server)
        return;
    if (server->process != getpid()) {
        abandon(server);
        return;
    }
    MHD_stop_daemon(server->daemon); /* closes the listener */
    free_server(server);
}

/* ---- looking --------------------------------------------------------------------------------------------- */

int fs_http_server_fd(const struct fs_http_server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

double fs_http_server_next_timeout(const struct fs_http_server *server)
{
    return server->count > 0 || has_more(server) ? 0 : until_first_overdue(server);
}

bool fs_http_server_next(struct fs_http_server *server, char target[FS_LONGEST_TARGET + 1])
{
    if (server->count == 0)
        return false;
    char *kept = server->targets[server->first];
    memcpy(target, kept, strlen(kept) + 1);
    free(kept);
    server->first = (server->first + 1) % MOST_TARGETS;
    server->count--;
    return true;
}

size_t fs_http_server_connections(const struct fs_http_server *server)
{
    return server->connections.count;
}

uint64_t fs_http_server_refused(const struct fs_http_server *server, enum fs_refused reason)
{
    return server->refused[reason];
}
