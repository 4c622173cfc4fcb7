/* A create: the caller's parameters, read once and checked against the table of the kind, and what is written from
 * them. canonical.h has a third writer. Pure: bytes in, bytes out. */
#ifndef FINSEG_REQUEST_H
#define FINSEG_REQUEST_H

#include "kind.h"

/* A parameter that the caller gave. */
struct fs_given {
    const finseg_parameter *parameter;
    char *json; /* its value, as it is sent */
};

struct fs_request {
    struct fs_given *given; /* each parameter once, in the caller's order */
    size_t count;
};

/*
 * Reads `parameters` (a JSON object, NULL for none); the kind must outlive the request. 0, or -1 with an error of kind
 * invalid that names the parameter, and then there is nothing to free.
 */
int fs_request_read(struct fs_request *request, const finseg_kind *kind, const char *parameters, finseg_error **error);
/* The body of POST /segments/{kind}, which the caller frees; NULL when out of memory. */
char *fs_request_body(const struct fs_request *request);
/* The plain text of callbackURL, which the caller frees; NULL when there is none. False when out of memory. */
bool fs_request_callback_url(const struct fs_request *request, char **url);
void fs_request_free(struct fs_request *request);

#endif
