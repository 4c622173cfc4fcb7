#include "measure.h"

#include <stdlib.h>
#include <time.h>

double measure_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double measure_median(double *seconds, size_t count)
{
    qsort(seconds, count, sizeof *seconds, compare);
    return seconds[count / 2];
}
