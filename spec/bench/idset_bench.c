/*
 * Sets of user ids: filling from pages, ordering, intersecting; beside qsort and a merge, SQLite, and tables of Lua,
 * which have the ids in memory already.
 *
 *     idset_bench [SIZES]     how many of the sizes 100,000, 1,000,000 and 10,000,000; all when not given
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "peer_sqlite.h"
#include "result/page_index.h"
#include "sample.h"
#include "value/huge_pages.h"
#include "value/uuid.h"

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

/* ---- the ways, in millions of ids a second, the ids of both sets counted once ---- */

enum way { WHOLE, MERGED, JOINED, QSORT, SQLITE, LUA, LUAJIT, WAYS };

static const struct {
    const char *name;
    double target;
} ways[WAYS] = {
    {"finseg: fill, order, intersect", 40},   {"finseg: intersect what is in order", 120},
    {"finseg: unite what is in order", 0},    {"qsort and a merge", 0},
    {"SQLite, INTERSECT of keyed tables", 0}, {"tables of Lua 5.4: fill, intersect", 0},
    {"tables of LuaJIT: fill, intersect", 0},
};

/* A rate of 0: it was not run. */
struct figures {
    size_t count;
    double rates[WAYS];
};

struct ids {
    struct fs_uuid *left;
    struct fs_uuid *right;
    size_t count;
};

static double rate(const struct ids *ids, double seconds)
{
    return seconds > 0 ? 2.0 * (double)ids->count / 1e6 / seconds : 0;
}

static void check_common(size_t found, size_t count)
{
    if (found != count / 2)
        stop("an intersection is wrong");
}

static void run_ours(const struct ids *ids, double rates[WAYS])
{
    double start = measure_now();
    finseg_idset *a = add_pages(ids->left, ids->count);
    finseg_idset *b = add_pages(ids->right, ids->count);
    finseg_idset *common = finseg_idset_intersection(a, b, NULL);
    rates[WHOLE] = rate(ids, measure_now() - start);
    check_common(common ? finseg_idset_count(common) : 0, ids->count);
    finseg_idset_free(common);

    start = measure_now();
    common = finseg_idset_intersection(a, b, NULL);
    rates[MERGED] = rate(ids, measure_now() - start);
    finseg_idset_free(common);
    start = measure_now();
    common = finseg_idset_union(a, b, NULL);
    rates[JOINED] = rate(ids, measure_now() - start);
    finseg_idset_free(common);
    finseg_idset_free(a);
    finseg_idset_free(b);
}

/* Runs a Lua over a file of the ids; it prints its seconds. */
static double run_lua(const char *lua, const char *file, size_t count)
{
    char command[256];
    double seconds = 0;
    size_t found = 0;
    snprintf(command, sizeof command, "%s spec/bench/peers/idset.lua %s %zu 2>/dev/null", lua, file, count);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): the names of the Luas are looked up as in a shell */
    if (!pipe)
        return 0;
    if (fscanf(pipe, "%lf %zu", &seconds, &found) == 2) /* NOLINT(cert-err34-c): the bench's own output */
        check_common(found, count);
    pclose(pipe);
    return seconds;
}

static void run_luas(const struct ids *ids, double rates[WAYS])
{
    char name[] = "/tmp/idset_bench.XXXXXX";
    int fd = mkstemp(name);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!file || fwrite(ids->left, sizeof *ids->left, ids->count, file) != ids->count ||
        fwrite(ids->right, sizeof *ids->right, ids->count, file) != ids->count || fclose(file) != 0)
        stop("no file can be written to /tmp");
    rates[LUA] = rate(ids, run_lua("lua5.4", name, ids->count));
    rates[LUAJIT] = rate(ids, run_lua("luajit", name, ids->count));
    unlink(name);
}

/* Ten million ids take SQLite and Lua minutes. */
enum { MOST_FOR_SLOW_PEERS = 1000000 };

static void run_slow_peers(const struct ids *ids, double rates[WAYS])
{
    size_t found = ids->count / 2;
    rates[SQLITE] = rate(ids, peer_sqlite_intersect(ids->left, ids->right, ids->count, &found));
    check_common(found, ids->count);
    run_luas(ids, rates);
}

/* Once each will do: they are slow. qsort comes last, since it sorts the ids where they are. */
static void run_peers(const struct ids *ids, double rates[WAYS])
{
    if (ids->count <= MOST_FOR_SLOW_PEERS)
        run_slow_peers(ids, rates);
    double start = measure_now();
    check_common(sort_and_merge(ids->left, ids->right, ids->count), ids->count);
    rates[QSORT] = rate(ids, measure_now() - start);
}

static void run(struct figures *figures)
{
    struct ids ids = {.count = figures->count};
    double rounds[WAYS][ROUNDS] = {{0}};
    ids.left = calloc(ids.count, sizeof *ids.left);
    ids.right = calloc(ids.count, sizeof *ids.right);
    if (!ids.left || !ids.right)
        stop("out of memory");
    fill_ids(ids.left, ids.count, 1000);
    fill_ids(ids.right, ids.count, 2000);
    for (int round = 0; round < ROUNDS; round++) {
        double rates[WAYS] = {0};
        run_ours(&ids, rates);
        for (enum way way = 0; way < WAYS; way++)
            rounds[way][round] = rates[way];
    }
    for (enum way way = 0; way < WAYS; way++)
        figures->rates[way] = measure_median(rounds[way], ROUNDS);
    run_peers(&ids, figures->rates);
    free(ids.left);
    free(ids.right);
}

/* Beside a peer's rate stands how many times as fast the first way is. */
static void print_figures(const struct figures *figures, size_t count)
{
    printf("sets of ids, millions a second (the ids of both sets counted once)\n%-36s", "ids a set");
    for (size_t i = 0; i < count; i++)
        printf("%10zu %8s", figures[i].count, "ratio");
    printf("%8s\n", "target");
    for (enum way way = 0; way < WAYS; way++) {
        printf("%-36s", ways[way].name);
        for (size_t i = 0; i < count; i++) {
            double mine = figures[i].rates[way];
            if (mine <= 0)
                printf("%10s %8s", "-", "");
            else if (way < QSORT)
                printf("%10.1f %8s", mine, "");
            else
                printf("%10.1f %8.1f", mine, figures[i].rates[WHOLE] / mine);
        }
        if (ways[way].target > 0)
            printf("%8.0f", ways[way].target);
        printf("\n");
    }
}

/*
 * A virtual machine's memory is slow when it is touched for the very first time since the machine started: that goes
 * before all measuring.
 */
static void touch_memory(void)
{
    const size_t size = (size_t)1536 * 1024 * 1024;
    char *memory = fs_huge_pages_resize(NULL, 0, size);
    for (size_t i = 0; memory && i < size; i += 4096)
        ((volatile char *)memory)[i] = 1;
    fs_huge_pages_free(memory, memory ? size : 0);
}

int main(int count, char **arguments)
{
    struct figures figures[] = {{.count = 100000}, {.count = 1000000}, {.count = 10000000}};
    size_t sizes = sizeof figures / sizeof *figures;
    if (count > 1 && strtoul(arguments[1], NULL, 10) < sizes)
        sizes = strtoul(arguments[1], NULL, 10);
    touch_memory();
    for (size_t i = 0; i < sizes; i++)
        run(&figures[i]);
    print_figures(figures, sizes);
    return 0;
}
