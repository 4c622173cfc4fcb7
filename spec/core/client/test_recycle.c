/* Pages that were given back to the client, whose memory serves those that it fetches later. */
#include <stdio.h>
#include <stdlib.h>

#include "result/page_pool.h"
#include "stage.h"
#include "test.h"
#include "value/buffer.h"

enum { PAGES = 2 * FS_PAGE_POOL_LIMIT, ID_LIMIT = 64 };

/* Short and long ones by turns, so that what one leaves behind would show in another. */
static size_t users_of(int page)
{
    return page % 2 == 0 ? 1 + (size_t)page : 300 + (size_t)page;
}

static void write_id(char id[ID_LIMIT], int page, size_t user)
{
    if (user % 2 == 0)
        snprintf(id, ID_LIMIT, "%08x-0000-4000-8000-%012zx", (unsigned)page, user);
    else
        snprintf(id, ID_LIMIT, "user %zu of page %d", user, page);
}

/* Each user has one amount, which says whose it is. */
static int64_t amount_of(int page, size_t user)
{
    return (int64_t)(1000 * (size_t)page + user);
}

static char *body_of(int page)
{
    struct fs_buffer body = {0};
    fs_buffer_append_text(&body, "{\"users\":[");
    for (size_t user = 0; user < users_of(page); user++) {
        char id[ID_LIMIT];
        write_id(id, page, user);
        fs_buffer_printf(&body, "%s{\"userId\":\"%s\",\"accounts\":[{\"accountId\":\"a\",\"amount\":%d}]}",
                         user > 0 ? "," : "", id, (int)amount_of(page, user));
    }
    fs_buffer_append_text(&body, "]}");
    return fs_buffer_take(&body);
}

/* Whether this is that page, all of it and nothing else. */
static bool is_page(const finseg_page *found, int page)
{
    if (!found || finseg_page_user_count(found) != users_of(page) || finseg_page_amount_count(found) != users_of(page))
        return false;
    for (size_t user = 0; user < users_of(page); user++) {
        char id[ID_LIMIT];
        int64_t amount = 0;
        write_id(id, page, user);
        finseg_slice found_id = finseg_page_user_id(found, user);
        if (found_id.length != strlen(id) || memcmp(found_id.data, id, found_id.length) != 0 ||
            !finseg_page_amount(found, user, &amount) || amount != amount_of(page, user) * 10000)
            return false;
    }
    return true;
}

/* ---- a server of all the pages, as often as they are asked for ---- */

struct pages {
    struct stage stage;
    finseg_job *job;
    char matches[PAGES][ID_LIMIT];
    char *bodies[PAGES];
    char *answers[PAGES];
};

static void open_pages(struct pages *pages)
{
    struct scripted_answer script[PAGES + 1] = {{0}};
    prepare(&pages->stage);
    script[0] =
        (struct scripted_answer){POST_TOKEN, json(&pages->stage, "200 OK", "", TOKEN_ANSWER), SCRIPTED_KEEP, -1};
    for (int page = 0; page < PAGES; page++) {
        snprintf(pages->matches[page], ID_LIMIT, GET_RESULT "highBalance/j?number=%d&", page);
        pages->bodies[page] = body_of(page);
        pages->answers[page] = scripted_json("200 OK", "", pages->bodies[page]);
        script[page + 1] = (struct scripted_answer){pages->matches[page], pages->answers[page], SCRIPTED_KEEP, -1};
    }
    OPEN(&pages->stage, script);
    pages->job = job(&pages->stage, "j", 0);
}

static void close_pages(struct pages *pages)
{
    finseg_job_free(pages->job);
    close_stage(&pages->stage);
    for (int page = 0; page < PAGES; page++) {
        free(pages->bodies[page]);
        free(pages->answers[page]);
    }
}

static finseg_ticket ask(struct pages *pages, int page)
{
    return finseg_client_fetch(pages->stage.client, pages->job, (uint64_t)page, 0, NULL);
}

