#include "page_pool.h"

#include <stdlib.h>

#include "error.h"
#include "page_index.h"

void fs_page_pool_free(struct fs_page_pool *pool)
{
    while (pool->count > 0)
        finseg_page_free(pool->spares[--pool->count]);
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
    if (!page || pool->count == FS_PAGE_POOL_LIMIT) {
        finseg_page_free(page);
        return;
    }
    if (page->text_is_lent)
        drop_text(page);
    pool->spares[pool->count++] = page;
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

static finseg_page *take_spare(struct fs_page_pool *pool)
{
    return pool->count > 0 ? pool->spares[--pool->count] : calloc(1, sizeof(finseg_page));
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
    drop_text(page);
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
    drop_text(page);
    page->text = (char *)text;
    page->length = length;
    page->text_is_lent = true;
    return read_page(pool, page, error);
}
