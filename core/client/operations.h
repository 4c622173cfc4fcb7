/* The operations of a client from the start until their outcome is taken: tickets, the table of what is under way or
 * finished, and the queue of the finished. */
#ifndef FINSEG_OPERATIONS_H
#define FINSEG_OPERATIONS_H

#include <sys/queue.h>

#include "authorization.h"
#include "outcome.h"
#include "result/page_pool.h"

struct fs_operation;

struct fs_operations {
    struct fs_session *session; /* what an operation works with */
    struct fs_authorization *authorization;
    struct fs_page_pool pages;

    LIST_HEAD(fs_outcome_bucket, finseg_outcome) * buckets; /* by ticket */
    size_t bucket_count;                                    /* a power of two */
    size_t count;
    finseg_ticket last_ticket;
    TAILQ_HEAD(fs_outcomes, finseg_outcome) finished; /* oldest first */
    size_t finished_count;
};

void fs_operations_init(struct fs_operations *operations, struct fs_session *session,
                        struct fs_authorization *authorization);
/* Frees the outcomes that nobody took; no operation may be under way. */
void fs_operations_free(struct fs_operations *operations);

/* The outcome to come of an operation, with a new ticket. NULL when out of memory. */
finseg_outcome *fs_operations_enter(struct fs_operations *operations, struct fs_operation *operation);
/* The operation has ended: its outcome can be taken. */
void fs_operations_finish(struct fs_operations *operations, finseg_outcome *outcome);
/* Forgets an outcome, which is the caller's from now on. */
void fs_operations_leave(struct fs_operations *operations, finseg_outcome *outcome);

/* NULL when none of this ticket is under way. */
struct fs_operation *fs_operations_find(const struct fs_operations *operations, finseg_ticket ticket);
/* Calls `visit`, which may end the operation, for all that are under way. */
void fs_operations_each(const struct fs_operations *operations, void (*visit)(struct fs_operation *operation));
/* The outcome of a ticket, or the first for ticket 0, which is the caller's from now on; NULL when none is finished. */
finseg_outcome *fs_operations_take(struct fs_operations *operations, finseg_ticket ticket);

#endif
