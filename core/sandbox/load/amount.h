/* Amounts in files: digits, and after a point one or two more; a minus sign before them. */
#ifndef FINSEG_SANDBOX_AMOUNT_H
#define FINSEG_SANDBOX_AMOUNT_H

#include <stddef.h>
#include <stdint.h>

/* Reads all of `text`. NULL when `*cents` is set; else what is wrong: "is not an amount ...", to follow the text. */
const char *sb_amount_read(const char *text, size_t length, int64_t *cents);

#endif
