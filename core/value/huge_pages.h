/*
 * Memory for large arrays. Beyond a few megabytes it comes straight from the system in its large pages, where it has
 * them: the first touch of small ones would cost more than what is done with an id. Growing moves no bytes then.
 */
#ifndef FINSEG_HUGE_PAGES_H
#define FINSEG_HUGE_PAGES_H

#include <stddef.h>

/*
 * Resizes memory of `old_size` bytes that came from here (NULL and 0 at first), keeping what is in it. NULL when memory
 * is out, and the old stays. `size` is not 0.
 */
void *fs_huge_pages_resize(void *memory, size_t old_size, size_t size);
/* `size` as it was last asked for. NULL with 0 is allowed. */
void fs_huge_pages_free(void *memory, size_t size);

/* Asks for large pages where memory that came from malloc is large enough to gain by them, before its first touch. */
void fs_huge_pages_prefer(void *memory, size_t size);

#endif
