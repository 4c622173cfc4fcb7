/* Making errors (finseg.h has the accessors). Every function answers an error, never NULL: when out of memory, a shared
 * one that says so. */
#ifndef FINSEG_ERROR_H
#define FINSEG_ERROR_H

#include "finseg.h"

struct finseg_error {
    finseg_error_kind kind;
    int status;
    bool retryable;
    bool maybe_created;
    double retry_after; /* negative: not said */
    char *message;
    char *code;
    char *request_id;
};

/* The message becomes one plain line: control characters turn into spaces, bytes that are no UTF-8 into question
 * marks. */
__attribute__((format(printf, 2, 3))) finseg_error *fs_error_new(finseg_error_kind kind, const char *format, ...);
finseg_error *fs_error_out_of_memory(void);
/* Whether it is one of the errors that say "out of memory", whose texts must not be written to. */
bool fs_error_is_shared(const finseg_error *error);
/* `what` failed with the errno `reason`: of kind resource when something ran out, else of `kind`. */
finseg_error *fs_error_system(finseg_error_kind kind, const char *what, int reason);

/* An own copy of the texts, made plain like a message and cut at 255 bytes; a failed copy leaves the field NULL. */
void fs_error_set_code(finseg_error *error, const char *code, size_t length);
void fs_error_set_request_id(finseg_error *error, const char *request_id, size_t length);
void fs_error_set_answer(finseg_error *error, int status, double retry_after);
void fs_error_set_retryable(finseg_error *error, bool retryable);
/* Answers the error that is to be used from now on. */
finseg_error *fs_error_with_maybe_created(finseg_error *error);
/* Puts `message` (taken over, made by malloc) in the place of the one there was. */
void fs_error_set_message(finseg_error *error, char *message);
finseg_error *fs_error_copy(const finseg_error *error);
/* Stores `error` where the caller asked for it, or frees it. Answers -1, so that a failing function can return it. */
int fs_error_give(finseg_error **place, finseg_error *error);

#endif
