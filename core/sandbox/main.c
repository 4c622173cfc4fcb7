/* finseg-sandbox: fills the bank, exports it or serves it until a signal ends it. */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"
#include "sandbox/base/database.h"
#include "sandbox/http/server.h"
#include "sandbox/http/service.h"
#include "sandbox/load/berka.h"
#include "sandbox/load/csv.h"
#include "sandbox/load/population.h"
#include "value/secret.h"

enum { EXIT_USAGE = 2 };

/* What the program holds; zero or NULL is not there. */
struct sandbox {
    int lock; /* of the database; -1 when there is none */
    struct sb_bank *bank;
    struct sb_jobs *jobs;
    struct sb_tokens *tokens;
    struct sb_faults *faults;
    struct sb_counters counters;
    struct sb_request_counts requests;
    struct sb_service service;
    struct sb_server *server;
};

/* The server goes first, for it uses all others; the lock last. */
static void close_sandbox(struct sandbox *sandbox)
{
    sb_server_stop(sandbox->server);
    sb_tokens_free(sandbox->tokens);
    sb_faults_free(sandbox->faults);
    sb_jobs_close(sandbox->jobs);
    sb_bank_close(sandbox->bank);
    sb_database_unlock(sandbox->lock);
}

/* ---- filling the bank ------------------------------------------------------------------------------------ */

static bool end_load(struct sb_bank *bank, bool loaded, struct fs_buffer *problem)
{
    if (loaded)
        return sb_bank_commit_load(bank, problem);
    sb_bank_rollback_load(bank);
    return false;
}

static bool import_files(struct sb_bank *bank, const char *source, struct fs_buffer *problem)
{
    const char *directory = strchr(source, '=') + 1;
    return strncmp(source, "csv=", strlen("csv=")) == 0 ? sb_csv_import(bank, directory, problem)
                                                        : sb_berka_import(bank, directory, problem);
}

static bool import(struct sb_bank *bank, const char *source, struct fs_buffer *problem)
{
    bool known;
    if (!sb_bank_begin_load(bank, source, &known, problem))
        return false;
    if (!known)
        return end_load(bank, import_files(bank, source, problem), problem);
    fprintf(stderr, "finseg-sandbox: %s is in the bank already; not imported again\n", source);
    return true;
}

/*
 * A population is known by its seed: the same users cannot be made twice, and a bank that starts again on a later day
 * keeps those it has.
 */
static bool keep_population(const char *source, const struct sb_options *options, struct fs_buffer *problem)
{
    const char *users = source + strlen("users=");
    unsigned long long seed = options->seed;
    if (strtoul(users, NULL, 10) != options->users) {
        fs_buffer_printf(problem,
                         "the bank has %.*s users of seed %llu: start it with --users %.*s, or with another --seed",
                         (int)strcspn(users, " "), users, seed, (int)strcspn(users, " "), users);
        return false;
    }
    fprintf(stderr, "finseg-sandbox: %s is in the bank already; not made again\n", source);
    return true;
}

static bool make_population(struct sb_bank *bank, const struct sb_options *options, struct fs_buffer *problem)
{
    char source[128];
    char today[SB_DATE_TEXT];
    bool known;
    sb_date_format(options->today, today);
    snprintf(source, sizeof source, "users=%u seed=%llu today=%s", options->users, (unsigned long long)options->seed,
             today);
    return sb_bank_begin_load(bank, source, &known, problem) &&
           end_load(bank, sb_population_make(bank, options->users, options->seed, options->today, problem), problem);
}

static bool populate(struct sb_bank *bank, const struct sb_options *options, struct fs_buffer *problem)
{
    char pattern[64];
    struct fs_buffer source = {0};
    snprintf(pattern, sizeof pattern, "users=* seed=%llu today=*", (unsigned long long)options->seed);
    bool known = sb_bank_find_load(bank, pattern, &source);
    bool populated =
        known && source.data ? keep_population(source.data, options, problem) : make_population(bank, options, problem);
    fs_buffer_free(&source);
    return populated;
}

static bool fill_bank(struct sb_bank *bank, const struct sb_options *options, struct fs_buffer *problem)
{
    for (size_t i = 0; i < options->import_count; i++) {
        if (!import(bank, options->imports[i], problem))
            return false;
    }
    return options->users == 0 || populate(bank, options, problem);
}

/* ---- serving --------------------------------------------------------------------------------------------- */

