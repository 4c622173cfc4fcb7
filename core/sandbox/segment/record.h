/* Writing users' records into a result: each is a userId and one list. Amounts are minor units (cents). */
#ifndef FINSEG_SANDBOX_RECORD_H
#define FINSEG_SANDBOX_RECORD_H

#include <sqlite3.h>
#include <stdint.h>

#include "result.h"

struct sb_record_writer {
    struct sb_result *result;
    const char *list; /* the list's name: "accounts", ... */
    int64_t user;     /* whose record is open; 0: nobody's */
};

/* Comes before each entry of a list: opens the user's record, unless it is open, and closes the one before. */
void sb_record_next_entry(struct sb_record_writer *writer, int64_t user, const char *user_id);
/* Closes the last record. */
void sb_record_end(struct sb_record_writer *writer);

/* A column of the row that the statement stands on, as a JSON string; null when it is NULL. */
void sb_record_append_column(struct fs_buffer *out, sqlite3_stmt *row, int column);
/* As an exact decimal: "-1234.50". No more than SB_BANK_LARGEST_AMOUNT, either way. */
void sb_record_append_amount(struct fs_buffer *out, int64_t cents);
void sb_record_append_count(struct fs_buffer *out, int64_t count);

#endif
