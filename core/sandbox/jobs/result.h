/*
 * The result of a job: its users' records as JSON, in order, cut into pages on demand. It is written once, by one thread, and then
 * shared and never changed.
 */
#ifndef FINSEG_SANDBOX_RESULT_H
#define FINSEG_SANDBOX_RESULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/base/date.h"
#include "value/buffer.h"

/* Bytes of all records: they are in memory while they are computed. */
enum { SB_RESULT_LARGEST = 900 * 1000 * 1000 };

struct sb_result {
    atomic_uint references;
    int duration;                     /* durationInMonth; 0 where the kind has none */
    char creation_date[SB_DATE_TEXT]; /* YYYY-MM-DD */
    bool too_large;                   /* it had grown beyond SB_RESULT_LARGEST, and holds nothing useful */
    struct fs_buffer records;         /* "{...},{...}," */
    struct fs_buffer ends;            /* uint64_t each: where the records end, past the comma */
    int64_t archived_as;              /* the number of the job in whose archive the records are; 0: they are here */
};

/* Bytes of the records. */
struct sb_result_slice {
    uint64_t start;
    uint64_t end; /* the first that is not in it */
};

/* With one reference, the caller's; NULL when out of memory. */
struct sb_result *sb_result_new(void);
struct sb_result *sb_result_share(struct sb_result *result);
/* Gives a reference back; NULL is allowed. */
void sb_result_release(struct sb_result *result);

/* Call after each record was appended to `records`, without a comma. */
void sb_result_end_record(struct sb_result *result);
/* False when memory ran out while it was written. */
bool sb_result_complete(const struct sb_result *result);

/* The users over all pages. */
size_t sb_result_count(const struct sb_result *result);
/* Bytes of all records. */
uint64_t sb_result_length(const struct sb_result *result);
/* The records of a page, with the commas between them; empty beyond the last page. `number` counts from 0. */
struct sb_result_slice sb_result_page(const struct sb_result *result, uint64_t number, uint64_t size);
/* Appends what goes before and after the records of a page, which make it the JSON object of API.md. */
void sb_result_open_page(const struct sb_result *result, size_t total, struct fs_buffer *out);
void sb_result_close_page(struct fs_buffer *out);

#endif
