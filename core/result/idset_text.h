/*
 * The ids of a set that are no canonical UUIDs: texts of any bytes, in one run of memory and an array that orders them.
 */
#ifndef FINSEG_IDSET_TEXT_H
#define FINSEG_IDSET_TEXT_H

#include "finseg.h"
#include "value/buffer.h"

struct fs_text_id {
    uint64_t start; /* in the bytes */
    uint32_t length;
    uint32_t prefix; /* the first four bytes as a number, to compare most ids at once */
};

/* Zero-initialise before the first use. */
struct fs_text_ids {
    struct fs_buffer bytes;
    struct fs_text_id *items;
    size_t count;
    size_t capacity;
    size_t ordered; /* so many from the front are ascending and distinct */
};

void fs_text_ids_free(struct fs_text_ids *ids);
/* False when out of memory. `length` is below 2^32. */
bool fs_text_ids_add(struct fs_text_ids *ids, const char *text, size_t length);
/* Sorts by the bytes and drops what is repeated. Needs no memory that it could not do without. */
void fs_text_ids_order(struct fs_text_ids *ids);
finseg_slice fs_text_ids_at(const struct fs_text_ids *ids, size_t index);
/* In an ordered list. */
bool fs_text_ids_contain(const struct fs_text_ids *ids, finseg_slice id);
/*
 * Merges two ordered lists into `out`, which is empty: of what is in `a` only, in both, and in `b` only, what the flags
 * say. False when out of memory.
 */
bool fs_text_ids_merge(struct fs_text_ids *out, const struct fs_text_ids *a, const struct fs_text_ids *b, bool only_a,
                       bool both, bool only_b);

#endif
