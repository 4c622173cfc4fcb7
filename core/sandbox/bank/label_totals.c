#include "label_totals.h"

#include <stdlib.h>

#include "sandbox/base/database.h"

struct sb_flows {
    sqlite3_stmt *add;
    struct sb_flow *list; /* of the account, in the order of their first transactions */
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

struct sb_flows *sb_flows_open(sqlite3 *database, struct fs_buffer *problem)
{
    struct sb_flows *flows = calloc(1, sizeof *flows);
    size_t *places = calloc((size_t)largest_label(database, problem) + 1, sizeof *places);
    if (!flows || !places) {
        fs_buffer_append_text(problem, "out of memory");
        free(flows);
        free(places);
        return NULL;
    }
    flows->places = places;
    flows->add = sb_database_prepare(database,
                                     "INSERT INTO flows (account, label, " SB_FLOW_COLUMNS ")"
                                     " VALUES (?, ?, ?,?,?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?,?,?,?,?)",
                                     problem);
    if (flows->add)
        return flows;
    sb_flows_close(flows);
    return NULL;
}

void sb_flows_close(struct sb_flows *flows)
{
    if (!flows)
        return;
    sqlite3_finalize(flows->add);
    free(flows->list);
    free(flows->places);
    free(flows);
}

/* NULL when out of memory. */
static struct sb_flow *add_flow(struct sb_flows *flows, int64_t label)
{
    if (flows->count == flows->capacity) {
        size_t capacity = flows->capacity ? flows->capacity * 2 : 16;
        struct sb_flow *grown = realloc(flows->list, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        flows->list = grown;
        flows->capacity = capacity;
    }
    struct sb_flow *flow = &flows->list[flows->count++];
    *flow = (struct sb_flow){.label = label};
    flows->places[label] = flows->count;
    return flow;
}

bool sb_flows_book(struct sb_flows *flows, int64_t label, int month, int64_t amount, struct fs_buffer *problem)
{
    size_t place = flows->places[label];
    struct sb_flow *flow = place ? &flows->list[place - 1] : add_flow(flows, label);
    if (!flow) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    flow->counts[month]++;
    if (!__builtin_add_overflow(flow->totals[month], amount, &flow->totals[month]))
        return true;
    fs_buffer_append_text(problem, "what an account has of a label in a month grows beyond 64 bits");
    return false;
}

static bool write_flow(sqlite3_stmt *add, int64_t account, const struct sb_flow *flow, struct fs_buffer *problem)
{
    enum { FIRST_TOTAL = 3, FIRST_COUNT = FIRST_TOTAL + SB_BANK_MONTHS };
    sqlite3_bind_int64(add, 1, account);
    sqlite3_bind_int64(add, 2, flow->label);
    for (int i = 0; i < SB_BANK_MONTHS; i++) {
        sqlite3_bind_int64(add, FIRST_TOTAL + i, flow->totals[i]);
        sqlite3_bind_int64(add, FIRST_COUNT + i, flow->counts[i]);
    }
    return sb_database_execute(add, problem);
}

bool sb_flows_write(struct sb_flows *flows, int64_t account, struct fs_buffer *problem)
{
    bool written = true;
    for (size_t i = 0; i < flows->count; i++) {
        written = written && write_flow(flows->add, account, &flows->list[i], problem);
        flows->places[flows->list[i].label] = 0;
    }
    flows->count = 0;
    return written;
}
