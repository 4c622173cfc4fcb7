#include "statistics.h"

#include "sandbox/bank/bank.h"

/* Twelve amounts of up to 2^63/100 < 2^57: count * (sum of squares) < 12 * 12 * 2^114 < 2^122, four times that is below
 * 2^124. */
__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 wide_unsigned;

/* numerator / denominator, half to even. The denominator is positive. */
static int64_t divide(int64_t numerator, int64_t denominator)
{
    int64_t quotient = numerator / denominator;
    int64_t rest = numerator % denominator;
    if (rest < 0) { /* round down first */
        rest += denominator;
        quotient--;
    }
    int64_t to_next = denominator - rest;
    bool up = rest > to_next || (rest == to_next && quotient % 2 != 0);
    return quotient + up;
}

/* The largest integer whose square is at most `square`: one binary digit a round. */
static wide_unsigned square_root(wide_unsigned square)
{
    wide_unsigned root = 0;
    wide_unsigned digit = (wide_unsigned)1 << 126;
    while (digit > square)
        digit >>= 2;
    for (; digit > 0; digit >>= 2) {
        if (square >= root + digit) {
            square -= root + digit;
            root = (root >> 1) + digit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

/* The square root of spread / count^2, half to even. */
static int64_t deviation(wide_unsigned spread, size_t count)
{
    wide_unsigned down = square_root(spread) / count;
    wide_unsigned doubled_half_up = count * (2 * down + 1); /* 2 * count * (down + 1/2) */
    wide_unsigned middle = doubled_half_up * doubled_half_up;
    bool up = 4 * spread > middle || (4 * spread == middle && down % 2 != 0);
    return (int64_t)down + up;
}

static void sort(int64_t *amounts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int64_t amount = amounts[i];
        size_t place = i;
        for (; place > 0 && amounts[place - 1] > amount; place--)
            amounts[place] = amounts[place - 1];
        amounts[place] = amount;
    }
}

static bool is_amount(wide value)
{
    return value <= SB_BANK_LARGEST_AMOUNT && value >= -SB_BANK_LARGEST_AMOUNT;
}

bool sb_statistics_make(const int64_t *amounts, size_t count, struct sb_statistics *statistics)
{
    int64_t sorted[SB_STATISTICS_MOST];
    wide sum = 0;
    wide_unsigned squares = 0;
    if (count == 0 || count > SB_STATISTICS_MOST)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_amount(amounts[i]))
            return false;
        sorted[i] = amounts[i];
        sum += amounts[i];
        squares += (wide_unsigned)((wide)amounts[i] * amounts[i]);
    }
    if (!is_amount(sum))
        return false;
    sort(sorted, count);
    *statistics = (struct sb_statistics){
        .total = (int64_t)sum,
        .average = divide((int64_t)sum, (int64_t)count),
        .minimum = sorted[0],
        .maximum = sorted[count - 1],
        .median = count % 2 ? sorted[count / 2] : divide(sorted[count / 2 - 1] + sorted[count / 2], 2),
        .standard_deviation = deviation(count * squares - (wide_unsigned)(sum * sum), count),
    };
    return true;
}
