/*
 * Figures of every account, from daily closing balances (the sum of all its transactions up to and including the day):
 *   balances   the balance before the reference date
 *   months     the lowest closing balance of each of the last FS_BANK_MONTHS complete months, over the days from the
 *              account's opening on; a month before the opening has no row
 * Accounts opened on or after the reference date have none, and transactions dated on or after it do not count.
 */
#ifndef FINSEG_SANDBOX_FIGURES_H
#define FINSEG_SANDBOX_FIGURES_H

#include <sqlite3.h>
#include <stdbool.h>

#include "../buffer.h"

/* Replaces all figures; the caller holds the transaction. */
bool fs_figures_make(sqlite3 *database, int reference_date, struct fs_buffer *problem);

#endif
