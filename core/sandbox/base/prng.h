/*
 * A small fast pseudo-random generator (splitmix64): the same seed gives the same numbers everywhere. Not for secrets.
 */
#ifndef FINSEG_SANDBOX_PRNG_H
#define FINSEG_SANDBOX_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct sb_prng {
    uint64_t state;
};

/* Streams of one seed are independent of each other. */
struct sb_prng sb_prng_stream(uint64_t seed, uint64_t stream);
uint64_t sb_prng_next(struct sb_prng *prng);
/* From `least` to `most`, both included. */
int64_t sb_prng_between(struct sb_prng *prng, int64_t least, int64_t most);
/* True in `percent` of 100 cases. */
bool sb_prng_chance(struct sb_prng *prng, int percent);

#endif
