#include "connections.h"

#include <stdlib.h>
#include <sys/socket.h>

static void append(struct fs_connections *connections, struct fs_connection *connection)
{
    connection->before = connections->last;
    connection->after = NULL;
    if (connections->last)
        connections->last->after = connection;
    else
        connections->first = connection;
    connections->last = connection;
    connections->count++;
}

static void unlink_from(struct fs_connections *connections, struct fs_connection *connection)
{
    if (connection->before)
        connection->before->after = connection->after;
    else
        connections->first = connection->after;
    if (connection->after)
        connection->after->before = connection->before;
    else
        connections->last = connection->before;
    connections->count--;
}

struct fs_connection *fs_connections_add(struct fs_connections *connections, int fd, double now)
{
    struct fs_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->fd = fd;
    connection->idle_since = now;
    append(connections, connection);
    return connection;
}

void fs_connections_renew(struct fs_connections *connections, struct fs_connection *connection, double now)
{
    if (connection->hung_up)
        return;
    unlink_from(connections, connection);
    connection->idle_since = now;
    append(connections, connection);
}

void fs_connections_hang_up_first(struct fs_connections *connections)
{
    struct fs_connection *connection = connections->first;
    unlink_from(connections, connection);
    connection->hung_up = true;
    shutdown(connection->fd, SHUT_RDWR);
}

void fs_connections_remove(struct fs_connections *connections, struct fs_connection *connection)
{
    if (connection && !connection->hung_up)
        unlink_from(connections, connection);
    free(connection);
}
