#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "finseg.h"
#include "page.h"
#include "value/buffer.h"
#include "value/error.h"

/* The pages met so far by the hash of their users: an open table, never more than half full. */
struct seen_page {
    uint64_t hash;
    uint64_t number;
    bool used;
};

struct seen_pages {
    struct seen_page *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

/*
 * Pages are counted from the first, which is 0 here and `first_page` on the wire. When the first page tells
 * totalElements, `pages` is known from the start; otherwise it is set by the page that turns out to be the last.
 */
struct finseg_traversal {
    uint64_t first_page;
    uint64_t stride; /* users a page */
    uint64_t parallel;
    uint64_t ahead;     /* how many pages beyond the accepted ones may be asked for now: at most `parallel` */
    uint64_t pages;     /* UNKNOWN until it is known */
    uint64_t requested; /* pages asked for */
    uint64_t accepted;
    uint64_t received; /* users in the accepted pages */
    int64_t announced; /* totalElements; -1 while no page has told it */
    bool planned;      /* every page's length is known beforehand */
    bool failed;
    struct seen_pages seen;
    struct fs_buffer tail; /* the last ids of the page accepted last, a zero byte after each */
};

static const uint64_t UNKNOWN = UINT64_MAX;

/* ---- repeated pages -------------------------------------------------------------------------------------- */

/* The slot of this hash, or the free one where it belongs. */
static struct seen_page *find_slot(struct seen_page *slots, size_t capacity, uint64_t hash)
{
    size_t at = hash & (capacity - 1);
    while (slots[at].used && slots[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool make_room(struct seen_pages *seen)
{
    enum { FIRST_CAPACITY = 16 };
    if (seen->count < seen->capacity / 2)
        return true;
    size_t capacity = seen->capacity ? seen->capacity * 2 : FIRST_CAPACITY;
    struct seen_page *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < seen->capacity; i++) {
        if (seen->slots[i].used)
            *find_slot(slots, capacity, seen->slots[i].hash) = seen->slots[i];
    }
    free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
    return true;
}

/* ---- checks ---------------------------------------------------------------------------------------------- */

static uint64_t number_of(const finseg_traversal *traversal, uint64_t page)
{
    return traversal->first_page + page;
}

/* How far back an overlap is looked for. */
enum { TAIL = 16 };

static bool is_in_tail(const struct fs_buffer *tail, finseg_slice id)
{
    for (size_t at = 0; at < tail->length; at += strlen(tail->data + at) + 1) {
        if (strlen(tail->data + at) == id.length && memcmp(tail->data + at, id.data, id.length) == 0)
            return true;
    }
    return false;
}

/* Users that are inserted between two answers shift the pages: one comes twice, and a page further on another never. */
static finseg_error *check_overlap(finseg_traversal *traversal, uint64_t number, const finseg_page *page)
{
    size_t count = finseg_page_user_count(page);
    if (count == 0)
        return NULL;
    finseg_slice first = finseg_page_user_id(page, 0);
    if (is_in_tail(&traversal->tail, first))
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "page %" PRIu64
                            " begins with user %.*s, who was on the page before: the result changed while it "
                            "was read",
                            number, (int)first.length, first.data);
    fs_buffer_clear(&traversal->tail);
    for (size_t i = count > TAIL ? count - TAIL : 0; i < count; i++) {
        finseg_slice id = finseg_page_user_id(page, i);
        fs_buffer_append(&traversal->tail, id.data, id.length);
        fs_buffer_append_char(&traversal->tail, '\0');
    }
    return traversal->tail.failed ? fs_error_out_of_memory() : NULL;
}

static finseg_error *check_announced(finseg_traversal *traversal, uint64_t number, const finseg_page *page)
{
    int64_t told = finseg_page_total_elements(page);
    if (told < 0 || told == traversal->announced)
        return NULL;
    if (traversal->announced >= 0)
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "page %" PRIu64 " says totalElements %" PRId64 ", earlier pages said %" PRId64
                            ": the result changed while it was read",
                            number, told, traversal->announced);
    traversal->announced = told;
    return NULL;
}

static finseg_error *check_repeated(finseg_traversal *traversal, uint64_t number, const finseg_page *page)
{
    if (finseg_page_user_count(page) == 0)
        return NULL;
    if (!make_room(&traversal->seen))
        return fs_error_out_of_memory();
    uint64_t hash = fs_page_hash(page);
    struct seen_page *slot = find_slot(traversal->seen.slots, traversal->seen.capacity, hash);
    if (slot->used)
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "page %" PRIu64 " repeats page %" PRIu64 ": the same %zu users came again", number,
                            slot->number, finseg_page_user_count(page));
    *slot = (struct seen_page){.hash = hash, .number = number, .used = true};
    traversal->seen.count++;
    return NULL;
}

/* Of a result whose totalElements was known from the start: every page but the last is full, and the last has the
 * rest. */
static finseg_error *check_planned_length(const finseg_traversal *traversal, uint64_t number, uint64_t users)
{
    uint64_t left = (uint64_t)traversal->announced - traversal->received;
    uint64_t expected = left < traversal->stride ? left : traversal->stride;
    if (users == expected)
        return NULL;
    return fs_error_new(FINSEG_ERROR_PROTOCOL,
                        "page %" PRIu64 " has %" PRIu64 " users, %" PRIu64 " were to come: %" PRIu64
                        " received so far, %" PRId64 " announced",
                        number, users, expected, traversal->received + users, traversal->announced);
}

