/* One operation of a client from its start to its outcome: sending, reading the answer, repeating, waiting between
 * polls. */
#ifndef FINSEG_OPERATION_H
#define FINSEG_OPERATION_H

#include "operations.h"
#include "protocol/job.h"
#include "protocol/repeat.h"
#include "protocol/request.h"

struct fs_operation {
    enum fs_operation_type type;
    struct fs_operations *operations;
    finseg_outcome *outcome;
    char *what;      /* who is asked for what, for messages */
    finseg_job *job; /* what is asked for; NULL for a create */
    char *kind;      /* a create: the kind's name, its path and the body */
    char *path;
    char *body;
    struct fs_secret_entry *callback_url; /* in the body, perhaps */
    uint64_t number;                      /* the page asked for */
    uint32_t size;

    struct fs_exchange *exchange; /* the request under way */
    struct fs_token_wait token_wait;
    uint64_t token_generation; /* of the token that the request carries */
    bool token_renewed;        /* a 401 was answered by a new token already */
    unsigned failures;         /* in a row */
    unsigned polls;            /* GETs of a wait that found the job not ready */
    unsigned schedule_step;    /* the place in the poll schedule, which may have begun anew */
    double schedule_began;     /* monotonic */
    bool expects_callback;     /* a wait: asks at the slow rate only */
    bool called;               /* a callback came while a GET was under way */
    double timeout;
    struct fs_timer deadline;
    struct fs_timer pause;
};

/* A create of a segment of the kind. NULL when out of memory. */
struct fs_operation *fs_operation_new_create(struct fs_operations *operations, const finseg_kind *kind,
                                             const struct fs_request *request);
/* A GET of a page, or many. NULL when out of memory. */
struct fs_operation *fs_operation_new_get(struct fs_operations *operations, enum fs_operation_type type,
                                          finseg_job *job, uint64_t number, uint32_t size);
/* Begins its work. A negative timeout is none. */
void fs_operation_start(struct fs_operation *operation, double timeout);
/* A callback came for the wait: it asks at once, or once more after the GET that is under way. */
void fs_operation_called(struct fs_operation *operation);
/* Moves the wait to the slow rate, beginning after its next GET, or to where in the poll schedule it would be now. */
void fs_operation_expect_callback(struct fs_operation *operation, bool expected);
/* Ends it as cancelled. */
void fs_operation_cancel(struct fs_operation *operation);
/* Frees it without an outcome. */
void fs_operation_drop(struct fs_operation *operation);

#endif
