/* Sets of user ids: filling from pages, ordering, intersecting; beside qsort and a merge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "memory.h"
#include "page_index.h"
#include "sample.h"
#include "uuid.h"

enum { PAGE_USERS = 500, ROUNDS = 5 };

static void stop(const char *problem)
{
    fprintf(stderr, "idset_bench: %s\n", problem);
    exit(1);
}

/* Random ids, of which every second one of a set is in the other too. */
static void fill_ids(struct fs_uuid *ids, size_t count, uint64_t own_seed)
{
    uint64_t common = 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t *state = i % 2 ? &common : &own_seed;
        ids[i].high = (sample_random(state) & ~UINT64_C(0xF000)) | 0x4000;
        ids[i].low = sample_random(state) >> 2 | UINT64_C(1) << 63;
    }
}

/* A page's worth of users at a time: what reading pages leaves behind, without the time it takes to read them. */
static finseg_idset *add_pages(struct fs_uuid *ids, size_t count)
{
    struct fs_page_user users[PAGE_USERS] = {{0}};
    finseg_page page = {.users = users};
    finseg_idset *set = finseg_idset_new(NULL);
    for (size_t i = 0; i < PAGE_USERS; i++)
        users[i].has_uuid = 1;
    for (size_t done = 0; set && done < count; done += page.user_count) {
        page.uuids = ids + done;
        page.user_count = (uint32_t)(count - done < PAGE_USERS ? count - done : PAGE_USERS);
        if (finseg_idset_add_page(set, &page, NULL) != 0)
            stop("out of memory");
    }
    if (!set)
        stop("out of memory");
    return set;
}

static int compare(const void *a, const void *b)
{
    return fs_uuid_less(a, b) ? -1 : fs_uuid_less(b, a);
}

/* Millions of ids a second, both sets' ids counted once. */
struct rates {
    double whole[ROUNDS];  /* fill, order, intersect */
    double merged[ROUNDS]; /* intersect sets that are in order */
    double joined[ROUNDS]; /* their union */
    double sorted;         /* qsort and a merge, the whole as well */
};

static size_t merge_count(const struct fs_uuid *a, size_t a_count, const struct fs_uuid *b, size_t b_count)
{
    size_t found = 0;
    for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
        if (fs_uuid_less(&a[i], &b[j])) {
            i++;
        } else if (fs_uuid_less(&b[j], &a[i])) {
            j++;
        } else {
            found++;
            i++;
            j++;
        }
    }
    return found;
}

static size_t sort_and_merge(struct fs_uuid *a, struct fs_uuid *b, size_t count)
{
    qsort(a, count, sizeof *a, compare);
    qsort(b, count, sizeof *b, compare);
    return merge_count(a, count, b, count);
}

static void run(struct rates *rates, int round, size_t count)
{
    struct fs_uuid *left = calloc(count, sizeof *left);
    struct fs_uuid *right = calloc(count, sizeof *right);
    if (!left || !right)
        stop("out of memory");
    fill_ids(left, count, 1000);
    fill_ids(right, count, 2000);
    const double millions = 2.0 * (double)count / 1e6;

    double start = measure_now();
    finseg_idset *a = add_pages(left, count);
    finseg_idset *b = add_pages(right, count);
    finseg_idset *common = finseg_idset_intersection(a, b, NULL);
    rates->whole[round] = millions / (measure_now() - start);
    if (!common || finseg_idset_count(common) != count / 2)
        stop("the intersection is wrong");
    finseg_idset_free(common);

    start = measure_now();
    common = finseg_idset_intersection(a, b, NULL);
    rates->merged[round] = millions / (measure_now() - start);
    finseg_idset_free(common);
    start = measure_now();
    common = finseg_idset_union(a, b, NULL);
    rates->joined[round] = millions / (measure_now() - start);
    finseg_idset_free(common);
    finseg_idset_free(a);
    finseg_idset_free(b);

    if (round == 0) { /* once will do: it is slow */
        start = measure_now();
        if (sort_and_merge(left, right, count) != count / 2)
            stop("the peer's intersection is wrong");
        rates->sorted = millions / (measure_now() - start);
    }
    free(left);
    free(right);
}

/*
 * A virtual machine's memory is slow when it is touched for the very first time since the machine started: that goes
 * before all measuring.
 */
static void touch_memory(void)
{
    const size_t size = (size_t)1536 * 1024 * 1024;
    char *memory = fs_memory_resize(NULL, 0, size);
    for (size_t i = 0; memory && i < size; i += 4096)
        ((volatile char *)memory)[i] = 1;
    fs_memory_free(memory, memory ? size : 0);
}

int main(int count, char **arguments)
{
    static const size_t sizes[] = {100000, 1000000, 10000000};
    const int size_count = count > 1 ? (int)strtol(arguments[1], NULL, 10) : 3;
    touch_memory();
    printf("sets of ids, millions a second (the ids of both sets counted once)\n");
    printf("ids a set  fill, order, intersect  intersect in order  union in order  qsort and merge  x qsort\n");
    for (int size = 0; size < size_count; size++) {
        struct rates rates;
        for (int round = 0; round < ROUNDS; round++)
            run(&rates, round, sizes[size]);
        double whole = measure_median(rates.whole, ROUNDS);
        printf("%9zu %23.1f %19.1f %15.1f %16.1f %8.1f\n", sizes[size], whole, measure_median(rates.merged, ROUNDS),
               measure_median(rates.joined, ROUNDS), rates.sorted, whole / rates.sorted);
    }
    return 0;
}
