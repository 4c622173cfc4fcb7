#include "random.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

void fs_random_seed(struct fs_random *random)
{
    if (getrandom(&random->state, sizeof random->state, GRND_NONBLOCK) == (ssize_t)sizeof random->state)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    random->state = ((uint64_t)now.tv_sec << 32) ^ (uint64_t)now.tv_nsec ^ ((uint64_t)getpid() << 16);
}

/* splitmix64 (Steele, Lea and Flood, 2014). */
uint64_t fs_random_next(struct fs_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

double fs_random_fraction(struct fs_random *random)
{
    return (double)(fs_random_next(random) >> 11) * 0x1p-53;
}
