/* Statistics of amounts in integer arithmetic: nothing is rounded but the end result, half to even. */
#ifndef FINSEG_SANDBOX_STATISTICS_H
#define FINSEG_SANDBOX_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many amounts as one call takes: the months of a year. */
enum { SB_STATISTICS_MOST = 12 };

struct sb_statistics {
    int64_t total;
    int64_t average;
    int64_t minimum;
    int64_t maximum;
    int64_t median;             /* of an even count: the mean of the two in the middle */
    int64_t standard_deviation; /* of the population: divided by the count */
};

/* Of 1 to SB_STATISTICS_MOST amounts. False for more or less, and when an amount or the total is beyond
 * SB_BANK_LARGEST_AMOUNT. */
bool sb_statistics_make(const int64_t *amounts, size_t count, struct sb_statistics *statistics);

#endif
