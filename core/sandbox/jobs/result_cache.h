/* Results of ready jobs, or of large ones where their records end, kept in memory so that a page costs no search: the least recently
 * used go first. For any thread. */
#ifndef FINSEG_SANDBOX_SHELF_H
#define FINSEG_SANDBOX_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/segment/result.h"
#include "sandbox/segment/segment.h"
#include "value/secret.h"

struct sb_shelf;

/* What is known of a ready job without asking the database. */
struct sb_shelf_entry {
    char id[FS_SECRET_TEXT];
    const struct sb_segment_kind *kind;
    int64_t expires; /* milliseconds since 1970 */
    struct sb_result *result;
};

struct sb_shelf *sb_shelf_new(void);
void sb_shelf_free(struct sb_shelf *shelf);
/* The entry's result is shared: the caller releases the copy it gets. */
bool sb_shelf_find(struct sb_shelf *shelf, const char *id, struct sb_shelf_entry *entry);
/* Shares the entry's result, unless another thread put that job there meanwhile. */
void sb_shelf_add(struct sb_shelf *shelf, const struct sb_shelf_entry *entry);

#endif
