/* A token bucket: so many a second on the average, and a second's worth at once. */
#ifndef FINSEG_HTTP_SERVER_RATE_H
#define FINSEG_HTTP_SERVER_RATE_H

#include <stdbool.h>

struct fs_rate {
    double a_second; /* above 0; infinite: no limit */
    double left;
    double counted_at; /* of the monotonic clock */
};

void fs_rate_begin(struct fs_rate *rate, double a_second, double now);
/* Whether one more is within the rate, which then counts it. */
bool fs_rate_take(struct fs_rate *rate, double now);

#endif
