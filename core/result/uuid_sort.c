#include "uuid_sort.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_DIGIT_BITS = 13,
    FEW = 24,     /* so many are sorted by insertion */
    MANY = 65536, /* so many are divided into parts before, which the cache can hold */
    PART_SIZE_BITS = 13,
    MOST_PART_BITS = 10,
    MOST_PARTS = 1 << MOST_PART_BITS,
    WORD_BITS = 64
};

/* `starts` is used by one pass at a time: it holds nothing across a recursion. */
struct sorter {
    uint32_t starts[(1 << MOST_DIGIT_BITS) + 1];
};

/* Which bits of which half a pass looks at. */
struct digit {
    bool low;
    unsigned shift;
    unsigned bits;
};

static inline uint64_t half_of(const struct fs_uuid *id, bool low)
{
    return low ? id->low : id->high;
}

static inline size_t digit_of(const struct fs_uuid *id, struct digit digit)
{
    return half_of(id, digit.low) >> digit.shift & ((UINT64_C(1) << digit.bits) - 1);
}

/* Inserts what lies at `from`, one by one, into the sorted run at `to`; they may be the same place. */
static void insert_all(struct fs_uuid *to, const struct fs_uuid *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fs_uuid id = from[i];
        size_t place = i;
        while (place > 0 && fs_uuid_less(&id, &to[place - 1])) {
            to[place] = to[place - 1];
            place--;
        }
        to[place] = id;
    }
}

static unsigned bit_length(uint64_t value)
{
    return value ? WORD_BITS - (unsigned)__builtin_clzll(value) : 0;
}

/* Bits in which the ids differ, the highest of them in any case. */
static uint64_t difference(const struct fs_uuid *ids, size_t count, bool low)
{
    uint64_t found = 0;
    for (size_t i = 1; i < count && found >> (WORD_BITS - 1) == 0; i++)
        found |= half_of(&ids[i], low) ^ half_of(&ids[0], low);
    return found;
}

/* The highest bits in which the ids differ, at most so many. False when all ids are equal. */
static bool choose_digit(const struct fs_uuid *ids, size_t count, unsigned most_bits, struct digit *digit)
{
    uint64_t found = difference(ids, count, false);
    digit->low = found == 0;
    if (digit->low)
        found = difference(ids, count, true);
    unsigned top = bit_length(found);
    digit->bits = most_bits < top ? most_bits : top;
    digit->shift = top - digit->bits;
    return found != 0;
}

