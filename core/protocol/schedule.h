/* When to try again: pauses between polls and after failures. Pure: randomness comes in as a fraction in [0, 1). */
#ifndef FINSEG_SCHEDULE_H
#define FINSEG_SCHEDULE_H

/* Growing pauses between the GETs of a wait, in seconds. */
struct fs_poll_schedule {
    double first;
    double factor;
    double max;
};

/* Tries after failures: `attempts` in all, exponential pauses from `base` to `max` seconds. */
struct fs_retry_schedule {
    unsigned attempts;
    double base;
    double max;
};

/*
 * The pause before GET number `poll` (from 0), spread by a fifth to either side so that jobs made together do not ask
 * together. `retry_after`, when not negative, is what the service asked for: the pause is never shorter, and up to a
 * tenth longer.
 */
double fs_poll_pause(const struct fs_poll_schedule *schedule, unsigned poll, double retry_after, double fraction);

/* Which GET (from 0) would be the next of a wait that has asked by this schedule alone for `age` seconds. */
unsigned fs_poll_next(const struct fs_poll_schedule *schedule, double age);

/*
 * The pause after failure number `failure` (from 1): exponential with full jitter, never shorter than `retry_after`.
 * Negative when the attempts are used up.
 */
double fs_retry_pause(const struct fs_retry_schedule *schedule, unsigned failure, double retry_after, double fraction);

#endif
