/* The client's access token: fetched once however many ask, renewed before it ends and after a 401. */
#ifndef FINSEG_AUTHORIZATION_H
#define FINSEG_AUTHORIZATION_H

#include "exchange.h"
#include "protocol/token.h"

/* Somebody who needs the token; lives inside its owner. */
struct fs_token_wait {
    /* There is a token (`error` is NULL), or none is to be had; the error is the waiter's own. */
    void (*ready)(struct fs_token_wait *wait, finseg_error *error);
    void *owner;
    bool waiting;
    TAILQ_ENTRY(fs_token_wait) link;
};

struct fs_authorization {
    struct fs_session *session;
    struct fs_token token;
    struct fs_secret_entry *known_access; /* what the session's secrets know of the token */
    struct fs_secret_entry *known_refresh;
    char *url; /* of the token endpoint */
    bool loopback;
    struct fs_exchange *exchange; /* the fetch under way */
    struct fs_buffer form;        /* its body: holds secrets */
    struct fs_timer pause;        /* before the next try */
    bool refreshing;              /* the fetch uses the refresh token */
    unsigned failures;
    TAILQ_HEAD(fs_token_waits, fs_token_wait) waits;
};

/* To be called before the others. */
void fs_authorization_init(struct fs_authorization *authorization, struct fs_session *session);
/* With an open session. 0, or -1 with an error; close it in either case. */
int fs_authorization_open(struct fs_authorization *authorization, finseg_error **error);
void fs_authorization_close(struct fs_authorization *authorization);

/* Calls the wait's `ready` at once or when the token has come. */
void fs_authorization_wait(struct fs_authorization *authorization, struct fs_token_wait *wait);
void fs_authorization_stop_waiting(struct fs_authorization *authorization, struct fs_token_wait *wait);
/* The service answered 401 to the token of this generation: it is not used again. Answers whether there can be another
 * one. */
bool fs_authorization_refuse(struct fs_authorization *authorization, uint64_t generation);
/* What to do when there cannot, for messages. */
extern const char fs_authorization_advice[];

#endif
