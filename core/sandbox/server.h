/* The service on its socket: libmicrohttpd's threads, and the limits of what a connection may do. */
#ifndef FINSEG_SANDBOX_SERVER_H
#define FINSEG_SANDBOX_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "../buffer.h"
#include "service.h"

struct fs_server;

struct fs_server_config {
    uint16_t port;           /* 0: any free one */
    const char *path;        /* of a Unix socket, instead of the port; NULL: none */
    const char *certificate; /* PEM text, copied; with the key it speaks HTTPS. NULL: HTTP */
    const char *key;
};

/* NULL with a `problem`. */
struct fs_server *fs_server_start(const struct fs_service *service, const struct fs_server_config *config,
                                  struct fs_buffer *problem);
/* Appends "http://127.0.0.1:PORT" or "unix:PATH". */
void fs_server_write_url(const struct fs_server *server, struct fs_buffer *out);
/* Closes all connections and waits for the answers under way. NULL is allowed. */
void fs_server_stop(struct fs_server *server);

#endif
