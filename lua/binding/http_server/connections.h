/* Who is connected to a server, in the order in which they last completed a request: the first in it gives way. */
#ifndef FINSEG_HTTP_SERVER_CONNECTIONS_H
#define FINSEG_HTTP_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fs_connection {
    struct fs_connection *before;
    struct fs_connection *after;
    int fd;
    double idle_since; /* of the monotonic clock: it was opened, or completed a request */
    bool hung_up;      /* and in the list no more */
    uint64_t received; /* bytes of the body that comes */
};

struct fs_connections {
    struct fs_connection *first;
    struct fs_connection *last;
    size_t count; /* those that were hung up are not counted */
};

/* NULL when out of memory. */
struct fs_connection *fs_connections_add(struct fs_connections *connections, int fd, double now);
/* It has completed a request. */
void fs_connections_renew(struct fs_connections *connections, struct fs_connection *connection, double now);
/* Ends both directions of the first one's socket, which is its owner's to close. */
void fs_connections_hang_up_first(struct fs_connections *connections);
/* NULL is allowed. */
void fs_connections_remove(struct fs_connections *connections, struct fs_connection *connection);

#endif
