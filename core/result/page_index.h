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

/* Positions and lengths are kept in 31 bits. */
enum { FS_PAGE_MAX_BYTES = INT32_MAX };

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

/*
 * The ways to read a page. All of them give the same index, and the same error for the same text; the slower ones are
 * the measure that the faster ones are tested by.
 */
enum fs_page_way {
    FS_PAGE_SCALAR,  /* byte by byte, and words of eight bytes */
    FS_PAGE_WIDE,    /* sixteen bytes at a time where the machine can */
    FS_PAGE_TEMPLATE /* that, and a template of what the first users look like */
};

/*
 * Fills the index from the text, into the memory that it has from an earlier text. NULL, or what is wrong with the
 * page; the index is then of no use.
 */
finseg_error *fs_page_read(finseg_page *page, enum fs_page_way way);

#endif
