#include <stdlib.h>
#include <string.h>

#include "finseg.h"
#include "idset_text.h"
#include "page_index.h"
#include "uuid_sort.h"
#include "value/error.h"
#include "value/huge_pages.h"
#include "value/text.h"
#include "value/uuid.h"

struct run {
    struct fs_uuid *ids;
    size_t count;
    size_t capacity;
    size_t ordered; /* so many from the front are ascending and distinct */
};

struct finseg_idset {
    struct run uuids;
    struct fs_text_ids texts;
};

static bool resize(struct run *run, size_t capacity)
{
    if (capacity > SIZE_MAX / sizeof *run->ids)
        return false;
    struct fs_uuid *ids = fs_huge_pages_resize(run->ids, run->capacity * sizeof *ids, capacity * sizeof *ids);
    if (!ids)
        return false;
    run->ids = ids;
    run->capacity = capacity;
    return true;
}

static void free_run(struct run *run)
{
    fs_huge_pages_free(run->ids, run->capacity * sizeof *run->ids);
    *run = (struct run){0};
}

finseg_idset *finseg_idset_new(finseg_error **error)
{
    finseg_idset *set = calloc(1, sizeof *set);
    if (!set)
        fs_error_give(error, fs_error_out_of_memory());
    return set;
}

void finseg_idset_free(finseg_idset *set)
{
    if (!set)
        return;
    free_run(&set->uuids);
    fs_text_ids_free(&set->texts);
    free(set);
}

/* ---- adding ---------------------------------------------------------------------------------------------- */

static bool grow(struct run *run)
{
    enum { FIRST_CAPACITY = 64 };
    return resize(run, run->capacity ? run->capacity * 2 : FIRST_CAPACITY);
}

static inline bool add_uuid(finseg_idset *set, const struct fs_uuid *uuid)
{
    struct run *run = &set->uuids;
    if (run->count == run->capacity && !grow(run))
        return false;
    run->ids[run->count++] = *uuid;
    return true;
}

int finseg_idset_add(finseg_idset *set, const char *id, size_t length, finseg_error **error)
{
    struct fs_uuid uuid;
    if (length == 0 || length > UINT32_MAX)
        return fs_error_give(error,
                             fs_error_new(FINSEG_ERROR_INVALID, "a user id of %zu bytes cannot be in a set", length));
    bool is_uuid = length == FS_UUID_TEXT && fs_uuid_read(id, &uuid);
    if (!(is_uuid ? add_uuid(set, &uuid) : fs_text_ids_add(&set->texts, id, length)))
        return fs_error_give(error, fs_error_out_of_memory());
    return 0;
}

int finseg_idset_add_page(finseg_idset *set, const finseg_page *page, finseg_error **error)
{
    bool done = true;
    for (size_t i = 0; done && i < page->user_count; i++) {
        if (page->users[i].has_uuid) {
            done = add_uuid(set, &page->uuids[i]);
        } else {
            finseg_slice id = finseg_page_user_id(page, i);
            done = fs_text_ids_add(&set->texts, id.data, id.length);
        }
    }
    return done ? 0 : fs_error_give(error, fs_error_out_of_memory());
}

/* ---- order ----------------------------------------------------------------------------------------------- */

/* Memory beyond the ids themselves, and some to grow, is given back. Keeping it does no harm, so this cannot fail. */
static void give_back(struct run *run)
{
    if (run->count == 0) {
        free_run(run);
    } else if (run->capacity - run->count > run->count / 4) {
        resize(run, run->count);
    }
}

static void order(finseg_idset *set)
{
    struct run *run = &set->uuids;
    fs_text_ids_order(&set->texts);
    if (run->ordered == run->count)
        return;
    fs_uuid_sort(run->ids, run->count);
    run->count = fs_uuid_drop_repeated(run->ids, run->count);
    run->ordered = run->count;
    give_back(run);
}

uint64_t finseg_idset_count(finseg_idset *set)
{
    order(set);
    return set->uuids.count + set->texts.count;
}

static bool run_contains(const struct run *run, const struct fs_uuid *uuid)
{
    size_t first = 0;
    size_t end = run->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (fs_uuid_less(&run->ids[middle], uuid))
            first = middle + 1;
        else
            end = middle;
    }
    return first < run->count && fs_uuid_equal(&run->ids[first], uuid);
}

bool finseg_idset_contains(finseg_idset *set, const char *id, size_t length)
{
    struct fs_uuid uuid;
    order(set);
    if (length == FS_UUID_TEXT && fs_uuid_read(id, &uuid))
        return run_contains(&set->uuids, &uuid);
    return fs_text_ids_contain(&set->texts, (finseg_slice){id, length});
}

