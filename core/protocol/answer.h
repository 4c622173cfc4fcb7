/* What came back: an HTTP answer, and what it means. Pure. */
#ifndef FINSEG_ANSWER_H
#define FINSEG_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "value/secrets.h"

/* An answer as it came; nothing in it is owned. */
struct fs_answer {
    int status;
    const char *body; /* `length` bytes, NULL when there are none */
    size_t length;
    double retry_after;               /* seconds; negative when not said */
    const char *request_id;           /* the X-Request-Id that was sent, or the one that came back */
    const char *what;                 /* who was asked for what, for messages: "create highBalance" */
    const struct fs_secrets *secrets; /* that no error may quote; NULL: none */
};

/* Whether the body is one well-formed JSON value. */
bool fs_answer_is_json(const struct fs_answer *answer);

/*
 * The error that an answer stands for, with what the body says: `errors[]` or the OAuth form, or the beginning of a
 * text that is not JSON. `kind` is the caller's reading of the status, `advice` what to do (may be NULL).
 */
finseg_error *fs_answer_error(const struct fs_answer *answer, finseg_error_kind kind, const char *advice);

/*
 * For a 200 whose body cannot be read as a page. First, while the body is there, what a message may quote of it: NULL
 * when it looks like a page, or out of memory; the caller frees it. Then the error: takes over `problem`, what the page
 * reader found, and says whose answer it was; `quote` may be NULL, and the body may be gone.
 */
char *fs_answer_quote(const struct fs_answer *answer);
finseg_error *fs_answer_unreadable(const struct fs_answer *answer, finseg_error *problem, const char *quote);

/* The kind for a status that has no special meaning for the request: 401 and 403 auth, 404 not_found, 408 timeout,
 * 413 too_large, 429 rate_limited, 3xx protocol, other 4xx invalid, 5xx server. */
finseg_error_kind fs_answer_kind(int status);

/* Advice that goes with such a kind; NULL when there is none to give. */
const char *fs_answer_advice(finseg_error_kind kind);

/* The text member `name` of a JSON object body, which the caller frees; NULL when there is none or it is empty. */
char *fs_answer_text_member(const struct fs_answer *answer, const char *name);

#endif
