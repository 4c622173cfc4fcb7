#include "page_index.h"

#include <stdlib.h>

#include "value/money.h"

enum { FIRST_CAPACITY = 32 };

/* The new items are not initialised. False when out of memory, and the old ones stay. */
static bool resize(void **items, uint32_t capacity, size_t item_size)
{
    void *resized = reallocarray(*items, capacity, item_size);
    if (resized)
        *items = resized;
    return resized != NULL;
}

static uint32_t next_capacity(uint32_t capacity)
{
    return capacity ? capacity * 2 : FIRST_CAPACITY;
}

void fs_page_drop_text(struct finseg_page *page)
{
    if (!page->text_is_lent)
        free(page->text);
    page->text = NULL;
    page->length = 0;
    page->text_capacity = 0;
    page->text_is_lent = false;
}

bool fs_page_grow_users(struct finseg_page *page)
{
    uint32_t capacity = next_capacity(page->user_capacity);
    void *users = page->users;
    void *uuids = page->uuids;
    bool done = resize(&users, capacity, sizeof *page->users) && resize(&uuids, capacity, sizeof *page->uuids);
    page->users = users;
    page->uuids = uuids;
    if (done)
        page->user_capacity = capacity;
    return done;
}

bool fs_page_grow_amounts(struct finseg_page *page)
{
    uint32_t capacity = next_capacity(page->amount_capacity);
    void *amounts = page->amounts;
    bool done = resize(&amounts, capacity, sizeof *page->amounts);
    page->amounts = amounts;
    if (done)
        page->amount_capacity = capacity;
    return done;
}

void fs_page_set_amount(struct fs_page_amount *amount, const struct fs_json_value *number, const char *text)
{
    amount->scaled = 0;
    amount->start = (uint32_t)(number->data - text);
    amount->length = (uint32_t)number->length & INT32_MAX;
    amount->fits = fs_money_parse(number->data, number->length, &amount->scaled) == FS_MONEY_OK;
}
