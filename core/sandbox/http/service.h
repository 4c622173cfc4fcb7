/*
 * The service without its sockets: a request goes in, an answer comes out. It knows the paths, the checks in their order
 * (token, path, method, body) and where faults strike. For any thread.
 */
#ifndef FINSEG_SANDBOX_SERVICE_H
#define FINSEG_SANDBOX_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "sandbox/base/counters.h"
#include "sandbox/jobs/callback_address.h"
#include "sandbox/jobs/jobs.h"
#include "tokens.h"
#include "value/buffer.h"

enum {
    SB_SERVICE_LARGEST_BODY = 1024 * 1024, /* bytes */
    SB_SERVICE_DEFAULT_PAGE_SIZE = 20,
    SB_SERVICE_LARGEST_PAGE_SIZE = 500,
    SB_SERVICE_LONGEST_REQUEST_ID = 255 /* bytes */
};

struct sb_service {
    struct sb_jobs *jobs;
    struct sb_tokens *tokens;
    struct sb_faults *faults;
    struct sb_counters *counters;
    struct sb_callback_hosts callback_hosts;
    const char *client_id;
    const char *client_secret;
    const char *username;
    const char *password;
    enum sb_role role; /* the role that segments ask for; SB_ROLE_NONE: either */
};

/* Absent headers are NULL. */
struct sb_request {
    const char *method;
    const char *target; /* path and query, as on the wire */
    const char *authorization;
    const char *content_type;
    const char *content_encoding;
    const char *request_id; /* X-Request-Id */
    const char *body;       /* not NULL */
    size_t body_length;
    const char *bad_headers; /* a complaint about headers that are doubled, missing or at odds; else NULL */
    bool body_too_large;     /* it was longer than SB_SERVICE_LARGEST_BODY, and is not here */
};

/* Zero-initialise before, free with sb_answer_free() after. */
struct sb_answer {
    unsigned status;
    const char *allow;           /* the Allow header, NULL when there is none */
    const char *authenticate;    /* the WWW-Authenticate header, NULL when there is none */
    const char *content_type;    /* NULL: application/json */
    enum sb_fault_effect spoilt; /* what the sender of the answer must do wrong */
    char retry_after[32];        /* the Retry-After header, empty when there is none */
    char request_id[SB_SERVICE_LONGEST_REQUEST_ID + 1];
    struct fs_buffer body; /* when it has failed, memory was out */
};

void sb_service_answer(const struct sb_service *service, const struct sb_request *request, struct sb_answer *answer);
void sb_answer_free(struct sb_answer *answer);

#endif
