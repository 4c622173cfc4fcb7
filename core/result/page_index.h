/* The inside of a page, shared by the file that fills it (page_read.c) and the file that answers from it (page.c). */
#ifndef FINSEG_PAGE_INDEX_H
#define FINSEG_PAGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finseg.h"
#include "value/buffer.h"
#include "value/json.h"
#include "value/uuid.h"

enum {
    FS_PAGE_MAX_BYTES = INT32_MAX, /* positions and lengths are kept in 31 bits */
    FS_PAGE_MAX_ID = 1024          /* bytes of a userId or accountId, escapes resolved */
};

/* An id: a run of bytes in the text, or, when it was written with escapes, in `unescaped`. */
struct fs_page_id {
    uint32_t start;
    uint32_t length : 31;
    uint32_t was_escaped : 1;
};

struct fs_page_user {
    uint32_t start; /* of the JSON object, in the text */
    uint32_t length;
    struct fs_page_id id;
    uint32_t first_amount : 31; /* the user's amounts end where the next user's begin */
    uint32_t has_uuid : 1;      /* the id is a canonical UUID and stands in the page's `uuids` too */
};

struct fs_page_amount {
    int64_t scaled; /* at 10^-4; only when it fits */
    uint32_t start; /* of the JSON number, in the text */
    uint32_t length : 31;
    uint32_t fits : 1;
    struct fs_page_id account;
};

struct finseg_page {
    char *text;
    size_t length;
    size_t text_capacity; /* of the memory that `text` has; 0: not known */
    bool text_is_lent;    /* by the caller: not to be written or freed */
    uint32_t users_start; /* of the users array with its brackets, in the text */
    uint32_t users_length;
    int64_t total_elements; /* -1: not said */
    struct fs_page_user *users;
    struct fs_uuid *uuids; /* one for each user, of no meaning where has_uuid is not set */
    struct fs_page_amount *amounts;
    uint32_t user_count;
    uint32_t user_capacity; /* of users and uuids */
    uint32_t amount_count;
    uint32_t amount_capacity;
    struct fs_buffer unescaped;
};

/* Frees the text, unless it is the caller's; the page has none then. */
void fs_page_drop_text(struct finseg_page *page);
/* Sets all but the account from a JSON number in `text`. */
void fs_page_set_amount(struct fs_page_amount *amount, const struct fs_json_value *number, const char *text);

/* Room for one more user or amount; false when out of memory. */
bool fs_page_grow_users(struct finseg_page *page);
bool fs_page_grow_amounts(struct finseg_page *page);

/* False when out of memory. */
static inline bool fs_page_append_user(struct finseg_page *page, const struct fs_page_user *user,
                                       const struct fs_uuid *uuid)
{
    if (page->user_count == page->user_capacity && !fs_page_grow_users(page))
        return false;
    page->uuids[page->user_count] = *uuid;
    page->users[page->user_count++] = *user;
    return true;
}

static inline bool fs_page_append_amount(struct finseg_page *page, const struct fs_page_amount *amount)
{
    if (page->amount_count == page->amount_capacity && !fs_page_grow_amounts(page))
        return false;
    page->amounts[page->amount_count++] = *amount;
    return true;
}

#endif
