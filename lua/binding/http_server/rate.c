#include "rate.h"

#include <math.h>

/* Even a rate below one a second lets a single one pass. */
static double most_at_once(const struct fs_rate *rate)
{
    return fmax(rate->a_second, 1);
}

void fs_rate_begin(struct fs_rate *rate, double a_second, double now)
{
    rate->a_second = a_second;
    rate->left = most_at_once(rate);
    rate->counted_at = now;
}

bool fs_rate_take(struct fs_rate *rate, double now)
{
    if (isinf(rate->a_second))
        return true;
    rate->left = fmin(rate->left + (now - rate->counted_at) * rate->a_second, most_at_once(rate));
    rate->counted_at = now;
    if (rate->left < 1)
        return false;
    rate->left -= 1;
    return true;
}
