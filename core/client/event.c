#include "event.h"

#include <stdlib.h>
#include <string.h>

#include "value/text.h"

enum { EVENT_LIMIT = 1000 };

struct fs_event_entry {
    finseg_event event;
    struct fs_event_entry *next;
};

static void free_entry(struct fs_event_entry *entry)
{
    if (!entry)
        return;
    free((void *)entry->event.url);
    free((void *)entry->event.request_id);
    free((void *)entry->event.message);
    free(entry);
}

static char *copy(const char *text)
{
    return text ? fs_text_copy(text, strlen(text)) : NULL;
}

static struct fs_event_entry *take_first(struct fs_event_log *log)
{
    struct fs_event_entry *entry = log->first;
    if (!entry)
        return NULL;
    log->first = entry->next;
    if (!log->first)
        log->last = NULL;
    log->count--;
    return entry;
}

void fs_event_add(struct fs_event_log *log, const finseg_event *event)
{
    if (!log->enabled)
        return;
    struct fs_event_entry *entry = malloc(sizeof *entry);
    if (!entry)
        return;
    *entry = (struct fs_event_entry){.event = *event};
    entry->event.url = copy(event->url);
    entry->event.request_id = copy(event->request_id);
    entry->event.message = copy(event->message);
    if (log->last)
        log->last->next = entry;
    else
        log->first = entry;
    log->last = entry;
    if (++log->count > EVENT_LIMIT)
        free_entry(take_first(log));
}

const finseg_event *fs_event_next(struct fs_event_log *log)
{
    free_entry(log->handed_out);
    log->handed_out = take_first(log);
    return log->handed_out ? &log->handed_out->event : NULL;
}

void fs_event_log_free(struct fs_event_log *log)
{
    while (log->first)
        free_entry(take_first(log));
    free_entry(log->handed_out);
    *log = (struct fs_event_log){0};
}
