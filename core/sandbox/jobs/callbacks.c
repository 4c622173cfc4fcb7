#include "callbacks.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "callback_address.h"
#include "sandbox/base/timestamp.h"
#include "value/json.h"
#include "value/text.h"

enum {
    MOST_IN_FLIGHT = 16,
    MOST_TO_ONE_ENDPOINT = 4,
    CONNECT_TIMEOUT_MS = 5000,
    TIMEOUT_MS = 10000,
    FIRST_PAUSE_MS = 250,
    LONGEST_PAUSE_MS = 15000,
    LONGEST_SLEEP_MS = 60000,
    LARGEST_ANSWER = 64 * 1024 /* bytes that a receiver may answer before it is cut off */
};

/* One callback on its way to being settled. */
struct delivery {
    struct delivery *next;
    int64_t job;
    char *url;
    char *endpoint; /* the URL without its query */
    char *body;
    int64_t due;
    int64_t deadline; /* 0 before the first try */
    int64_t pause;
    size_t answered; /* bytes of this try's answer */
    CURL *easy;      /* NULL between tries */
};

struct sb_callbacks {
    pthread_mutex_t lock; /* guards what is incoming and `stopping`; the rest is the thread's */
    struct delivery *incoming;
    struct delivery **incoming_end;
    bool stopping;
    struct delivery *deliveries; /* oldest first */
    struct delivery *in_flight[MOST_IN_FLIGHT];
    size_t in_flight_count;
    struct curl_slist *headers;
    CURLM *multi;
    int64_t patience;
    struct sb_counters *counters;
    sb_callback_settled *settled;
    void *closure;
    pthread_t thread;
    bool started;
};

static void free_delivery(struct delivery *delivery)
{
    curl_easy_cleanup(delivery->easy);
    free(delivery->url);
    free(delivery->endpoint);
    free(delivery->body);
    free(delivery);
}

static void free_deliveries(struct delivery *delivery)
{
    while (delivery) {
        struct delivery *next = delivery->next;
        free_delivery(delivery);
        delivery = next;
    }
}

struct sb_callbacks *sb_callbacks_new(int64_t patience, struct sb_counters *counters, sb_callback_settled *settled,
                                      void *closure)
{
    struct sb_callbacks *callbacks = calloc(1, sizeof *callbacks);
    if (!callbacks)
        return NULL;
    pthread_mutex_init(&callbacks->lock, NULL);
    callbacks->incoming_end = &callbacks->incoming;
    callbacks->patience = patience;
    callbacks->counters = counters;
    callbacks->settled = settled;
    callbacks->closure = closure;
    callbacks->multi = curl_multi_init();
    callbacks->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (callbacks->multi && callbacks->headers)
        return callbacks;
    sb_callbacks_free(callbacks);
    return NULL;
}

/* ---- a try ----------------------------------------------------------------------------------------------- */

/* Counts the answer's body and drops it; a receiver that does not stop is cut off. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's signature */
static size_t drop_answer(char *bytes, size_t size, size_t count, void *closure)
{
    (void)bytes;
    struct delivery *delivery = closure;
    delivery->answered += size * count;
    return delivery->answered <= LARGEST_ANSWER ? size * count : 0;
}

static CURL *make_try(struct sb_callbacks *callbacks, struct delivery *delivery)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    delivery->answered = 0;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, delivery);
    curl_easy_setopt(easy, CURLOPT_URL, delivery->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "finseg-sandbox");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, callbacks->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, delivery->body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, delivery);
    if (curl_multi_add_handle(callbacks->multi, easy) == CURLM_OK)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

/* The pauses double: 0.25 s, 0.5 s, 1 s, ... up to 15 s. */
static void plan_next_try(struct delivery *delivery)
{
    delivery->due = sb_timestamp_now() + delivery->pause;
    delivery->pause = delivery->pause * 2 < LONGEST_PAUSE_MS ? delivery->pause * 2 : LONGEST_PAUSE_MS;
}

