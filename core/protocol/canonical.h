/* One text for equal requests: what tells whether a job that was made before answers a request made now. Pure. */
#ifndef FINSEG_CANONICAL_H
#define FINSEG_CANONICAL_H

#include "kind.h"

/*
 * Checks `parameters` as fs_request_create_body() does and answers them as JSON in which equal requests are equal
 * bytes: members sorted by name, amounts with all their digits (5000, 5000.0 and "5000.00" are one), texts that the
 * service compares without case in lower case, callbackURL left out. The order within a list stays: it decides the
 * order within the result. NULL with an error of kind invalid; the caller frees the text.
 */
char *fs_canonical_parameters(const finseg_kind *kind, const char *parameters, finseg_error **error);

#endif
