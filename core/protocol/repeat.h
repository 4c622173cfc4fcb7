/* What may be sent again after an answer or a failure, and what never. Pure: protocol/schedule says when. */
#ifndef FINSEG_REPEAT_H
#define FINSEG_REPEAT_H

#include "answer.h"

/* What an operation asks the service for. */
enum fs_operation_type { FS_OPERATION_CREATE, FS_OPERATION_POLL, FS_OPERATION_WAIT, FS_OPERATION_FETCH };

enum fs_verdict {
    FS_VERDICT_END,           /* the error is the outcome */
    FS_VERDICT_MAYBE_CREATED, /* the same, and a job may have been made: nothing is sent again */
    FS_VERDICT_REPEAT,        /* the same request may go out again */
    FS_VERDICT_POLL           /* the job is not ready: ask again */
};

/* No answer came. `sent`: a byte of the request may have reached the service. */
enum fs_verdict fs_repeat_failure(enum fs_operation_type type, finseg_error_kind kind, bool sent);
/* A create was answered by a status that is not 2xx. */
enum fs_verdict fs_repeat_create(const struct fs_answer *answer);
/* A GET of a result was answered by an error of this kind. */
enum fs_verdict fs_repeat_get(enum fs_operation_type type, finseg_error_kind kind);
/* A 200 cannot be read as a page: a body that was damaged on the way is whole the next time. */
enum fs_verdict fs_repeat_unreadable(finseg_error_kind kind);

#endif
