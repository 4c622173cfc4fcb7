#include "label_totals.h"

#include <stdlib.h>

#include "sandbox/base/database.h"

struct sb_label_totals {
    sqlite3_stmt *add;
    struct sb_label_total *list; /* of the account, in the order of their first transactions */
    size_t count;
    size_t capacity;
    size_t *places; /* by a label's number: its place in the list, from 1; 0: it has none */
};

static int64_t largest_label(sqlite3 *database, struct fs_buffer *problem)
{
    sqlite3_stmt *query = sb_database_prepare(database, "SELECT max(number) FROM labels", problem);
    int64_t largest = query && sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
    sqlite3_finalize(query);
    return largest;
}

struct sb_label_totals *sb_label_totals_open(sqlite3 *database, struct fs_buffer *problem)
{
    struct sb_label_totals *totals = calloc(1, sizeof *totals);
    size_t *places = calloc((size_t)largest_label(database, problem) + 1, sizeof *places);
    if (!totals || !places) {
        fs_buffer_append_text(problem, "out of memory");
        free(totals);
        free(places);
        return NULL;
    }
    totals->places = places;
    totals->add = sb_database_prepare(database,
                                      "INSERT INTO label_totals (account, label, " SB_LABEL_TOTAL_COLUMNS ")"
                                      " VALUES (?, ?, ?,?,?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?,?,?,?,?)",
                                      problem);
    if (totals->add)
        return totals;
    sb_label_totals_close(totals);
    return NULL;
}

void sb_label_totals_close(struct sb_label_totals *totals)
{
    if (!totals)
        return;
    sqlite3_finalize(totals->add);
    free(totals->list);
    free(totals->places);
    free(totals);
}

/* NULL when out of memory. */
static struct sb_label_total *add_label_total(struct sb_label_totals *totals, int64_t label)
{
    if (totals->count == totals->capacity) {
        size_t capacity = totals->capacity ? totals->capacity * 2 : 16;
        struct sb_label_total *grown = realloc(totals->list, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        totals->list = grown;
        totals->capacity = capacity;
    }
    struct sb_label_total *total = &totals->list[totals->count++];
    *total = (struct sb_label_total){.label = label};
    totals->places[label] = totals->count;
    return total;
}

bool sb_label_totals_book(struct sb_label_totals *totals, int64_t label, int month, int64_t amount,
                          struct fs_buffer *problem)
{
    size_t place = totals->places[label];
    struct sb_label_total *total = place ? &totals->list[place - 1] : add_label_total(totals, label);
    if (!total) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    total->counts[month]++;
    if (!__builtin_add_overflow(total->totals[month], amount, &total->totals[month]))
        return true;
    fs_buffer_append_text(problem, "what an account has of a label in a month grows beyond 64 bits");
    return false;
}

static bool write_label_total(sqlite3_stmt *add, int64_t account, const struct sb_label_total *total,
                              struct fs_buffer *problem)
{
    enum { FIRST_TOTAL = 3, FIRST_COUNT = FIRST_TOTAL + SB_BANK_MONTHS };
    sqlite3_bind_int64(add, 1, account);
    sqlite3_bind_int64(add, 2, total->label);
    for (int i = 0; i < SB_BANK_MONTHS; i++) {
        sqlite3_bind_int64(add, FIRST_TOTAL + i, total->totals[i]);
        sqlite3_bind_int64(add, FIRST_COUNT + i, total->counts[i]);
    }
    return sb_database_execute(add, problem);
}

bool sb_label_totals_write(struct sb_label_totals *totals, int64_t account, struct fs_buffer *problem)
{
    bool written = true;
    for (size_t i = 0; i < totals->count; i++) {
        written = written && write_label_total(totals->add, account, &totals->list[i], problem);
        totals->places[totals->list[i].label] = 0;
    }
    totals->count = 0;
    return written;
}
