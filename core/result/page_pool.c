#include "page_pool.h"

#include <stdlib.h>

#include "page_index.h"
#include "page_read.h"
#include "value/error.h"

void fs_page_pool_free(struct fs_page_pool *pool)
{
    while (pool->text_count > 0)
        fs_buffer_free(&pool->texts[--pool->text_count]);
    while (pool->page_count > 0)
        finseg_page_free(pool->pages[--pool->page_count]);
}

static void keep_text(struct fs_page_pool *pool, finseg_page *page)
{
    if (page->text_is_lent || page->text_capacity == 0 || pool->text_count == FS_PAGE_POOL_LIMIT)
        return;
    struct fs_buffer *text = &pool->texts[pool->text_count++];
    *text = (struct fs_buffer){.data = page->text, .capacity = page->text_capacity};
    fs_buffer_clear(text);
    page->text = NULL;
    page->text_capacity = 0;
}

void fs_page_pool_give(struct fs_page_pool *pool, finseg_page *page)
{
    if (!page)
        return;
    keep_text(pool, page);
    fs_page_drop_text(page);
    if (pool->page_count < FS_PAGE_POOL_LIMIT)
        pool->pages[pool->page_count++] = page;
    else
        finseg_page_free(page);
}

void fs_page_pool_lend(struct fs_page_pool *pool, struct fs_buffer *body)
{
    if (!body->data && pool->text_count > 0)
        *body = pool->texts[--pool->text_count];
}

finseg_page *fs_page_pool_read(struct fs_page_pool *pool, struct fs_buffer *body, finseg_error **error)
{
    finseg_page *page = pool->page_count > 0 ? pool->pages[--pool->page_count] : calloc(1, sizeof *page);
    finseg_error *problem = NULL;
    if (page && fs_buffer_reserve(body, 0)) {
        page->text = body->data;
        page->length = body->length;
        page->text_capacity = body->capacity;
        *body = (struct fs_buffer){0};
        problem = fs_page_read(page, FS_PAGE_TEMPLATE);
    } else {
        fs_buffer_free(body);
        problem = fs_error_out_of_memory();
    }
    if (!problem)
        return page;
    fs_page_pool_give(pool, page);
    fs_error_give(error, problem);
    return NULL;
}
