#include "operations.h"

#include <stdlib.h>

static struct fs_outcome_bucket *bucket(const struct fs_operations *operations, finseg_ticket ticket)
{
    return &operations->buckets[ticket & (operations->bucket_count - 1)];
}

static bool grow(struct fs_operations *operations)
{
    struct fs_operations larger = *operations;
    larger.bucket_count = operations->bucket_count ? 2 * operations->bucket_count : 16;
    larger.buckets = calloc(larger.bucket_count, sizeof *larger.buckets);
    if (!larger.buckets)
        return false;
    for (size_t i = 0; i < operations->bucket_count; i++) {
        finseg_outcome *outcome;
        while ((outcome = LIST_FIRST(&operations->buckets[i])) != NULL) {
            LIST_REMOVE(outcome, in_bucket);
            LIST_INSERT_HEAD(bucket(&larger, outcome->ticket), outcome, in_bucket);
        }
    }
    free(operations->buckets);
    operations->buckets = larger.buckets;
    operations->bucket_count = larger.bucket_count;
    return true;
}

static finseg_outcome *find(const struct fs_operations *operations, finseg_ticket ticket)
{
    finseg_outcome *outcome = operations->count > 0 ? LIST_FIRST(bucket(operations, ticket)) : NULL;
    while (outcome && outcome->ticket != ticket)
        outcome = LIST_NEXT(outcome, in_bucket);
    return outcome;
}

void fs_operations_init(struct fs_operations *operations, struct fs_session *session,
                        struct fs_authorization *authorization)
{
    *operations = (struct fs_operations){.session = session, .authorization = authorization};
    TAILQ_INIT(&operations->finished);
}

void fs_operations_free(struct fs_operations *operations)
{
    finseg_outcome *outcome;
    while ((outcome = fs_operations_take(operations, 0)) != NULL)
        finseg_outcome_free(outcome);
    free(operations->buckets);
    fs_page_pool_free(&operations->pages);
}

finseg_outcome *fs_operations_enter(struct fs_operations *operations, struct fs_operation *operation)
{
    if (operations->count >= operations->bucket_count && !grow(operations))
        return NULL;
    finseg_outcome *outcome = calloc(1, sizeof *outcome);
    if (!outcome)
        return NULL;
    outcome->ticket = ++operations->last_ticket;
    outcome->operation = operation;
    LIST_INSERT_HEAD(bucket(operations, outcome->ticket), outcome, in_bucket);
    operations->count++;
    return outcome;
}

void fs_operations_finish(struct fs_operations *operations, finseg_outcome *outcome)
{
    outcome->operation = NULL;
    TAILQ_INSERT_TAIL(&operations->finished, outcome, in_queue);
    operations->finished_count++;
}

void fs_operations_leave(struct fs_operations *operations, finseg_outcome *outcome)
{
    LIST_REMOVE(outcome, in_bucket);
    operations->count--;
}

struct fs_operation *fs_operations_find(const struct fs_operations *operations, finseg_ticket ticket)
{
    const finseg_outcome *outcome = find(operations, ticket);
    return outcome ? outcome->operation : NULL;
}

void fs_operations_each(const struct fs_operations *operations, void (*visit)(struct fs_operation *operation))
{
    for (size_t i = 0; i < operations->bucket_count; i++) {
        finseg_outcome *outcome = LIST_FIRST(&operations->buckets[i]);
        while (outcome) {
            finseg_outcome *next = LIST_NEXT(outcome, in_bucket);
            if (outcome->operation)
                visit(outcome->operation);
            outcome = next;
        }
    }
}

finseg_outcome *fs_operations_take(struct fs_operations *operations, finseg_ticket ticket)
{
    finseg_outcome *outcome = ticket != 0 ? find(operations, ticket) : TAILQ_FIRST(&operations->finished);
    if (!outcome || outcome->operation)
        return NULL;
    fs_operations_leave(operations, outcome);
    TAILQ_REMOVE(&operations->finished, outcome, in_queue);
    operations->finished_count--;
    return outcome;
}
