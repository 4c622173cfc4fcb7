/* What is sent: URLs, the body of a create, the forms of the token endpoint. Pure: bytes in, bytes out. */
#ifndef FINSEG_REQUEST_H
#define FINSEG_REQUEST_H

#include <stdint.h>

#include "kind.h"
#include "value/buffer.h"

/*
 * Checks `parameters` (a JSON object, NULL for none) against the kind and answers the body of POST /segments/{kind},
 * which the caller frees; NULL with an error of kind invalid that names the parameter.
 */
char *fs_request_create_body(const struct fs_kind *kind, const char *parameters, finseg_error **error);

/* {base}/segments/{path}; NULL when out of memory, as below. The caller frees it. */
char *fs_request_create_url(const char *base_url, const char *path);
/* {base}/segments/{path}/{jobId}?number=&size= */
char *fs_request_page_url(const char *base_url, const char *path, const char *job_id, uint64_t number, uint32_t size);

/* The form of each grant (stated). They hold secrets: free them with fs_buffer_free_secret(). */
struct fs_credentials {
    const char *client_id;
    const char *client_secret;
    const char *username; /* with password: the password grant; NULL: client_credentials */
    const char *password;
};
void fs_request_token_form(struct fs_buffer *form, const struct fs_credentials *credentials);
void fs_request_refresh_form(struct fs_buffer *form, const struct fs_credentials *credentials,
                             const char *refresh_token);

#endif
