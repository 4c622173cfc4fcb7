/* The flows of one account: what its transactions of each label came to in each month. figures.h has the table
 * `flows`. */
#ifndef FINSEG_SANDBOX_FLOWS_H
#define FINSEG_SANDBOX_FLOWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "../buffer.h"
#include "bank.h"

/* The columns total_1 to count_12 of `flows`, in this order: the oldest month is 1. */
#define FS_FLOW_COLUMNS                                                                                                \
    "total_1, total_2, total_3, total_4, total_5, total_6, total_7, total_8, total_9, total_10, total_11, total_12, "  \
    "count_1, count_2, count_3, count_4, count_5, count_6, count_7, count_8, count_9, count_10, count_11, count_12"

_Static_assert(FS_BANK_MONTHS == 12, "FS_FLOW_COLUMNS has a column a month");

struct fs_flow {
    int64_t label;                  /* its number */
    int64_t totals[FS_BANK_MONTHS]; /* cents; the oldest month first */
    int64_t counts[FS_BANK_MONTHS];
};

struct fs_flows;

/* All labels must be in the database. NULL with a `problem`. */
struct fs_flows *fs_flows_open(sqlite3 *database, struct fs_buffer *problem);
void fs_flows_close(struct fs_flows *flows);
/* Books a transaction of the account whose flows come next; `month` counts from 0, the oldest. */
bool fs_flows_book(struct fs_flows *flows, int64_t label, int month, int64_t amount, struct fs_buffer *problem);
/* Writes the account's flows, and begins the next account's. */
bool fs_flows_write(struct fs_flows *flows, int64_t account, struct fs_buffer *problem);

#endif
