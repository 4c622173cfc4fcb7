/* The totals of one account by label and month, and how they come into the table `label_totals`: see aggregates.h. */
#ifndef FINSEG_SANDBOX_LABEL_TOTALS_H
#define FINSEG_SANDBOX_LABEL_TOTALS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "value/buffer.h"

/* The columns total_1 to count_12 of `label_totals`, in this order: the oldest month is 1. */
#define SB_LABEL_TOTAL_COLUMNS                                                                                         \
    "total_1, total_2, total_3, total_4, total_5, total_6, total_7, total_8, total_9, total_10, total_11, total_12, "  \
    "count_1, count_2, count_3, count_4, count_5, count_6, count_7, count_8, count_9, count_10, count_11, count_12"

_Static_assert(SB_BANK_MONTHS == 12, "SB_LABEL_TOTAL_COLUMNS has a column a month");

struct sb_label_total {
    int64_t label;                  /* its number */
    int64_t totals[SB_BANK_MONTHS]; /* cents; the oldest month first */
    int64_t counts[SB_BANK_MONTHS];
};

struct sb_label_totals;

/* All labels must be in the database. NULL with a `problem`. */
struct sb_label_totals *sb_label_totals_open(sqlite3 *database, struct fs_buffer *problem);
void sb_label_totals_close(struct sb_label_totals *totals);
/* Adds a transaction of the account whose totals are written next; `month` counts from 0, the oldest. */
bool sb_label_totals_book(struct sb_label_totals *totals, int64_t label, int month, int64_t amount,
                          struct fs_buffer *problem);
/* Writes the account's totals, and begins the next account's. */
bool sb_label_totals_write(struct sb_label_totals *totals, int64_t account, struct fs_buffer *problem);

#endif
