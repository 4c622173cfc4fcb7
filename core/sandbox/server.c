#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../text.h"

enum {
    THREADS = 4,
    MOST_CONNECTIONS = 4096,
    IDLE_TIMEOUT = 60, /* seconds */
    /* A body beyond the service's limit is read to its end and refused politely, but only up to this many bytes. */
    LARGEST_UPLOAD = 16 * FS_SERVICE_LARGEST_BODY
};

struct fs_server {
    struct MHD_Daemon *daemon;
    const struct fs_service *service;
    char *certificate;
    char *key;
};

/* A request while it arrives. */
struct arrival {
    char *target;
    struct fs_buffer body;
    uint64_t received; /* bytes of the body */
    bool started;      /* the headers were seen */
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

static void end_arrival(void *closure, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode reason)
{
    (void)closure;
    (void)connection;
    (void)reason;
    struct arrival *arrival = *context;
    if (!arrival)
        return;
    free(arrival->target);
    fs_buffer_free_secret(&arrival->body);
    free(arrival);
    *context = NULL;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value && *value)
        MHD_add_response_header(response, name, value);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct fs_answer *answer)
{
    size_t length = answer->body.length;
    char *body = fs_buffer_take(&answer->body);
    if (!body)
        return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(response, "X-Request-Id", answer->request_id);
    add_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->authenticate);
    enum MHD_Result queued = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer_arrival(const struct fs_server *server, struct MHD_Connection *connection,
                                      const char *method, const struct arrival *arrival)
{
    struct fs_request request = {
        .method = method,
        .target = arrival->target,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .request_id = header(connection, "X-Request-Id"),
        .body = arrival->body.data ? arrival->body.data : "",
        .body_length = arrival->body.length,
        .body_too_large = arrival->received > FS_SERVICE_LARGEST_BODY,
    };
    struct fs_answer answer = {0};
    fs_service_answer(server->service, &request, &answer);
    enum MHD_Result queued = send_answer(connection, &answer);
    fs_answer_free(&answer);
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
    (void)version;
    const struct fs_server *server = closure;
    struct arrival *arrival = *context;
    if (!arrival)
        return MHD_NO;
    if (!arrival->started) {
        arrival->started = true;
        if (!announces_too_much(connection))
            return MHD_YES;
        arrival->received = UINT64_MAX;
        return answer_arrival(server, connection, method, arrival);
    }
    if (*piece_length == 0)
        return answer_arrival(server, connection, method, arrival);
    arrival->received += *piece_length;
    if (arrival->received <= FS_SERVICE_LARGEST_BODY)
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

/* Every connection is a descriptor: takes as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct MHD_Daemon *start_daemon(struct fs_server *server, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (server->key ? MHD_USE_TLS : 0);
    return MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                            MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT,
                            MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_URI_LOG_CALLBACK,
                            begin_arrival, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_arrival, NULL, MHD_OPTION_ARRAY,
                            server->key ? tls : plain, MHD_OPTION_END);
}

struct fs_server *fs_server_start(const struct fs_service *service, uint16_t port, const char *certificate,
                                  const char *key, struct fs_buffer *problem)
{
    struct fs_server *server = calloc(1, sizeof *server);
    if (!server) {
        fs_buffer_append_text(problem, "out of memory");
        return NULL;
    }
    server->service = service;
    server->certificate = certificate ? fs_text_copy(certificate, strlen(certificate)) : NULL;
    server->key = key ? fs_text_copy(key, strlen(key)) : NULL;
    raise_descriptor_limit();
    errno = 0;
    server->daemon = start_daemon(server, port);
    if (server->daemon)
        return server;
    fs_buffer_printf(problem, "cannot listen on 127.0.0.1:%u: %s", (unsigned)port,
                     errno ? strerror(errno) : "libmicrohttpd refuses (is the key that of the certificate?)");
    fs_server_stop(server);
    return NULL;
}

uint16_t fs_server_port(const struct fs_server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void fs_server_stop(struct fs_server *server)
{
    if (!server)
        return;
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    free(server->certificate);
    if (server->key)
        explicit_bzero(server->key, strlen(server->key));
    free(server->key);
    free(server);
}
