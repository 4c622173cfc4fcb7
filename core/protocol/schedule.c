#include "schedule.h"

/* first * factor^steps, without overflow: the growth stops at the maximum. */
static double grown(double first, double factor, double max, unsigned steps)
{
    double pause = first;
    while (steps-- > 0 && pause < max)
        pause *= factor;
    return pause < max ? pause : max;
}

/* Never before the service's own wish, and spread after it: requests that were turned away together must not come
 * back together. */
static double at_least(double pause, double retry_after, double fraction)
{
    double asked = retry_after * (1 + 0.1 * fraction);
    return asked > pause ? asked : pause;
}

double fs_poll_pause(const struct fs_poll_schedule *schedule, unsigned poll, double retry_after, double fraction)
{
    /* A factor of 1 keeps the pause; the loop in grown() must not run for millions of polls then. */
    unsigned steps = schedule->factor > 1 ? poll : 0;
    double pause = grown(schedule->first, schedule->factor, schedule->max, steps);
    return at_least(pause * (0.8 + 0.4 * fraction), retry_after, fraction);
}

unsigned fs_poll_next(const struct fs_poll_schedule *schedule, double age)
{
    unsigned poll = 0;
    double pause = schedule->first;
    double due = pause;
    /* Beyond the longest pause, and with a factor of 1, all GETs are alike. */
    while (due <= age && pause < schedule->max && schedule->factor > 1) {
        pause *= schedule->factor;
        due += pause;
        poll++;
    }
    return poll;
}

double fs_retry_pause(const struct fs_retry_schedule *schedule, unsigned failure, double retry_after, double fraction)
{
    if (failure >= schedule->attempts)
        return -1;
    return at_least(grown(schedule->base, 2, schedule->max, failure - 1) * fraction, retry_after, fraction);
}
