/* Holds connections of libmicrohttpd for a while: a thread that sleeps until one's time is over or its client has gone. */
#ifndef FINSEG_SANDBOX_PACER_H
#define FINSEG_SANDBOX_PACER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "../buffer.h"

struct fs_pacer;

/* NULL with a `problem`. */
struct fs_pacer *fs_pacer_start(struct fs_buffer *problem);
/*
 * Suspends the connection for that long. Only in a callback of libmicrohttpd that may suspend, which is called again when the time is
 * over. False after fs_pacer_release(), and when memory is out: the connection is not suspended then.
 */
bool fs_pacer_hold(struct fs_pacer *pacer, struct MHD_Connection *connection, int64_t milliseconds);
/* Lets all connections go and holds no more. */
void fs_pacer_release(struct fs_pacer *pacer);
/* After the connections' daemon has stopped. NULL is allowed. */
void fs_pacer_free(struct fs_pacer *pacer);

#endif
