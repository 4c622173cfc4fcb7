/* Random numbers for jitter and request ids. Not for secrets. */
#ifndef FINSEG_RANDOM_H
#define FINSEG_RANDOM_H

#include <stdint.h>

struct fs_random {
    uint64_t state;
};

/* Seeds from the system; from the clock and the process id where that is refused. */
void fs_random_seed(struct fs_random *random);
uint64_t fs_random_next(struct fs_random *random);
/* Uniform in [0, 1). */
double fs_random_fraction(struct fs_random *random);

#endif
