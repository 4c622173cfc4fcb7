#include "sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static bool is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void fs_sigpipe_hold(struct fs_sigpipe *held)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    held->was_pending = is_pending();
    pthread_sigmask(SIG_BLOCK, &only, &held->before);
}

void fs_sigpipe_release(const struct fs_sigpipe *held)
{
    int reason = errno;
    if (!held->was_pending && is_pending()) {
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, SIGPIPE);
        const struct timespec at_once = {0, 0};
        while (sigtimedwait(&only, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    pthread_sigmask(SIG_SETMASK, &held->before, NULL);
    errno = reason;
}
