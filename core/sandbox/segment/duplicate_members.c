#include "duplicate_members.h"

#include <stdlib.h>
#include <string.h>

#include "value/json.h"

/* A place in the bytes of all names. */
struct name {
    const char *text;
    size_t length;
};

static int compare(const void *a, const void *b)
{
    const struct name *one = a;
    const struct name *other = b;
    if (one->length != other->length)
        return one->length < other->length ? -1 : 1;
    return memcmp(one->text, other->text, one->length);
}

/* Appends the names one after the other to `texts`, and their lengths to `lengths`. Answers how many there are. */
static size_t collect(const char *object, size_t length, struct fs_buffer *texts, struct fs_buffer *lengths)
{
    struct fs_json json;
    struct fs_json_value key;
    struct fs_json_value value;
    size_t count = 0;
    bool first = true;
    fs_json_begin(&json, object, length);
    fs_json_enter(&json);
    while (fs_json_next_member(&json, &first, &key) && fs_json_skip(&json, &value)) {
        size_t start = texts->length;
        fs_json_append_unescaped(texts, &key);
        size_t name_length = texts->length - start;
        fs_buffer_append(lengths, (const char *)&name_length, sizeof name_length);
        count++;
    }
    return count;
}

static bool has_pair(struct name *names, size_t count)
{
    qsort(names, count, sizeof *names, compare);
    for (size_t i = 1; i < count; i++) {
        if (compare(&names[i - 1], &names[i]) == 0)
            return true;
    }
    return false;
}

static void place_names(struct name *names, size_t count, const char *text, const char *lengths)
{
    for (size_t i = 0; i < count; i++) {
        names[i].text = text;
        memcpy(&names[i].length, lengths + i * sizeof names[i].length, sizeof names[i].length);
        text += names[i].length;
    }
}

bool sb_has_duplicate_members(const char *object, size_t length, bool *repeat)
{
    struct fs_buffer texts = {0};
    struct fs_buffer lengths = {0};
    size_t count = collect(object, length, &texts, &lengths);
    struct name *names = calloc(count + 1, sizeof *names);
    bool known = names && !texts.failed && !lengths.failed;
    *repeat = false;
    if (known && count > 1) {
        place_names(names, count, texts.data ? texts.data : "", lengths.data);
        *repeat = has_pair(names, count);
    }
    free(names);
    fs_buffer_free(&texts);
    fs_buffer_free(&lengths);
    return known;
}
