/* Sorting UUIDs by radix, most significant digit first. */
#ifndef FINSEG_UUID_SORT_H
#define FINSEG_UUID_SORT_H

#include "value/uuid.h"

/*
 * Sorts ascending. It takes scratch memory for the largest of the parts that it first divides the ids into: all of them
 * when they are few, one in 256 when they are many and random, all again when all begin alike. When there is none it
 * goes without, slower.
 */
void fs_uuid_sort(struct fs_uuid *ids, size_t count);
/* As fs_uuid_sort when there is no memory. */
void fs_uuid_sort_in_place(struct fs_uuid *ids, size_t count);

/* Drops repeated ids of a sorted run; answers how many are left. */
size_t fs_uuid_drop_repeated(struct fs_uuid *ids, size_t count);

#endif
