#include "page_pool.h"

#include <stdlib.h>

#include "page_index.h"
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

/* Frees the text, unless it is the caller's. */
static void drop_text(finseg_page *page)
{
    if (!page->text_is_lent)
        free(page->text);
    page->text = NULL;
    page->length = 0;
    page->text_capacity = 0;
    page->text_is_lent = false;
}

void fs_page_pool_give(struct fs_page_pool *pool, finseg_page *page)
{
    if (!page)
        return;
    keep_text(pool, page);
    drop_text(page);
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

static finseg_page *take_spare(struct fs_page_pool *pool)
{
    return pool->page_count > 0 ? pool->pages[--pool->page_count] : calloc(1, sizeof(finseg_page));
}

/* The page that was taken, when its text can be read; else it is given back. */
static finseg_page *read_page(struct fs_page_pool *pool, finseg_page *page, finseg_error **error)
{
    finseg_error *problem = fs_page_read(page, FS_PAGE_TEMPLATE);
    if (!problem)
        return page;
    fs_page_pool_give(pool, page);
    fs_error_give(error, problem);
    return NULL;
}

finseg_page *fs_page_pool_read(struct fs_page_pool *pool, struct fs_buffer *body, finseg_error **error)
{
    finseg_page *page = take_spare(pool);
    if (!page || !fs_buffer_reserve(body, 0)) {
        fs_page_pool_give(pool, page);
        fs_buffer_free(body);
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    page->text = body->data;
    page->length = body->length;
    page->text_capacity = body->capacity;
    *body = (struct fs_buffer){0};
    return read_page(pool, page, error);
}

finseg_page *fs_page_pool_read_lent(struct fs_page_pool *pool, const char *text, size_t length, finseg_error **error)
{
    finseg_page *page = take_spare(pool);
    if (!page) {
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    page->text = (char *)text;
    page->length = length;
    page->text_is_lent = true;
    return read_page(pool, page, error);
}
