#include "repeat.h"

enum fs_verdict fs_repeat_failure(enum fs_operation_type type, finseg_error_kind kind, bool sent)
{
    if (type == FS_OPERATION_CREATE && sent)
        return FS_VERDICT_MAYBE_CREATED;
    return kind == FINSEG_ERROR_TLS || kind == FINSEG_ERROR_TOO_LARGE ? FS_VERDICT_END : FS_VERDICT_REPEAT;
}

enum fs_verdict fs_repeat_create(const struct fs_answer *answer)
{
    /* These two say that nothing was done; any other 5xx leaves it open, and a second job would be the price of
     * guessing. */
    if (answer->status == 429 || (answer->status == 503 && answer->retry_after >= 0))
        return FS_VERDICT_REPEAT;
    return answer->status >= 500 ? FS_VERDICT_MAYBE_CREATED : FS_VERDICT_END;
}

enum fs_verdict fs_repeat_get(enum fs_operation_type type, finseg_error_kind kind)
{
    switch (kind) {
    case FINSEG_ERROR_PENDING:
        if (type == FS_OPERATION_WAIT)
            return FS_VERDICT_POLL;
        /* A fetch asks a job that was ready: the state will pass. */
        return type == FS_OPERATION_FETCH ? FS_VERDICT_REPEAT : FS_VERDICT_END;
    case FINSEG_ERROR_RATE_LIMITED:
    case FINSEG_ERROR_SERVER:
    case FINSEG_ERROR_TIMEOUT:
        return FS_VERDICT_REPEAT;
    default:
        return FS_VERDICT_END;
    }
}

enum fs_verdict fs_repeat_unreadable(finseg_error_kind kind)
{
    return kind == FINSEG_ERROR_PROTOCOL ? FS_VERDICT_REPEAT : FS_VERDICT_END;
}