static bool open_bank(struct sandbox *sandbox, const struct sb_options *options, struct fs_buffer *problem)
{
    if (options->db) {
        sandbox->lock = sb_database_lock(options->db, problem);
        if (sandbox->lock < 0)
            return false;
    }
    sandbox->bank = sb_bank_open(options->db, problem);
    if (!sandbox->bank)
        return false;
    struct sb_jobs_config config = {
        .file = options->db,
        .delay = options->delay,
        .time_to_live = options->job_ttl,
        .callback_patience = options->callback_patience,
        .counters = &sandbox->counters,
    };
    sandbox->jobs = sb_jobs_open(&config, problem);
    return sandbox->jobs && sb_jobs_finish(sandbox->jobs, sandbox->bank, problem) &&
           fill_bank(sandbox->bank, options, problem);
}

/* A small file's text, which the caller frees; NULL with a `problem`. */
static char *read_file(const char *path, struct fs_buffer *problem)
{
    struct fs_buffer text = {0};
    char piece[4096];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fs_buffer_printf(problem, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t length;
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        fs_buffer_append(&text, piece, length);
    bool read = !ferror(file);
    fclose(file);
    explicit_bzero(piece, sizeof piece);
    if (read)
        return fs_buffer_take(&text);
    fs_buffer_printf(problem, "%s: cannot be read", path);
    fs_buffer_free_secret(&text);
    return NULL;
}

static bool start_server(struct sandbox *sandbox, const struct sb_options *options, struct fs_buffer *problem)
{
    struct sb_server_config config = {.port = options->port, .path = options->unix_path};
    char *certificate = NULL;
    char *key = NULL;
    if (options->tls_cert) {
        certificate = read_file(options->tls_cert, problem);
        key = certificate ? read_file(options->tls_key, problem) : NULL;
        config.certificate = certificate;
        config.key = key;
    }
    if (key || !options->tls_cert)
        sandbox->server = sb_server_start(&sandbox->service, &config, problem);
    free(certificate);
    fs_secret_free(key);
    return sandbox->server;
}

static bool make_faults(struct sandbox *sandbox, const struct sb_options *options, struct fs_buffer *problem)
{
    sandbox->faults = sb_faults_new(options->seed);
    if (!sandbox->faults) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    for (size_t i = 0; i < options->fault_count; i++) {
        if (!sb_faults_add(sandbox->faults, options->faults[i], problem))
            return false;
    }
    return true;
}

static bool start_service(struct sandbox *sandbox, const struct sb_options *options, struct fs_buffer *problem)
{
    sandbox->tokens = sb_tokens_new(options->token_ttl);
    if (!sandbox->tokens) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    sandbox->service = (struct sb_service){
        .jobs = sandbox->jobs,
        .tokens = sandbox->tokens,
        .faults = sandbox->faults,
        .counters = &sandbox->counters,
        .requests = &sandbox->requests,
        .callback_hosts = {options->callback_hosts, options->callback_host_count},
        .client_id = options->client_id,
        .client_secret = options->client_secret,
        .username = options->username,
        .password = options->password,
        .role = options->role,
    };
    return sb_jobs_start(sandbox->jobs, sandbox->bank, problem) && start_server(sandbox, options, problem);
}

/* One line, once connections are accepted. */
static void print_address(const struct sandbox *sandbox)
{
    struct fs_buffer url = {0};
    sb_server_write_url(sandbox->server, &url);
    printf("listening on %s\n", url.data ? url.data : "?");
    fflush(stdout);
    fs_buffer_free(&url);
}

static bool serve(struct sandbox *sandbox, const struct sb_options *options, struct fs_buffer *problem)
{
    if (!make_faults(sandbox, options, problem) || !open_bank(sandbox, options, problem))
        return false;
    if (options->export_to)
        return sb_csv_export(sandbox->bank, options->export_to, problem);
    if (!sb_bank_set_reference_date(sandbox->bank, options->today, problem))
        return false;
    /*
     * A signal while the bank is filled ends the program at once. From here on sigwait() alone receives them: they are
     * blocked before the first thread starts.
     */
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    if (!start_service(sandbox, options, problem))
        return false;
    print_address(sandbox);
    int signal_number;
    sigwait(&ending, &signal_number);
    return true;
}

int main(int argc, char **argv)
{
    struct sb_options options;
    switch (sb_options_read(argc, argv, &options)) {
    case SB_OPTIONS_DONE:
        return EXIT_SUCCESS;
    case SB_OPTIONS_WRONG:
        return EXIT_USAGE;
    case SB_OPTIONS_RUN:
        break;
    }
    signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("finseg-sandbox: libcurl cannot start\n", stderr);
        return EXIT_FAILURE;
    }
    umask(S_IRWXG | S_IRWXO); /* the bank and its results are nobody else's business */

    struct sandbox sandbox = {.lock = -1};
    struct fs_buffer problem = {0};
    bool served = serve(&sandbox, &options, &problem);
    if (!served)
        fprintf(stderr, "finseg-sandbox: %s\n", problem.data ? problem.data : "out of memory");
    close_sandbox(&sandbox);
    fs_buffer_free(&problem);
    curl_global_cleanup();
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
