#include <stdio.h>
#include <stdlib.h>

#include "result/uuid_sort.h"
#include "test.h"
#include "value/uuid.h"

#define ID_A "0a000000-0000-4000-8000-000000000001"
#define ID_B "0a000000-0000-4000-8000-000000000002"
#define ID_C "ff000000-0000-4000-8000-000000000000"

static void add(finseg_idset *set, const char *id)
{
    CHECK_INT(finseg_idset_add(set, id, strlen(id), NULL), 0);
}

/* A set of the ids in a list that ends with NULL. */
static finseg_idset *set_of(const char *const *ids)
{
    finseg_idset *set = finseg_idset_new(NULL);
    CHECK(set != NULL);
    for (size_t i = 0; ids[i]; i++)
        add(set, ids[i]);
    return set;
}

static void check_ids(finseg_idset *set, const char *const *expected)
{
    finseg_idset_cursor cursor = {0};
    finseg_slice id;
    size_t count = 0;
    while (expected[count] && finseg_idset_next(set, &cursor, &id))
        CHECK_SLICE(id, expected[count++]);
    CHECK(expected[count] == NULL);
    CHECK(!finseg_idset_next(set, &cursor, &id));
    CHECK_INT((int64_t)finseg_idset_count(set), (int64_t)count);
}

static bool contains(finseg_idset *set, const char *id)
{
    return finseg_idset_contains(set, id, strlen(id));
}

static void ids_of_both_forms_come_in_the_order_of_their_bytes(void)
{
    const char *const ids[] = {ID_C, "zoe", "0b", ID_B, "0a", ID_A, "zoe", ID_B, NULL};
    const char *const ordered[] = {"0a", ID_A, ID_B, "0b", ID_C, "zoe", NULL};
    finseg_idset *set = set_of(ids);
    check_ids(set, ordered);
    finseg_idset_free(set);
}

static void an_empty_set_is_a_set(void)
{
    const char *const none[] = {NULL};
    const char *const one[] = {ID_A, NULL};
    finseg_idset *empty = set_of(none);
    finseg_idset *full = set_of(one);
    check_ids(empty, none);
    CHECK(!contains(empty, ID_A) && !contains(empty, "x") && !contains(empty, ""));
    finseg_idset *both = finseg_idset_union(empty, full, NULL);
    check_ids(both, one);
    finseg_idset_free(both);
    both = finseg_idset_intersection(full, empty, NULL);
    check_ids(both, none);
    finseg_idset_free(both);
    both = finseg_idset_difference(full, empty, NULL);
    check_ids(both, one);
    finseg_idset_free(both);
    both = finseg_idset_difference(empty, full, NULL);
    check_ids(both, none);
    finseg_idset_free(both);
    finseg_idset_free(empty);
    finseg_idset_free(full);
    finseg_idset_free(NULL);
}

static void operations_take_both_forms(void)
{
    const char *const left_ids[] = {ID_A, ID_B, "b", "a", NULL};
    const char *const right_ids[] = {ID_C, "c", ID_B, "b", NULL};
    const char *const joined[] = {ID_A, ID_B, "a", "b", "c", ID_C, NULL};
    const char *const common[] = {ID_B, "b", NULL};
    const char *const rest[] = {ID_A, "a", NULL};
    finseg_idset *left = set_of(left_ids);
    finseg_idset *right = set_of(right_ids);
    finseg_idset *set = finseg_idset_union(left, right, NULL);
    check_ids(set, joined);
    finseg_idset_free(set);
    set = finseg_idset_intersection(left, right, NULL);
    check_ids(set, common);
    finseg_idset_free(set);
    set = finseg_idset_difference(left, right, NULL);
    check_ids(set, rest);
    finseg_idset_free(set);
    set = finseg_idset_difference(left, left, NULL);
    CHECK_INT((int64_t)finseg_idset_count(set), 0);
    finseg_idset_free(set);
    CHECK_INT((int64_t)finseg_idset_count(left), 4);
    finseg_idset_free(left);
    finseg_idset_free(right);
}

