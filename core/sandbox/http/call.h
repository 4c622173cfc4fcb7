/* One request on its way to its answer: what all paths of the service share. */
#ifndef FINSEG_SANDBOX_CALL_H
#define FINSEG_SANDBOX_CALL_H

#include <stdbool.h>

#include "fault.h"
#include "message.h"
#include "request_counts.h"
#include "route.h"
#include "sandbox/base/api_errors.h"
#include "sandbox/base/counters.h"
#include "sandbox/jobs/callback_address.h"
#include "sandbox/jobs/jobs.h"
#include "tokens.h"

/* What all calls share. */
struct sb_service {
    struct sb_jobs *jobs;
    struct sb_tokens *tokens;
    struct sb_faults *faults;
    struct sb_counters *counters;
    struct sb_request_counts *requests;
    struct sb_callback_hosts callback_hosts;
    const char *client_id;
    const char *client_secret;
    const char *username;
    const char *password;
    enum sb_role role; /* the role that segments ask for; SB_ROLE_NONE: either */
};

struct sb_call {
    const struct sb_service *service;
    const struct sb_request *request;
    struct sb_answer *answer;
    struct sb_api_errors errors;
    struct fs_buffer path; /* decoded, without the query; a text */
    const char *query;     /* as on the wire; empty when there is none */
    enum sb_route route;
    enum sb_role role; /* of the access token, once it was checked */
};

bool sb_call_has_method(const struct sb_call *call, const char *method);

/* Each ends the call with an error. The first takes the errors made; the others make one. */
void sb_call_refuse(struct sb_call *call, unsigned status);
void sb_call_refuse_with(struct sb_call *call, unsigned status, const char *code, const char *message);
void sb_call_refuse_method(struct sb_call *call, const char *allowed);
void sb_call_refuse_path(struct sb_call *call);
/* The OAuth form of an error. Both texts are ours. */
void sb_call_refuse_authentication(struct sb_call *call, unsigned status, const char *error, const char *description);
/* A 500. The reason, which is freed, goes to stderr and not to the caller. */
void sb_call_fail(struct sb_call *call, struct fs_buffer *reason);

/* False when the call is ended by it: the body must not be too large, of the media type, and plain. */
bool sb_call_check_body(struct sb_call *call, const char *type);
/* False when the call is ended by it: a known access token of the role asked for is needed. */
bool sb_call_check_token(struct sb_call *call);

#endif
