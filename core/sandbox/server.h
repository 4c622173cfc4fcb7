/* The service on a loopback port: libmicrohttpd's threads, and the limits of what a connection may do. */
#ifndef FINSEG_SANDBOX_SERVER_H
#define FINSEG_SANDBOX_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "../buffer.h"
#include "service.h"

struct fs_server;

/* The port 0 takes a free one. With certificate and key (PEM text, copied) it speaks HTTPS. NULL with a `problem`. */
struct fs_server *fs_server_start(const struct fs_service *service, uint16_t port, const char *certificate,
                                  const char *key, struct fs_buffer *problem);
uint16_t fs_server_port(const struct fs_server *server);
/* Closes all connections and waits for the answers under way. NULL is allowed. */
void fs_server_stop(struct fs_server *server);

#endif
