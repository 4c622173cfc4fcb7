/*
 * The memory of pages that are done with, for the next ones: the first touch of new memory costs more than reading a
 * page does. A pool keeps a few pages and frees the rest.
 */
#ifndef FINSEG_PAGE_POOL_H
#define FINSEG_PAGE_POOL_H

#include "finseg.h"
#include "value/buffer.h"

enum { FS_PAGE_POOL_LIMIT = 8 };

/* Texts and columns are kept apart, since they are wanted at different times. Zero-initialise before the first use. */
struct fs_page_pool {
    struct fs_buffer texts[FS_PAGE_POOL_LIMIT];
    finseg_page *pages[FS_PAGE_POOL_LIMIT]; /* without texts */
    size_t text_count;
    size_t page_count;
};

void fs_page_pool_free(struct fs_page_pool *pool);
/* Takes the page over, to reuse it or to free it. NULL is allowed. */
void fs_page_pool_give(struct fs_page_pool *pool, finseg_page *page);
/* Gives a buffer without memory that of a spare text, if there is one. */
void fs_page_pool_lend(struct fs_page_pool *pool, struct fs_buffer *body);
/* As finseg_page_parse, but takes over the bytes of `body`, which is empty afterwards, on failure too. */
finseg_page *fs_page_pool_read(struct fs_page_pool *pool, struct fs_buffer *body, finseg_error **error);

#endif
