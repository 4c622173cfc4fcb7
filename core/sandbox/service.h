/*
 * The service without its sockets: a request goes in, an answer comes out. It knows the paths, the checks in their order
 * (token, path, method, body) and where faults strike. For any thread.
 */
#ifndef FINSEG_SANDBOX_SERVICE_H
#define FINSEG_SANDBOX_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "../buffer.h"
#include "counters.h"
#include "fault.h"
#include "jobs.h"
#include "receiver.h"
#include "tokens.h"

enum {
    FS_SERVICE_LARGEST_BODY = 1024 * 1024, /* bytes */
    FS_SERVICE_DEFAULT_PAGE_SIZE = 20,
    FS_SERVICE_LARGEST_PAGE_SIZE = 500,
    FS_SERVICE_LONGEST_REQUEST_ID = 255 /* bytes */
};

struct fs_service {
    struct fs_jobs *jobs;
    struct fs_tokens *tokens;
    struct fs_faults *faults;
    struct fs_counters *counters;
    struct fs_receivers receivers;
    const char *client_id;
    const char *client_secret;
    const char *username;
    const char *password;
    enum fs_role role; /* the role that segments ask for; FS_ROLE_NONE: either */
};

/* Absent headers are NULL. */
struct fs_request {
    const char *method;
    const char *target; /* path and query, as on the wire */
    const char *authorization;
    const char *content_type;
    const char *content_encoding;
    const char *request_id; /* X-Request-Id */
    const char *body;       /* not NULL */
    size_t body_length;
    const char *bad_headers; /* a complaint about headers that are doubled, missing or at odds; else NULL */
    bool body_too_large;     /* it was longer than FS_SERVICE_LARGEST_BODY, and is not here */
};

/* Zero-initialise before, free with fs_answer_free() after. */
struct fs_answer {
    unsigned status;
    const char *allow;           /* the Allow header, NULL when there is none */
    const char *authenticate;    /* the WWW-Authenticate header, NULL when there is none */
    const char *content_type;    /* NULL: application/json */
    enum fs_fault_effect spoilt; /* what the sender of the answer must do wrong */
    char retry_after[32];        /* the Retry-After header, empty when there is none */
    char request_id[FS_SERVICE_LONGEST_REQUEST_ID + 1];
    struct fs_buffer body; /* when it has failed, memory was out */
};

void fs_service_answer(const struct fs_service *service, const struct fs_request *request, struct fs_answer *answer);
void fs_answer_free(struct fs_answer *answer);

#endif
