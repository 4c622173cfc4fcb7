#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/sigpipe.h"
#include "protocol/canonical.h"
#include "protocol/request.h"
#include "value/error.h"
#include "value/shortage.h"
#include "value/text.h"

static const char token_path[] = "/api/v2/oauth/token";

const char *finseg_version(void)
{
    return FINSEG_VERSION;
}

/* ---- outcomes ---- */

void fs_client_deliver(finseg_client *client, finseg_outcome *outcome)
{
    outcome->next = NULL;
    if (client->last_outcome)
        client->last_outcome->next = outcome;
    else
        client->first_outcome = outcome;
    client->last_outcome = outcome;
    client->outcome_count++;
}

void fs_client_settle(finseg_client *client)
{
    fs_loop_arm(&client->loop, client->first_outcome != NULL);
}

/* Takes the outcome of one ticket, or the first for ticket 0. */
static finseg_outcome *take_outcome(finseg_client *client, finseg_ticket ticket)
{
    finseg_outcome *previous = NULL;
    finseg_outcome *outcome = client->first_outcome;
    while (outcome && ticket != 0 && outcome->ticket != ticket) {
        previous = outcome;
        outcome = outcome->next;
    }
    if (!outcome)
        return NULL;
    if (previous)
        previous->next = outcome->next;
    else
        client->first_outcome = outcome->next;
    if (client->last_outcome == outcome)
        client->last_outcome = previous;
    outcome->next = NULL;
    client->outcome_count--;
    return outcome;
}

/* After a fork, parent and child share the event set and the sockets: each would read and move what is the other's. */
bool fs_client_is_ours(const finseg_client *client)
{
    return getpid() == client->process;
}

finseg_outcome *finseg_client_next(finseg_client *client)
{
    if (!fs_client_is_ours(client))
        return NULL;
    finseg_outcome *outcome = take_outcome(client, 0);
    fs_client_settle(client);
    return outcome;
}

void finseg_client_recycle(finseg_client *client, finseg_page *page)
{
    fs_page_pool_give(&client->pages, page);
}

void fs_client_redact_text(const finseg_client *client, char *text)
{
    const finseg_config *config = client->config;
    const struct fs_token *token = &client->authorization.token;
    const char *secrets[] = {config->client_secret, config->password,     config->access_token, config->proxy,
                             token->access_token,   token->refresh_token, client->secret_form,  client->password_form};
    for (size_t i = 0; text && i < sizeof secrets / sizeof *secrets; i++)
        fs_text_redact(text, secrets[i]);
}

void fs_client_redact(const finseg_client *client, finseg_error *error)
{
    if (fs_error_is_shared(error))
        return;
    fs_client_redact_text(client, error->message);
    fs_client_redact_text(client, error->code);
    fs_client_redact_text(client, error->request_id);
}

/* ---- making ---- */

static int read_url(struct fs_url *url, const char *field, const char *text, bool allow_plain_http,
                    finseg_error **error)
{
    /* The text is not repeated: a URL that is wrong may hold a password. */
    const char *problem = fs_url_read(url, text);
    if (problem == fs_out_of_memory)
        return fs_error_give(error, fs_error_out_of_memory());
    if (problem)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "config: %s: %s", field, problem));
    if (url->https || url->loopback || allow_plain_http)
        return 0;
    finseg_error *made =
        fs_error_new(FINSEG_ERROR_CONFIG,
                     "config: %s: %s is plain http to a host that is not loopback, which would show tokens "
                     "and balances to the network; use https, or set allow_plain_http",
                     field, url->origin);
    fs_url_free(url);
    return fs_error_give(error, made);
}

