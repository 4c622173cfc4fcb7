#include "population.h"

#include <stdio.h>
#include <stdlib.h>

#include "person.h"
#include "sandbox/base/date.h"

/*
 * Accounts have ten digits. Multiplying by a number without the factors 2 and 5 goes through all of them without a
 * repeat.
 */
#define ACCOUNT_IDS UINT64_C(10000000000)
#define ACCOUNT_ID_STEP UINT64_C(6364136223)

enum { USER_ID_TEXT = 37, ACCOUNT_ID_TEXT = 11 };

struct population {
    struct sb_bank *bank;
    uint64_t seed;
    int reference_date;
    struct fs_buffer *problem;
};

/* A UUID of version 4, canonical and in lower case. */
static void make_user_id(struct sb_prng *prng, char text[USER_ID_TEXT])
{
    uint64_t high = (sb_prng_next(prng) & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
    uint64_t low = (sb_prng_next(prng) >> 2) | (UINT64_C(2) << 62);
    snprintf(text, USER_ID_TEXT, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16) & 0xFFFF,
             (unsigned)high & 0xFFFF, (unsigned)(low >> 48), (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
}

static void make_account_id(uint64_t seed, uint64_t number, char text[ACCOUNT_ID_TEXT])
{
    struct sb_prng of_seed = {seed};
    uint64_t id = (number * ACCOUNT_ID_STEP + sb_prng_next(&of_seed) % ACCOUNT_IDS) % ACCOUNT_IDS;
    snprintf(text, ACCOUNT_ID_TEXT, "%010llu", (unsigned long long)id);
}

static bool load_account(const struct population *population, int64_t user, const struct sb_person_account *account,
                         uint64_t number)
{
    char account_id[ACCOUNT_ID_TEXT];
    make_account_id(population->seed, number, account_id);
    struct sb_bank_account row = {user, account_id, account->type, account->opened};
    int64_t key = sb_bank_add_account(population->bank, &row, population->problem);
    for (size_t i = 0; key != 0 && i < account->count; i++) {
        const struct sb_person_transaction *transaction = &account->transactions[i];
        struct sb_bank_transaction booking = {
            .account = key,
            .sequence = (int64_t)i + 1,
            .amount = transaction->amount,
            .day = transaction->day,
            .label = transaction->label,
            .counterpart = transaction->counterpart,
        };
        if (!sb_bank_add_transaction(population->bank, &booking, population->problem))
            return false;
    }
    return key != 0;
}

static bool load_person(const struct population *population, struct sb_person *person, unsigned index)
{
    struct sb_prng prng = sb_prng_stream(population->seed, index);
    char user_id[USER_ID_TEXT];
    make_user_id(&prng, user_id);
    if (!sb_person_live(person, &prng, population->reference_date)) {
        fs_buffer_append_text(population->problem, "out of memory");
        return false;
    }
    int64_t user = sb_bank_add_user(population->bank, user_id, population->problem);
    bool loaded = user != 0;
    for (size_t i = 0; loaded && i < person->account_count; i++)
        loaded = load_account(population, user, &person->accounts[i], (uint64_t)index * SB_PERSON_ACCOUNTS + i);
    return loaded;
}

bool sb_population_make(struct sb_bank *bank, unsigned users, uint64_t seed, int reference_date,
                        struct fs_buffer *problem)
{
    struct population population = {bank, seed, reference_date, problem};
    struct sb_person person = {0};
    bool loaded = true;
    for (unsigned i = 0; loaded && i < users; i++)
        loaded = load_person(&population, &person, i);
    sb_person_free(&person);
    return loaded;
}
