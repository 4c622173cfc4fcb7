/* The paths that no real service has: /__faults, /__stats and /openapi.json. They ask for no token. */
#ifndef FINSEG_SANDBOX_CONTROL_H
#define FINSEG_SANDBOX_CONTROL_H

#include "call.h"

/* What the call's path is; FS_ROUTE_NONE when it is none of these. */
enum fs_route fs_control_route(const char *path);
void fs_control_answer(struct fs_call *call);

#endif