/* ---- iterating ------------------------------------------------------------------------------------------- */

/* The next UUID of the cursor, as text inside of it; false when there is none any more. */
static bool peek_uuid(const finseg_idset *set, finseg_idset_cursor *cursor, finseg_slice *id)
{
    if (cursor->index == set->uuids.count)
        return false;
    fs_uuid_write(&set->uuids.ids[cursor->index], cursor->uuid);
    *id = (finseg_slice){cursor->uuid, FS_UUID_TEXT};
    return true;
}

bool finseg_idset_next(finseg_idset *set, finseg_idset_cursor *cursor, finseg_slice *id)
{
    order(set);
    bool has_uuid = peek_uuid(set, cursor, id);
    if (cursor->text == set->texts.count) {
        cursor->index += has_uuid;
        return has_uuid;
    }
    finseg_slice text = fs_text_ids_at(&set->texts, cursor->text);
    if (has_uuid && fs_text_compare(*id, text) < 0) {
        cursor->index++;
        return true;
    }
    cursor->text++;
    *id = text;
    return true;
}

/* ---- union, intersection, difference --------------------------------------------------------------------- */

enum operation { UNION, INTERSECTION, DIFFERENCE };

/*
 * Merges two ordered runs; answers how many ids came out. Which of two ids is less is random, so the loop has no branch
 * on it: each step writes, and then goes on by what the comparison says.
 */
static inline size_t merge_runs(struct fs_uuid *out, const struct run *left, const struct run *right,
                                enum operation operation)
{
    const struct fs_uuid *a = left->ids;
    const struct fs_uuid *b = right->ids;
    const struct fs_uuid *a_end = a + left->count;
    const struct fs_uuid *b_end = b + right->count;
    struct fs_uuid *to = out;
    while (a < a_end && b < b_end) {
        const bool a_less = fs_uuid_less(a, b);
        const bool b_less = fs_uuid_less(b, a);
        *to = operation == UNION && b_less ? *b : *a;
        to += operation == UNION ? true : operation == INTERSECTION ? !(a_less | b_less) : a_less;
        a += !b_less;
        b += !a_less;
    }
    if (operation != INTERSECTION && a < a_end) {
        memcpy(to, a, (size_t)(a_end - a) * sizeof *to);
        to += a_end - a;
    }
    if (operation == UNION && b < b_end) {
        memcpy(to, b, (size_t)(b_end - b) * sizeof *to);
        to += b_end - b;
    }
    return (size_t)(to - out);
}

/* How many ids can come out at most. */
static size_t most_of(const struct run *a, const struct run *b, enum operation operation)
{
    if (operation == UNION)
        return a->count + b->count;
    return operation == INTERSECTION && b->count < a->count ? b->count : a->count;
}

static bool merge_uuids(struct run *out, const struct run *a, const struct run *b, enum operation operation)
{
    static const struct fs_uuid none;
    const struct run empty = {.ids = (struct fs_uuid *)&none};
    size_t most = most_of(a, b, operation);
    if (most == 0)
        return true;
    if (!resize(out, most))
        return false;
    a = a->count > 0 ? a : &empty;
    b = b->count > 0 ? b : &empty;
    switch (operation) {
    case UNION:
        out->count = merge_runs(out->ids, a, b, UNION);
        break;
    case INTERSECTION:
        out->count = merge_runs(out->ids, a, b, INTERSECTION);
        break;
    default:
        out->count = merge_runs(out->ids, a, b, DIFFERENCE);
    }
    out->ordered = out->count;
    give_back(out);
    return true;
}

static finseg_idset *merge(finseg_idset *a, finseg_idset *b, enum operation operation, finseg_error **error)
{
    finseg_idset *set = finseg_idset_new(error);
    if (!set)
        return NULL;
    order(a);
    order(b);
    bool done = fs_text_ids_merge(&set->texts, &a->texts, &b->texts, operation != INTERSECTION, operation != DIFFERENCE,
                                  operation == UNION);
    if (done && merge_uuids(&set->uuids, &a->uuids, &b->uuids, operation))
        return set;
    finseg_idset_free(set);
    fs_error_give(error, fs_error_out_of_memory());
    return NULL;
}

finseg_idset *finseg_idset_union(finseg_idset *a, finseg_idset *b, finseg_error **error)
{
    return merge(a, b, UNION, error);
}

finseg_idset *finseg_idset_intersection(finseg_idset *a, finseg_idset *b, finseg_error **error)
{
    return merge(a, b, INTERSECTION, error);
}

finseg_idset *finseg_idset_difference(finseg_idset *a, finseg_idset *b, finseg_error **error)
{
    return merge(a, b, DIFFERENCE, error);
}
