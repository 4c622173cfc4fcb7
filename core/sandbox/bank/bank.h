/*
 * The bank: users, accounts and transactions in SQLite, and the aggregates that segments need often, kept beside them
 * for one reference date. Amounts are minor units (cents). A bank belongs to one thread at a time.
 */
#ifndef FINSEG_SANDBOX_BANK_H
#define FINSEG_SANDBOX_BANK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "value/buffer.h"

struct sb_bank;

struct sb_bank_account {
    int64_t user;           /* from sb_bank_add_user */
    const char *account_id; /* as on the wire */
    const char *type;       /* as sb_bank_account_type() answers it */
    int opened;             /* a day number */
};

struct sb_bank_transaction {
    int64_t account;         /* from sb_bank_add_account */
    int64_t sequence;        /* orders the transactions of one day; unique within account and day */
    int64_t amount;          /* spending is negative */
    int day;                 /* a day number */
    const char *label;       /* "SALARY", "INSURANCE_HEALTH", ...; NULL when there is none */
    const char *counterpart; /* NULL when there is none */
};

/* The account type that is `type` but for case; NULL when there is none. */
const char *sb_bank_account_type(const char *type);

/* Opens the bank in FILE, or an empty one in memory when `file` is NULL. NULL with a `problem`. */
struct sb_bank *sb_bank_open(const char *file, struct fs_buffer *problem);
void sb_bank_close(struct sb_bank *bank);

/*
 * Loading is all or nothing: begin, add, then commit or roll back. `source` names the load ("berka=DIR"); when that
 * load is in the bank already, `*known` is set and nothing begins.
 */
bool sb_bank_begin_load(struct sb_bank *bank, const char *source, bool *known, struct fs_buffer *problem);
/* Whether a load whose name is like the GLOB `pattern` is in the bank; appends its name. */
bool sb_bank_find_load(struct sb_bank *bank, const char *pattern, struct fs_buffer *source);
bool sb_bank_commit_load(struct sb_bank *bank, struct fs_buffer *problem);
void sb_bank_rollback_load(struct sb_bank *bank);
/* The number of the user with this userId, made when it is new. 0 with a `problem`. */
int64_t sb_bank_add_user(struct sb_bank *bank, const char *user_id, struct fs_buffer *problem);
/* The user with this userId; 0 when there is none. */
int64_t sb_bank_find_user(struct sb_bank *bank, const char *user_id);
/* 0 with a `problem`, for instance when the bank has an account with this accountId. */
int64_t sb_bank_add_account(struct sb_bank *bank, const struct sb_bank_account *account, struct fs_buffer *problem);
/* The account of this load with this accountId; 0 when there is none. */
int64_t sb_bank_find_account(struct sb_bank *bank, const char *account_id);
bool sb_bank_add_transaction(struct sb_bank *bank, const struct sb_bank_transaction *transaction,
                             struct fs_buffer *problem);

/*
 * Makes the aggregates for this reference date, unless the bank has them: transactions dated on or after it do not
 * count.
 */
bool sb_bank_set_reference_date(struct sb_bank *bank, int day, struct fs_buffer *problem);
int sb_bank_reference_date(const struct sb_bank *bank);
/* For the segments' queries. */
sqlite3 *sb_bank_database(const struct sb_bank *bank);

#endif
