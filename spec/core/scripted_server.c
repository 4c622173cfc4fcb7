#include "scripted_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "value/buffer.h"

enum { CONNECTION_LIMIT = 512 };

struct connection {
    int fd;
    struct fs_buffer request;
};

struct scripted_server {
    int listener;
    int stop_fd;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    struct scripted_answer *answers;
    size_t answer_count;
    char **requests;
    size_t request_count;
    struct connection connections[CONNECTION_LIMIT];
    size_t connection_count;
};

static bool begins_with(const char *text, const char *start)
{
    return !start || strncmp(text, start, strlen(start)) == 0;
}

static void die(const char *what)
{
    perror(what);
    abort();
}

/* The length of the whole request at the beginning of `request`, 0 while it is not complete. */
static size_t request_length(const struct fs_buffer *request)
{
    const char *end = request->data ? strstr(request->data, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    size_t head = (size_t)(end - request->data) + 4;
    const char *field = strcasestr(request->data, "\r\nContent-Length:");
    size_t body = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    return request->length >= head + body ? head + body : 0;
}

static struct scripted_answer take_answer(struct scripted_server *server, const char *request)
{
    for (size_t i = 0; i < server->answer_count; i++) {
        struct scripted_answer *answer = &server->answers[i];
        if (answer->times == 0 || !begins_with(request, answer->match))
            continue;
        if (answer->times > 0)
            answer->times--;
        return *answer;
    }
    return (struct scripted_answer){.bytes = "HTTP/1.1 500 Script Ended\r\nContent-Length: 0\r\n\r\n"};
}

static void send_all(int fd, const char *bytes)
{
    size_t left = strlen(bytes);
    while (left > 0) {
        ssize_t sent = send(fd, bytes, left, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        left -= (size_t)sent;
    }
}

/* False when the connection is to be closed. */
static bool serve(struct scripted_server *server, struct connection *connection)
{
    size_t length;
    while ((length = request_length(&connection->request)) > 0) {
        char *request = strndup(connection->request.data, length);
        memmove(connection->request.data, connection->request.data + length, connection->request.length - length + 1);
        connection->request.length -= length;
        pthread_mutex_lock(&server->lock);
        server->requests = realloc(server->requests, (server->request_count + 1) * sizeof *server->requests);
        if (!request || !server->requests)
            die("scripted server");
        server->requests[server->request_count++] = request;
        struct scripted_answer answer = take_answer(server, request);
        pthread_mutex_unlock(&server->lock);
        if (answer.bytes)
            send_all(connection->fd, answer.bytes);
        if (answer.end == SCRIPTED_CLOSE)
            return false;
    }
    return true;
}

static bool read_some(struct scripted_server *server, struct connection *connection)
{
    char bytes[4096];
    ssize_t count = recv(connection->fd, bytes, sizeof bytes, 0);
    if (count <= 0)
        return false;
    fs_buffer_append(&connection->request, bytes, (size_t)count);
    return serve(server, connection);
}

static void drop(struct scripted_server *server, size_t index)
{
    close(server->connections[index].fd);
    fs_buffer_free(&server->connections[index].request);
    server->connections[index] = server->connections[--server->connection_count];
}

static void *run(void *argument)
{
    struct scripted_server *server = argument;
    for (;;) {
        struct pollfd watched[CONNECTION_LIMIT + 2] = {{.fd = server->stop_fd, .events = POLLIN},
                                                       {.fd = server->listener, .events = POLLIN}};
        size_t count = server->connection_count;
        for (size_t i = 0; i < count; i++)
            watched[i + 2] = (struct pollfd){.fd = server->connections[i].fd, .events = POLLIN};
        if (poll(watched, count + 2, -1) < 0)
            continue;
        if (watched[0].revents)
            break;
        /* From the end, since dropping one moves the last into its place. */
        for (size_t i = count; i-- > 0;) {
            if (watched[i + 2].revents && !read_some(server, &server->connections[i]))
                drop(server, i);
        }
        if (watched[1].revents && server->connection_count < CONNECTION_LIMIT) {
            int fd = accept(server->listener, NULL, NULL);
            if (fd >= 0)
                server->connections[server->connection_count++] = (struct connection){.fd = fd};
        }
    }
    while (server->connection_count > 0)
        drop(server, 0);
    return NULL;
}

struct scripted_server *scripted_server_start(const struct scripted_answer *answers, size_t count)
{
    struct scripted_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (!server)
        die("scripted server");
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 128) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &length) != 0)
        die("scripted server");
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    server->answers = calloc(count + 1, sizeof *server->answers);
    if (!server->answers)
        die("scripted server");
    server->answer_count = count;
    for (size_t i = 0; i < count; i++) {
        server->answers[i] = answers[i];
        if (answers[i].times == 0)
            server->answers[i].times = 1;
    }
    pthread_mutex_init(&server->lock, NULL);
    if (pthread_create(&server->thread, NULL, run, server) != 0)
        die("scripted server");
    return server;
}

const char *scripted_server_url(const struct scripted_server *server)
{
    return server->url;
}

size_t scripted_server_count(struct scripted_server *server, const char *match)
{
    size_t count = 0;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->request_count; i++)
        count += begins_with(server->requests[i], match);
    pthread_mutex_unlock(&server->lock);
    return count;
}

char *scripted_server_last(struct scripted_server *server, const char *match)
{
    char *copy = NULL;
    pthread_mutex_lock(&server->lock);
    for (size_t i = server->request_count; i-- > 0 && !copy;) {
        if (begins_with(server->requests[i], match))
            copy = strdup(server->requests[i]);
    }
    pthread_mutex_unlock(&server->lock);
    return copy;
}

void scripted_server_stop(struct scripted_server *server)
{
    uint64_t one = 1;
    if (write(server->stop_fd, &one, sizeof one) != (ssize_t)sizeof one)
        die("scripted server");
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->stop_fd);
    for (size_t i = 0; i < server->request_count; i++)
        free(server->requests[i]);
    free(server->requests);
    free(server->answers);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

char *scripted_json(const char *status, const char *headers, const char *body)
{
    char *answer = NULL;
    if (asprintf(&answer, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                 strlen(body), headers, body) < 0)
        die("scripted server");
    return answer;
}
