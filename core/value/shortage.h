/* What a machine runs out of, besides disk. */
#ifndef FINSEG_SHORTAGE_H
#define FINSEG_SHORTAGE_H

/* Which of memory and file descriptors ran out, and what to do about it, when that is what the errno `reason` says; else
 * NULL. */
const char *fs_shortage(int reason);

/* The same text for memory. Functions that answer a problem as text answer this very pointer. */
extern const char fs_out_of_memory[];

#endif
