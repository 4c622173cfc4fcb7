/* One HTTP request of a client and its answer: request ids, events, and errors for answers that never came. */
#ifndef FINSEG_EXCHANGE_H
#define FINSEG_EXCHANGE_H

#include "protocol/answer.h"
#include "session.h"

struct fs_exchange {
    struct fs_transfer transfer;
    struct fs_session *session;
    char request_id[FS_REQUEST_ID_LIMIT];
    char *url;

    /* The owner's: who is asked for what, a text that lives as long as the exchange, and what to call when it is done,
     * which may free the exchange. */
    const char *what;
    void (*done)(struct fs_exchange *exchange);
    void *owner;
};

/* Takes over `url` (made by malloc, or NULL when that failed). NULL when out of memory. */
struct fs_exchange *fs_exchange_new(struct fs_session *session, char *url);
/* Sends it. On false, it was not sent: out of memory. */
bool fs_exchange_start(struct fs_exchange *exchange);
/* Ends it if it is under way, without calling `done`. Answers whether anything was sent. */
bool fs_exchange_cancel(struct fs_exchange *exchange);
/* Valid while the exchange lives. */
struct fs_answer fs_exchange_answer(const struct fs_exchange *exchange);
/* The error for a request that got no whole answer. */
finseg_error *fs_exchange_failure(const struct fs_exchange *exchange);
/* Ends it if it is still under way. NULL is allowed. */
void fs_exchange_free(struct fs_exchange *exchange);

#endif
