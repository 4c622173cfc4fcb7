#include "result.h"

#include <stdlib.h>
#include <string.h>

struct sb_result *sb_result_new(void)
{
    struct sb_result *result = calloc(1, sizeof *result);
    if (result)
        atomic_init(&result->references, 1);
    return result;
}

struct sb_result *sb_result_share(struct sb_result *result)
{
    atomic_fetch_add(&result->references, 1);
    return result;
}

void sb_result_release(struct sb_result *result)
{
    if (!result || atomic_fetch_sub(&result->references, 1) > 1)
        return;
    fs_buffer_free(&result->records);
    fs_buffer_free(&result->ends);
    free(result);
}

void sb_result_end_record(struct sb_result *result)
{
    fs_buffer_append_char(&result->records, ',');
    uint64_t end = result->records.length;
    fs_buffer_append(&result->ends, &end, sizeof end);
    if (end <= SB_RESULT_LARGEST)
        return;
    result->too_large = true;
    fs_buffer_clear(&result->records);
}

bool sb_result_complete(const struct sb_result *result)
{
    return !result->records.failed && !result->ends.failed;
}

size_t sb_result_count(const struct sb_result *result)
{
    return result->ends.length / sizeof(uint64_t);
}

/* Where the first `count` records end. */
static uint64_t end_of(const struct sb_result *result, size_t count)
{
    uint64_t end = 0;
    if (count > 0)
        memcpy(&end, result->ends.data + (count - 1) * sizeof end, sizeof end);
    return end;
}

uint64_t sb_result_length(const struct sb_result *result)
{
    return end_of(result, sb_result_count(result));
}

struct sb_result_slice sb_result_page(const struct sb_result *result, uint64_t number, uint64_t size)
{
    size_t count = sb_result_count(result);
    size_t first = number < count / size + 1 ? (size_t)(number * size) : count;
    size_t last = count - first > size ? first + (size_t)size : count;
    if (first >= last)
        return (struct sb_result_slice){0, 0};
    return (struct sb_result_slice){end_of(result, first), end_of(result, last) - 1};
}

void sb_result_open_page(const struct sb_result *result, size_t total, struct fs_buffer *out)
{
    fs_buffer_printf(out, "{\"durationInMonth\":%d,\"creationDate\":\"%s\",\"totalElements\":%zu,\"users\":[",
                     result->duration, result->creation_date, total);
}

void sb_result_close_page(struct fs_buffer *out)
{
    fs_buffer_append_text(out, "]}");
}
