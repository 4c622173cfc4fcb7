/*
 * Callbacks: a POST to a job's callbackURL, repeated with growing pauses until the endpoint answers 2xx or its patience
 * is over. A thread of its own sends them with libcurl, so that no request and no job waits for one. At most 16 are on
 * their way at once: first tries before repetitions, then the oldest first, and no more than 4 to one endpoint, which
 * is a URL without its query. So an endpoint that does not answer delays no callback to another. Where four or more do
 * not, the callbacks behind them wait for the end of their tries, which last 10 seconds at most.
 */
#ifndef FINSEG_SANDBOX_CALLBACKS_H
#define FINSEG_SANDBOX_CALLBACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/base/counters.h"
#include "value/buffer.h"

struct sb_callbacks;

/* Called by the sending thread, once, when a callback was delivered or given up; `job` is the callback's. */
typedef void sb_callback_settled(void *closure, int64_t job, bool delivered);

struct sb_callback {
    int64_t job; /* for whom it settles; 0: for none */
    int64_t due; /* not before this time */
    const char *url;
    const char *job_id;
    const char *kind;
    bool failed; /* status FAILED, not READY */
};

/* `patience`: milliseconds after the first try in which it is repeated. NULL when out of memory. */
struct sb_callbacks *sb_callbacks_new(int64_t patience, struct sb_counters *counters, sb_callback_settled *settled,
                                      void *closure);
bool sb_callbacks_start(struct sb_callbacks *callbacks, struct fs_buffer *problem);
/* Takes a copy. From any thread, before the start too. False when out of memory. */
bool sb_callbacks_add(struct sb_callbacks *callbacks, const struct sb_callback *callback);
/* Breaks off what is on its way; that is not settled. NULL is allowed. */
void sb_callbacks_free(struct sb_callbacks *callbacks);

#endif
