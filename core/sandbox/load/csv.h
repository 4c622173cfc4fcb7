/*
 * The sandbox's own files of a bank: CSV as RFC 4180 has it (commas; quotes doubled inside quotes; line breaks inside
 * quotes), in UTF-8, each with a header line and these columns, in this order:
 *
 *   users.csv         userId
 *   accounts.csv      accountId,userId,type,opened
 *   transactions.csv  accountId,date,amount,label,counterpart
 *
 *   userId       1 to 1024 bytes; no user of the bank has it yet
 *   accountId    1 to 1024 bytes; no account of the bank has it yet
 *   type         CHECKING, SAVINGS, CREDIT_CARD, SECURITY, LOAN, BAUSPAREN or MEMBERSHIP; case does not matter
 *   opened, date YYYY-MM-DD
 *   amount       -1234.50: at most two decimals; spending is negative
 *   label        what the transaction is, see label.h; empty: nothing is known
 *   counterpart  the other side's name; empty: it has none
 *
 * Rows may come in any order; transactions of one account and day happen in the order of the file. An export is ordered
 * by userId, accountId and date, so that a bank that is exported, imported and exported again gives the same bytes.
 */
#ifndef FINSEG_SANDBOX_CSV_H
#define FINSEG_SANDBOX_CSV_H

#include <stdbool.h>

#include "sandbox/bank/bank.h"
#include "value/buffer.h"

/*
 * Loads the three files of the directory, within a load that the caller began. Stops at the first row that is not as it
 * should be: `problem` is then "FILE:LINE:COLUMN: what".
 */
bool sb_csv_import(struct sb_bank *bank, const char *directory, struct fs_buffer *problem);
/*
 * Writes the three files into the directory, which is made when there is none. Files that are there already are left as
 * they are and refused; when the export fails, what it has written is removed.
 */
bool sb_csv_export(const struct sb_bank *bank, const char *directory, struct fs_buffer *problem);

#endif
