/* A small fast pseudo-random generator (splitmix64): the same seed gives the same numbers everywhere. Not for secrets. */
#ifndef FINSEG_SANDBOX_PRNG_H
#define FINSEG_SANDBOX_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct fs_prng {
    uint64_t state;
};

/* Streams of one seed are independent of each other. */
struct fs_prng fs_prng_stream(uint64_t seed, uint64_t stream);
uint64_t fs_prng_next(struct fs_prng *prng);
/* From `least` to `most`, both included. */
int64_t fs_prng_between(struct fs_prng *prng, int64_t least, int64_t most);
/* True in `percent` of 100 cases. */
bool fs_prng_chance(struct fs_prng *prng, int percent);

#endif
