#include "listen_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that may wait to be accepted; the kernel lowers it to what it allows. */
enum { BACKLOG = 4096 };

/* Binds a new socket and listens. -1 with errno. */
static int listen_at(const struct sockaddr *address, socklen_t length)
{
    int yes = 1;
    int listen_socket = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listen_socket < 0)
        return -1;
    if (address->sa_family == AF_INET)
        setsockopt(listen_socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listen_socket, address, length) == 0 && listen(listen_socket, BACKLOG) == 0)
        return listen_socket;
    int reason = errno;
    close(listen_socket);
    errno = reason;
    return -1;
}

int sb_listen_socket_on_port(uint16_t port, struct fs_buffer *problem)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
    int listen_socket = listen_at((struct sockaddr *)&address, sizeof address);
    if (listen_socket < 0)
        fs_buffer_printf(problem, "cannot listen on 127.0.0.1:%u: %s", (unsigned)port, strerror(errno));
    return listen_socket;
}

/* Whether it is a socket that refuses connections: left over by a service that was killed. */
static bool is_left_over(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused =
        probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    if (probe >= 0)
        close(probe);
    return refused;
}

int sb_listen_socket_on_path(const char *path, struct fs_buffer *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fs_buffer_printf(problem, "cannot listen on unix:%s: the path is longer than %zu bytes", path,
                         sizeof address.sun_path - 1);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (is_left_over(&address))
        unlink(path);
    int listen_socket = listen_at((struct sockaddr *)&address, sizeof address);
    if (listen_socket < 0)
        fs_buffer_printf(problem, "cannot listen on unix:%s: %s", path, strerror(errno));
    return listen_socket;
}

uint16_t sb_listen_socket_port(int listen_socket)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    if (getsockname(listen_socket, (struct sockaddr *)&address, &length) != 0 || address.sin_family != AF_INET)
        return 0;
    return ntohs(address.sin_port);
}
