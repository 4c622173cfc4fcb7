#include "transport.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "value/huge_pages.h"
#include "value/shortage.h"

/* Enough to fill any line with pages; a bound for the service, and for descriptors and memory here, when thousands of
 * jobs are polled at once. */
enum { ACTIVE_LIMIT = 64, CACHED_CONNECTIONS = 2 * ACTIVE_LIMIT };

enum { TIMERS = 2 };

/* Bytes: a page of 500 users comes in one piece, and the processor's cache still holds it when it is copied. */
enum { RECEIVE_BUFFER = 128 * 1024 };

/* ---- libcurl's callbacks: they record and return, and never call back into libcurl ---- */

static void on_socket_ready(struct fs_watch *watch, unsigned what)
{
    struct fs_transport *transport = watch->owner;
    int mask = (what & FS_LOOP_READ ? CURL_CSELECT_IN : 0) | (what & FS_LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
               (what & FS_LOOP_FAILED ? CURL_CSELECT_ERR : 0);
    int running;
    if (curl_multi_socket_action(transport->multi, watch->fd, mask, &running) != CURLM_OK)
        transport->broken = true;
}

static int on_socket(CURL *easy, curl_socket_t fd, int action, void *owner, void *socket_data)
{
    (void)easy;
    struct fs_transport *transport = owner;
    struct fs_watch *watch = socket_data;
    if (action == CURL_POLL_REMOVE) {
        if (watch)
            fs_loop_unwatch(transport->loop, watch);
        return 0;
    }
    unsigned what =
        (action & CURL_POLL_IN ? (unsigned)FS_LOOP_READ : 0U) | (action & CURL_POLL_OUT ? (unsigned)FS_LOOP_WRITE : 0U);
    if (watch)
        return fs_loop_change(transport->loop, watch, what);
    watch = fs_loop_watch(transport->loop, fd, what, on_socket_ready, transport);
    if (!watch) {
        transport->shortage = fs_shortage(errno);
        return -1;
    }
    curl_multi_assign(transport->multi, fd, watch);
    return 0;
}

static int on_timer_wish(CURLM *multi, long milliseconds, void *owner)
{
    (void)multi;
    struct fs_transport *transport = owner;
    if (milliseconds < 0)
        fs_loop_clear_timer(transport->loop, &transport->timer);
    else
        fs_loop_set_timer(transport->loop, &transport->timer, fs_clock_monotonic() + (double)milliseconds / 1000);
    return 0;
}

static void on_timer(struct fs_timer *timer)
{
    struct fs_transport *transport = timer->owner;
    int running;
    if (curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running) != CURLM_OK)
        transport->broken = true;
}

static void begin_body(struct fs_transfer *transfer)
{
    struct fs_buffer *answer = &transfer->answer;
    curl_off_t announced = -1;
    if (transfer->lend)
        transfer->lend(transfer);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    /* A length that is announced is no promise: memory for it is taken only up to a size that cannot hurt. */
    const curl_off_t harmless = (curl_off_t)16 * 1024 * 1024;
    if (announced > 0 && announced <= harmless && fs_buffer_reserve(answer, (size_t)announced))
        fs_huge_pages_prefer(answer->data, answer->capacity);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
    struct fs_transfer *transfer = owner;
    size_t length = size * count;
    struct fs_buffer *answer = &transfer->answer;
    if ((double)answer->length + (double)length > transfer->transport->options.max_body) {
        transfer->failure = FINSEG_ERROR_TOO_LARGE;
        return 0;
    }
    if (answer->length == 0)
        begin_body(transfer);
    fs_buffer_append(answer, bytes, length);
    if (!answer->failed)
        return length;
    transfer->failure = FINSEG_ERROR_RESOURCE;
    return 0;
}

/* ---- handles ---- */

static bool set_common_options(const struct fs_transport *transport, CURL *easy)
{
    const struct fs_transport_options *options = &transport->options;
    CURLcode failed = CURLE_OK;
#define SET(option, value) (failed = failed ? failed : curl_easy_setopt(easy, option, value))
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NOPROGRESS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    /* A jobId is opaque: one that is ".." must not climb. */
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, lround(options->connect_timeout * 1000));
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)options->max_body);
    SET(CURLOPT_USERAGENT, options->user_agent);
    SET(CURLOPT_WRITEFUNCTION, on_body);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A name server that does not answer would otherwise hold up cancel, timeout and close for seconds. */
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
    if (options->ca_file)
        SET(CURLOPT_CAINFO, options->ca_file);
    if (options->proxy)
        SET(CURLOPT_PROXY, options->proxy);
