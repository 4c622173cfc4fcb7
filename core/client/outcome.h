/* How one operation ended. Made when the operation starts, so that ending it needs no memory. */
#ifndef FINSEG_OUTCOME_H
#define FINSEG_OUTCOME_H

#include "finseg.h"

struct finseg_outcome {
    finseg_ticket ticket;
    finseg_error *error;
    finseg_job *job;
    finseg_page *page;
    struct finseg_outcome *next; /* while it waits in its client's queue */
};

#endif
