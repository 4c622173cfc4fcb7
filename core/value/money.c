#include "money.h"

#include "decimal.h"

enum {
    DECIMALS = 4,      /* of FS_MONEY_SCALE */
    LEAST_DECIMALS = 2 /* of a formatted amount */
};

enum fs_money_verdict fs_money_parse(const char *text, size_t length, int64_t *amount)
{
    static const int64_t largest_place = 18; /* 10^18 < 2^63 < 10^19 */
    struct fs_decimal number;
    if (!fs_decimal_read(text, length, &number))
        return FS_MONEY_MALFORMED;
    if (number.low + DECIMALS < 0)
        return FS_MONEY_TOO_FINE;
    if (number.top + DECIMALS > largest_place)
        return FS_MONEY_TOO_LARGE;

    uint64_t magnitude = 0;
    for (size_t i = number.first; i < number.end; i++)
        magnitude = magnitude * 10 + fs_decimal_digit(&number, i);
    for (int64_t place = number.low + DECIMALS; magnitude > 0 && place > 0; place--)
        magnitude *= 10;
    if (magnitude > (uint64_t)INT64_MAX + number.negative)
        return FS_MONEY_TOO_LARGE;
    if (!number.negative || magnitude == 0)
        *amount = (int64_t)magnitude;
    else /* by way of magnitude - 1, since INT64_MIN has no positive counterpart */
        *amount = -(int64_t)(magnitude - 1) - 1;
    return FS_MONEY_OK;
}

size_t fs_money_format(int64_t amount, char text[FS_MONEY_TEXT])
{
    uint64_t magnitude = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    char reversed[FS_MONEY_TEXT];
    size_t count = 0;
    int decimals = DECIMALS;
    while (decimals > LEAST_DECIMALS && magnitude % 10 == 0) {
        magnitude /= 10;
        decimals--;
    }
    while (magnitude > 0 || decimals >= 0) {
        reversed[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
        if (--decimals == 0)
            reversed[count++] = '.';
    }
    if (amount < 0)
        reversed[count++] = '-';
    for (size_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    text[count] = '\0';
    return count;
}
