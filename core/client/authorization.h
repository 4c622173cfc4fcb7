/* The client's access token and who waits for it: fetched once however many operations ask, renewed before it ends. */
#ifndef FINSEG_AUTHORIZATION_H
#define FINSEG_AUTHORIZATION_H

#include "exchange.h"
#include "io/loop.h"
#include "protocol/token.h"
#include "value/buffer.h"

struct fs_operation;

struct fs_authorization {
    struct fs_token token;
    struct fs_exchange *exchange; /* the fetch under way */
    struct fs_buffer form;        /* its body: holds secrets */
    struct fs_timer pause;        /* before the next try */
    bool refreshing;              /* the fetch uses the refresh token */
    unsigned failures;
    struct fs_operation *first_waiting;
    struct fs_operation *last_waiting;
};

/* False when out of memory. */
bool fs_authorization_open(finseg_client *client);
void fs_authorization_close(finseg_client *client);

/* The operation is told by fs_operation_send() or fs_operation_end() when there is a token or none is to be had. */
void fs_authorization_wait(finseg_client *client, struct fs_operation *operation);
void fs_authorization_stop_waiting(finseg_client *client, struct fs_operation *operation);
/* What to do when a ready-made token was refused, for messages. */
extern const char fs_authorization_refused_token[];
/* Whether a token that was refused can be replaced by another. */
bool fs_authorization_can_renew(const finseg_client *client);

#endif
