/* A request and its answer, apart from the connection that they come and go on. */
#ifndef FINSEG_SANDBOX_MESSAGE_H
#define FINSEG_SANDBOX_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "value/buffer.h"

enum {
    SB_REQUEST_LARGEST_BODY = 1024 * 1024, /* bytes */
    SB_REQUEST_LONGEST_ID = 255            /* bytes */
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
    const char *bad_headers; /* what is wrong with them: doubled, missing or at odds; else NULL */
    bool body_too_large;     /* it was longer than SB_REQUEST_LARGEST_BODY, and is not here */
};

/* Zero-initialise before; the body is freed by whoever has the answer. */
struct sb_answer {
    unsigned status;
    const char *allow;               /* the Allow header, NULL when there is none */
    const char *authenticate;        /* the WWW-Authenticate header, NULL when there is none */
    const char *content_type;        /* NULL: application/json */
    enum sb_fault_effect send_fault; /* what the sender of the answer must do wrong */
    char retry_after[32];            /* the Retry-After header, empty when there is none */
    char request_id[SB_REQUEST_LONGEST_ID + 1];
    struct fs_buffer body; /* when it has failed, memory was out */
};

#endif
