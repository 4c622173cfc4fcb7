#include "server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen_socket.h"
#include "send.h"
#include "value/secret.h"
#include "value/text.h"

enum {
    THREADS = 4,
    MOST_CONNECTIONS = 4096,
    IDLE_TIMEOUT = 60, /* seconds */
    /* A body beyond the service's limit is read to its end and refused politely, but only up to this many bytes. */
    LARGEST_UPLOAD = 16 * SB_REQUEST_LARGEST_BODY
};

struct sb_server {
    struct MHD_Daemon *daemon;
    const struct sb_service *service;
    struct sb_holds *holds;
    int listen_socket;
    char *path; /* NULL: a port */
    char *certificate;
    char *key;
};

/* A request while it arrives. */
struct arrival {
    char *target;
    struct fs_buffer body;
    uint64_t received; /* bytes of the body */
    bool started;      /* the headers were seen */
    enum sb_send_order order;
};

/* Called with the raw request target before anything else; what it answers becomes the handler's `*context`. */
static void *begin_arrival(void *closure, const char *target, struct MHD_Connection *connection)
{
    (void)closure;
    (void)connection;
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (!arrival)
        return NULL;
    arrival->target = fs_text_copy(target, strlen(target));
    if (arrival->target)
        return arrival;
    free(arrival);
    return NULL;
}

/* The connection is libmicrohttpd's to close; this ends both directions of its socket. */
static void hang_up(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        shutdown(info->connect_fd, SHUT_RDWR);
}

static void end_arrival(void *closure, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode reason)
{
    (void)closure;
    (void)reason;
    struct arrival *arrival = *context;
    if (!arrival)
        return;
    if (arrival->order == SB_SEND_CLOSE_AFTER)
        hang_up(connection);
    free(arrival->target);
    fs_buffer_free_secret(&arrival->body);
    free(arrival);
    *context = NULL;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* How often the headers that may stand once do, and those that bear on them. */
struct header_counts {
    unsigned authorizations;
    unsigned content_types;
    unsigned content_lengths;
    unsigned transfer_encodings;
    unsigned hosts;
};

static enum MHD_Result count_header(void *closure, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    (void)value;
    struct header_counts *counts = closure;
    counts->authorizations += strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0;
    counts->content_types += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_TYPE) == 0;
    counts->content_lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    counts->transfer_encodings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    counts->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    return MHD_YES;
}

/* What is wrong with the headers, whatever the request is for; NULL when nothing is. */
static const char *check_headers(struct MHD_Connection *connection, const char *version)
{
    struct header_counts counts = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &counts);
    if (counts.authorizations > 1)
        return "the header Authorization appears twice";
    if (counts.content_types > 1)
        return "the header Content-Type appears twice";
    if (counts.content_lengths > 1)
        return "the header Content-Length appears twice";
    if (counts.content_lengths > 0 && counts.transfer_encodings > 0)
        return "the headers Content-Length and Transfer-Encoding exclude each other";
    if (counts.hosts > 1)
        return "the header Host appears twice";
    return counts.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0 ? "the header Host is missing" : NULL;
}

static enum MHD_Result answer_arrival(const struct sb_server *server, struct MHD_Connection *connection,
                                      const char *method, const char *version, struct arrival *arrival)
{
    if (arrival->order == SB_SEND_KEEP_SILENT)
        return MHD_NO;
    struct sb_request request = {
        .method = method,
        .target = arrival->target,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .content_encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING),
        .request_id = header(connection, "X-Request-Id"),
        .body = arrival->body.data ? arrival->body.data : "",
        .body_length = arrival->body.length,
        .bad_headers = check_headers(connection, version),
        .body_too_large = arrival->received > SB_REQUEST_LARGEST_BODY,
    };
    struct sb_answer answer = {0};
    sb_service_answer(server->service, &request, &answer);
    enum MHD_Result queued = sb_send_answer(server->holds, connection, &answer, &arrival->order);
    fs_buffer_free_secret(&answer.body);
    return queued;
}

/* Whether the body is announced to be so long that it is refused unread. */
static bool announces_too_much(struct MHD_Connection *connection)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length && strtoull(length, NULL, 10) > LARGEST_UPLOAD;
}

