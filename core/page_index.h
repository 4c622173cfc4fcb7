/* The inside of a page, shared by the file that fills it (page_read.c) and the file that answers from it (page.c). */
#ifndef FINSEG_PAGE_INDEX_H
#define FINSEG_PAGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "finseg.h"

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
    uint32_t first_amount; /* the user's amounts end where the next user's begin */
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
    uint32_t users_start; /* of the users array with its brackets, in the text */
    uint32_t users_length;
    int64_t total_elements; /* -1: not said */
    struct fs_page_user *users;
    struct fs_page_amount *amounts;
    uint32_t user_count;
    uint32_t user_capacity;
    uint32_t amount_count;
    uint32_t amount_capacity;
    struct fs_buffer unescaped;
};

/* Fills the index from the text, once. NULL, or what is wrong with the page; the index is then of no use. */
finseg_error *fs_page_read(finseg_page *page);

#endif
