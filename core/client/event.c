#include "event.h"

#include <stdlib.h>
#include <string.h>

#include "value/text.h"

enum { EVENT_LIMIT = 1000 };

struct fs_event_entry {
    finseg_event event;
    TAILQ_ENTRY(fs_event_entry) link;
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

static char *copy(const struct fs_event_log *log, const char *text)
{
    char *copied = text ? fs_text_copy(text, strlen(text)) : NULL;
    fs_secrets_redact_text(log->secrets, copied);
    return copied;
}

static struct fs_event_entry *take_first(struct fs_event_log *log)
{
    struct fs_event_entry *entry = TAILQ_FIRST(&log->entries);
    if (entry) {
        TAILQ_REMOVE(&log->entries, entry, link);
        log->count--;
    }
    return entry;
}

void fs_event_log_init(struct fs_event_log *log, bool enabled, const struct fs_secrets *secrets)
{
    *log = (struct fs_event_log){.enabled = enabled, .secrets = secrets};
    TAILQ_INIT(&log->entries);
}

void fs_event_add(struct fs_event_log *log, const finseg_event *event)
{
    struct fs_event_entry *entry = log->enabled ? malloc(sizeof *entry) : NULL;
    if (!entry)
        return;
    entry->event = *event;
    entry->event.url = copy(log, event->url);
    entry->event.request_id = copy(log, event->request_id);
    entry->event.message = copy(log, event->message);
    TAILQ_INSERT_TAIL(&log->entries, entry, link);
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
    while (log->count > 0)
        free_entry(take_first(log));
    free_entry(log->handed_out);
    log->handed_out = NULL;
}