static void start_try(struct sb_callbacks *callbacks, struct delivery *delivery)
{
    if (delivery->deadline == 0) {
        delivery->deadline = sb_timestamp_now() + callbacks->patience;
        delivery->pause = FIRST_PAUSE_MS;
    }
    delivery->easy = make_try(callbacks, delivery);
    if (!delivery->easy) {
        plan_next_try(delivery);
        return;
    }
    callbacks->in_flight[callbacks->in_flight_count++] = delivery;
    sb_counters_count(callbacks->counters, SB_CALLBACKS_SENT);
}

static void settle(struct sb_callbacks *callbacks, struct delivery *delivery, bool delivered)
{
    struct delivery **link = &callbacks->deliveries;
    while (*link && *link != delivery)
        link = &(*link)->next;
    if (*link)
        *link = delivery->next;
    sb_counters_count(callbacks->counters, delivered ? SB_CALLBACKS_DELIVERED : SB_CALLBACKS_GIVEN_UP);
    if (delivery->job != 0)
        callbacks->settled(callbacks->closure, delivery->job, delivered);
    free_delivery(delivery);
}

static void end_try(struct sb_callbacks *callbacks, struct delivery *delivery)
{
    long status = 0;
    curl_easy_getinfo(delivery->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(callbacks->multi, delivery->easy);
    curl_easy_cleanup(delivery->easy);
    delivery->easy = NULL;
    size_t place = 0;
    while (callbacks->in_flight[place] != delivery)
        place++;
    callbacks->in_flight[place] = callbacks->in_flight[--callbacks->in_flight_count];
    /* The status counts, however the answer's body ended: the receiver has spoken. */
    if (status >= 200 && status < 300) {
        settle(callbacks, delivery, true);
        return;
    }
    plan_next_try(delivery);
    if (delivery->due > delivery->deadline)
        settle(callbacks, delivery, false);
}

/* ---- the thread ------------------------------------------------------------------------------------------ */

static bool has_room_for(const struct sb_callbacks *callbacks, const struct delivery *delivery)
{
    size_t same_endpoint = 0;
    for (size_t i = 0; i < callbacks->in_flight_count; i++)
        same_endpoint += strcmp(callbacks->in_flight[i]->endpoint, delivery->endpoint) == 0;
    return callbacks->in_flight_count < MOST_IN_FLIGHT && same_endpoint < MOST_TO_ONE_ENDPOINT;
}

/* Starts what is due and may start, of the first tries or of the others. */
static void start_tries(struct sb_callbacks *callbacks, int64_t now, bool first)
{
    for (struct delivery *delivery = callbacks->deliveries; delivery; delivery = delivery->next) {
        bool due = !delivery->easy && delivery->due <= now && (delivery->deadline == 0) == first;
        if (due && has_room_for(callbacks, delivery))
            start_try(callbacks, delivery);
    }
}

/* The milliseconds until something is due that is not yet. What is due and not started waits for a try's end. */
static int time_to_next(const struct sb_callbacks *callbacks, int64_t now)
{
    int64_t soonest = now + LONGEST_SLEEP_MS;
    for (const struct delivery *delivery = callbacks->deliveries; delivery; delivery = delivery->next) {
        if (!delivery->easy && delivery->due > now && delivery->due < soonest)
            soonest = delivery->due;
    }
    return (int)(soonest - now);
}

/* Answers the milliseconds until something else is due. */
static int start_due(struct sb_callbacks *callbacks)
{
    int64_t now = sb_timestamp_now();
    start_tries(callbacks, now, true);
    start_tries(callbacks, now, false);
    return time_to_next(callbacks, now);
}

/* Moves what was added to the end of the list. False when the thread must end. */
static bool take_incoming(struct sb_callbacks *callbacks)
{
    struct delivery **end = &callbacks->deliveries;
    pthread_mutex_lock(&callbacks->lock);
    bool stopping = callbacks->stopping;
    if (callbacks->incoming) {
        while (*end)
            end = &(*end)->next;
        *end = callbacks->incoming;
        callbacks->incoming = NULL;
        callbacks->incoming_end = &callbacks->incoming;
    }
    pthread_mutex_unlock(&callbacks->lock);
    return !stopping;
}

static void end_finished(struct sb_callbacks *callbacks)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(callbacks->multi, &left))) {
        struct delivery *delivery = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&delivery);
        end_try(callbacks, delivery);
    }
}

