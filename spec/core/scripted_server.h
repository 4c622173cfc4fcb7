/* A real HTTP server on loopback that answers what a test tells it to, byte for byte: for answers that no
 * well-behaved service gives. */
#ifndef FINSEG_SPEC_SCRIPTED_SERVER_H
#define FINSEG_SPEC_SCRIPTED_SERVER_H

#include <stddef.h>

enum scripted_end {
    SCRIPTED_KEEP,  /* the connection stays open for the next request */
    SCRIPTED_CLOSE, /* it is closed after the bytes */
    SCRIPTED_STALL  /* it stays open, and nothing follows */
};

struct scripted_answer {
    const char *match; /* how the request line must begin; NULL: any */
    const char *bytes; /* the whole answer, headers included; NULL: nothing */
    enum scripted_end end;
    int times; /* how often it serves; 0 stands for once, -1 for ever */
};

struct scripted_server;

/* Each request takes the first answer that matches and is not used up; one that finds none is answered 500. */
struct scripted_server *scripted_server_start(const struct scripted_answer *answers, size_t count);
/* "http://127.0.0.1:PORT" */
const char *scripted_server_url(const struct scripted_server *server);
/* How many requests began so, up to now. */
size_t scripted_server_count(struct scripted_server *server, const char *match);
/* The last request that began so, headers and body; the caller frees it. NULL when there was none. */
char *scripted_server_last(struct scripted_server *server, const char *match);
void scripted_server_stop(struct scripted_server *server);

/* An answer with a JSON body: status line, headers and length. The caller frees it. */
char *scripted_json(const char *status, const char *headers, const char *body);

#endif
