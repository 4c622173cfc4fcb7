#include "io/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "test.h"

static volatile sig_atomic_t caught;

static void count_it(int signal)
{
    (void)signal;
    caught++;
}

/* What the program had set up for SIGPIPE, to be given back. */
struct program {
    struct sigaction action;
    sigset_t mask;
};

static void catch_signals(struct program *before)
{
    struct sigaction action = {.sa_handler = count_it};
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, &before->action);
    pthread_sigmask(SIG_BLOCK, NULL, &before->mask);
    caught = 0;
}

static void give_back(const struct program *before)
{
    sigaction(SIGPIPE, &before->action, NULL);
    pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
}

static void write_into_nothing(void)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    close(ends[0]);
    errno = 0;
    CHECK_INT(write(ends[1], "x", 1), -1);
    CHECK_INT(errno, EPIPE);
    close(ends[1]);
}

static bool is_blocked(void)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGPIPE) == 1;
}

static bool is_pending(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

static void a_broken_connection_is_not_heard_of(void)
{
    struct program before;
    struct fs_sigpipe held;
    catch_signals(&before);
    fs_sigpipe_hold(&held);
    write_into_nothing();
    write_into_nothing();
    errno = ENOTTY;
    fs_sigpipe_release(&held);
    CHECK_INT(errno, ENOTTY);
    CHECK_INT(caught, 0);
    CHECK(!is_blocked());
    give_back(&before);
}

static void the_programs_own_handling_goes_on(void)
{
    struct program before;
    struct fs_sigpipe held;
    catch_signals(&before);
    fs_sigpipe_hold(&held);
    fs_sigpipe_release(&held);
    write_into_nothing();
    CHECK_INT(caught, 1);
    give_back(&before);
}

static void a_signal_that_waited_already_is_left_alone(void)
{
    struct program before;
    struct fs_sigpipe held;
    catch_signals(&before);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only, NULL);
    write_into_nothing();
    fs_sigpipe_hold(&held);
    write_into_nothing();
    fs_sigpipe_release(&held);
    CHECK(is_blocked());
    CHECK(is_pending());
    /* Now it comes to the program's own handler. */
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    CHECK_INT(caught, 1);
    give_back(&before);
}

static const struct test tests[] = {
    {"a broken connection is not heard of", a_broken_connection_is_not_heard_of},
    {"the program's own handling goes on", the_programs_own_handling_goes_on},
    {"a signal that waited already is left alone", a_signal_that_waited_already_is_left_alone},
};
SUITE(sigpipe, tests);
