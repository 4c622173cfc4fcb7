/* A client: its parts, which know nothing of it, and the public functions. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "authorization.h"
#include "io/clock.h"
#include "io/sigpipe.h"
#include "operation.h"
#include "operations.h"
#include "protocol/canonical.h"
#include "protocol/request.h"
#include "session.h"
#include "value/error.h"
#include "value/shortage.h"

struct finseg_client {
    finseg_config *config;
    pid_t process;
    struct fs_session session;
    struct fs_authorization authorization;
    struct fs_operations operations;
    struct fs_attached_list attached;
};

const char *finseg_version(void)
{
    return FINSEG_VERSION;
}

/* After a fork, parent and child share the event set and the sockets: each would read and move what is the other's. */
static bool is_ours(const finseg_client *client)
{
    return getpid() == client->process;
}

/* True when it is ours, else false with an error. */
static bool check_ours(const finseg_client *client, finseg_error **error)
{
    if (is_ours(client))
        return true;
    fs_error_give(error, fs_error_new(FINSEG_ERROR_INVALID,
                                      "this client was made before the fork, by another process: make one in each "
                                      "process (in nginx: in a worker, not in init_by_lua)"));
    return false;
}

/* To be called after anything that may have set a timer or finished an operation. */
static void settle(finseg_client *client)
{
    fs_loop_arm(&client->session.loop, client->operations.finished_count > 0);
}

/* ---- making ---- */

finseg_client *finseg_client_new(const finseg_config *config, finseg_error **error)
{
    /* Counted and thread-safe inside libcurl. There is no global cleanup: a resolver thread may still be at work. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fs_error_give(error,
                      fs_error_new(FINSEG_ERROR_RESOURCE, "libcurl cannot be initialised: %s", fs_out_of_memory));
        return NULL;
    }
    finseg_client *client = calloc(1, sizeof *client);
    if (client)
        client->config = fs_config_copy(config);
    if (!client || !client->config) {
        free(client);
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    client->process = getpid();
    fs_authorization_init(&client->authorization, &client->session);
    fs_operations_init(&client->operations, &client->session, &client->authorization);
    if (fs_session_open(&client->session, client->config, error) != 0 ||
        fs_authorization_open(&client->authorization, error) != 0) {
        finseg_client_free(client);
        return NULL;
    }
    return client;
}

void finseg_client_free(finseg_client *client)
{
    if (!client)
        return;
    /* A child shares the event set and the connections with its parent, who may go on using them: it lets go of its
     * descriptors of the set, and leaves libcurl's memory and the operations to its own end. */
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    bool ours = is_ours(client);
    if (ours) {
        fs_operations_each(&client->operations, fs_operation_drop);
        fs_detach_all(&client->attached);
        fs_authorization_close(&client->authorization);
    } else {
        fs_detach_inherited(&client->attached);
    }
    fs_session_close(&client->session, ours);
    fs_sigpipe_release(&held);
    fs_operations_free(&client->operations);
    finseg_config_free(client->config);
    free(client);
}

/* ---- stepping ---- */

finseg_outcome *finseg_client_next(finseg_client *client)
{
    if (!is_ours(client))
        return NULL;
    finseg_outcome *outcome = fs_operations_take(&client->operations, 0);
    settle(client);
    return outcome;
}

void finseg_client_recycle(finseg_client *client, finseg_page *page)
{
    fs_page_pool_give(&client->operations.pages, page);
}

int finseg_client_fd(const finseg_client *client)
{
    return client->session.loop.epoll_fd;
}

int finseg_client_step(finseg_client *client)
{
    if (!is_ours(client)) {
        errno = EPERM;
        return -1;
    }
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    double now = fs_clock_monotonic();
    int result = fs_loop_run(&client->session.loop);
    if (result == 0) {
        /* Before the deadlines: an answer that is there counts, however late a busy host comes to look. */
        fs_transport_collect(&client->session.transport);
        fs_loop_expire(&client->session.loop, now);
        fs_transport_collect(&client->session.transport);
    }
    settle(client);
    fs_sigpipe_release(&held);
    return result == 0 ? (int)client->operations.finished_count : -1;
}

size_t finseg_client_pending(const finseg_client *client)
{
    return client->operations.count;
}

size_t finseg_client_transfers(const finseg_client *client)
{
    return client->session.transport.active_count + client->session.transport.queued_count;
}