#undef SET
    /* Refused by a handle that still has the buffer of a transfer that failed; that one has this size. */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    return failed == CURLE_OK;
}

static CURL *take_handle(struct fs_transport *transport)
{
    CURL *easy = transport->idle_count > 0 ? transport->idle[--transport->idle_count] : curl_easy_init();
    if (easy && !set_common_options(transport, easy)) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

static void give_handle_back(struct fs_transport *transport, CURL *easy)
{
    /* It points into the transfer, and would tell the next one what this one sent. */
    curl_easy_reset(easy);
    if (transport->idle_count < FS_TRANSPORT_IDLE_HANDLES)
        transport->idle[transport->idle_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

__attribute__((format(printf, 2, 3))) static bool add_header(struct fs_transfer *transfer, const char *format, ...)
{
    struct fs_buffer line = {0};
    va_list arguments;
    va_start(arguments, format);
    fs_buffer_vprintf(&line, format, arguments);
    va_end(arguments);
    struct curl_slist *longer = line.failed ? NULL : curl_slist_append(transfer->headers, line.data);
    if (longer)
        transfer->headers = longer;
    fs_buffer_free_secret(&line);
    return longer != NULL;
}

static bool build_headers(struct fs_transfer *transfer)
{
    return add_header(transfer, "Accept: application/json") &&
           add_header(transfer, "X-Request-Id: %s", transfer->request_id) &&
           (!transfer->bearer || add_header(transfer, "Authorization: Bearer %s", transfer->bearer)) &&
           (!transfer->body ||
            (add_header(transfer, "Content-Type: %s", transfer->content_type) && add_header(transfer, "Expect:")));
}

static void free_headers(struct fs_transfer *transfer)
{
    for (struct curl_slist *line = transfer->headers; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
}

static bool set_request_options(struct fs_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode failed = CURLE_OK;
#define SET(option, value) (failed = failed ? failed : curl_easy_setopt(easy, option, value))
    SET(CURLOPT_URL, transfer->url);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->problem);
    /* libcurl repeats a request by itself when a kept connection turns out to be gone, although the server may have
     * acted on it. */
    SET(CURLOPT_FRESH_CONNECT, transfer->once ? 1L : 0L);
    /* Waiting for a connection to share pays where HTTP/2 may come of it. Elsewhere one stalled request would hold up
     * all others. */
    SET(CURLOPT_PIPEWAIT, strncmp(transfer->url, "https:", 6) == 0 ? 1L : 0L);
    /* Plain http to loopback would show the token to that proxy. One that was configured is the caller's wish. */
    if (transfer->loopback && !transfer->transport->options.proxy)
        SET(CURLOPT_NOPROXY, "*");
    if (transfer->body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_length);
        SET(CURLOPT_POSTFIELDS, transfer->body);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
#undef SET
    return failed == CURLE_OK;
}

static bool open_multi(struct fs_transport *transport)
{
    CURLM *multi = curl_multi_init();
    transport->multi = multi;
    transport->broken = false;
    if (multi && curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wish) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CACHED_CONNECTIONS) == CURLM_OK)
        return true;
    curl_multi_cleanup(multi);
    transport->multi = NULL;
    return false;
}

/* ---- the life of a transfer ---- */

static void release(struct fs_transport *transport, struct fs_transfer *transfer)
{
    if (transfer->easy) {
        give_handle_back(transport, transfer->easy);
        transfer->easy = NULL;
    }
    free_headers(transfer);
    fs_loop_clear_timer(transport->loop, &transfer->deadline);
    fs_loop_release_timers(transport->loop, 1);
    transfer->stage = FS_TRANSFER_IDLE;
}

static void note_sent(struct fs_transfer *transfer)
{
    long bytes = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &bytes);
    transfer->sent = bytes > 0;
}

static void stop(struct fs_transport *transport, struct fs_transfer *transfer)
{
    note_sent(transfer);
    transfer->seconds = fs_clock_monotonic() - transfer->started;
    curl_multi_remove_handle(transport->multi, transfer->easy);
    TAILQ_REMOVE(&transport->active, transfer, link);
    transport->active_count--;
    release(transport, transfer);
}

/* The place that a cancelled transfer leaves is given away by the next fs_transport_collect(); this brings it about. */
static void on_room(struct fs_timer *timer)
{
    (void)timer;
}

