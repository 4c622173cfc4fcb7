/* Pages that are done with, whose memory waits for the next ones: touching fresh memory takes longer than reading a page. */
#ifndef FINSEG_PAGE_POOL_H
#define FINSEG_PAGE_POOL_H

#include <stddef.h>

#include "finseg.h"

/* Zero-initialise it, and set the limit. */
struct fs_page_pool {
    finseg_page *first;
    size_t count;
    size_t limit; /* pages kept at most */
};

/* Takes over the page, which may be NULL; it is freed when there are enough. */
void fs_page_pool_give(struct fs_page_pool *pool, finseg_page *page);
/* A page to be filled anew, of any content, which the caller owns; NULL when there is none. */
finseg_page *fs_page_pool_take(struct fs_page_pool *pool);
/* Frees what is kept. */
void fs_page_pool_empty(struct fs_page_pool *pool);

#endif
