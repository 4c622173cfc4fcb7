/* One text for equal requests: what tells whether a job that was made before answers a request made now. Pure. */
#ifndef FINSEG_CANONICAL_H
#define FINSEG_CANONICAL_H

#include "kind.h"

/* What finseg_client_canonical() answers, for this kind. */
char *fs_canonical_parameters(const finseg_kind *kind, const char *parameters, finseg_error **error);

#endif
