/* What the files of a client share: where it sends, how, and what it must not say. */
#ifndef FINSEG_SESSION_H
#define FINSEG_SESSION_H

#include "event.h"
#include "io/loop.h"
#include "io/transport.h"
#include "protocol/config.h"
#include "protocol/schedule.h"
#include "protocol/url.h"
#include "value/random.h"
#include "value/secrets.h"

struct fs_session {
    const finseg_config *config;
    struct fs_url base;
    struct fs_poll_schedule poll;
    struct fs_poll_schedule slow_poll; /* of waits that a callback is to end */
    struct fs_retry_schedule retry;
    struct fs_loop loop;
    bool loop_open;
    struct fs_transport transport;
    bool transport_open;
    struct fs_random random;
    struct fs_event_log events;
    struct fs_secrets secrets;
};

/* Zero-initialise it before. 0, or -1 with an error; close it in either case. The config must outlive it. */
int fs_session_open(struct fs_session *session, const finseg_config *config, finseg_error **error);
/* In a process that was forked from the client's (`ours` is false), the transport is left to its own end. */
void fs_session_close(struct fs_session *session, bool ours);

#endif
