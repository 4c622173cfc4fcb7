/* A result page: the bytes as they came and an index beside them. finseg.h has the accessors. */
#ifndef FINSEG_PAGE_H
#define FINSEG_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "finseg.h"

/* Bytes of a userId or accountId, escapes resolved. */
enum { FS_PAGE_MAX_ID = 1024 };

/* An empty page, to be filled; NULL when memory is out. */
finseg_page *fs_page_new(void);
/* Lends the memory of the page's old text to `text`, which must be empty. */
void fs_page_lend_text(finseg_page *page, struct fs_buffer *text);
/* As finseg_page_parse, into a page that may have been filled before, and takes over `text` instead of copying it. NULL, or what is wrong;
 * nothing but filling and freeing may be done with the page then. */
finseg_error *fs_page_fill(finseg_page *page, struct fs_buffer *text);

/* Of the user ids in their order. Equal pages have equal hashes; the hash is the same in every process. */
uint64_t fs_page_hash(const finseg_page *page);

#endif
