/* What all aggregates over a page's amounts have in common. */
#ifndef FINSEG_AGGREGATE_H
#define FINSEG_AGGREGATE_H

#include "finseg.h"

/*
 * NULL when every amount of the page fits the scale and there are amounts at all (or no users); else an error of kind
 * invalid that says which one cannot be `done` exactly: "summed", "counted", "compared".
 */
finseg_error *fs_page_check_amounts(const finseg_page *page, const char *done);

#endif
