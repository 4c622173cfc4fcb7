#include "client/event.h"

#include <stdio.h>

#include "test.h"

static void events_come_in_order_with_texts_of_their_own(void)
{
    struct fs_event_log log;
    fs_event_log_init(&log, true, NULL);
    char url[] = "https://host/a";
    fs_event_add(&log, &(finseg_event){.name = "request", .method = "GET", .url = url, .request_id = "r", .time = 5});
    url[0] = 'X';
    fs_event_add(&log, &(finseg_event){.name = "response", .status = 200, .message = "m", .seconds = 0.5});
    const finseg_event *event = fs_event_next(&log);
    CHECK_TEXT(event->name, "request");
    CHECK_TEXT(event->url, "https://host/a");
    CHECK_TEXT(event->request_id, "r");
    CHECK(event->message == NULL && event->time == 5);
    event = fs_event_next(&log);
    CHECK_TEXT(event->message, "m");
    CHECK(event->status == 200 && event->seconds == 0.5 && event->url == NULL);
    CHECK(fs_event_next(&log) == NULL);
    CHECK(fs_event_next(&log) == NULL);
    fs_event_add(&log, &(finseg_event){.name = "job"});
    CHECK_TEXT(fs_event_next(&log)->name, "job");
    fs_event_log_free(&log);
}

static void nothing_is_kept_unless_it_is_wanted(void)
{
    struct fs_event_log log;
    fs_event_log_init(&log, false, NULL);
    fs_event_add(&log, &(finseg_event){.name = "request"});
    CHECK(fs_event_next(&log) == NULL);
    fs_event_log_free(&log);
}

static void the_oldest_are_dropped_beyond_a_thousand(void)
{
    struct fs_event_log log;
    fs_event_log_init(&log, true, NULL);
    for (int i = 0; i < 1500; i++) {
        char message[16];
        snprintf(message, sizeof message, "%d", i);
        fs_event_add(&log, &(finseg_event){.name = "job", .message = message});
    }
    CHECK_INT((int64_t)log.count, 1000);
    CHECK_TEXT(fs_event_next(&log)->message, "500");
    int count = 1;
    while (fs_event_next(&log))
        count++;
    CHECK_INT(count, 1000);
    fs_event_log_free(&log);
}

static void no_event_tells_a_secret(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "hunter/2"));
    struct fs_event_log log;
    fs_event_log_init(&log, true, &secrets);
    fs_event_add(&log, &(finseg_event){.url = "u?hunter%2F2", .request_id = "r-hunter/2", .message = "hunter/2, hunt"});
    const finseg_event *event = fs_event_next(&log);
    CHECK_TEXT(event->url, "u?***");
    CHECK_TEXT(event->request_id, "r-***");
    CHECK_TEXT(event->message, "***, hunt");
    fs_event_log_free(&log);
    fs_secrets_free(&secrets);
}

static const struct test tests[] = {
    {"no event tells a secret", no_event_tells_a_secret},
    {"events come in order, with texts of their own", events_come_in_order_with_texts_of_their_own},
    {"nothing is kept unless it is wanted", nothing_is_kept_unless_it_is_wanted},
    {"the oldest are dropped beyond a thousand", the_oldest_are_dropped_beyond_a_thousand},
};
SUITE(event, tests);
