/* One request on its way to its answer: what all paths of the service share. */
#ifndef FINSEG_SANDBOX_CALL_H
#define FINSEG_SANDBOX_CALL_H

#include <stdbool.h>

#include "complaint.h"
#include "route.h"
#include "service.h"
#include "tokens.h"

struct fs_call {
    const struct fs_service *service;
    const struct fs_request *request;
    struct fs_answer *answer;
    struct fs_complaints complaints;
    struct fs_buffer path; /* decoded, without the query; a text */
    const char *query;     /* as on the wire; empty when there is none */
    enum fs_route route;
    enum fs_role role; /* of the access token, once it was checked */
};

bool fs_call_has_method(const struct fs_call *call, const char *method);

/* Each ends the call with an error. The first takes the complaints made; the others make one. */
void fs_call_refuse(struct fs_call *call, unsigned status);
void fs_call_refuse_with(struct fs_call *call, unsigned status, const char *code, const char *message);
void fs_call_refuse_method(struct fs_call *call, const char *allowed);
void fs_call_refuse_path(struct fs_call *call);
/* The OAuth form of an error. Both texts are ours. */
void fs_call_refuse_authentication(struct fs_call *call, unsigned status, const char *error, const char *description);
/* A 500. The reason, which is freed, goes to stderr and not to the caller. */
void fs_call_fail(struct fs_call *call, struct fs_buffer *reason);

/* False when the call is ended by it: the body must not be too large, of the media type, and plain. */
bool fs_call_check_body(struct fs_call *call, const char *type);
/* False when the call is ended by it: a known access token of the role asked for is needed. */
bool fs_call_check_token(struct fs_call *call);

#endif
