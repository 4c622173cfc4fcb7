#include "money.h"

#include <stdbool.h>

enum {
    DECIMALS = 4,      /* of FS_MONEY_SCALE */
    LEAST_DECIMALS = 2 /* of a formatted amount */
};

/* Any exponent beyond it makes an amount too large or too fine, however long the text before it: no text has that
 * many digits. */
static const int64_t EXPONENT_LIMIT = INT64_C(1) << 56;

/* A JSON number taken apart: whole.fraction * 10^exponent. */
struct decimal {
    const char *whole;
    const char *fraction;
    size_t whole_length;
    size_t fraction_length;
    int64_t exponent;
    bool negative;
};

static size_t count_digits(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - start);
}

static int64_t read_exponent(const char *digits, size_t length, bool negative)
{
    int64_t exponent = 0;
    for (size_t i = 0; i < length && exponent < EXPONENT_LIMIT; i++)
        exponent = exponent * 10 + (digits[i] - '0');
    return negative ? -exponent : exponent;
}

static bool take_apart(const char *at, size_t length, struct decimal *number)
{
    const char *end = at + length;
    *number = (struct decimal){.fraction = at};
    if (at < end && *at == '-') {
        number->negative = true;
        at++;
    }
    number->whole = at;
    number->whole_length = count_digits(at, end);
    if (number->whole_length == 0 || (number->whole_length > 1 && *at == '0'))
        return false;
    at += number->whole_length;
    if (at < end && *at == '.') {
        at++;
        number->fraction = at;
        number->fraction_length = count_digits(at, end);
        if (number->fraction_length == 0)
            return false;
        at += number->fraction_length;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool negative = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        size_t digits = count_digits(at, end);
        if (digits == 0)
            return false;
        number->exponent = read_exponent(at, digits, negative);
        at += digits;
    }
    return at == end;
}

static unsigned digit_at(const struct decimal *number, size_t index)
{
    char c = index < number->whole_length ? number->whole[index] : number->fraction[index - number->whole_length];
    return (unsigned)(c - '0');
}

/* The power of ten that digit `index` stands for, once scaled. */
static int64_t place_of(const struct decimal *number, size_t index)
{
    return (int64_t)number->whole_length - 1 - (int64_t)index + number->exponent + DECIMALS;
}

enum fs_money_verdict fs_money_parse(const char *text, size_t length, int64_t *amount)
{
    static const int64_t largest_place = 18; /* 10^18 < 2^63 < 10^19 */
    struct decimal number;
    if (!take_apart(text, length, &number))
        return FS_MONEY_MALFORMED;

    size_t end = number.whole_length + number.fraction_length;
    size_t first = 0;
    while (first < end && digit_at(&number, first) == 0)
        first++;
    if (first == end) {
        *amount = 0;
        return FS_MONEY_OK;
    }
    while (digit_at(&number, end - 1) == 0)
        end--;
    if (place_of(&number, end - 1) < 0)
        return FS_MONEY_TOO_FINE;
    if (place_of(&number, first) > largest_place)
        return FS_MONEY_TOO_LARGE;

    uint64_t magnitude = 0;
    for (size_t i = first; i < end; i++)
        magnitude = magnitude * 10 + digit_at(&number, i);
    for (int64_t place = place_of(&number, end - 1); place > 0; place--)
        magnitude *= 10;
    if (magnitude > (uint64_t)INT64_MAX + number.negative)
        return FS_MONEY_TOO_LARGE;
    if (!number.negative)
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
