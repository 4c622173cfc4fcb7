#include "result_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 64, LARGEST_TOTAL = 256 * 1024 * 1024 };

struct sb_shelf {
    pthread_mutex_t lock;
    struct sb_shelf_entry entries[PLACES]; /* the most recently used first */
    size_t count;
    size_t bytes;
};

struct sb_shelf *sb_shelf_new(void)
{
    struct sb_shelf *shelf = calloc(1, sizeof *shelf);
    if (shelf)
        pthread_mutex_init(&shelf->lock, NULL);
    return shelf;
}

static size_t size_of(const struct sb_result *result)
{
    return result->records.capacity + result->ends.capacity;
}

static void drop_last(struct sb_shelf *shelf)
{
    struct sb_result *result = shelf->entries[--shelf->count].result;
    shelf->bytes -= size_of(result);
    sb_result_release(result);
}

void sb_shelf_free(struct sb_shelf *shelf)
{
    if (!shelf)
        return;
    while (shelf->count > 0)
        drop_last(shelf);
    pthread_mutex_destroy(&shelf->lock);
    free(shelf);
}

static void put_first(struct sb_shelf *shelf, size_t place, const struct sb_shelf_entry *entry)
{
    memmove(&shelf->entries[1], &shelf->entries[0], place * sizeof shelf->entries[0]);
    shelf->entries[0] = *entry;
}

/* Where the job is, and `count` when it is not there. Under the lock. */
static size_t place_of(const struct sb_shelf *shelf, const char *id)
{
    size_t place = 0;
    while (place < shelf->count && strcmp(shelf->entries[place].id, id) != 0)
        place++;
    return place;
}

bool sb_shelf_find(struct sb_shelf *shelf, const char *id, struct sb_shelf_entry *entry)
{
    pthread_mutex_lock(&shelf->lock);
    size_t place = place_of(shelf, id);
    bool found = place < shelf->count;
    if (found) {
        *entry = shelf->entries[place];
        sb_result_share(entry->result);
        put_first(shelf, place, entry);
    }
    pthread_mutex_unlock(&shelf->lock);
    return found;
}

/* Under the lock. */
static void add(struct sb_shelf *shelf, const struct sb_shelf_entry *entry)
{
    size_t bytes = size_of(entry->result);
    /* A result larger than all that is allowed stands alone: the pages of the one that is being read must cost no search. */
    while (shelf->count > 0 && (shelf->count == PLACES || shelf->bytes + bytes > LARGEST_TOTAL))
        drop_last(shelf);
    sb_result_share(entry->result);
    put_first(shelf, shelf->count, entry);
    shelf->count++;
    shelf->bytes += bytes;
}

void sb_shelf_add(struct sb_shelf *shelf, const struct sb_shelf_entry *entry)
{
    pthread_mutex_lock(&shelf->lock);
    if (place_of(shelf, entry->id) == shelf->count)
        add(shelf, entry);
    pthread_mutex_unlock(&shelf->lock);
}
