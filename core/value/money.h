/* Amounts: decimal text <-> 64-bit integers at scale 10^-4, never through a double. */
#ifndef FINSEG_MONEY_H
#define FINSEG_MONEY_H

#include <stddef.h>
#include <stdint.h>

enum { FS_MONEY_SCALE = 10000 };

enum fs_money_verdict {
    FS_MONEY_OK,
    FS_MONEY_MALFORMED, /* not a number in JSON's grammar */
    FS_MONEY_TOO_FINE,  /* more than four decimals that are not zero */
    FS_MONEY_TOO_LARGE  /* beyond 64 bits at this scale */
};

/* Reads all of `text` as a JSON number (exponents included). `*amount` is set only when OK. */
enum fs_money_verdict fs_money_parse(const char *text, size_t length, int64_t *amount);

/* Room for any amount as text, with its final zero. */
enum { FS_MONEY_TEXT = 24 };
/* "-1234.50": two to four decimals. Answers the length. */
size_t fs_money_format(int64_t amount, char text[FS_MONEY_TEXT]);

#endif
