/* The two clocks. What lies below this folder takes "now" as an argument. */
#ifndef FINSEG_CLOCK_H
#define FINSEG_CLOCK_H

/* Seconds that only go forward; for deadlines and pauses. */
double fs_clock_monotonic(void);
/* Seconds since 1970; for the age of jobs and the time of events. */
double fs_clock_wall(void);

#endif
