/*
 * Any bytes as additions to two sets of ids, held against sets of bits: counts, members, order, union, intersection,
 * difference.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finseg.h"

enum { IDS = 64, SETS = 2, ID_SIZE = 64 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Ascending in their bytes: texts before, among and behind UUIDs, some of them nearly UUIDs. */
static void id_of(unsigned number, char id[ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char digit = digits[number / 4];
    static const char *const forms[] = {"%c", "%c0000000-0000-4000-8000-00000000000",
                                        "%c0000000-0000-4000-8000-000000000001", "%cz"};
    snprintf(id, ID_SIZE, forms[number % 4], digit);
}

static finseg_slice slice_of(unsigned number, char id[ID_SIZE])
{
    id_of(number, id);
    return (finseg_slice){id, strlen(id)};
}

static void check(finseg_idset *set, uint64_t members)
{
    char text[ID_SIZE];
    finseg_slice id;
    finseg_idset_cursor cursor = {0};
    require(finseg_idset_count(set) == (uint64_t)__builtin_popcountll(members));
    for (unsigned i = 0; i < IDS; i++) {
        finseg_slice expected = slice_of(i, text);
        bool is_member = members >> i & 1;
        require(finseg_idset_contains(set, expected.data, expected.length) == is_member);
        if (is_member)
            require(finseg_idset_next(set, &cursor, &id) && id.length == expected.length &&
                    memcmp(id.data, expected.data, id.length) == 0);
    }
    require(!finseg_idset_next(set, &cursor, &id));
}

static void check_and_free(finseg_idset *set, uint64_t members)
{
    require(set != NULL);
    check(set, members);
    finseg_idset_free(set);
}

static void check_all(finseg_idset *const sets[SETS], const uint64_t members[SETS])
{
    for (int i = 0; i < SETS; i++)
        check(sets[i], members[i]);
    check_and_free(finseg_idset_union(sets[0], sets[1], NULL), members[0] | members[1]);
    check_and_free(finseg_idset_intersection(sets[0], sets[1], NULL), members[0] & members[1]);
    check_and_free(finseg_idset_difference(sets[0], sets[1], NULL), members[0] & ~members[1]);
    check_and_free(finseg_idset_difference(sets[1], sets[0], NULL), members[1] & ~members[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    finseg_idset *sets[SETS] = {finseg_idset_new(NULL), finseg_idset_new(NULL)};
    uint64_t members[SETS] = {0};
    require(sets[0] && sets[1]);
    for (size_t i = 0; i < size && i < 512; i++) {
        char text[ID_SIZE];
        unsigned which = data[i] >> 6 & 1;
        finseg_slice id = slice_of(data[i] % IDS, text);
        require(finseg_idset_add(sets[which], id.data, id.length, NULL) == 0);
        members[which] |= UINT64_C(1) << data[i] % IDS;
        if (data[i] >> 7)
            check_all(sets, members);
    }
    check_all(sets, members);
    finseg_idset_free(sets[0]);
    finseg_idset_free(sets[1]);
    return 0;
}
