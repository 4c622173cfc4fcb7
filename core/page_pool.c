#include "page_pool.h"

#include "page_index.h"

void fs_page_pool_give(struct fs_page_pool *pool, finseg_page *page)
{
    if (!page)
        return;
    if (pool->count >= pool->limit) {
        finseg_page_free(page);
        return;
    }
    page->next_spare = pool->first;
    pool->first = page;
    pool->count++;
}

finseg_page *fs_page_pool_take(struct fs_page_pool *pool)
{
    finseg_page *page = pool->first;
    if (page) {
        pool->first = page->next_spare;
        pool->count--;
    }
    return page;
}

void fs_page_pool_empty(struct fs_page_pool *pool)
{
    finseg_page *page;
    while ((page = fs_page_pool_take(pool)) != NULL)
        finseg_page_free(page);
}
