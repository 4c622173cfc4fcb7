/* A result page to columns: finseg, each of its readers, beside simdjson (on-demand) and cJSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "peers.h"
#include "result/page_index.h"
#include "result/page_read.h"
#include "sample.h"

enum reader { TEMPLATE, SIMD, SCALAR, SIMDJSON, SIMDJSON_RAW, CJSON, READERS };

struct bench {
    struct fs_buffer text;
    finseg_page page; /* ours, kept from round to round as a client keeps its pages */
    void *simdjson;
    struct peer_columns columns;
};

static void stop(const char *problem)
{
    fprintf(stderr, "page_bench: %s\n", problem);
    exit(1);
}

static void read_ours(struct bench *bench, enum fs_page_reader which)
{
    bench->page.text = bench->text.data;
    bench->page.length = bench->text.length;
    if (fs_page_read(&bench->page, which))
        stop("finseg refused a sample");
}

static void read_once(struct bench *bench, enum reader reader)
{
    const char *text = bench->text.data;
    size_t length = bench->text.length;
    bool done = true;
    switch (reader) {
    case TEMPLATE:
        read_ours(bench, FS_PAGE_TEMPLATE);
        break;
    case SIMD:
        read_ours(bench, FS_PAGE_SIMD);
        break;
    case SCALAR:
        read_ours(bench, FS_PAGE_SCALAR);
        break;
    case SIMDJSON:
        done = peer_simdjson_read(bench->simdjson, text, length, &bench->columns);
        break;
    case SIMDJSON_RAW:
        done = peer_simdjson_read_raw(bench->simdjson, text, length, &bench->columns);
        break;
    default:
        done = peer_cjson_read(text, length, &bench->columns);
    }
    if (!done)
        stop("a peer refused a sample");
}

/* Both must have read the same: as many users, and the same sum of amounts. */
static void compare(struct bench *bench)
{
    int64_t ours = 0;
    int64_t theirs = 0;
    read_ours(bench, FS_PAGE_TEMPLATE);
    for (size_t i = 0; i < finseg_page_amount_count(&bench->page); i++) {
        int64_t amount = 0;
        finseg_page_amount(&bench->page, i, &amount);
        ours += amount;
    }
    for (size_t i = 0; i < bench->columns.amount_count; i++)
        theirs += bench->columns.amounts[i].amount;
    if (ours != theirs || finseg_page_user_count(&bench->page) != bench->columns.user_count)
        stop("the peers disagree");
}

static double seconds_of(struct bench *bench, enum reader reader, int repeats)
{
    double start = measure_now();
    for (int i = 0; i < repeats; i++)
        read_once(bench, reader);
    return (measure_now() - start) / repeats;
}

static void measure(struct bench *bench, int users, enum sample_shape shape, bool pretty)
{
    double seconds[READERS][MEASURE_ROUNDS];
    double rate[READERS];
    sample_page(&bench->text, shape, users, pretty);
    fs_buffer_reserve(&bench->text, PEER_PADDING);
    int repeats = (int)(4000000 / bench->text.length) + 1;
    for (int reader = READERS - 1; reader >= 0; reader--) {
        read_once(bench, (enum reader)reader);
        if (reader >= SIMDJSON)
            compare(bench);
    }
    for (int round = 0; round < MEASURE_ROUNDS; round++) {
        for (int reader = 0; reader < READERS; reader++)
            seconds[reader][round] =
                seconds_of(bench, (enum reader)reader, reader == CJSON ? repeats / 8 + 1 : repeats);
    }
    for (int reader = 0; reader < READERS; reader++)
        rate[reader] = (double)bench->text.length / measure_median(seconds[reader], MEASURE_ROUNDS) / 1e9;
    printf("%5d %-16s %-7s %6.2f %6.2f %6.2f %9.2f %9.2f %6.2f %11.2f %7.2f %8.1f\n", users, sample_name(shape),
           pretty ? "pretty" : "compact", rate[TEMPLATE], rate[SIMD], rate[SCALAR], rate[SIMDJSON], rate[SIMDJSON_RAW],
           rate[CJSON], rate[TEMPLATE] / rate[SIMDJSON], rate[TEMPLATE] / rate[SIMDJSON_RAW],
           rate[TEMPLATE] / rate[CJSON]);
}

/* With a reader's number and a count as arguments, it only reads a page so often: for counting instructions. */
static void only_read(struct bench *bench, char **arguments)
{
    long repeats = strtol(arguments[2], NULL, 10);
    sample_page(&bench->text, SAMPLE_REGULAR, 5000, false);
    fs_buffer_reserve(&bench->text, PEER_PADDING);
    for (long i = 0; i < repeats; i++)
        read_once(bench, (enum reader)strtol(arguments[1], NULL, 10));
}

int main(int count, char **arguments)
{
    enum { MOST_USERS = 5000, MOST_AMOUNTS = 3 * MOST_USERS };
    static const int sizes[] = {500, 5000};
    struct bench bench = {.simdjson = peer_simdjson_new()};
    bench.columns.users = calloc(MOST_USERS, sizeof *bench.columns.users);
    bench.columns.amounts = calloc(MOST_AMOUNTS, sizeof *bench.columns.amounts);
    if (!bench.columns.users || !bench.columns.amounts)
        stop("out of memory");
    if (count == 3) {
        only_read(&bench, arguments);
        return 0;
    }
    printf("page to columns, GB/s; simdjson runs its %s kernel\n", peer_simdjson_kernel());
    printf(
        "users shape            layout  finseg   simd scalar  simdjson  its raw  cJSON  x simdjson   x raw  x cJSON\n");
    for (int size = 0; size < 2; size++) {
        for (int shape = 0; shape < SAMPLE_SHAPES; shape++) {
            for (int pretty = 0; pretty < 2; pretty++)
                measure(&bench, sizes[size], (enum sample_shape)shape, pretty);
        }
    }
    peer_simdjson_free(bench.simdjson);
    free(bench.columns.users);
    free(bench.columns.amounts);
    free(bench.page.users);
    free(bench.page.uuids);
    free(bench.page.amounts);
    fs_buffer_free(&bench.page.unescaped);
    fs_buffer_free(&bench.text);
    return 0;
}
