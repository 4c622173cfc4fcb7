/* The socket that the service listens on: a loopback port, or a Unix socket in the file system. */
#ifndef FINSEG_SANDBOX_LISTEN_SOCKET_H
#define FINSEG_SANDBOX_LISTEN_SOCKET_H

#include <stdint.h>

#include "value/buffer.h"

/* Each answers a listening socket, -1 with a `problem`. The port 0 takes a free one. */
int sb_listen_socket_on_port(uint16_t port, struct fs_buffer *problem);
/* A socket that nobody listens on any more is replaced. Remove `path` when the service ends. */
int sb_listen_socket_on_path(const char *path, struct fs_buffer *problem);
/* The port that the listen_socket is bound to; 0 when it has none. */
uint16_t sb_listen_socket_port(int listen_socket);

#endif
