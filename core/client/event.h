/* What a client did, kept for whoever logs it (finseg_event in finseg.h). Off unless the config's `log` is set. */
#ifndef FINSEG_EVENT_H
#define FINSEG_EVENT_H

#include <sys/queue.h>

#include "value/secrets.h"

struct fs_event_entry;

struct fs_event_log {
    bool enabled;
    const struct fs_secrets *secrets; /* that no event may tell */
    TAILQ_HEAD(fs_event_entries, fs_event_entry) entries;
    struct fs_event_entry *handed_out;
    size_t count;
};

void fs_event_log_init(struct fs_event_log *log, bool enabled, const struct fs_secrets *secrets);
/* Copies the event with its texts, without secrets; drops the oldest beyond 1,000, and this one when out of memory. */
void fs_event_add(struct fs_event_log *log, const finseg_event *event);
/* Valid until the next call; NULL when there is none. */
const finseg_event *fs_event_next(struct fs_event_log *log);
void fs_event_log_free(struct fs_event_log *log);

#endif
