/* The wall clock, in milliseconds since 1970. */
#ifndef FINSEG_SANDBOX_TIMESTAMP_H
#define FINSEG_SANDBOX_TIMESTAMP_H

#include <stdint.h>

/* Room for "YYYY-MM-DD HH:MM:SS.mmm" and its final zero. */
enum { SB_TIMESTAMP_TEXT = 24 };

int64_t sb_timestamp_now(void);
/* In UTC. */
void sb_timestamp_format(int64_t timestamp, char text[SB_TIMESTAMP_TEXT]);

#endif