static void a_set_grows_after_it_was_asked(void)
{
    const char *const ids[] = {ID_B, "b", NULL};
    const char *const more[] = {ID_A, ID_B, "a", "b", NULL};
    finseg_idset *set = set_of(ids);
    CHECK_INT((int64_t)finseg_idset_count(set), 2);
    CHECK(!contains(set, ID_A) && !contains(set, "a"));
    add(set, "a");
    add(set, ID_A);
    add(set, ID_B);
    CHECK(contains(set, ID_A) && contains(set, "a"));
    check_ids(set, more);
    finseg_idset_free(set);
}

static void only_the_canonical_spelling_is_sixteen_bytes_and_others_stay_apart(void)
{
    const char *const ids[] = {"0A000000-0000-4000-8000-000000000001", ID_A, "0a0000000000-4000-8000-00000000000001-",
                               "0a000000-0000-4000-8000-00000000000g", NULL};
    finseg_idset *set = set_of(ids);
    CHECK_INT((int64_t)finseg_idset_count(set), 4);
    for (size_t i = 0; ids[i]; i++)
        CHECK_CASE(contains(set, ids[i]), ids[i]);
    finseg_idset_free(set);
}

static void an_empty_id_is_refused(void)
{
    finseg_idset *set = finseg_idset_new(NULL);
    finseg_error *error = NULL;
    CHECK_INT(finseg_idset_add(set, "", 0, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "0 bytes");
    CHECK_INT((int64_t)finseg_idset_count(set), 0);
    finseg_idset_free(set);
}

static void pages_fill_a_set_however_they_spell_the_ids(void)
{
    static const char text[] =
        "{\"users\":[{\"userId\":\"" ID_B "\"},{\"userId\":\"b\"},{\"userId\":\"" ID_A
        "\"},{\"userId\":\"\\u0030a000000-0000-4000-8000-000000000001\"},{\"userId\":\"\\u0062\"}]}";
    const char *const ids[] = {ID_A, ID_B, "b", NULL};
    finseg_page *page = finseg_page_parse(text, strlen(text), NULL);
    finseg_idset *set = finseg_idset_new(NULL);
    CHECK(page != NULL);
    CHECK_INT(finseg_idset_add_page(set, page, NULL), 0);
    CHECK_INT(finseg_idset_add_page(set, page, NULL), 0);
    finseg_page_free(page); /* which the set does not need any more */
    check_ids(set, ids);
    finseg_idset_free(set);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ *state >> 29;
}

/* Ids as different services make them: what is random, what counts up, and what begins alike. */
enum pattern { RANDOM, COUNTING, ONE_BIT, LOW_HALF, REPEATED, SKEWED, PATTERNS };

static struct fs_uuid uuid_of(enum pattern pattern, uint64_t number, uint64_t *state)
{
    uint64_t random = next_random(state);
    switch (pattern) {
    case RANDOM:
        return (struct fs_uuid){random, next_random(state)};
    case COUNTING:
        return (struct fs_uuid){UINT64_C(0x0190000000007000) + (number << 16), random};
    case ONE_BIT:
        return (struct fs_uuid){random & 1, random & 2};
    case LOW_HALF:
        return (struct fs_uuid){7, random & 0xFFFFF};
    case REPEATED:
        return (struct fs_uuid){random % 50, 1};
    default: /* every second one far away from all others */
        return (struct fs_uuid){number % 2 ? UINT64_C(1) << (random % 64) : random % 1000, number % 3};
    }
}

static int compare(const void *a, const void *b)
{
    return fs_uuid_less(a, b) ? -1 : fs_uuid_less(b, a);
}

static void check_sorted(enum pattern pattern, size_t count)
{
    uint64_t state = count + (uint64_t)pattern;
    struct fs_uuid *ids = calloc(count, sizeof *ids);
    struct fs_uuid *in_place = calloc(count, sizeof *ids);
    struct fs_uuid *expected = calloc(count, sizeof *ids);
    CHECK(ids && in_place && expected);
    if (ids && in_place && expected) {
        for (size_t i = 0; i < count; i++)
            ids[i] = in_place[i] = expected[i] = uuid_of(pattern, i, &state);
        qsort(expected, count, sizeof *expected, compare);
        fs_uuid_sort(ids, count);
        fs_uuid_sort_in_place(in_place, count);
        CHECK(memcmp(ids, expected, count * sizeof *ids) == 0);
        CHECK(memcmp(in_place, expected, count * sizeof *ids) == 0);
        size_t kept = fs_uuid_drop_repeated(ids, count);
        for (size_t i = 1; i < kept; i++)
            CHECK(fs_uuid_less(&ids[i - 1], &ids[i]));
        CHECK(kept > 0 && fs_uuid_equal(&ids[kept - 1], &expected[count - 1]));
    }
    free(ids);
    free(in_place);
    free(expected);
}

static void every_pattern_of_ids_is_sorted(void)
{
    static const size_t counts[] = {1, 2, 24, 25, 1000, 65537, 200000};
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            check_sorted((enum pattern)pattern, counts[i]);
    }
}

