/* The service on its socket: libmicrohttpd's threads, and the limits of what a connection may do. */
#ifndef FINSEG_SANDBOX_SERVER_H
#define FINSEG_SANDBOX_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "service.h"
#include "value/buffer.h"

struct sb_server;

struct sb_server_config {
    uint16_t port;           /* 0: any free one */
    const char *path;        /* of a Unix socket, instead of the port; NULL: none */
    const char *certificate; /* PEM text, copied; with the key it speaks HTTPS. NULL: HTTP */
    const char *key;
};

/* NULL with a `problem`. */
struct sb_server *sb_server_start(const struct sb_service *service, const struct sb_server_config *config,
                                  struct fs_buffer *problem);
/* Appends "http://127.0.0.1:PORT" or "unix:PATH". */
void sb_server_write_url(const struct sb_server *server, struct fs_buffer *out);
/* Closes all connections and waits for the answers under way. NULL is allowed. */
void sb_server_stop(struct sb_server *server);

#endif