static void on_deadline(struct fs_timer *timer)
{
    struct fs_transfer *transfer = timer->owner;
    struct fs_transport *transport = transfer->transport;
    stop(transport, transfer);
    transfer->failure = FINSEG_ERROR_TIMEOUT;
    snprintf(transfer->problem, sizeof transfer->problem, "no whole answer within %g s", transport->options.timeout);
    transfer->done(transfer);
}

static bool activate(struct fs_transport *transport, struct fs_transfer *transfer)
{
    /* Rebuilding it may have failed for want of memory or descriptors that are there again. */
    if (!transport->multi && !open_multi(transport))
        return false;
    transfer->easy = take_handle(transport);
    if (!transfer->easy || !set_request_options(transfer) ||
        curl_multi_add_handle(transport->multi, transfer->easy) != CURLM_OK)
        return false;
    transfer->stage = FS_TRANSFER_ACTIVE;
    transfer->started = fs_clock_monotonic();
    TAILQ_INSERT_TAIL(&transport->active, transfer, link);
    transport->active_count++;
    fs_loop_set_timer(transport->loop, &transfer->deadline, transfer->started + transport->options.timeout);
    return true;
}

bool fs_transport_start(struct fs_transport *transport, struct fs_transfer *transfer)
{
    if (!fs_loop_reserve_timers(transport->loop, 1))
        return false;
    transfer->transport = transport;
    transfer->deadline = (struct fs_timer){.expired = on_deadline, .owner = transfer};
    transfer->failure = FINSEG_ERROR_NETWORK;
    transfer->retry_after = -1;
    /* Now, not when its turn comes: the token it points to may have been replaced by then. */
    if (!build_headers(transfer)) {
        release(transport, transfer);
        return false;
    }
    if (transport->active_count >= ACTIVE_LIMIT) {
        transfer->stage = FS_TRANSFER_QUEUED;
        TAILQ_INSERT_TAIL(&transport->queued, transfer, link);
        transport->queued_count++;
        return true;
    }
    if (activate(transport, transfer))
        return true;
    release(transport, transfer);
    return false;
}

void fs_transport_cancel(struct fs_transport *transport, struct fs_transfer *transfer)
{
    if (transfer->stage == FS_TRANSFER_ACTIVE) {
        stop(transport, transfer);
        if (!TAILQ_EMPTY(&transport->queued))
            fs_loop_set_timer(transport->loop, &transport->room, fs_clock_monotonic());
    } else if (transfer->stage == FS_TRANSFER_QUEUED) {
        TAILQ_REMOVE(&transport->queued, transfer, link);
        transport->queued_count--;
        release(transport, transfer);
    }
}

/* What ran out, if that ended the transfer; else NULL. libcurl does not tell it from other failures to connect, to look
 * a name up or to read ca_file, and has given their descriptors back by now. */
static const char *find_shortage(const struct fs_transfer *transfer, CURLcode code)
{
    if (transfer->failure == FINSEG_ERROR_RESOURCE)
        return fs_out_of_memory;
    long refused = 0;
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return fs_out_of_memory;
    case CURLE_COULDNT_CONNECT:
        /* Only who had a socket was refused by the network. */
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &refused);
        return refused == 0 || fs_shortage((int)refused) ? fs_loop_shortage() : NULL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_FAILED_INIT:
        return fs_loop_shortage();
    default:
        return NULL;
    }
}

static finseg_error_kind failure_kind(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return FINSEG_ERROR_TLS;
    case CURLE_OPERATION_TIMEDOUT:
        return FINSEG_ERROR_TIMEOUT;
    case CURLE_FILESIZE_EXCEEDED:
        return FINSEG_ERROR_TOO_LARGE;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return FINSEG_ERROR_PROTOCOL;
    default:
        return FINSEG_ERROR_NETWORK;
    }
}

