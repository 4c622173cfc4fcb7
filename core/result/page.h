/* A result page: the bytes as they came and an index beside them. finseg.h has the accessors. */
#ifndef FINSEG_PAGE_H
#define FINSEG_PAGE_H

#include <stdint.h>

#include "finseg.h"

/* Of the user ids in their order. Equal pages have equal hashes; the hash is the same in every process. */
uint64_t fs_page_hash(const finseg_page *page);

#endif