static int set_urls(finseg_client *client, finseg_error **error)
{
    const finseg_config *config = client->config;
    if (read_url(&client->base, "base_url", config->base_url, config->allow_plain_http, error) != 0)
        return -1;
    if (!config->token_url) {
        struct fs_buffer url = {0};
        fs_buffer_printf(&url, "%s%s", client->base.origin, token_path);
        client->token_url = fs_buffer_take(&url);
        client->token_loopback = client->base.loopback;
    } else {
        struct fs_url token;
        if (read_url(&token, "token_url", config->token_url, config->allow_plain_http, error) != 0)
            return -1;
        client->token_url = fs_text_copy(config->token_url, strlen(config->token_url));
        client->token_loopback = token.loopback;
        fs_url_free(&token);
    }
    return client->token_url ? 0 : fs_error_give(error, fs_error_out_of_memory());
}

/* True as well when there is no secret. */
static bool set_form(char **form, const char *secret)
{
    if (!secret)
        return true;
    struct fs_buffer encoded = {0};
    fs_buffer_reserve(&encoded, 3 * strlen(secret));
    fs_text_append_percent_encoded(&encoded, secret, strlen(secret));
    *form = fs_buffer_take(&encoded);
    return *form != NULL;
}

static int set_secret_forms(finseg_client *client, finseg_error **error)
{
    if (set_form(&client->secret_form, client->config->client_secret) &&
        set_form(&client->password_form, client->config->password))
        return 0;
    return fs_error_give(error, fs_error_out_of_memory());
}

static void free_form(char *form)
{
    if (form)
        explicit_bzero(form, strlen(form));
    free(form);
}

static int check_ca_file(const finseg_config *config, finseg_error **error)
{
    if (!config->ca_file || access(config->ca_file, R_OK) == 0)
        return 0;
    return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "config: ca_file: %s cannot be read: %s",
                                             config->ca_file, strerror(errno)));
}

static void set_schedules(finseg_client *client)
{
    const finseg_config *config = client->config;
    client->poll = (struct fs_poll_schedule){config->poll_first, config->poll_factor, config->poll_max};
    client->slow_poll = (struct fs_poll_schedule){config->poll_callback, 1, config->poll_callback};
    client->retry = (struct fs_retry_schedule){(unsigned)config->retry_attempts, config->retry_base, config->retry_max};
}

static int open_io(finseg_client *client, finseg_error **error)
{
    const finseg_config *config = client->config;
    if (fs_loop_open(&client->loop) != 0)
        return fs_error_give(error, fs_error_system(FINSEG_ERROR_RESOURCE, "the client's event set", errno));
    client->loop_open = true;
    struct fs_transport_options options = {
        .ca_file = config->ca_file,
        .proxy = config->proxy,
        .user_agent = config->user_agent,
        .timeout = config->timeout,
        .connect_timeout = config->connect_timeout,
        .max_body = config->max_body,
    };
    client->transport_open = fs_transport_open(&client->transport, &client->loop, &options);
    if (!client->transport_open || !fs_authorization_open(client))
        return fs_error_give(error, fs_error_out_of_memory());
    return 0;
}

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
    client->events.enabled = config->log;
    fs_random_seed(&client->random);
    set_schedules(client);
    if (fs_config_check_credentials(config, error) != 0 || set_urls(client, error) != 0 ||
        set_secret_forms(client, error) != 0 || check_ca_file(config, error) != 0 || open_io(client, error) != 0) {
        finseg_client_free(client);
        return NULL;
    }
    return client;
}

static void drop_operations(finseg_client *client)
{
    for (size_t i = 0; i < client->operations.bucket_count; i++) {
        while (client->operations.buckets[i])
            fs_operation_drop(client->operations.buckets[i]);
    }
    free(client->operations.buckets);
    client->operations = (struct fs_operation_table){0};
}

static void close_io(finseg_client *client)
{
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    drop_operations(client);
    fs_companion_free_all(client);
    if (client->transport_open) {
        fs_authorization_close(client);
        fs_transport_close(&client->transport);
    }
    if (client->loop_open)
        fs_loop_close(&client->loop);
    fs_sigpipe_release(&held);
}

