/* What a client did, kept for whoever logs it (finseg_event in finseg.h). Off unless the config's `log` is set. */
#ifndef FINSEG_EVENT_H
#define FINSEG_EVENT_H

#include "finseg.h"

struct fs_event_entry;

/* Zero-initialise it. */
struct fs_event_log {
    bool enabled;
    struct fs_event_entry *first;
    struct fs_event_entry *last;
    struct fs_event_entry *handed_out;
    size_t count;
};

/* Copies the event with its texts; drops the oldest beyond 1,000, and this one when out of memory. */
void fs_event_add(struct fs_event_log *log, const finseg_event *event);
/* Valid until the next call; NULL when there is none. */
const finseg_event *fs_event_next(struct fs_event_log *log);
void fs_event_log_free(struct fs_event_log *log);

#endif
