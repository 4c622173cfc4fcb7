#include "client/operations.h"

#include "test.h"

enum { MANY = 100 };

/* Operations are no more than addresses to the table. */
static char addresses[MANY];

static struct fs_operation *operation(size_t number)
{
    return (struct fs_operation *)(void *)&addresses[number];
}

static void open_operations(struct fs_operations *operations, finseg_outcome *outcomes[MANY])
{
    fs_operations_init(operations, NULL, NULL);
    for (size_t i = 0; i < MANY; i++)
        outcomes[i] = fs_operations_enter(operations, operation(i));
}

static void close_operations(struct fs_operations *operations, finseg_outcome *outcomes[MANY])
{
    for (size_t i = 0; i < MANY; i++) {
        if (outcomes[i] && outcomes[i]->operation)
            fs_operations_finish(operations, outcomes[i]);
    }
    fs_operations_free(operations);
}

static void a_ticket_finds_its_operation_until_it_ends(void)
{
    struct fs_operations operations;
    finseg_outcome *outcomes[MANY];
    open_operations(&operations, outcomes);
    for (size_t i = 0; i < MANY; i++)
        CHECK(fs_operations_find(&operations, outcomes[i]->ticket) == operation(i));
    CHECK(fs_operations_find(&operations, 0) == NULL);
    CHECK(fs_operations_find(&operations, MANY + 1) == NULL);
    fs_operations_finish(&operations, outcomes[7]);
    CHECK(fs_operations_find(&operations, 8) == NULL);
    CHECK_INT((int64_t)operations.count, MANY);
    close_operations(&operations, outcomes);
}

static void outcomes_are_taken_oldest_first_or_by_ticket(void)
{
    struct fs_operations operations;
    finseg_outcome *outcomes[MANY];
    open_operations(&operations, outcomes);
    CHECK(fs_operations_take(&operations, 0) == NULL);
    CHECK(fs_operations_take(&operations, 5) == NULL);
    static const size_t ends[] = {50, 3, 70, 9};
    for (size_t i = 0; i < 4; i++)
        fs_operations_finish(&operations, outcomes[ends[i]]);
    static const struct {
        finseg_ticket asked;
        size_t expected;
    } cases[] = {{0, 50}, {71, 70}, {0, 3}, {0, 9}};
    for (size_t i = 0; i < 4; i++) {
        finseg_outcome *taken = fs_operations_take(&operations, cases[i].asked);
        CHECK(taken == outcomes[cases[i].expected]);
        outcomes[cases[i].expected] = NULL;
        finseg_outcome_free(taken);
    }
    CHECK(fs_operations_take(&operations, 0) == NULL);
    CHECK(fs_operations_take(&operations, 51) == NULL);
    CHECK_INT((int64_t)operations.count, MANY - 4);
    close_operations(&operations, outcomes);
}

static void count_visit(struct fs_operation *visited)
{
    ++*(char *)(void *)visited;
}

static void those_under_way_are_visited_once(void)
{
    struct fs_operations operations;
    finseg_outcome *outcomes[MANY];
    open_operations(&operations, outcomes);
    fs_operations_finish(&operations, outcomes[7]);
    fs_operations_each(&operations, count_visit);
    for (size_t i = 0; i < MANY; i++)
        CHECK_INT(addresses[i], i == 7 ? 0 : 1);
    memset(addresses, 0, sizeof addresses);
    close_operations(&operations, outcomes);
}

static const struct test tests[] = {
    {"a ticket finds its operation until it ends", a_ticket_finds_its_operation_until_it_ends},
    {"outcomes are taken oldest first, or by ticket", outcomes_are_taken_oldest_first_or_by_ticket},
    {"those under way are visited once", those_under_way_are_visited_once},
};
SUITE(operations, tests);
