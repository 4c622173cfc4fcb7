/* How much a bank holds: months and money. */
#ifndef FINSEG_SANDBOX_LIMITS_H
#define FINSEG_SANDBOX_LIMITS_H

#include <stdint.h>

/* Complete months before the reference date for which aggregates are kept: the longest durationInMonth. */
enum { SB_BANK_MONTHS = 12 };
/* No amount and no balance may be larger, either way: what finseg's wire scale of 10^-4 holds. */
#define SB_BANK_LARGEST_AMOUNT (INT64_MAX / 100)

#endif
