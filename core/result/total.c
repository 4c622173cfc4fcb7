#include <math.h>
#include <stdint.h>
#include <string.h>

#include "aggregate.h"
#include "finseg.h"
#include "page_index.h"
#include "value/error.h"
#include "value/money.h"

/* A total without its sign, as 32-bit digits, the lowest first: long division then needs 64 bits only. */
enum { DIGITS = 4 };

struct magnitude {
    uint32_t digits[DIGITS];
    bool negative;
};

static struct magnitude magnitude_of(const finseg_total *total)
{
    uint64_t high = (uint64_t)total->high;
    uint64_t low = total->low;
    bool negative = total->high < 0;
    if (negative) {
        low = -low;
        high = ~high + (low == 0);
    }
    return (struct magnitude){{(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)}, negative};
}

static bool is_zero(const struct magnitude *magnitude)
{
    static const struct magnitude zero;
    return memcmp(magnitude->digits, zero.digits, sizeof zero.digits) == 0;
}

/* Divides in place and answers the remainder. */
static uint32_t divide(struct magnitude *magnitude, uint32_t divisor)
{
    uint64_t remainder = 0;
    for (int i = DIGITS - 1; i >= 0; i--) {
        uint64_t part = remainder << 32 | magnitude->digits[i];
        magnitude->digits[i] = (uint32_t)(part / divisor);
        remainder = part % divisor;
    }
    return (uint32_t)remainder;
}

static void add(finseg_total *total, int64_t amount)
{
    uint64_t low = total->low + (uint64_t)amount;
    total->high += (amount < 0 ? -1 : 0) + (low < total->low);
    total->low = low;
    total->count++;
}

int finseg_page_sum(const finseg_page *page, finseg_total *total, finseg_error **error)
{
    finseg_error *problem = fs_page_check_amounts(page, "summed");
    if (problem)
        return fs_error_give(error, problem);
    for (size_t i = 0; i < page->amount_count; i++)
        add(total, page->amounts[i].scaled);
    return 0;
}

void finseg_total_text(const finseg_total *total, char *text)
{
    enum { DECIMALS = 4, LEAST_DECIMALS = 2 };
    struct magnitude left = magnitude_of(total);
    char reversed[FINSEG_TOTAL_TEXT];
    size_t count = 0;
    for (int place = 0; place <= DECIMALS || !is_zero(&left); place++) {
        char digit = (char)('0' + divide(&left, 10));
        bool needless = count == 0 && digit == '0' && place < DECIMALS - LEAST_DECIMALS;
        if (place == DECIMALS)
            reversed[count++] = '.';
        if (!needless)
            reversed[count++] = digit;
    }
    if (left.negative)
        reversed[count++] = '-';
    for (size_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    text[count] = '\0';
}

static int leading_zeros(const struct magnitude *magnitude)
{
    int i = DIGITS - 1;
    while (magnitude->digits[i] == 0)
        i--;
    return (DIGITS - 1 - i) * 32 + __builtin_clz(magnitude->digits[i]);
}

static void shift_left(struct magnitude *magnitude, int bits)
{
    int whole = bits / 32;
    int rest = bits % 32;
    for (int i = DIGITS - 1; i >= 0; i--) {
        uint64_t upper = i >= whole ? magnitude->digits[i - whole] : 0;
        uint64_t lower = i > whole ? magnitude->digits[i - whole - 1] : 0;
        magnitude->digits[i] = (uint32_t)((upper << 32 | lower) << rest >> 32);
    }
}

double finseg_total_number(const finseg_total *total)
{
    struct magnitude quotient = magnitude_of(total);
    if (is_zero(&quotient))
        return 0;
    /* All 128 bits are filled before the division and again after it, so that the uppermost 64 hold more than a double
     * can, and their lowest bit may stand for all that is below: the one conversion then rounds correctly. */
    int exponent = -leading_zeros(&quotient);
    shift_left(&quotient, -exponent);
    bool inexact = divide(&quotient, FS_MONEY_SCALE) != 0;
    int gap = leading_zeros(&quotient);
    shift_left(&quotient, gap);
    inexact = inexact || quotient.digits[0] || quotient.digits[1];
    uint64_t upper = (uint64_t)quotient.digits[3] << 32 | quotient.digits[2] | inexact;
    double number = ldexp((double)upper, exponent - gap + 64);
    return quotient.negative ? -number : number;
}