double finseg_client_next_timeout(const finseg_client *client)
{
    if (client->operations.finished_count > 0)
        return 0;
    double due = fs_loop_next_due(&client->session.loop);
    if (due < 0)
        return -1;
    double left = due - fs_clock_monotonic();
    return left > 0 ? left : 0;
}

finseg_outcome *finseg_client_await(finseg_client *client, finseg_ticket ticket)
{
    for (;;) {
        finseg_outcome *outcome = ticket != 0 ? fs_operations_take(&client->operations, ticket) : NULL;
        if (outcome || !fs_operations_find(&client->operations, ticket)) {
            settle(client);
            return outcome;
        }
        /* Other outcomes that nobody has taken keep the descriptor readable, and must not make this wait spin. */
        fs_loop_arm(&client->session.loop, false);
        struct pollfd watched = {.fd = client->session.loop.epoll_fd, .events = POLLIN};
        if ((poll(&watched, 1, -1) < 0 && errno != EINTR) || finseg_client_step(client) < 0)
            return NULL;
    }
}

const finseg_event *finseg_client_next_event(finseg_client *client)
{
    return fs_event_next(&client->session.events);
}

/* ---- operations ---- */

static finseg_ticket start(finseg_client *client, struct fs_operation *operation, double timeout)
{
    finseg_ticket ticket = operation->outcome->ticket;
    fs_operation_start(operation, timeout);
    settle(client);
    return ticket;
}

finseg_ticket finseg_client_create(finseg_client *client, const char *kind, const char *parameters,
                                   finseg_error **error)
{
    if (!check_ours(client, error))
        return 0;
    const finseg_kind *found = fs_kind_find(&client->config->kinds, kind, error);
    if (!found)
        return 0;
    struct fs_request request;
    if (fs_request_read(&request, found, parameters, error) != 0)
        return 0;
    struct fs_operation *operation = fs_operation_new_create(&client->operations, found, &request);
    fs_request_free(&request);
    if (!operation) {
        fs_error_give(error, fs_error_out_of_memory());
        return 0;
    }
    return start(client, operation, -1);
}

char *finseg_client_canonical(const finseg_client *client, const char *kind, const char *parameters,
                              finseg_error **error)
{
    const finseg_kind *found = fs_kind_find(&client->config->kinds, kind, error);
    return found ? fs_canonical_parameters(found, parameters, error) : NULL;
}

finseg_identity finseg_client_identity(const finseg_client *client)
{
    return (finseg_identity){client->session.base.text, client->config->client_id, client->config->username};
}

/* An operation that GETs a page, the first one for a wait or a poll; NULL with an error. */
static struct fs_operation *new_get(finseg_client *client, enum fs_operation_type type, finseg_job *job,
                                    uint64_t number, uint32_t size, finseg_error **error)
{
    if (!check_ours(client, error))
        return NULL;
    struct fs_operation *operation = fs_operation_new_get(&client->operations, type, job, number,
                                                          size > 0 ? size : (uint32_t)client->config->page_size);
    if (!operation)
        fs_error_give(error, fs_error_out_of_memory());
    return operation;
}

finseg_ticket finseg_client_poll(finseg_client *client, finseg_job *job, finseg_error **error)
{
    struct fs_operation *operation =
        new_get(client, FS_OPERATION_POLL, job, finseg_client_first_page(client), 0, error);
    return operation ? start(client, operation, -1) : 0;
}

static finseg_ticket start_wait(finseg_client *client, finseg_job *job, double timeout, bool expects_callback,
                                finseg_error **error)
{
    struct fs_operation *operation =
        new_get(client, FS_OPERATION_WAIT, job, finseg_client_first_page(client), 0, error);
    if (!operation)
        return 0;
    operation->expects_callback = expects_callback;
    return start(client, operation, timeout);
}

finseg_ticket finseg_client_wait(finseg_client *client, finseg_job *job, double timeout, finseg_error **error)
{
    return start_wait(client, job, timeout, false, error);
}

finseg_ticket finseg_client_wait_for_callback(finseg_client *client, finseg_job *job, double timeout,
                                              finseg_error **error)
{
    return start_wait(client, job, timeout, true, error);
}

