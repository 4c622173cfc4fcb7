/* Two sets of ids intersected by SQLite, in memory. */
#ifndef FINSEG_BENCH_PEER_SQLITE_H
#define FINSEG_BENCH_PEER_SQLITE_H

#include <stddef.h>

#include "value/uuid.h"

/* Seconds that SELECT ... INTERSECT SELECT ... takes over tables that are keyed by the id and were filled before;
 * negative when it failed. */
double peer_sqlite_intersect(const struct fs_uuid *left, const struct fs_uuid *right, size_t count, size_t *found);

#endif
