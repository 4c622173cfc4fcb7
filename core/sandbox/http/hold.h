/*
 * Holds connections of libmicrohttpd for a while: a thread that sleeps until one's time is over or its client has gone.
 */
#ifndef FINSEG_SANDBOX_HOLD_H
#define FINSEG_SANDBOX_HOLD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "value/buffer.h"

struct sb_holds;

/* NULL with a `problem`. */
struct sb_holds *sb_holds_start(struct fs_buffer *problem);
/*
 * Suspends the connection for that long. Only in a callback of libmicrohttpd that may suspend, which is called again
 * when the time is over. False after sb_holds_release(), and when out of memory: the connection is not suspended then.
 */
bool sb_holds_add(struct sb_holds *holds, struct MHD_Connection *connection, int64_t milliseconds);
/* Lets all connections go and holds no more. */
void sb_holds_release(struct sb_holds *holds);
/* After the connections' daemon has stopped. NULL is allowed. */
void sb_holds_free(struct sb_holds *holds);

#endif
