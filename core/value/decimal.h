/* Decimal numbers of any length, as JSON writes them: read, compared and added digit by digit, never rounded. */
#ifndef FINSEG_DECIMAL_H
#define FINSEG_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

/* A number where it stands in a text, which must stay as long. Zero has no digits. */
struct fs_decimal {
    const char *whole; /* digits before the point... */
    size_t whole_length;
    const char *fraction; /* ... and after it; counted on from those before */
    size_t first;         /* the first digit that is not zero */
    size_t end;           /* one after the last digit that is not zero */
    int64_t top;          /* the power of ten that digit `first` stands for */
    int64_t low;          /* and that of the last one */
    bool negative;
};

/* Reads all of `text` as a JSON number (exponents included). False when it is none. */
bool fs_decimal_read(const char *text, size_t length, struct fs_decimal *number);
static inline unsigned fs_decimal_digit(const struct fs_decimal *number, size_t index)
{
    char c = index < number->whole_length ? number->whole[index] : number->fraction[index - number->whole_length];
    return (unsigned)(c - '0');
}

/* Below, equal to or above 0 as `a` is less than, equal to or greater than `b`. */
int fs_decimal_compare(const struct fs_decimal *a, const struct fs_decimal *b);
/*
 * Appends a + b, or a - b, as plain decimal text without needless zeros: "-12.1". False, with nothing appended, when
 * exponents would make that text more than a thousand digits longer than both numbers.
 */
bool fs_decimal_add(const struct fs_decimal *a, const struct fs_decimal *b, struct fs_buffer *out);
bool fs_decimal_subtract(const struct fs_decimal *a, const struct fs_decimal *b, struct fs_buffer *out);

#endif
