#include "amount.h"

#include <stdbool.h>
#include <string.h>

#include "value/money.h"

enum { MOST_DECIMALS = 2, STEPS_PER_CENT = FS_MONEY_SCALE / 100 };

/* JSON's numbers have exponents and any number of decimals; files do not. */
static bool is_plain(const char *text, size_t length)
{
    const char *point = memchr(text, '.', length);
    bool fine = !point || length - (size_t)(point - text) - 1 <= MOST_DECIMALS;
    return fine && !memchr(text, 'e', length) && !memchr(text, 'E', length);
}

const char *sb_amount_read(const char *text, size_t length, int64_t *cents)
{
    int64_t steps = 0;
    enum fs_money_verdict verdict = is_plain(text, length) ? fs_money_parse(text, length, &steps) : FS_MONEY_MALFORMED;
    if (verdict == FS_MONEY_TOO_LARGE)
        return "is out of range: amounts lie between -922337203685477.58 and 922337203685477.58";
    if (verdict != FS_MONEY_OK)
        return "is not an amount with at most two decimals";
    *cents = steps / STEPS_PER_CENT;
    return NULL;
}
