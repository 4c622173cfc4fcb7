/* One HTTP request of a client and its answer: request ids, events, and errors for answers that never came. */
#ifndef FINSEG_EXCHANGE_H
#define FINSEG_EXCHANGE_H

#include "io/transport.h"
#include "protocol/answer.h"
#include "protocol/callback_url.h"

struct fs_exchange {
    struct fs_transfer transfer;
    char request_id[FS_REQUEST_ID_LIMIT];
    char *url;
    const struct fs_callback_url *callback_url; /* that it tells the service; NULL: none */
};

/* Takes over `url` (made by malloc, or NULL when that failed). NULL when out of memory. */
struct fs_exchange *fs_exchange_new(finseg_client *client, char *url);
/* Sends it. False when out of memory: nothing was sent then. */
bool fs_exchange_start(finseg_client *client, struct fs_exchange *exchange);
/* Tells the log how it went, and takes secrets out of what errors may quote; to be called first when it is done. */
void fs_exchange_report(finseg_client *client, struct fs_exchange *exchange);
/* Takes secrets out of the body: for an answer that says success, and an error quotes all the same. */
void fs_exchange_redact_body(finseg_client *client, struct fs_exchange *exchange);
/* Valid while the exchange lives. */
struct fs_answer fs_exchange_answer(const struct fs_exchange *exchange);
/* The error for a request that got no whole answer; `what` says who was asked for what. */
finseg_error *fs_exchange_failure(const struct fs_exchange *exchange, const char *what);
/* Ends it if it is still under way. NULL is allowed. */
void fs_exchange_free(finseg_client *client, struct fs_exchange *exchange);

#endif
