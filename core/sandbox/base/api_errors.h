/* What is wrong with a request: the errors[] of an error body. */
#ifndef FINSEG_SANDBOX_API_ERRORS_H
#define FINSEG_SANDBOX_API_ERRORS_H

#include "value/buffer.h"

/* The codes of the product family. */
#define SB_CODE_BAD_REQUEST "BAD_REQUEST"
#define SB_CODE_MISSING_FIELD "MISSING_FIELD"
#define SB_CODE_ILLEGAL_FIELD_VALUE "ILLEGAL_FIELD_VALUE"
#define SB_CODE_ENTITY_NOT_FOUND "ENTITY_NOT_FOUND"
#define SB_CODE_NOT_READY "NOT_READY"
#define SB_CODE_JOB_FAILED "JOB_FAILED"
#define SB_CODE_METHOD_NOT_ALLOWED "METHOD_NOT_ALLOWED"
#define SB_CODE_UNSUPPORTED_MEDIA_TYPE "UNSUPPORTED_MEDIA_TYPE"
#define SB_CODE_REQUEST_TOO_LARGE "REQUEST_TOO_LARGE"
#define SB_CODE_LOCKED "LOCKED"
#define SB_CODE_TOO_MANY_REQUESTS "TOO_MANY_REQUESTS"
#define SB_CODE_UNEXPECTED_ERROR "UNEXPECTED_ERROR"
#define SB_CODE_SERVICE_UNAVAILABLE "SERVICE_UNAVAILABLE"

/* Zero-initialise. `members` are the JSON objects {"message","code","type"}, with commas between them. */
struct sb_api_errors {
    struct fs_buffer members;
};

/* Adds one. The message is formatted to UTF-8 text and must not quote bytes of the request that are not checked. */
__attribute__((format(printf, 3, 4))) void sb_api_errors_add(struct sb_api_errors *errors, const char *code,
                                                             const char *format, ...);
void sb_api_errors_free(struct sb_api_errors *errors);

#endif
