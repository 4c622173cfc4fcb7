/*
 * Delimited text files with a header line, read row by row, as RFC 4180 has them: a field may be quoted, and may then
 * hold separators, line breaks and, doubled, quotes. Rows end with LF or CRLF; a byte order mark is passed over.
 * Problems are told as "FILE:LINE:COLUMN: what"; lines and columns (bytes) count from 1.
 */
#ifndef FINSEG_SANDBOX_CSV_READER_H
#define FINSEG_SANDBOX_CSV_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "value/buffer.h"

enum { SB_CSV_READER_FIELDS = 16, SB_CSV_READER_LONGEST_ROW = 1024 * 1024 /* bytes, of a line too */ };

struct sb_csv_field {
    const char *text; /* without quotes, zero-terminated, valid until the next row */
    size_t length;
    size_t line; /* where it begins */
    size_t column;
};

struct sb_csv_reader {
    char *path;
    FILE *file;
    char separator;
    size_t columns;
    char *block; /* what was read from the file, and the place in it */
    size_t block_length;
    size_t block_at;
    struct fs_buffer line_bytes;
    const char *line; /* the last one read, and the place in it */
    size_t line_length;
    size_t line_number;
    size_t at;
    struct fs_buffer row; /* what the fields point into */
    struct sb_csv_field fields[SB_CSV_READER_FIELDS];
};

/* Opens DIRECTORY/NAME, whose header must be these columns in this order. Close it in either case. */
bool sb_csv_reader_open(struct sb_csv_reader *reader, const char *directory, const char *name, char separator,
                        const char *const *header, size_t columns, struct fs_buffer *problem);
void sb_csv_reader_close(struct sb_csv_reader *reader);
/* Reads the next row into `fields`. `*end` is set when there is none. False with a `problem`. */
bool sb_csv_reader_next(struct sb_csv_reader *reader, bool *end, struct fs_buffer *problem);
/* Says what is wrong with a field of the current row, and answers false. */
__attribute__((format(printf, 4, 5))) bool sb_csv_reader_refuse(const struct sb_csv_reader *reader, size_t field,
                                                                struct fs_buffer *problem, const char *format, ...);

/*
 * Opens the file, gives each of its rows to `read_row`, and closes it. False with a `problem` when a row cannot be
 * read, or when `read_row` answers false, which has then set the `problem` itself.
 */
bool sb_csv_reader_each(struct sb_csv_reader *reader, const char *directory, const char *name, char separator,
                        const char *const *header, size_t columns, bool (*read_row)(void *owner), void *owner,
                        struct fs_buffer *problem);

#endif
