/* The socket that a server of callbacks listens on. */
#ifndef FINSEG_HTTP_SERVER_SOCKET_H
#define FINSEG_HTTP_SERVER_SOCKET_H

#include <stdint.h>

/* Listens at an address of this machine, IPv4 or IPv6; the port 0 takes a free one. -1 with errno: EINVAL when `host` is
 * no address. */
int fs_socket_listen(const char *host, uint16_t port);
/* The port that it is bound to; 0 with errno. */
uint16_t fs_socket_port(int listener);

#endif
