/* What is wrong with a request: the errors[] of an error body. */
#ifndef FINSEG_SANDBOX_COMPLAINT_H
#define FINSEG_SANDBOX_COMPLAINT_H

#include "../buffer.h"

/* The codes of the product family. */
#define FS_CODE_BAD_REQUEST "BAD_REQUEST"
#define FS_CODE_MISSING_FIELD "MISSING_FIELD"
#define FS_CODE_ILLEGAL_FIELD_VALUE "ILLEGAL_FIELD_VALUE"
#define FS_CODE_ENTITY_NOT_FOUND "ENTITY_NOT_FOUND"
#define FS_CODE_NOT_READY "NOT_READY"
#define FS_CODE_JOB_FAILED "JOB_FAILED"
#define FS_CODE_METHOD_NOT_ALLOWED "METHOD_NOT_ALLOWED"
#define FS_CODE_UNSUPPORTED_MEDIA_TYPE "UNSUPPORTED_MEDIA_TYPE"
#define FS_CODE_REQUEST_TOO_LARGE "REQUEST_TOO_LARGE"
#define FS_CODE_LOCKED "LOCKED"
#define FS_CODE_TOO_MANY_REQUESTS "TOO_MANY_REQUESTS"
#define FS_CODE_UNEXPECTED_ERROR "UNEXPECTED_ERROR"
#define FS_CODE_SERVICE_UNAVAILABLE "SERVICE_UNAVAILABLE"

/* Zero-initialise. `members` are the JSON objects {"message","code","type"}, with commas between them. */
struct fs_complaints {
    struct fs_buffer members;
};

/* Adds one. The message is formatted to UTF-8 text and must not quote bytes of the request that are not checked. */
__attribute__((format(printf, 3, 4))) void fs_complain(struct fs_complaints *complaints, const char *code,
                                                       const char *format, ...);
void fs_complaints_free(struct fs_complaints *complaints);

#endif
