/* The inside of a client: what its files (client.c, operation.c, authorization.c, exchange.c) share. */
#ifndef FINSEG_CLIENT_H
#define FINSEG_CLIENT_H

#include <sys/types.h>

#include "attach.h"
#include "authorization.h"
#include "event.h"
#include "io/loop.h"
#include "io/transport.h"
#include "operation.h"
#include "outcome.h"
#include "protocol/config.h"
#include "protocol/schedule.h"
#include "protocol/url.h"
#include "result/page_pool.h"
#include "value/random.h"

struct finseg_client {
    finseg_config *config;
    pid_t process;
    struct fs_url base;
    char *token_url;
    char *secret_form; /* client_secret and password as a form carries them: an answer may quote that too */
    char *password_form;
    bool token_loopback;
    struct fs_poll_schedule poll;
    struct fs_poll_schedule slow_poll; /* of waits that a callback is to end */
    struct fs_retry_schedule retry;
    struct fs_loop loop;
    bool loop_open;
    struct fs_transport transport;
    bool transport_open;
    struct fs_random random;
    struct fs_authorization authorization;
    struct fs_event_log events;
    struct fs_operation_table operations;
    finseg_ticket last_ticket;
    finseg_outcome *first_outcome; /* finished, oldest first */
    finseg_outcome *last_outcome;
    size_t outcome_count;
    struct fs_page_pool pages;
    struct fs_companion *companions;
};

/* Queues a finished operation's outcome for finseg_client_next(). */
void fs_client_deliver(finseg_client *client, finseg_outcome *outcome);

/* To be called after anything that may have set a timer or finished an operation. */
void fs_client_settle(finseg_client *client);
/* False in a process that was forked from the client's. */
bool fs_client_is_ours(const finseg_client *client);
/* An error of kind invalid that says so. */
void fs_client_refuse_child(finseg_error **error);

/* Takes every secret the client knows out of a text, which may be NULL. */
void fs_client_redact_text(const finseg_client *client, char *text);
/* The same for all that an error says. */
void fs_client_redact(const finseg_client *client, finseg_error *error);

#endif
