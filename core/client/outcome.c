#include "outcome.h"

#include <stdlib.h>

finseg_ticket finseg_outcome_ticket(const finseg_outcome *outcome)
{
    return outcome->ticket;
}

const finseg_error *finseg_outcome_error(const finseg_outcome *outcome)
{
    return outcome->error;
}

finseg_error *finseg_outcome_take_error(finseg_outcome *outcome)
{
    finseg_error *error = outcome->error;
    outcome->error = NULL;
    return error;
}

finseg_job *finseg_outcome_take_job(finseg_outcome *outcome)
{
    finseg_job *job = outcome->job;
    outcome->job = NULL;
    return job;
}

finseg_page *finseg_outcome_take_page(finseg_outcome *outcome)
{
    finseg_page *page = outcome->page;
    outcome->page = NULL;
    return page;
}

void finseg_outcome_free(finseg_outcome *outcome)
{
    if (!outcome)
        return;
    finseg_error_free(outcome->error);
    finseg_job_free(outcome->job);
    finseg_page_free(outcome->page);
    free(outcome);
}
