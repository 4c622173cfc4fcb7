/* Results of ready jobs, or of large ones where their records end, kept in memory so that a page costs no search: the least recently
 * used go first. For any thread. */
#ifndef FINSEG_SANDBOX_SHELF_H
#define FINSEG_SANDBOX_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "result.h"
#include "secret.h"
#include "segment.h"

struct fs_shelf;

/* What is known of a ready job without asking the database. */
struct fs_shelf_entry {
    char id[FS_SECRET_TEXT];
    const struct fs_segment_kind *kind;
    int64_t expires; /* milliseconds since 1970 */
    struct fs_result *result;
};

struct fs_shelf *fs_shelf_new(void);
void fs_shelf_free(struct fs_shelf *shelf);
/* The entry's result is shared: the caller releases the copy it gets. */
bool fs_shelf_find(struct fs_shelf *shelf, const char *id, struct fs_shelf_entry *entry);
/* Shares the entry's result, unless another thread put that job there meanwhile. */
void fs_shelf_add(struct fs_shelf *shelf, const struct fs_shelf_entry *entry);

#endif
