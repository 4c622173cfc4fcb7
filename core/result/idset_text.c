#include "idset_text.h"

#include <stdlib.h>
#include <string.h>

#include "value/text.h"

void fs_text_ids_free(struct fs_text_ids *ids)
{
    fs_buffer_free(&ids->bytes);
    free(ids->items);
    *ids = (struct fs_text_ids){0};
}

static uint32_t prefix_of(const char *text, size_t length)
{
    unsigned char bytes[4] = {0};
    if (length > 0)
        memcpy(bytes, text, length < sizeof bytes ? length : sizeof bytes);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool make_room(struct fs_text_ids *ids)
{
    enum { FIRST_CAPACITY = 16 };
    if (ids->count < ids->capacity)
        return true;
    size_t capacity = ids->capacity ? ids->capacity * 2 : FIRST_CAPACITY;
    struct fs_text_id *items = reallocarray(ids->items, capacity, sizeof *items);
    if (!items)
        return false;
    ids->items = items;
    ids->capacity = capacity;
    return true;
}

bool fs_text_ids_add(struct fs_text_ids *ids, const char *text, size_t length)
{
    if (!make_room(ids))
        return false;
    uint64_t start = ids->bytes.length;
    fs_buffer_append(&ids->bytes, text, length);
    if (ids->bytes.failed) {
        ids->bytes.failed = false; /* what is there stays good */
        return false;
    }
    ids->items[ids->count++] =
        (struct fs_text_id){.start = start, .length = (uint32_t)length, .prefix = prefix_of(text, length)};
    return true;
}

finseg_slice fs_text_ids_at(const struct fs_text_ids *ids, size_t index)
{
    const struct fs_text_id *item = &ids->items[index];
    return (finseg_slice){ids->bytes.data + item->start, item->length};
}

static int compare_items(const void *left, const void *right, void *bytes)
{
    const struct fs_text_id *a = left;
    const struct fs_text_id *b = right;
    const char *text = bytes;
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    return fs_text_compare((finseg_slice){text + a->start, a->length}, (finseg_slice){text + b->start, b->length});
}

void fs_text_ids_order(struct fs_text_ids *ids)
{
    if (ids->ordered == ids->count)
        return;
    qsort_r(ids->items, ids->count, sizeof *ids->items, compare_items, ids->bytes.data);
    size_t kept = 1;
    for (size_t i = 1; i < ids->count; i++) {
        if (compare_items(&ids->items[kept - 1], &ids->items[i], ids->bytes.data) != 0)
            ids->items[kept++] = ids->items[i];
    }
    ids->count = kept;
    ids->ordered = kept;
}

bool fs_text_ids_contain(const struct fs_text_ids *ids, finseg_slice id)
{
    size_t first = 0;
    size_t end = ids->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = fs_text_compare(fs_text_ids_at(ids, middle), id);
        if (order == 0)
            return true;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return false;
}

static bool copy_item(struct fs_text_ids *out, const struct fs_text_ids *from, size_t index)
{
    finseg_slice text = fs_text_ids_at(from, index);
    return fs_text_ids_add(out, text.data, text.length);
}

bool fs_text_ids_merge(struct fs_text_ids *out, const struct fs_text_ids *a, const struct fs_text_ids *b, bool only_a,
                       bool both, bool only_b)
{
    size_t i = 0;
    size_t j = 0;
    bool done = true;
    while (done && (i < a->count || j < b->count)) {
        int order = 0;
        if (i == a->count)
            order = 1;
        else if (j == b->count)
            order = -1;
        else
            order = fs_text_compare(fs_text_ids_at(a, i), fs_text_ids_at(b, j));
        if (order < 0 ? only_a : order == 0 && both)
            done = copy_item(out, a, i);
        else if (order > 0 && only_b)
            done = copy_item(out, b, j);
        i += order <= 0;
        j += order >= 0;
    }
    out->ordered = out->count;
    return done;
}
