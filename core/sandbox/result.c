#include "result.h"

#include <stdlib.h>
#include <string.h>

struct fs_result *fs_result_new(void)
{
    struct fs_result *result = calloc(1, sizeof *result);
    if (result)
        atomic_init(&result->references, 1);
    return result;
}

struct fs_result *fs_result_share(struct fs_result *result)
{
    atomic_fetch_add(&result->references, 1);
    return result;
}

void fs_result_release(struct fs_result *result)
{
    if (!result || atomic_fetch_sub(&result->references, 1) > 1)
        return;
    fs_buffer_free(&result->records);
    fs_buffer_free(&result->ends);
    free(result);
}

void fs_result_end_record(struct fs_result *result)
{
    fs_buffer_append_char(&result->records, ',');
    uint64_t end = result->records.length;
    fs_buffer_append(&result->ends, &end, sizeof end);
    if (end <= FS_RESULT_LARGEST)
        return;
    result->too_large = true;
    fs_buffer_clear(&result->records);
}

bool fs_result_complete(const struct fs_result *result)
{
    return !result->records.failed && !result->ends.failed;
}

size_t fs_result_count(const struct fs_result *result)
{
    return result->ends.length / sizeof(uint64_t);
}

/* Where the first `count` records end. */
static uint64_t end_of(const struct fs_result *result, size_t count)
{
    uint64_t end = 0;
    if (count > 0)
        memcpy(&end, result->ends.data + (count - 1) * sizeof end, sizeof end);
    return end;
}

uint64_t fs_result_length(const struct fs_result *result)
{
    return end_of(result, fs_result_count(result));
}

struct fs_result_slice fs_result_page(const struct fs_result *result, uint64_t number, uint64_t size)
{
    size_t count = fs_result_count(result);
    size_t first = number < count / size + 1 ? (size_t)(number * size) : count;
    size_t last = count - first > size ? first + (size_t)size : count;
    if (first >= last)
        return (struct fs_result_slice){0, 0};
    return (struct fs_result_slice){end_of(result, first), end_of(result, last) - 1};
}

void fs_result_open_page(const struct fs_result *result, size_t total, struct fs_buffer *out)
{
    fs_buffer_printf(out, "{\"durationInMonth\":%d,\"creationDate\":\"%s\",\"totalElements\":%zu,\"users\":[",
                     result->duration, result->creation_date, total);
}

void fs_result_close_page(struct fs_buffer *out)
{
    fs_buffer_append_text(out, "]}");
}