static void read_answer(struct fs_transfer *transfer)
{
    long status = 0;
    curl_off_t retry_after = 0;
    struct curl_header *header;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->status = (int)status;
    /* libcurl reads both forms, seconds and date, but answers 0 as well when nothing was said. */
    if (curl_easy_header(transfer->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
        transfer->retry_after = retry_after > 0 ? (double)retry_after : 0;
    }
    /* One that is longer than documented is none. */
    if (curl_easy_header(transfer->easy, "X-Request-Id", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        strlen(header->value) < sizeof transfer->answered_id)
        snprintf(transfer->answered_id, sizeof transfer->answered_id, "%s", header->value);
}

static void fail_for_shortage(struct fs_transfer *transfer, const char *shortage)
{
    transfer->failure = FINSEG_ERROR_RESOURCE;
    snprintf(transfer->problem, sizeof transfer->problem, "%s", shortage);
}

static void finish(struct fs_transport *transport, struct fs_transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK) {
        transfer->answered = true;
        read_answer(transfer);
    } else {
        const char *shortage = find_shortage(transfer, code);
        if (shortage)
            fail_for_shortage(transfer, shortage);
        else if (transfer->failure != FINSEG_ERROR_TOO_LARGE)
            transfer->failure = failure_kind(code);
        if (transfer->failure == FINSEG_ERROR_TOO_LARGE)
            snprintf(transfer->problem, sizeof transfer->problem, "the answer is longer than max_body, %.0f bytes",
                     transport->options.max_body);
        else if (!transfer->problem[0])
            snprintf(transfer->problem, sizeof transfer->problem, "%s", curl_easy_strerror(code));
    }
    stop(transport, transfer);
    transfer->done(transfer);
}

static void fail_broken(struct fs_transport *transport, struct fs_transfer *transfer)
{
    if (transport->shortage)
        fail_for_shortage(transfer, transport->shortage);
    else
        snprintf(transfer->problem, sizeof transfer->problem, "libcurl's multi handle failed");
    stop(transport, transfer);
    transfer->done(transfer);
}

static void start_queued(struct fs_transport *transport)
{
    while (!TAILQ_EMPTY(&transport->queued) && transport->active_count < ACTIVE_LIMIT) {
        struct fs_transfer *transfer = TAILQ_FIRST(&transport->queued);
        TAILQ_REMOVE(&transport->queued, transfer, link);
        transport->queued_count--;
        if (!activate(transport, transfer)) {
            release(transport, transfer);
            fail_for_shortage(transfer, fs_out_of_memory);
            transfer->done(transfer);
        }
    }
}

/* After an error of the multi handle all transfers are undefined: every one fails, and a new handle takes over. */
static void rebuild(struct fs_transport *transport)
{
    struct fs_transfer *transfer;
    TAILQ_FOREACH(transfer, &transport->active, link)
    curl_multi_remove_handle(transport->multi, transfer->easy);
    curl_multi_cleanup(transport->multi);
    fs_loop_clear_timer(transport->loop, &transport->timer);
    open_multi(transport);
    for (size_t left = transport->active_count; left > 0 && !TAILQ_EMPTY(&transport->active); left--)
        fail_broken(transport, TAILQ_FIRST(&transport->active));
    transport->shortage = NULL;
}

void fs_transport_collect(struct fs_transport *transport)
{
    if (transport->broken)
        rebuild(transport);
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        /* The message dies with the removal of its handle. */
        CURLcode code = message->data.result;
        char *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(transport, (struct fs_transfer *)(void *)transfer, code);
    }
    start_queued(transport);
}

bool fs_transport_open(struct fs_transport *transport, struct fs_loop *loop, const struct fs_transport_options *options)
{
    *transport = (struct fs_transport){.loop = loop, .options = *options};
    TAILQ_INIT(&transport->active);
    TAILQ_INIT(&transport->queued);
    transport->timer = (struct fs_timer){.expired = on_timer, .owner = transport};
    transport->room = (struct fs_timer){.expired = on_room};
    if (!fs_loop_reserve_timers(loop, TIMERS))
        return false;
    if (open_multi(transport))
        return true;
    fs_transport_close(transport);
    return false;
}

void fs_transport_close(struct fs_transport *transport)
{
    while (!TAILQ_EMPTY(&transport->active))
        fs_transport_cancel(transport, TAILQ_FIRST(&transport->active));
    while (!TAILQ_EMPTY(&transport->queued))
        fs_transport_cancel(transport, TAILQ_FIRST(&transport->queued));
    while (transport->idle_count > 0)
        curl_easy_cleanup(transport->idle[--transport->idle_count]);
    /* libcurl may still call on_socket and on_timer_wish from here. */
    curl_multi_cleanup(transport->multi);
    transport->multi = NULL;
    fs_loop_clear_timer(transport->loop, &transport->timer);
    fs_loop_clear_timer(transport->loop, &transport->room);
    fs_loop_release_timers(transport->loop, TIMERS);
}

void fs_transfer_clean(struct fs_transfer *transfer)
{
    /* A page has been taken out by now; what is left is small, and may be a token. */
    fs_buffer_free_secret(&transfer->answer);
}
