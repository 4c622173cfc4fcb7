/* The paths that no real service has: /__faults, /__stats and /openapi.json. They ask for no token. */
#ifndef FINSEG_SANDBOX_CONTROL_H
#define FINSEG_SANDBOX_CONTROL_H

#include "call.h"

/* What the call's path is; SB_ROUTE_NONE when it is none of these. */
enum sb_route sb_control_route(const char *path);
void sb_control_answer(struct sb_call *call);

#endif
