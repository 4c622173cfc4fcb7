/*
 * Import of the Berka files (PKDD'99 Discovery Challenge). A user is an account's OWNER: its userId is the client_id,
 * the accountId the account_id. All accounts are CHECKING. PRIJEM is credit, VYDAJ and VYBER are debit; the label comes
 * from k_symbol.
 */
#ifndef FINSEG_SANDBOX_BERKA_H
#define FINSEG_SANDBOX_BERKA_H

#include <stdbool.h>

#include "sandbox/bank/bank.h"
#include "value/buffer.h"

/*
 * Loads account.asc, disp.asc and trans.asc of the directory, within a load that the caller began. Stops at the first
 * row that is not as it should be: `problem` is then "FILE:LINE:COLUMN: what".
 */
bool sb_berka_import(struct sb_bank *bank, const char *directory, struct fs_buffer *problem);

#endif