/* Large enough to pass from small memory to large, and for every way of ordering. */
static void a_large_set_is_complete(void)
{
    enum { COUNT = 400000 };
    uint64_t state = 5;
    char text[FS_UUID_TEXT];
    finseg_idset *odd = finseg_idset_new(NULL);
    finseg_idset *third = finseg_idset_new(NULL);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct fs_uuid uuid = {next_random(&state), i};
        fs_uuid_write(&uuid, text);
        if (i % 2)
            CHECK_INT(finseg_idset_add(odd, text, sizeof text, NULL), 0);
        if (i % 3 == 0)
            CHECK_INT(finseg_idset_add(third, text, sizeof text, NULL), 0);
    }
    finseg_idset *joined = finseg_idset_union(odd, third, NULL);
    finseg_idset *common = finseg_idset_intersection(odd, third, NULL);
    finseg_idset *rest = finseg_idset_difference(odd, third, NULL);
    CHECK_INT((int64_t)finseg_idset_count(odd), COUNT / 2);
    CHECK_INT((int64_t)finseg_idset_count(common), (COUNT + 3) / 6);
    CHECK_INT((int64_t)finseg_idset_count(rest), COUNT / 2 - (COUNT + 3) / 6);
    CHECK_INT((int64_t)finseg_idset_count(joined), COUNT / 2 + (COUNT + 2) / 3 - (COUNT + 3) / 6);
    CHECK(finseg_idset_contains(odd, text, sizeof text) && finseg_idset_contains(joined, text, sizeof text));
    finseg_idset_free(odd);
    finseg_idset_free(third);
    finseg_idset_free(joined);
    finseg_idset_free(common);
    finseg_idset_free(rest);
}

static void a_uuid_is_read_and_written(void)
{
    struct fs_uuid uuid;
    char text[FS_UUID_TEXT];
    unsigned char bytes[FS_UUID_BYTES];
    static const unsigned char expected[FS_UUID_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                          0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    CHECK(fs_uuid_read("01234567-89ab-cdef-fedc-ba9876543210", &uuid));
    fs_uuid_write(&uuid, text);
    CHECK(memcmp(text, "01234567-89ab-cdef-fedc-ba9876543210", sizeof text) == 0);
    fs_uuid_bytes(&uuid, bytes);
    CHECK(memcmp(bytes, expected, sizeof bytes) == 0);
}

static const struct test tests[] = {
    {"ids of both forms come in the order of their bytes", ids_of_both_forms_come_in_the_order_of_their_bytes},
    {"an empty set is a set", an_empty_set_is_a_set},
    {"union, intersection and difference take both forms", operations_take_both_forms},
    {"a set grows after it was asked", a_set_grows_after_it_was_asked},
    {"only the canonical spelling is sixteen bytes, and others stay apart",
     only_the_canonical_spelling_is_sixteen_bytes_and_others_stay_apart},
    {"an empty id is refused", an_empty_id_is_refused},
    {"pages fill a set however they spell the ids", pages_fill_a_set_however_they_spell_the_ids},
    {"every pattern of ids is sorted", every_pattern_of_ids_is_sorted},
    {"a large set is complete", a_large_set_is_complete},
    {"a UUID is read and written", a_uuid_is_read_and_written},
};
SUITE(idset, tests);