static finseg_page *take(struct pages *pages, finseg_ticket ticket)
{
    finseg_outcome *outcome = finseg_client_await(pages->stage.client, ticket);
    finseg_page *page = finseg_outcome_take_page(outcome);
    finseg_outcome_free(outcome);
    return page;
}

/* ---- the tests ---- */

static void the_memory_of_a_page_comes_back_with_the_next(void)
{
    struct pages pages;
    open_pages(&pages);
    finseg_page *first = take(&pages, ask(&pages, 1));
    CHECK(is_page(first, 1));
    const char *text = finseg_page_text(first).data;
    finseg_client_recycle(pages.stage.client, first);
    /* A shorter one lies where it lay; a longer one may need more. */
    for (int page = 2; page < 4; page++) {
        finseg_page *next = take(&pages, ask(&pages, page));
        CHECK(next == first);
        CHECK(page == 3 || finseg_page_text(next).data == text);
        CHECK(is_page(next, page));
        finseg_client_recycle(pages.stage.client, next);
    }
    close_pages(&pages);
}

static void a_page_that_is_held_is_left_alone(void)
{
    struct pages pages;
    open_pages(&pages);
    finseg_page *held = take(&pages, ask(&pages, 5));
    finseg_client_recycle(pages.stage.client, take(&pages, ask(&pages, 7)));
    for (int page = 8; page < PAGES; page++) {
        finseg_page *next = take(&pages, ask(&pages, page));
        CHECK(next != held && finseg_page_text(next).data != finseg_page_text(held).data);
        CHECK(is_page(next, page));
        finseg_client_recycle(pages.stage.client, next);
        CHECK(is_page(held, 5));
    }
    finseg_page_free(held);
    close_pages(&pages);
}

/* More are under way, held and given back than the client keeps, in an order of their own. */
static void pages_under_way_do_not_mix(void)
{
    struct pages pages;
    open_pages(&pages);
    for (int round = 0; round < 3; round++) {
        finseg_ticket tickets[PAGES];
        finseg_page *taken[PAGES];
        for (int i = 0; i < PAGES; i++)
            tickets[i] = ask(&pages, (i + round) % PAGES);
        for (int i = 0; i < PAGES; i++)
            taken[i] = take(&pages, tickets[i]);
        for (int i = 0; i < PAGES; i++)
            CHECK(is_page(taken[i], (i + round) % PAGES));
        for (int i = PAGES; i > 0; i--)
            finseg_client_recycle(pages.stage.client, taken[i - 1]);
    }
    close_pages(&pages);
}

static void a_page_of_any_source_may_be_given_back(void)
{
    struct pages pages;
    open_pages(&pages);
    const char text[] = "{\"users\":[{\"userId\":\"elsewhere\"}],\"totalElements\":1}";
    finseg_client_recycle(pages.stage.client, NULL);
    finseg_client_recycle(pages.stage.client, finseg_page_parse(text, sizeof text - 1, NULL));
    finseg_page *next = take(&pages, ask(&pages, 1));
    CHECK(is_page(next, 1));
    CHECK_INT(finseg_page_total_elements(next), -1);
    /* What is under way has borrowed memory, and may be ended. */
    finseg_client_recycle(pages.stage.client, next);
    finseg_client_cancel(pages.stage.client, ask(&pages, 2));
    next = take(&pages, ask(&pages, 3));
    CHECK(is_page(next, 3));
    finseg_client_recycle(pages.stage.client, next);
    ask(&pages, 4);
    close_pages(&pages);
}

static const struct test tests[] = {
    {"the memory of a page comes back with the next", the_memory_of_a_page_comes_back_with_the_next},
    {"a page that is held is left alone", a_page_that_is_held_is_left_alone},
    {"pages under way do not mix", pages_under_way_do_not_mix},
    {"a page of any source may be given back", a_page_of_any_source_may_be_given_back},
};
SUITE(recycle, tests);