static void *deliver(void *argument)
{
    struct sb_callbacks *callbacks = argument;
    while (take_incoming(callbacks)) {
        int running;
        int patience = start_due(callbacks);
        curl_multi_perform(callbacks->multi, &running);
        size_t before = callbacks->in_flight_count;
        end_finished(callbacks);
        if (callbacks->in_flight_count < before)
            continue; /* there is room for others */
        curl_multi_poll(callbacks->multi, NULL, 0, patience, NULL);
    }
    return NULL;
}

bool sb_callbacks_start(struct sb_callbacks *callbacks, struct fs_buffer *problem)
{
    callbacks->started = pthread_create(&callbacks->thread, NULL, deliver, callbacks) == 0;
    if (!callbacks->started)
        fs_buffer_append_text(problem, "cannot start a thread for the callbacks");
    return callbacks->started;
}

/* ---- adding ---------------------------------------------------------------------------------------------- */

static char *write_body(const struct sb_callback *callback)
{
    struct fs_buffer body = {0};
    fs_buffer_append_text(&body, "{\"jobId\":");
    fs_json_append_string(&body, callback->job_id, strlen(callback->job_id));
    fs_buffer_printf(&body, ",\"segment\":\"%s\",\"status\":\"%s\"}", callback->kind,
                     callback->failed ? "FAILED" : "READY");
    return fs_buffer_take(&body);
}

static struct delivery *make_delivery(const struct sb_callback *callback)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        return NULL;
    delivery->job = callback->job;
    delivery->due = callback->due;
    delivery->body = write_body(callback);
    delivery->url = fs_text_copy(callback->url, strlen(callback->url));
    delivery->endpoint = sb_callback_address_endpoint(callback->url);
    if (delivery->body && delivery->url && delivery->endpoint)
        return delivery;
    free_delivery(delivery);
    return NULL;
}

bool sb_callbacks_add(struct sb_callbacks *callbacks, const struct sb_callback *callback)
{
    struct delivery *delivery = make_delivery(callback);
    if (!delivery)
        return false;
    pthread_mutex_lock(&callbacks->lock);
    *callbacks->incoming_end = delivery;
    callbacks->incoming_end = &delivery->next;
    pthread_mutex_unlock(&callbacks->lock);
    curl_multi_wakeup(callbacks->multi);
    return true;
}

static void stop_thread(struct sb_callbacks *callbacks)
{
    pthread_mutex_lock(&callbacks->lock);
    callbacks->stopping = true;
    pthread_mutex_unlock(&callbacks->lock);
    curl_multi_wakeup(callbacks->multi);
    pthread_join(callbacks->thread, NULL);
}

void sb_callbacks_free(struct sb_callbacks *callbacks)
{
    if (!callbacks)
        return;
    if (callbacks->started)
        stop_thread(callbacks);
    for (size_t i = 0; i < callbacks->in_flight_count; i++)
        curl_multi_remove_handle(callbacks->multi, callbacks->in_flight[i]->easy);
    free_deliveries(callbacks->deliveries);
    free_deliveries(callbacks->incoming);
    curl_multi_cleanup(callbacks->multi);
    curl_slist_free_all(callbacks->headers);
    pthread_mutex_destroy(&callbacks->lock);
    free(callbacks);
}
