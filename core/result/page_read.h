/* Reading a page: its text becomes the index. */
#ifndef FINSEG_PAGE_READ_H
#define FINSEG_PAGE_READ_H

#include "finseg.h"

/*
 * All readers give the same index, and the same error for the same text; the slower ones are what the faster ones are
 * tested against.
 */
enum fs_page_reader {
    FS_PAGE_SCALAR,  /* byte by byte, and words of eight bytes */
    FS_PAGE_SIMD,    /* sixteen bytes at a time where the machine can */
    FS_PAGE_TEMPLATE /* that, and a template of what the first users look like */
};

/*
 * Fills the index from the text, into the memory that it has from an earlier text. NULL, or what is wrong with the
 * page; the index is then of no use.
 */
finseg_error *fs_page_read(finseg_page *page, enum fs_page_reader which);

#endif
