/* Medians of interleaved runs: the machine's load then falls on all competitors alike. */
#ifndef FINSEG_BENCH_MEASURE_H
#define FINSEG_BENCH_MEASURE_H

#include <stddef.h>

enum { MEASURE_ROUNDS = 31 };

/* Seconds by the thread's own clock, which stands still while others have the processor. */
double measure_now(void);
/* The middle one; sorts `seconds`. */
double measure_median(double *seconds, size_t count);

#endif
