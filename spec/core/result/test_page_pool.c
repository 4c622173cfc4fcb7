#include "result/page_pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static finseg_page *read_text(struct fs_page_pool *pool, const char *text, finseg_error **error)
{
    struct fs_buffer body = {0};
    fs_page_pool_lend(pool, &body);
    CHECK_INT((int64_t)body.length, 0);
    fs_buffer_append_text(&body, text);
    finseg_page *page = fs_page_pool_read(pool, &body, error);
    CHECK(!body.data && body.length == 0);
    return page;
}

static void the_memory_of_a_page_serves_the_next(void)
{
    struct fs_page_pool pool = {0};
    finseg_page *page =
        read_text(&pool, "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":1}]}],\"totalElements\":1}", NULL);
    CHECK(page != NULL);
    const char *text = finseg_page_text(page).data;
    fs_page_pool_give(&pool, page);
    finseg_page *next = read_text(&pool, "{\"users\":[{\"userId\":\"\\u0076\"},{\"userId\":\"w\"}]}", NULL);
    CHECK(next == page && finseg_page_text(next).data == text);
    /* Nothing of the first page is left. */
    CHECK_INT((int64_t)finseg_page_user_count(next), 2);
    CHECK_INT((int64_t)finseg_page_amount_count(next), 0);
    CHECK_INT(finseg_page_total_elements(next), -1);
    CHECK_SLICE(finseg_page_user_id(next, 0), "v");
    CHECK_SLICE(finseg_page_user_id(next, 1), "w");
    fs_page_pool_give(&pool, next);
    fs_page_pool_free(&pool);
}

/* Texts are lent when a page is asked for, columns when it has come. */
static void columns_are_lent_without_a_text(void)
{
    struct fs_page_pool pool = {0};
    struct fs_buffer body = {0};
    finseg_page *first = read_text(&pool, "{\"users\":[]}", NULL);
    finseg_page *second = read_text(&pool, "{\"users\":[]}", NULL);
    fs_page_pool_give(&pool, first);
    fs_page_pool_give(&pool, second);
    fs_buffer_append_text(&body, "{\"users\":[{\"userId\":\"u\"}]}");
    finseg_page *page = fs_page_pool_read(&pool, &body, NULL);
    CHECK(page == first || page == second);
    CHECK_INT((int64_t)pool.page_count, 1);
    CHECK_INT((int64_t)pool.text_count, 2);
    CHECK_SLICE(finseg_page_user_id(page, 0), "u");
    finseg_page_free(page);
    fs_page_pool_free(&pool);
}

static void a_page_that_cannot_be_read_leaves_its_memory_to_the_next(void)
{
    struct fs_page_pool pool = {0};
    finseg_error *error = NULL;
    CHECK(read_text(&pool, "{\"users\":[{\"userId\":\"u\"},", &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "too early");
    finseg_page *page = read_text(&pool, "{\"users\":[]}", NULL);
    CHECK(page != NULL && finseg_page_user_count(page) == 0);
    fs_page_pool_give(&pool, page);
    CHECK_INT((int64_t)pool.page_count, 1);
    CHECK_INT((int64_t)pool.text_count, 1);
    fs_page_pool_free(&pool);
}

/*
 * More are lent and given back than the pool keeps, texts and columns at different times, pages of other origin among
 * them.
 */
static void any_number_of_pages_may_be_under_way(void)
{
    enum { PAGES = 2 * FS_PAGE_POOL_LIMIT };
    struct fs_page_pool pool = {0};
    finseg_page *pages[PAGES];
    for (int round = 0; round < 3; round++) {
        struct fs_buffer bodies[PAGES] = {{0}};
        for (int i = 0; i < PAGES; i++) {
            fs_page_pool_lend(&pool, &bodies[i]);
            fs_buffer_printf(&bodies[i], "{\"users\":[{\"userId\":\"%d.%d\"}]}", round, i);
        }
        for (int i = 0; i < PAGES; i++)
            pages[i] = fs_page_pool_read(&pool, &bodies[i], NULL);
        for (int i = 0; i < PAGES; i++) {
            char id[32];
            snprintf(id, sizeof id, "%d.%d", round, i);
            CHECK_SLICE(finseg_page_user_id(pages[i], 0), id);
            fs_page_pool_give(&pool, pages[i]);
        }
        CHECK_INT((int64_t)pool.page_count, FS_PAGE_POOL_LIMIT);
        CHECK_INT((int64_t)pool.text_count, FS_PAGE_POOL_LIMIT);
        fs_page_pool_give(&pool, finseg_page_parse("{\"users\":[]}", 12, NULL));
        fs_page_pool_give(&pool, NULL);
    }
    fs_page_pool_free(&pool);
    fs_page_pool_give(&pool, finseg_page_parse("{\"users\":[]}", 12, NULL)); /* whose text has no known capacity */
    finseg_page *page = read_text(&pool, "{\"users\":[{\"userId\":\"u\"}]}", NULL);
    CHECK_SLICE(finseg_page_user_id(page, 0), "u");
    finseg_page_free(page);
    fs_page_pool_free(&pool);
}

static const struct test tests[] = {
    {"the memory of a page serves the next", the_memory_of_a_page_serves_the_next},
    {"columns are lent without a text", columns_are_lent_without_a_text},
    {"a page that cannot be read leaves its memory to the next",
     a_page_that_cannot_be_read_leaves_its_memory_to_the_next},
    {"any number of pages may be under way", any_number_of_pages_may_be_under_way},
};
SUITE(page_pool, tests);
