/* One operation of a client from its start to its outcome: sending, reading the answer, repeating, waiting between
 * polls. */
#ifndef FINSEG_OPERATION_H
#define FINSEG_OPERATION_H

#include "exchange.h"
#include "finseg.h"
#include "io/loop.h"
#include "protocol/callback_url.h"
#include "protocol/job.h"

enum fs_operation_type { FS_OPERATION_CREATE, FS_OPERATION_POLL, FS_OPERATION_WAIT, FS_OPERATION_FETCH };

struct fs_operation {
    enum fs_operation_type type;
    finseg_client *client;
    finseg_outcome *outcome;
    finseg_job *job; /* what is asked for; NULL for a create */
    char *kind;      /* a create: the kind's name, its path and the body */
    char *path;
    char *body;
    struct fs_callback_url callback_url; /* in the body, perhaps */
    uint64_t number;                     /* the page asked for */
    uint32_t size;

    struct fs_exchange *exchange; /* the request under way */
    uint64_t token_generation;    /* of the token it carries */
    bool token_renewed;           /* a 401 was answered by a new token already */
    unsigned failures;            /* in a row */
    unsigned polls;               /* GETs of a wait that found the job not ready */
    unsigned schedule_step;       /* the place in the poll schedule, which may have begun anew */
    double schedule_began;        /* monotonic */
    bool expects_callback;        /* a wait: asks at the slow rate only */
    bool called;                  /* a callback came while a GET was under way */
    double timeout;
    struct fs_timer deadline;
    struct fs_timer pause;

    bool waiting_for_token;
    struct fs_operation *previous_waiting;
    struct fs_operation *next_waiting;
    struct fs_operation *next_in_bucket;
};

/* Operations under way, by ticket. Zero-initialise it. */
struct fs_operation_table {
    struct fs_operation **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

struct fs_operation *fs_operation_find(const struct fs_operation_table *table, finseg_ticket ticket);

/* An operation with a ticket, entered into the client's table. NULL when out of memory. */
struct fs_operation *fs_operation_new(finseg_client *client, enum fs_operation_type type, finseg_job *job);
/* Begins its work. A negative timeout is none. */
void fs_operation_start(struct fs_operation *operation, double timeout);
/* A callback came for the wait: it asks at once, or once more after the GET that is under way. */
void fs_operation_called(struct fs_operation *operation);
/* Moves the wait to the slow rate, beginning after its next GET, or to where in the poll schedule it would be now. */
void fs_operation_expect_callback(struct fs_operation *operation, bool expected);
/* There is a token now. */
void fs_operation_send(struct fs_operation *operation);
/* Takes over `error` (NULL: it went well), delivers the outcome and frees the operation. */
void fs_operation_end(struct fs_operation *operation, finseg_error *error);
/* Ends it as cancelled. */
void fs_operation_cancel(struct fs_operation *operation);
/* Frees it without an outcome. */
void fs_operation_drop(struct fs_operation *operation);

#endif
