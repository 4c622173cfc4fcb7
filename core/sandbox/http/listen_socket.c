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
    int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return -1;
    if (address->sa_family == AF_INET)
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, address, length) == 0 && listen(listener, BACKLOG) == 0)
        return listener;
    int reason = errno;
    close(listener);
    errno = reason;
    return -1;
}

int sb_listen_on_port(uint16_t port, struct fs_buffer *problem)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
    int listener = listen_at((struct sockaddr *)&address, sizeof address);
    if (listener < 0)
        fs_buffer_printf(problem, "cannot listen on 127.0.0.1:%u: %s", (unsigned)port, strerror(errno));
    return listener;
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

int sb_listen_on_path(const char *path, struct fs_buffer *problem)
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
    int listener = listen_at((struct sockaddr *)&address, sizeof address);
    if (listener < 0)
        fs_buffer_printf(problem, "cannot listen on unix:%s: %s", path, strerror(errno));
    return listener;
}

uint16_t sb_listener_port(int listener)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    if (getsockname(listener, (struct sockaddr *)&address, &length) != 0 || address.sin_family != AF_INET)
        return 0;
    return ntohs(address.sin_port);
}
