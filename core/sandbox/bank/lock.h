/* One sandbox a database: two would make figures for two reference dates in it, and compute each other's jobs. */
#ifndef FINSEG_SANDBOX_LOCK_H
#define FINSEG_SANDBOX_LOCK_H

#include "value/buffer.h"

/* Makes FILE when it is not there, for its owner alone, and locks it until sb_lock_release() or the end of the process. -1 with a
 * `problem`, for instance when another process holds the lock. Take it before SQLite opens FILE and release it after SQLite
 * closed it: to close any descriptor of FILE ends the locks that SQLite has on it. */
int sb_lock_take(const char *file, struct fs_buffer *problem);
/* -1 is allowed. */
void sb_lock_release(int lock);

#endif
