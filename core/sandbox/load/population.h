/*
 * A population out of a seed: users with accounts and the transactions of the last thirteen months. Each user depends
 * on the seed, its own number and the reference date alone, so a larger population begins with the smaller one.
 */
#ifndef FINSEG_SANDBOX_POPULATION_H
#define FINSEG_SANDBOX_POPULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/bank/bank.h"
#include "value/buffer.h"

/* Loads `users` users into the bank, within a load that the caller began. */
bool sb_population_make(struct sb_bank *bank, unsigned users, uint64_t seed, int reference_date,
                        struct fs_buffer *problem);

#endif
