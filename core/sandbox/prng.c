#include "prng.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t fs_prng_next(struct fs_prng *prng)
{
    prng->state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(prng->state);
}

struct fs_prng fs_prng_stream(uint64_t seed, uint64_t stream)
{
    struct fs_prng of_seed = {seed};
    return (struct fs_prng){mix(fs_prng_next(&of_seed) + stream)};
}

/* The high bits of a product: no division, and a bias far below what a population shows. */
int64_t fs_prng_between(struct fs_prng *prng, int64_t least, int64_t most)
{
    uint64_t span = (uint64_t)(most - least) + 1;
    return least + (int64_t)(((fs_prng_next(prng) >> 32) * span) >> 32);
}

bool fs_prng_chance(struct fs_prng *prng, int percent)
{
    return fs_prng_between(prng, 1, 100) <= percent;
}