/* libmicrohttpd calls this when the headers are there, for each piece of the body, and at the end. */
static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *piece, size_t *piece_length, void **context)
{
    (void)url;
    const struct sb_server *server = closure;
    struct arrival *arrival = *context;
    if (!arrival)
        return MHD_NO;
    if (!arrival->started) {
        arrival->started = true;
        if (!announces_too_much(connection))
            return MHD_YES;
        arrival->received = UINT64_MAX;
        return answer_arrival(server, connection, method, version, arrival);
    }
    if (*piece_length == 0)
        return answer_arrival(server, connection, method, version, arrival);
    arrival->received += *piece_length;
    if (arrival->received <= SB_REQUEST_LARGEST_BODY)
        fs_buffer_append(&arrival->body, piece, *piece_length);
    *piece_length = 0;
    return arrival->received <= LARGEST_UPLOAD && !arrival->body.failed ? MHD_YES : MHD_NO;
}

/* Targets are decoded by the service, which is strict about it. */
static size_t leave_encoded(void *closure, struct MHD_Connection *connection, char *text)
{
    (void)closure;
    (void)connection;
    return strlen(text);
}

static void count_connection(void *closure, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    (void)context;
    const struct sb_server *server = closure;
    sb_counters_count(server->service->counters,
                      code == MHD_CONNECTION_NOTIFY_STARTED ? SB_CONNECTIONS_OPENED : SB_CONNECTIONS_CLOSED);
}

/* Every connection is a descriptor: takes as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct MHD_Daemon *start_daemon(struct sb_server *server)
{
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (server->key ? MHD_USE_TLS : 0);
    return MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, server->listen_socket,
                            MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT,
                            MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_URI_LOG_CALLBACK,
                            begin_arrival, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_arrival, NULL,
                            MHD_OPTION_NOTIFY_CONNECTION, count_connection, server, MHD_OPTION_ARRAY,
                            server->key ? tls : plain, MHD_OPTION_END);
}

static bool open_listener(struct sb_server *server, const struct sb_server_config *config, struct fs_buffer *problem)
{
    if (!config->path) {
        server->listen_socket = sb_listen_socket_on_port(config->port, problem);
        return server->listen_socket >= 0;
    }
    server->listen_socket = sb_listen_socket_on_path(config->path, problem);
    if (server->listen_socket >= 0)
        server->path = fs_text_copy(config->path, strlen(config->path));
    return server->listen_socket >= 0;
}

struct sb_server *sb_server_start(const struct sb_service *service, const struct sb_server_config *config,
                                  struct fs_buffer *problem)
{
    struct sb_server *server = calloc(1, sizeof *server);
    if (!server) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    server->service = service;
    server->listen_socket = -1;
    server->certificate = config->certificate ? fs_text_copy(config->certificate, strlen(config->certificate)) : NULL;
    server->key = config->key ? fs_text_copy(config->key, strlen(config->key)) : NULL;
    raise_descriptor_limit();
    server->holds = sb_holds_start(problem);
    if (server->holds && open_listener(server, config, problem)) {
        server->daemon = start_daemon(server);
        if (server->daemon)
            return server;
        fs_buffer_append_text(problem, server->key ? "libmicrohttpd refuses (is the key that of the certificate?)"
                                                   : "libmicrohttpd cannot start");
    }
    sb_server_stop(server);
    return NULL;
}

void sb_server_write_url(const struct sb_server *server, struct fs_buffer *out)
{
    if (server->path)
        fs_buffer_printf(out, "unix:%s", server->path);
    else
        fs_buffer_printf(out, "%s://127.0.0.1:%u", server->key ? "https" : "http",
                         (unsigned)sb_listen_socket_port(server->listen_socket));
}

void sb_server_stop(struct sb_server *server)
{
    if (!server)
        return;
    if (server->holds)
        sb_holds_release(server->holds);
    if (server->daemon)
        MHD_stop_daemon(server->daemon); /* closes the listen_socket */
    else if (server->listen_socket >= 0)
        close(server->listen_socket);
    sb_holds_free(server->holds);
    if (server->path)
        unlink(server->path);
    free(server->path);
    free(server->certificate);
    fs_secret_free(server->key);
    free(server);
}
