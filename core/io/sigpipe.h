/* A write to a connection that is gone raises SIGPIPE, which ends most programs. libcurl leaves that to its user
 * (CURLOPT_NOSIGNAL), and the program's own handling is not ours to change: so the signal is held back for this
 * thread while libcurl works, and taken out after. */
#ifndef FINSEG_SIGPIPE_H
#define FINSEG_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct fs_sigpipe {
    sigset_t before;
    bool was_pending; /* somebody else's: it is left alone */
};

void fs_sigpipe_hold(struct fs_sigpipe *held);
void fs_sigpipe_release(const struct fs_sigpipe *held);

#endif
