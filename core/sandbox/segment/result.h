/*
 * The result of a segment while it is computed: the records of its users as JSON, one after the other. A record is a
 * userId and one list. Amounts are minor units (cents).
 */
#ifndef FINSEG_SANDBOX_RESULT_H
#define FINSEG_SANDBOX_RESULT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/base/date.h"
#include "value/buffer.h"

/* Bytes of all records: they are in memory until they are stored. */
enum { SB_RESULT_LARGEST = 900 * 1000 * 1000 };

/* Zero-initialise. */
struct sb_result {
    const char *list;                 /* the name of the records' list: "accounts", ... */
    int duration;                     /* durationInMonth; 0 where the kind has none */
    char creation_date[SB_DATE_TEXT]; /* YYYY-MM-DD */
    struct fs_buffer records;         /* "{...}{...}" */
    struct fs_buffer ends;            /* size_t each: where each record ends */
    int64_t user;                     /* whose record is open; 0: nobody's */
    bool too_large;                   /* it grew beyond SB_RESULT_LARGEST, and holds nothing useful */
};

void sb_result_free(struct sb_result *result);

/* Comes before each entry of a list: opens the user's record, unless it is open, and closes the one before. */
void sb_result_begin_entry(struct sb_result *result, int64_t user, const char *user_id);
/* Closes the last record. */
void sb_result_end(struct sb_result *result);

/* A column of the row that the statement stands on, as a JSON string; null when it is NULL. */
void sb_result_append_column(struct fs_buffer *out, sqlite3_stmt *row, int column);
/* As an exact decimal: "-1234.50". No more than SB_BANK_LARGEST_AMOUNT, either way. */
void sb_result_append_amount(struct fs_buffer *out, int64_t cents);
void sb_result_append_count(struct fs_buffer *out, int64_t count);

/* The number of its records, once it has ended. */
size_t sb_result_count(const struct sb_result *result);
/* A record's bytes; `position` counts from 0. */
const char *sb_result_record(const struct sb_result *result, size_t position, size_t *length);

#endif
