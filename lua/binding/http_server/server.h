/*
 * The HTTP server for callbacks, without a thread, for a program's own event loop. It answers each callback at once
 * and keeps its target for whoever works it off. What a callback says is not looked at: it is a hint.
 *
 *   POST PATH/anything   204, and "PATH/anything" is kept
 *   another method       405
 *   another path         404
 *   a body too large     413
 *   above the rate       429
 *
 * Nobody can keep the server from its work by holding connections: one that completes no request for too long is
 * closed, and when there are too many, the one that has completed none for the longest gives way. That is the case
 * beyond 256, beyond a quarter of the descriptors that the process may have, and when it has none left to accept another.
 */
#ifndef FINSEG_HTTP_SERVER_SERVER_H
#define FINSEG_HTTP_SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FS_LONGEST_TARGET = 512 /* bytes; a longer path is refused */ };

enum fs_refused { FS_REFUSED_PATH, FS_REFUSED_METHOD, FS_REFUSED_TOO_LARGE, FS_REFUSED_RATE, FS_REFUSED_COUNT };

struct fs_http_server_config {
    const char *path;      /* "/finseg/callback": without a slash at its end; copied */
    uint64_t largest_body; /* bytes */
    double rate;           /* callbacks a second */
    double patience;       /* seconds that a connection may take to complete a request */
};

struct fs_http_server;

/* Serves at a listening socket, which it takes over when it can start. NULL with errno when it cannot. */
struct fs_http_server *fs_http_server_start(int listener, const struct fs_http_server_config *config);
/* Closes everything. NULL is allowed. In a process that was forked from the server's, nobody else notices. */
void fs_http_server_stop(struct fs_http_server *server);

/* Readable when fs_http_server_step has something to do. */
int fs_http_server_fd(const struct fs_http_server *server);
/* Seconds until fs_http_server_step has something to do by the clock; negative: nothing is planned. */
double fs_http_server_next_timeout(const struct fs_http_server *server);
/* Does what can be done without waiting. Answers how many targets are kept. */
size_t fs_http_server_step(struct fs_http_server *server);
/* Takes the first target that is kept. False when there is none. */
bool fs_http_server_next(struct fs_http_server *server, char target[FS_LONGEST_TARGET + 1]);

size_t fs_http_server_connections(const struct fs_http_server *server);
/* How many requests were refused so. */
uint64_t fs_http_server_refused(const struct fs_http_server *server, enum fs_refused reason);

#endif
