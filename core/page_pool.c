#include "page_pool.h"

#include <stdlib.h>

#include "error.h"
#include "page_index.h"

void fs_page_pool_free(struct fs_page_pool *pool)
{
    while (pool->count > 0)
        finseg_page_free(pool->spares[--pool->count]);
}

void fs_page_pool_give(struct fs_page_pool *pool, finseg_page *page)
{
    if (page && pool->count < FS_PAGE_POOL_LIMIT)
        pool->spares[pool->count++] = page;
    else
        finseg_page_free(page);
}

void fs_page_pool_lend(struct fs_page_pool *pool, struct fs_buffer *body)
{
    /* The text of the last spare that still has one: texts and columns are lent at different times. */
    for (size_t i = pool->count; i > 0 && !body->data; i--) {
        finseg_page *spare = pool->spares[i - 1];
        if (spare->text_capacity == 0)
            continue;
        *body = (struct fs_buffer){.data = spare->text, .capacity = spare->text_capacity};
        fs_buffer_clear(body);
        spare->text = NULL;
        spare->text_capacity = 0;
    }
}

finseg_page *fs_page_pool_read(struct fs_page_pool *pool, struct fs_buffer *body, finseg_error **error)
{
    finseg_page *page = pool->count > 0 ? pool->spares[--pool->count] : calloc(1, sizeof *page);
    finseg_error *problem = NULL;
    if (!page || !fs_buffer_reserve(body, 0)) {
        problem = fs_error_out_of_memory();
    } else {
        free(page->text);
        page->text = body->data;
        page->length = body->length;
        page->text_capacity = body->capacity;
        *body = (struct fs_buffer){0};
        problem = fs_page_read(page, FS_PAGE_TEMPLATE);
    }
    fs_buffer_free(body);
    if (!problem)
        return page;
    fs_page_pool_give(pool, page);
    fs_error_give(error, problem);
    return NULL;
}
