/*
 * The service without its sockets: a request goes in, an answer comes out. It knows the paths, the checks in their
 * order (token, path, method, body) and where faults strike. For any thread.
 */
#ifndef FINSEG_SANDBOX_SERVICE_H
#define FINSEG_SANDBOX_SERVICE_H

#include "call.h"
#include "message.h"

enum { SB_SERVICE_DEFAULT_PAGE_SIZE = 20, SB_SERVICE_LARGEST_PAGE_SIZE = 500 };

/* The caller frees the answer's body. */
void sb_service_answer(const struct sb_service *service, const struct sb_request *request, struct sb_answer *answer);

#endif
