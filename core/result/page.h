/* A result page: the bytes as they came and an index beside them. finseg.h has the accessors. */
#ifndef FINSEG_PAGE_H
#define FINSEG_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "finseg.h"

/* Bytes of a userId or accountId, escapes resolved. */
enum { FS_PAGE_MAX_ID = 1024 };

/*
 * As finseg_page_parse, but takes over `text`, which came from malloc, instead of copying it; it is freed on failure
 * too.
 */
finseg_page *fs_page_adopt(char *text, size_t length, finseg_error **error);

/* Of the user ids in their order. Equal pages have equal hashes; the hash is the same in every process. */
uint64_t fs_page_hash(const finseg_page *page);

#endif
