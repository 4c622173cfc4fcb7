/* How one operation ended. Made when the operation starts, so that ending it needs no memory. */
#ifndef FINSEG_OUTCOME_H
#define FINSEG_OUTCOME_H

#include <sys/queue.h>

#include "finseg.h"

struct finseg_outcome {
    finseg_ticket ticket;
    finseg_error *error;
    finseg_job *job;
    finseg_page *page;

    /* The client's own (operations.c), until it is taken. */
    struct fs_operation *operation; /* under way; NULL: finished */
    LIST_ENTRY(finseg_outcome) in_bucket;
    TAILQ_ENTRY(finseg_outcome) in_queue;
};

#endif
