#include "callbacks.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "callback_address.h"
#include "destination.h"
#include "sandbox/base/timestamp.h"
#include "value/json.h"
#include "value/text.h"

enum {
    /* Places for tries. The first are for any, more for endpoints that answer in time, the last for those that have
     * nothing on its way: so neither mute receivers nor busy ones can keep a new one from its callback. */
    MOST_IN_FLIGHT = 512,
    PLACES_FOR_BUSY = 256,
    PLACES_FOR_MUTE = 128,
    MOST_TO_ONE_HOST = 64,
    MOST_TO_ONE_ENDPOINT = 4,
    MOST_TO_A_MUTE_ENDPOINT = 1,
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
    struct sb_destination *host;
    struct sb_destination *endpoint;
    char *body;
    int64_t due;
    int64_t deadline; /* 0 before the first try */
    int64_t pause;
    size_t answered; /* bytes of this try's answer */
    CURL *easy;      /* NULL between tries */
    size_t place;    /* among those in flight, during a try */
};

struct sb_callbacks {
    pthread_mutex_t lock; /* guards what is incoming, which destinations there are, and `stopping` */
    struct delivery *incoming;
    struct delivery **incoming_end;
    bool stopping;
    struct sb_destinations destinations; /* what is in each is the thread's */
    struct delivery *deliveries;         /* the thread's, oldest first */
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

/* Under the lock, or when there is no other thread. */
static void free_delivery(struct sb_callbacks *callbacks, struct delivery *delivery)
{
    curl_easy_cleanup(delivery->easy);
    sb_destinations_leave(&callbacks->destinations, delivery->host);
    sb_destinations_leave(&callbacks->destinations, delivery->endpoint);
    free(delivery->url);
    free(delivery->body);
    free(delivery);
}

static void free_deliveries(struct sb_callbacks *callbacks, struct delivery *delivery)
{
    while (delivery) {
        struct delivery *next = delivery->next;
        free_delivery(callbacks, delivery);
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
    delivery->place = callbacks->in_flight_count++;
    callbacks->in_flight[delivery->place] = delivery;
    delivery->host->in_flight++;
    delivery->endpoint->in_flight++;
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
    pthread_mutex_lock(&callbacks->lock);
    free_delivery(callbacks, delivery);
    pthread_mutex_unlock(&callbacks->lock);
}

static void leave_place(struct sb_callbacks *callbacks, const struct delivery *delivery)
{
    struct delivery *last = callbacks->in_flight[--callbacks->in_flight_count];
    callbacks->in_flight[delivery->place] = last;
    last->place = delivery->place;
    delivery->host->in_flight--;
    delivery->endpoint->in_flight--;
}

static void end_try(struct sb_callbacks *callbacks, struct delivery *delivery, CURLcode verdict)
{
    long status = 0;
    curl_easy_getinfo(delivery->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(callbacks->multi, delivery->easy);
    curl_easy_cleanup(delivery->easy);
    delivery->easy = NULL;
    leave_place(callbacks, delivery);
    delivery->endpoint->timed_out = verdict == CURLE_OPERATION_TIMEDOUT;
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
    const struct sb_destination *endpoint = delivery->endpoint;
    size_t most = endpoint->timed_out ? MOST_TO_A_MUTE_ENDPOINT : MOST_TO_ONE_ENDPOINT;
    size_t places = MOST_IN_FLIGHT;
    if (endpoint->timed_out)
        places = PLACES_FOR_MUTE;
    else if (endpoint->in_flight > 0)
        places = PLACES_FOR_BUSY;
    return endpoint->in_flight < most && delivery->host->in_flight < MOST_TO_ONE_HOST &&
           callbacks->in_flight_count < places;
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
        CURLcode verdict = message->data.result; /* the message does not outlive the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&delivery);
        end_try(callbacks, delivery, verdict);
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

/* Under the lock. */
static bool find_destinations(struct sb_callbacks *callbacks, struct delivery *delivery)
{
    char *host = sb_callback_address_host(delivery->url);
    char *endpoint = sb_callback_address_endpoint(delivery->url);
    if (host && endpoint) {
        delivery->host = sb_destinations_take(&callbacks->destinations, host);
        delivery->endpoint = sb_destinations_take(&callbacks->destinations, endpoint);
    }
    free(host);
    free(endpoint);
    return delivery->host && delivery->endpoint;
}

/* Under the lock. */
static struct delivery *make_delivery(struct sb_callbacks *callbacks, const struct sb_callback *callback)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        return NULL;
    delivery->job = callback->job;
    delivery->due = callback->due;
    delivery->body = write_body(callback);
    delivery->url = fs_text_copy(callback->url, strlen(callback->url));
    if (delivery->body && delivery->url && find_destinations(callbacks, delivery))
        return delivery;
    free_delivery(callbacks, delivery);
    return NULL;
}

bool sb_callbacks_add(struct sb_callbacks *callbacks, const struct sb_callback *callback)
{
    pthread_mutex_lock(&callbacks->lock);
    struct delivery *delivery = make_delivery(callbacks, callback);
    if (delivery) {
        *callbacks->incoming_end = delivery;
        callbacks->incoming_end = &delivery->next;
    }
    pthread_mutex_unlock(&callbacks->lock);
    curl_multi_wakeup(callbacks->multi);
    return delivery;
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
    free_deliveries(callbacks, callbacks->deliveries);
    free_deliveries(callbacks, callbacks->incoming);
    curl_multi_cleanup(callbacks->multi);
    curl_slist_free_all(callbacks->headers);
    pthread_mutex_destroy(&callbacks->lock);
    free(callbacks);
}