void finseg_client_free(finseg_client *client)
{
    if (!client)
        return;
    /* A child shares the event set and the connections with its parent, who may go on using them: it lets go of its
     * descriptors of the set, and leaves libcurl's memory and the operations to its own end. */
    if (fs_client_is_ours(client)) {
        close_io(client);
    } else if (client->loop_open) {
        fs_companion_abandon_all(client);
        fs_loop_close(&client->loop);
    }

    finseg_outcome *outcome;
    while ((outcome = take_outcome(client, 0)) != NULL)
        finseg_outcome_free(outcome);
    fs_event_log_free(&client->events);
    fs_page_pool_free(&client->pages);
    fs_url_free(&client->base);
    free(client->token_url);
    free_form(client->secret_form);
    free_form(client->password_form);
    finseg_config_free(client->config);
    free(client);
}

/* ---- stepping ---- */

int finseg_client_fd(const finseg_client *client)
{
    return client->loop.epoll_fd;
}

int finseg_client_step(finseg_client *client)
{
    if (!fs_client_is_ours(client)) {
        errno = EPERM;
        return -1;
    }
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    double now = fs_clock_monotonic();
    int result = fs_loop_run(&client->loop);
    if (result == 0) {
        /* Before the deadlines: an answer that is there counts, however late a busy host comes to look. */
        fs_transport_collect(&client->transport);
        fs_loop_expire(&client->loop, now);
        fs_transport_collect(&client->transport);
    }
    fs_client_settle(client);
    fs_sigpipe_release(&held);
    return result == 0 ? (int)client->outcome_count : -1;
}

size_t finseg_client_pending(const finseg_client *client)
{
    return client->operations.count + client->outcome_count;
}

size_t finseg_client_transfers(const finseg_client *client)
{
    return client->transport.active.count + client->transport.queued.count;
}

double finseg_client_next_timeout(const finseg_client *client)
{
    if (client->first_outcome)
        return 0;
    double due = fs_loop_next_due(&client->loop);
    if (due < 0)
        return -1;
    double left = due - fs_clock_monotonic();
    return left > 0 ? left : 0;
}

finseg_outcome *finseg_client_await(finseg_client *client, finseg_ticket ticket)
{
    for (;;) {
        finseg_outcome *outcome = ticket != 0 ? take_outcome(client, ticket) : NULL;
        if (outcome || !fs_operation_find(&client->operations, ticket)) {
            fs_client_settle(client);
            return outcome;
        }
        /* Other outcomes that nobody has taken keep the descriptor readable, and must not make this wait spin. */
        fs_loop_arm(&client->loop, false);
        struct pollfd watched = {.fd = client->loop.epoll_fd, .events = POLLIN};
        if ((poll(&watched, 1, -1) < 0 && errno != EINTR) || finseg_client_step(client) < 0)
            return NULL;
    }
}

const finseg_event *finseg_client_next_event(finseg_client *client)
{
    return fs_event_next(&client->events);
}

/* ---- operations ---- */

void fs_client_refuse_child(finseg_error **error)
{
    fs_error_give(error, fs_error_new(FINSEG_ERROR_INVALID,
                                      "this client was made before the fork, by another process: make one in each "
                                      "process (in nginx: in a worker, not in init_by_lua)"));
}

static finseg_ticket start(finseg_client *client, struct fs_operation *operation, double timeout)
{
    finseg_ticket ticket = operation->outcome->ticket;
    fs_operation_start(operation, timeout);
    fs_client_settle(client);
    return ticket;
}

/* NULL when out of memory. */
static struct fs_operation *new_create(finseg_client *client, const finseg_kind *kind, const struct fs_request *request)
{
    struct fs_operation *operation = fs_operation_new(client, FS_OPERATION_CREATE, NULL);
    if (!operation)
        return NULL;
    char *callback_url = NULL;
    operation->body = fs_request_body(request);
    operation->kind = fs_text_copy(kind->name, strlen(kind->name));
    operation->path = fs_text_copy(kind->path, strlen(kind->path));
    bool made = operation->body && operation->kind && operation->path &&
                fs_request_callback_url(request, &callback_url) &&
                fs_callback_url_set(&operation->callback_url, callback_url);
    free(callback_url);
    if (!made)
        fs_operation_drop(operation);
    return made ? operation : NULL;
}