/* Of a result that did not say its length: the first page that is not full is the last. */
static finseg_error *check_open_length(finseg_traversal *traversal, uint64_t number, uint64_t users)
{
    if (users > traversal->stride)
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "page %" PRIu64 " has %" PRIu64 " users, more than the %" PRIu64 " asked for", number,
                            users, traversal->stride);
    if (users < traversal->stride)
        traversal->pages = traversal->accepted + 1;
    return NULL;
}

static finseg_error *check_length(finseg_traversal *traversal, uint64_t number, uint64_t users)
{
    if (traversal->accepted < traversal->pages)
        return traversal->planned ? check_planned_length(traversal, number, users)
                                  : check_open_length(traversal, number, users);
    if (users == 0)
        return NULL;
    return fs_error_new(FINSEG_ERROR_PROTOCOL,
                        "page %" PRIu64 " has %" PRIu64 " users although the result ended on page %" PRIu64, number,
                        users, number_of(traversal, traversal->pages - 1));
}

/* ---- the traversal --------------------------------------------------------------------------------------- */

/* Of the first page. It must not be longer than asked for, unless it is the whole result. */
static finseg_error *check_first(const finseg_traversal *traversal, uint64_t users, uint32_t page_size)
{
    int64_t announced = traversal->announced;
    if (announced >= 0 && users > (uint64_t)announced)
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "page %" PRIu64 " has %" PRIu64 " users, more than its totalElements of %" PRId64,
                            traversal->first_page, users, announced);
    if (users == 0 && announced > 0)
        return fs_error_new(FINSEG_ERROR_PROTOCOL, "page %" PRIu64 " has no users, %" PRId64 " are announced",
                            traversal->first_page, announced);
    if (page_size > 0 && users > page_size && (announced < 0 || users < (uint64_t)announced))
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "page %" PRIu64 " has %" PRIu64 " users, more than the %" PRIu32 " asked for",
                            traversal->first_page, users, page_size);
    return NULL;
}

/*
 * The first page's length is the stride, whatever was asked for: when it is shorter than that, the service has a
 * limit of its own, or the result ends there. Without totalElements only the next page can tell, so that one alone is
 * asked for.
 */
static void plan(finseg_traversal *traversal, uint64_t users, uint32_t page_size)
{
    traversal->stride = users;
    traversal->planned = traversal->announced >= 0;
    traversal->ahead = traversal->planned || users >= page_size ? traversal->parallel : 1;
    if (users == 0)
        traversal->pages = 1;
    else if (traversal->planned)
        traversal->pages = ((uint64_t)traversal->announced + users - 1) / users;
    else
        traversal->pages = UNKNOWN;
}

static finseg_error *begin(finseg_traversal *traversal, const finseg_page *first, uint32_t page_size)
{
    uint64_t users = finseg_page_user_count(first);
    traversal->announced = finseg_page_total_elements(first);
    finseg_error *problem = check_first(traversal, users, page_size);
    if (!problem)
        problem = check_repeated(traversal, traversal->first_page, first);
    if (!problem)
        problem = check_overlap(traversal, traversal->first_page, first);
    if (problem)
        return problem;
    plan(traversal, users, page_size);
    traversal->requested = 1;
    traversal->accepted = 1;
    traversal->received = users;
    return NULL;
}

finseg_traversal *finseg_traversal_new(const finseg_page *first, uint64_t first_page, uint32_t page_size,
                                       uint32_t parallel, finseg_error **error)
{
    finseg_traversal *traversal = calloc(1, sizeof *traversal);
    if (!traversal) {
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    traversal->first_page = first_page;
    traversal->parallel = parallel > 0 ? parallel : 1;
    finseg_error *problem = begin(traversal, first, page_size);
    if (problem) {
        finseg_traversal_free(traversal);
        fs_error_give(error, problem);
        return NULL;
    }
    return traversal;
}

bool finseg_traversal_request(finseg_traversal *traversal, uint64_t *number, uint32_t *size)
{
    if (traversal->failed || traversal->requested >= traversal->pages ||
        traversal->requested >= traversal->accepted + traversal->ahead)
        return false;
    *number = number_of(traversal, traversal->requested++);
    *size = (uint32_t)traversal->stride;
    return true;
}

static finseg_error *check_page(finseg_traversal *traversal, const finseg_page *page)
{
    uint64_t number = number_of(traversal, traversal->accepted);
    finseg_error *problem = check_announced(traversal, number, page);
    if (!problem)
        problem = check_repeated(traversal, number, page);
    if (!problem)
        problem = check_length(traversal, number, finseg_page_user_count(page));
    if (!problem)
        problem = check_overlap(traversal, number, page);
    return problem;
}

int finseg_traversal_accept(finseg_traversal *traversal, const finseg_page *page, finseg_error **error)
{
    finseg_error *problem = check_page(traversal, page);
    if (problem) {
        traversal->failed = true;
        return fs_error_give(error, problem);
    }
    traversal->accepted++;
    traversal->ahead = traversal->parallel;
    traversal->received += finseg_page_user_count(page);
    return 0;
}

int finseg_traversal_finished(const finseg_traversal *traversal, finseg_error **error)
{
    if (traversal->failed)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_PROTOCOL,
                                                 "the result is incomplete: page %" PRIu64 " did not fit",
                                                 number_of(traversal, traversal->accepted)));
    if (traversal->accepted < traversal->pages)
        return 0;
    if (traversal->announced >= 0 && traversal->received != (uint64_t)traversal->announced)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_PROTOCOL,
                                                 "the result ended after %" PRIu64 " users, %" PRId64 " were announced",
                                                 traversal->received, traversal->announced));
    return 1;
}

void finseg_traversal_free(finseg_traversal *traversal)
{
    if (!traversal)
        return;
    free(traversal->seen.slots);
    fs_buffer_free(&traversal->tail);
    free(traversal);
}