/* Puts the ids into `to`, ordered by the digit. Answers how many have the commonest value of it. */
static size_t distribute(struct sorter *sorter, const struct fs_uuid *ids, size_t count, struct fs_uuid *to,
                         struct digit digit)
{
    uint32_t *starts = sorter->starts;
    const size_t values = (size_t)1 << digit.bits;
    uint32_t most = 0;
    memset(starts, 0, (values + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[digit_of(&ids[i], digit) + 1]++;
    for (size_t value = 0; value < values; value++) {
        most = starts[value + 1] > most ? starts[value + 1] : most;
        starts[value + 1] += starts[value];
    }
    for (size_t i = 0; i < count; i++)
        to[starts[digit_of(&ids[i], digit)]++] = ids[i];
    return most;
}

/* Each level looks at one bit more at least, so that it never goes deeper than an id has bits. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void sort(struct sorter *sorter, struct fs_uuid *ids, size_t count, struct fs_uuid *scratch)
{
    struct digit digit;
    if (count <= FEW) {
        insert_all(ids, ids, count);
        return;
    }
    /* About as many bits as it takes to tell random ids apart. */
    unsigned wanted = bit_length(count);
    if (!choose_digit(ids, count, wanted < MOST_DIGIT_BITS ? wanted : MOST_DIGIT_BITS, &digit))
        return;
    if (distribute(sorter, ids, count, scratch, digit) <= FEW) {
        insert_all(ids, scratch, count); /* nothing has far to go any more */
        return;
    }
    for (size_t start = 0, end; start < count; start = end) {
        const size_t value = digit_of(&scratch[start], digit);
        for (end = start + 1; end < count && digit_of(&scratch[end], digit) == value; end++)
            ;
        sort(sorter, scratch + start, end - start, ids + start);
    }
    memcpy(ids, scratch, count * sizeof *ids);
}

/* Moves the id at `place` of a heap of `count` down to where it belongs. */
static void sift_down(struct fs_uuid *heap, size_t place, size_t count)
{
    const struct fs_uuid id = heap[place];
    for (size_t child = 2 * place + 1; child < count; child = 2 * place + 1) {
        if (child + 1 < count && fs_uuid_less(&heap[child], &heap[child + 1]))
            child++;
        if (!fs_uuid_less(&id, &heap[child]))
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = id;
}

void fs_uuid_sort_in_place(struct fs_uuid *ids, size_t count)
{
    for (size_t place = count / 2; place > 0; place--)
        sift_down(ids, place - 1, count);
    for (size_t left = count; left > 1; left--) {
        const struct fs_uuid largest = ids[0];
        ids[0] = ids[left - 1];
        ids[left - 1] = largest;
        sift_down(ids, 0, left - 1);
    }
}

/* Sorts a part, with scratch memory for it, or without. */
static void sort_part(struct fs_uuid *ids, size_t count, struct fs_uuid *scratch)
{
    struct sorter sorter = {.starts = {0}};
    if (scratch && count <= UINT32_MAX)
        sort(&sorter, ids, count, scratch);
    else
        fs_uuid_sort_in_place(ids, count);
}

/* The ids divided into parts, one for each value of a digit. */
struct parts {
    size_t count;
    size_t next[MOST_PARTS]; /* where a part's next id goes */
    size_t ends[MOST_PARTS];
};

static void plan(struct parts *parts, const struct fs_uuid *ids, size_t count, struct digit digit)
{
    parts->count = (size_t)1 << digit.bits;
    memset(parts->next, 0, parts->count * sizeof *parts->next);
    for (size_t i = 0; i < count; i++)
        parts->next[digit_of(&ids[i], digit)]++;
    for (size_t part = 0, start = 0; part < parts->count; part++) {
        parts->ends[part] = start + parts->next[part];
        parts->next[part] = start;
        start = parts->ends[part];
    }
}

/*
 * Changes places of each id from `start` to the part's end with whatever lies where it belongs; each exchange puts one
 * id in its place.
 */
static void exchange(struct parts *parts, struct fs_uuid *ids, size_t part, struct digit digit)
{
    enum { AHEAD = 12 }; /* ids; a part is filled from its start, so its next lines can be fetched meanwhile */
    const size_t end = parts->ends[part];
    for (size_t i = parts->next[part]; i < end; i++) {
        const struct fs_uuid id = ids[i];
        struct fs_uuid *place = &ids[parts->next[digit_of(&id, digit)]++];
        __builtin_prefetch(place + AHEAD, 1);
        ids[i] = *place;
        *place = id;
    }
}

/* Divides the ids where they lie. */
static void divide(struct parts *parts, struct fs_uuid *ids, struct digit digit)
{
    for (bool done = false; !done;) {
        done = true;
        for (size_t part = 0; part < parts->count; part++) {
            if (parts->next[part] == parts->ends[part])
                continue;
            exchange(parts, ids, part, digit);
            done = false;
        }
    }
}

void fs_uuid_sort(struct fs_uuid *ids, size_t count)
{
    struct parts parts = {.count = 1, .ends[0] = count};
    struct digit digit;
    unsigned bits = bit_length(count) - PART_SIZE_BITS;
    if (count > MANY && choose_digit(ids, count, bits < MOST_PART_BITS ? bits : MOST_PART_BITS, &digit)) {
        plan(&parts, ids, count, digit);
        divide(&parts, ids, digit);
    }
    size_t largest = 0;
    for (size_t part = 0, start = 0; part < parts.count; start = parts.ends[part++])
        largest = parts.ends[part] - start > largest ? parts.ends[part] - start : largest;
    struct fs_uuid *scratch = largest > FEW ? reallocarray(NULL, largest, sizeof *scratch) : NULL;
    for (size_t part = 0, start = 0; part < parts.count; start = parts.ends[part++])
        sort_part(ids + start, parts.ends[part] - start, scratch);
    free(scratch);
}

size_t fs_uuid_drop_repeated(struct fs_uuid *ids, size_t count)
{
    size_t kept = count > 0;
    while (kept < count && !fs_uuid_equal(&ids[kept - 1], &ids[kept]))
        kept++;
    for (size_t i = kept + 1; i < count; i++) {
        ids[kept] = ids[i];
        kept += !fs_uuid_equal(&ids[kept - 1], &ids[i]);
    }
    return kept;
}