finseg_ticket finseg_client_create(finseg_client *client, const char *kind, const char *parameters,
                                   finseg_error **error)
{
    if (!fs_client_is_ours(client)) {
        fs_client_refuse_child(error);
        return 0;
    }
    const finseg_kind *found = fs_kind_find(&client->config->kinds, kind, error);
    if (!found)
        return 0;
    struct fs_request request;
    if (fs_request_read(&request, found, parameters, error) != 0)
        return 0;
    struct fs_operation *operation = new_create(client, found, &request);
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
    return (finseg_identity){client->base.text, client->config->client_id, client->config->username};
}

/* An operation that GETs a page; NULL with an error. */
static struct fs_operation *new_get(finseg_client *client, enum fs_operation_type type, finseg_job *job,
                                    uint64_t number, uint32_t size, finseg_error **error)
{
    if (!fs_client_is_ours(client)) {
        fs_client_refuse_child(error);
        return NULL;
    }
    struct fs_operation *operation = fs_operation_new(client, type, job);
    if (!operation) {
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    operation->number = number;
    operation->size = size > 0 ? size : (uint32_t)client->config->page_size;
    return operation;
}

static struct fs_operation *new_first_get(finseg_client *client, enum fs_operation_type type, finseg_job *job,
                                          finseg_error **error)
{
    return new_get(client, type, job, (uint64_t)client->config->first_page, 0, error);
}

finseg_ticket finseg_client_poll(finseg_client *client, finseg_job *job, finseg_error **error)
{
    struct fs_operation *operation = new_first_get(client, FS_OPERATION_POLL, job, error);
    return operation ? start(client, operation, -1) : 0;
}

finseg_ticket finseg_client_wait(finseg_client *client, finseg_job *job, double timeout, finseg_error **error)
{
    struct fs_operation *operation = new_first_get(client, FS_OPERATION_WAIT, job, error);
    return operation ? start(client, operation, timeout) : 0;
}

finseg_ticket finseg_client_wait_for_callback(finseg_client *client, finseg_job *job, double timeout,
                                              finseg_error **error)
{
    struct fs_operation *operation = new_first_get(client, FS_OPERATION_WAIT, job, error);
    if (!operation)
        return 0;
    operation->expects_callback = true;
    return start(client, operation, timeout);
}

/* The wait of a ticket that is under way; NULL when it is none. */
static struct fs_operation *find_wait(const finseg_client *client, finseg_ticket ticket)
{
    struct fs_operation *operation = fs_operation_find(&client->operations, ticket);
    return operation && operation->type == FS_OPERATION_WAIT && fs_client_is_ours(client) ? operation : NULL;
}

bool finseg_client_called(finseg_client *client, finseg_ticket ticket)
{
    struct fs_operation *wait = find_wait(client, ticket);
    if (!wait)
        return false;
    fs_operation_called(wait);
    fs_client_settle(client);
    return true;
}

bool finseg_client_expect_callback(finseg_client *client, finseg_ticket ticket, bool expected)
{
    struct fs_operation *wait = find_wait(client, ticket);
    if (!wait)
        return false;
    fs_operation_expect_callback(wait, expected);
    fs_client_settle(client);
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
    struct fs_operation *operation = fs_operation_find(&client->operations, ticket);
    if (!operation || !fs_client_is_ours(client))
        return false;
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    fs_operation_cancel(operation);
    fs_client_settle(client);
    fs_sigpipe_release(&held);
    return true;
}

void finseg_client_cancel_all(finseg_client *client)
{
    if (!fs_client_is_ours(client))
        return;
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    for (size_t i = 0; i < client->operations.bucket_count; i++) {
        while (client->operations.buckets[i])
            fs_operation_cancel(client->operations.buckets[i]);
    }
    fs_client_settle(client);
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
