/*
 * What segments need often of every account, computed once for a reference date, in tables of its own:
 *   balances      the balance before the reference date: the sum of its transactions
 *   months        of each of the last SB_BANK_MONTHS complete months: `lowest`, the lowest closing balance (of a day:
 *                 the sum of all transactions up to and including it) over the days from the account's opening on, NULL
 *                 before the opening; `incoming` and `outgoing`, the numbers of credits and of debits. A month without
 *                 any has no row
 *   label_totals  by label: the sum and the number of the transactions of each of these months
 *   premiums      the debits of these months that are labelled INSURANCE or finer, amounts positive
 * Accounts opened on or after the reference date have none, and transactions dated on or after it do not count.
 */
#ifndef FINSEG_SANDBOX_AGGREGATES_H
#define FINSEG_SANDBOX_AGGREGATES_H

#include <sqlite3.h>
#include <stdbool.h>

#include "value/buffer.h"

/* Replaces all aggregates; the caller holds the transaction. */
bool sb_aggregates_make(sqlite3 *database, int reference_date, struct fs_buffer *problem);

#endif
