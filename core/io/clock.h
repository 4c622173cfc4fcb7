/* The two clocks. Nothing below io/ reads one: there "now" is an argument. */
#ifndef FINSEG_CLOCK_H
#define FINSEG_CLOCK_H

/* Seconds that only go forward; for deadlines and pauses. */
double fs_clock_monotonic(void);
/* Seconds since 1970; for the age of jobs and the time of events. */
double fs_clock_wall(void);

#endif