/* The wait of a ticket that is under way; NULL when it is none. */
static struct fs_operation *find_wait(const finseg_client *client, finseg_ticket ticket)
{
    struct fs_operation *operation = fs_operations_find(&client->operations, ticket);
    return operation && operation->type == FS_OPERATION_WAIT && is_ours(client) ? operation : NULL;
}

bool finseg_client_called(finseg_client *client, finseg_ticket ticket)
{
    struct fs_operation *wait = find_wait(client, ticket);
    if (!wait)
        return false;
    fs_operation_called(wait);
    settle(client);
    return true;
}

bool finseg_client_expect_callback(finseg_client *client, finseg_ticket ticket, bool expected)
{
    struct fs_operation *wait = find_wait(client, ticket);
    if (!wait)
        return false;
    fs_operation_expect_callback(wait, expected);
    settle(client);
    return true;
}

finseg_ticket finseg_client_fetch(finseg_client *client, finseg_job *job, uint64_t number, uint32_t size,
                                  finseg_error **error)
{
    struct fs_operation *operation = new_get(client, FS_OPERATION_FETCH, job, number, size, error);
    return operation ? start(client, operation, -1) : 0;
}

bool finseg_client_cancel(finseg_client *client, finseg_ticket ticket)
{
    struct fs_operation *operation = fs_operations_find(&client->operations, ticket);
    if (!operation || !is_ours(client))
        return false;
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    fs_operation_cancel(operation);
    settle(client);
    fs_sigpipe_release(&held);
    return true;
}

void finseg_client_cancel_all(finseg_client *client)
{
    if (!is_ours(client))
        return;
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    fs_operations_each(&client->operations, fs_operation_cancel);
    settle(client);
    fs_sigpipe_release(&held);
}

finseg_job *finseg_client_job(finseg_client *client, const char *kind, const char *job_id, double created_at,
                              finseg_error **error)
{
    const finseg_kind *found = fs_kind_find(&client->config->kinds, kind, error);
    if (!found)
        return NULL;
    if (!*job_id) {
        fs_error_give(error, fs_error_new(FINSEG_ERROR_INVALID, "%s: the jobId is empty", kind));
        return NULL;
    }
    finseg_job *job = fs_job_new(found->name, found->path, job_id, created_at);
    if (!job)
        fs_error_give(error, fs_error_out_of_memory());
    return job;
}

finseg_traversal *finseg_client_traverse(const finseg_client *client, const finseg_page *first, finseg_error **error)
{
    const finseg_config *config = client->config;
    return finseg_traversal_new(first, (uint64_t)config->first_page, (uint32_t)config->page_size,
                                (uint32_t)config->parallel_pages, error);
}

uint64_t finseg_client_first_page(const finseg_client *client)
{
    return (uint64_t)client->config->first_page;
}

/* ---- descriptors of others ---- */

int finseg_client_watch(finseg_client *client, int fd, finseg_error **error)
{
    if (!check_ours(client, error))
        return -1;
    if (fs_attached_find(&client->attached, fd))
        return fs_error_give(error,
                             fs_error_new(FINSEG_ERROR_INVALID, "descriptor %d is attached to the client already", fd));
    if (fs_attach(&client->attached, &client->session.loop, fd))
        return 0;
    int reason = errno;
    char what[64];
    snprintf(what, sizeof what, "descriptor %d cannot be attached to the client", fd);
    return fs_error_give(error, fs_error_system(FINSEG_ERROR_NETWORK, what, reason));
}

/* NULL as well in a child, which must not touch the common set. */
static struct fs_attached *find_attached(const finseg_client *client, int fd)
{
    return is_ours(client) ? fs_attached_find(&client->attached, fd) : NULL;
}

void finseg_client_unwatch(finseg_client *client, int fd)
{
    struct fs_attached *attached = find_attached(client, fd);
    if (!attached)
        return;
    fs_detach(attached);
    settle(client);
}

void finseg_client_alarm(finseg_client *client, int fd, double seconds)
{
    struct fs_attached *attached = find_attached(client, fd);
    if (!attached)
        return;
    fs_attached_set_alarm(attached, seconds >= 0 ? fs_clock_monotonic() + seconds : -1);
    settle(client);
}

int finseg_client_next_ready(finseg_client *client)
{
    return is_ours(client) ? fs_attached_next_ready(&client->attached) : -1;
}
