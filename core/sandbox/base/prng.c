#include "prng.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t sb_prng_next(struct sb_prng *prng)
{
    prng->state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(prng->state);
}

struct sb_prng sb_prng_stream(uint64_t seed, uint64_t stream)
{
    struct sb_prng of_seed = {seed};
    return (struct sb_prng){mix(sb_prng_next(&of_seed) + stream)};
}

/* The high bits of a product: no division, and a bias far below what a population shows. */
int64_t sb_prng_between(struct sb_prng *prng, int64_t least, int64_t most)
{
    uint64_t span = (uint64_t)(most - least) + 1;
    return least + (int64_t)(((sb_prng_next(prng) >> 32) * span) >> 32);
}

bool sb_prng_chance(struct sb_prng *prng, int percent)
{
    return sb_prng_between(prng, 1, 100) <= percent;
}
