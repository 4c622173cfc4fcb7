/*
 * The one file that knows libcurl's multi interface: HTTP requests on their way, many at once, over a loop. Nothing
 * here knows what the requests mean.
 */
#ifndef FINSEG_TRANSPORT_H
#define FINSEG_TRANSPORT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "finseg.h"
#include "loop.h"
#include "value/buffer.h"

enum { FS_REQUEST_ID_LIMIT = 256 }; /* X-Request-Id: up to 255 characters (stated), and a zero */

/* One request and its answer. The owner sets the first part, which must stay as it is until done. */
struct fs_transfer {
    const char *url;
    const char *body; /* NULL: a GET */
    size_t body_length;
    const char *content_type;
    const char *bearer; /* the access token, or NULL */
    const char *request_id;
    bool loopback; /* to this machine: past any proxy that the environment names */
    bool once;     /* never sent a second time, not even by libcurl over a connection that had gone stale */
    /* Called once, from fs_transport_collect() or a timer, never from inside a start or a cancel. It may free the
     * transfer. */
    void (*done)(struct fs_transfer *transfer);
    /* May be NULL. Called when a body begins to come, to give the empty `answer` memory: no sooner, since of many requests
     * under way few receive at a time. */
    void (*lend)(struct fs_transfer *transfer);
    void *owner;

    /* The answer: valid from `done` on. */
    bool answered;             /* false: no whole answer came, see the next three */
    finseg_error_kind failure; /* network, tls, timeout, protocol, too_large or resource */
    char problem[CURL_ERROR_SIZE];
    bool sent; /* the request, or a part of it, went out */
    int status;
    struct fs_buffer answer;
    double retry_after; /* seconds; negative when not said */
    char answered_id[FS_REQUEST_ID_LIMIT];
    double seconds; /* from the start to the end */

    /* The transport's own. */
    enum { FS_TRANSFER_IDLE, FS_TRANSFER_QUEUED, FS_TRANSFER_ACTIVE } stage;
    double started;
    struct fs_transport *transport;
    CURL *easy;
    struct curl_slist *headers;
    struct fs_timer deadline;
    TAILQ_ENTRY(fs_transfer) link;
};

struct fs_transport_options {
    const char *ca_file; /* these three may be NULL, and are copied by libcurl */
    const char *proxy;
    const char *user_agent;
    double timeout; /* seconds for one request, from its start */
    double connect_timeout;
    double max_body; /* bytes */
};

enum { FS_TRANSPORT_IDLE_HANDLES = 32 };

struct fs_transport {
    struct fs_loop *loop;
    struct fs_transport_options options;
    CURLM *multi;
    bool broken;          /* libcurl reported an error that leaves all transfers undefined */
    const char *shortage; /* why, when it could not watch a socket for a shortage; else NULL */
    struct fs_timer timer;
    struct fs_timer room; /* set when a place among the active ones became free and somebody is queued */
    TAILQ_HEAD(fs_transfer_list, fs_transfer) active;
    size_t active_count;
    struct fs_transfer_list queued; /* waiting for a place among the active ones, first come first served */
    size_t queued_count;
    CURL *idle[FS_TRANSPORT_IDLE_HANDLES];
    size_t idle_count;
};

/* False when out of memory. The texts of `options` must outlive the transport. */
bool fs_transport_open(struct fs_transport *transport, struct fs_loop *loop,
                       const struct fs_transport_options *options);
/* Ends transfers that are under way without calling `done`, and never waits. */
void fs_transport_close(struct fs_transport *transport);

/* Starts a transfer or queues it. False when out of memory. */
bool fs_transport_start(struct fs_transport *transport, struct fs_transfer *transfer);
/* Ends a transfer without calling `done`; `sent` is set. Does nothing to one that is idle. */
void fs_transport_cancel(struct fs_transport *transport, struct fs_transfer *transfer);
/* Hands over the transfers that have finished: calls their `done`. To be called after the loop ran. */
void fs_transport_collect(struct fs_transport *transport);
/* Frees what a transfer holds; it must be idle. */
void fs_transfer_clean(struct fs_transfer *transfer);

#endif
