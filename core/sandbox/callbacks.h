/*
 * Callbacks: a POST to a job's callbackURL, repeated with growing pauses until the receiver answers 2xx or a minute is over. A
 * thread of its own sends them with libcurl, so nothing waits for a receiver. A bounded number is on its way to one
 * URL, its query aside, and fewer when it does not answer in time: a slow or dead receiver delays no callback to another.
 */
#ifndef FINSEG_SANDBOX_CALLBACKS_H
#define FINSEG_SANDBOX_CALLBACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "../buffer.h"
#include "counters.h"

struct fs_callbacks;

/* Called by the sending thread, once, when a callback was delivered or given up; `job` is the callback's. */
typedef void fs_callback_settled(void *closure, int64_t job, bool delivered);

struct fs_callback {
    int64_t job; /* for whom it settles; 0: for none */
    int64_t due; /* not before this time */
    const char *url;
    const char *job_id;
    const char *kind;
    bool failed; /* status FAILED, not READY */
};

/* `patience`: milliseconds after the first try in which it is repeated. NULL when memory is out. */
struct fs_callbacks *fs_callbacks_new(int64_t patience, struct fs_counters *counters, fs_callback_settled *settled,
                                      void *closure);
bool fs_callbacks_start(struct fs_callbacks *callbacks, struct fs_buffer *problem);
/* Takes a copy. From any thread, before the start too. False when memory is out. */
bool fs_callbacks_add(struct fs_callbacks *callbacks, const struct fs_callback *callback);
/* Breaks off what is on its way; that is not settled. NULL is allowed. */
void fs_callbacks_free(struct fs_callbacks *callbacks);

#endif
