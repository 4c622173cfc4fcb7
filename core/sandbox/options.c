#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finseg.h"
#include "sandbox/base/date.h"
#include "sandbox/http/fault.h"
#include "value/text.h"

static const char help[] =
    "finseg-sandbox: a stand-in for the Financial Segments API, on loopback\n"
    "\n"
    "usage: finseg-sandbox [options]\n"
    "\n"
    "the bank\n"
    "  --db FILE              keep bank and jobs in FILE, for one sandbox at a time (default: in memory)\n"
    "  --import csv=DIR       load users.csv, accounts.csv and transactions.csv of DIR (see below) ...\n"
    "           berka=DIR     ... or the Berka files account.asc, disp.asc and trans.asc; repeatable\n"
    "  --export DIR           write the bank as such CSV files into DIR, and end instead of serving\n"
    "  --users N              make a population of N users (default 0)\n"
    "  --seed S               of the population (default 1): same seed and --today, same bank\n"
    "  --today YYYY-MM-DD     the reference date (default: the real one); what is dated on or after it does not count\n"
    "\n"
    "the service\n"
    "  --port N               listen on 127.0.0.1:N (default 0: any free port, which is printed)\n"
    "  --unix PATH            listen on a Unix socket at PATH instead\n"
    "  --tls-cert FILE        speak HTTPS with this certificate chain (PEM) ...\n"
    "  --tls-key FILE         ... and its key (PEM)\n"
    "  --delay SECONDS        a job is ready this long after it is made (default 0; fractions allowed)\n"
    "  --job-ttl SECONDS      jobs are deleted this long after they are made (default 1209600: 14 days)\n"
    "  --token-ttl SECONDS    access tokens live this long (default 3600)\n"
    "  --client-id TEXT       (default sandbox-client)\n"
    "  --client-secret TEXT   (default sandbox-secret)\n"
    "  --username TEXT        for user tokens (default sandbox-user)\n"
    "  --password TEXT        (default sandbox-password)\n"
    "  --role ROLE            whose token segments ask for: any, client or user (default any)\n"
    "  --callback-allow HOST  callbacks may go to HOST, any port; repeatable; * is any (default: loopback alone)\n"
    "  --callback-patience S  a callback is repeated for S seconds until the receiver answers 2xx (default 60)\n"
    "\n"
    "  --fault FAULT          what goes wrong: TYPE[:10%|:3][@PLACE], see below; repeatable\n"
    "  --help, --version\n"
    "\n"
    "the bank's own files: CSV (RFC 4180, UTF-8), each with its header line\n"
    "  users.csv              userId\n"
    "  accounts.csv           accountId,userId,type,opened\n"
    "  transactions.csv       accountId,date,amount,label,counterpart\n"
    "Dates are YYYY-MM-DD, amounts have at most two decimals, spending is negative; label and counterpart may be\n"
    "empty. A type is one of CHECKING, SAVINGS, CREDIT_CARD, SECURITY, LOAN, BAUSPAREN, MEMBERSHIP. Labels form "
    "groups\n"
    "by their names: INSURANCE_HEALTH is in the group INSURANCE. Rows may come in any order; transactions of one "
    "account\n"
    "and day happen in the order of the file. An import loads all or nothing. An export overwrites no file.\n"
    "\n"
    "Segments are at /api/v1/segments/KIND, tokens at /api/v2/oauth/token. It prints `listening on URL` when it\n"
    "accepts connections, and ends on SIGTERM or SIGINT. GET /openapi.json describes it, GET /__stats counts what it "
    "did.\n"
    "\n"
    "faults: always, in 10% of the cases where it may strike (which ones, the seed decides), or the first 3 times. "
    "PLACE "
    "is\n"
    "what a path begins with (/api/v1/segments), or token, create or retrieve. The first that strikes wins. POST "
    "/__faults\n"
    "with a JSON array such as [\"503:2@retrieve\"] replaces them, GET tells them. TYPE is an answer instead of the "
    "service's,\n"
    "or (from truncated-json on) changes answers of status 2xx; what was asked for is done then.\n";

enum {
    DB = 256,
    IMPORT,
    EXPORT,
    USERS,
    SEED,
    TODAY,
    PORT,
    UNIX,
    TLS_CERT,
    TLS_KEY,
    DELAY,
    JOB_TTL,
    TOKEN_TTL,
    CLIENT_ID,
    CLIENT_SECRET,
    USERNAME,
    PASSWORD,
    ROLE,
    CALLBACK_ALLOW,
    CALLBACK_PATIENCE,
    FAULT,
    HELP,
    VERSION
};

static const struct option known[] = {
    {"db", required_argument, NULL, DB},
    {"import", required_argument, NULL, IMPORT},
    {"export", required_argument, NULL, EXPORT},
    {"users", required_argument, NULL, USERS},
    {"seed", required_argument, NULL, SEED},
    {"today", required_argument, NULL, TODAY},
    {"port", required_argument, NULL, PORT},
    {"unix", required_argument, NULL, UNIX},
    {"tls-cert", required_argument, NULL, TLS_CERT},
    {"tls-key", required_argument, NULL, TLS_KEY},
    {"delay", required_argument, NULL, DELAY},
    {"job-ttl", required_argument, NULL, JOB_TTL},
    {"token-ttl", required_argument, NULL, TOKEN_TTL},
    {"client-id", required_argument, NULL, CLIENT_ID},
    {"client-secret", required_argument, NULL, CLIENT_SECRET},
    {"username", required_argument, NULL, USERNAME},
    {"password", required_argument, NULL, PASSWORD},
    {"role", required_argument, NULL, ROLE},
    {"callback-allow", required_argument, NULL, CALLBACK_ALLOW},
    {"callback-patience", required_argument, NULL, CALLBACK_PATIENCE},
    {"fault", required_argument, NULL, FAULT},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

enum {
    MOST_USERS = 10000000,
    MOST_SECONDS = 10 * 366 * 24 * 3600,
    DEFAULT_TOKEN_TTL = 3600,
    DEFAULT_CALLBACK_PATIENCE_MS = 60000
};
#define DEFAULT_JOB_TTL_MS ((int64_t)14 * 24 * 3600 * 1000)

static bool read_whole_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *number >= least && *number <= most;
}

static bool read_milliseconds(const char *text, int64_t *milliseconds)
{
    char *end;
    if ((*text < '0' || *text > '9') && *text != '.')
        return false;
    double seconds = strtod(text, &end);
    if (*end != '\0' || end == text || !(seconds >= 0 && seconds <= MOST_SECONDS))
        return false;
    *milliseconds = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

static bool read_role(const char *text, enum sb_role *role)
{
    if (strcmp(text, "any") == 0)
        *role = SB_ROLE_NONE;
    else if (strcmp(text, "client") == 0)
        *role = SB_ROLE_CLIENT;
    else if (strcmp(text, "user") == 0)
        *role = SB_ROLE_USER;
    else
        return false;
    return true;
}

static bool read_import(const char *text, struct sb_options *options)
{
    bool has_layout = strncmp(text, "berka=", strlen("berka=")) == 0 || strncmp(text, "csv=", strlen("csv=")) == 0;
    if (!has_layout || options->import_count == SB_OPTIONS_IMPORTS)
        return false;
    options->imports[options->import_count++] = text;
    return true;
}

static bool read_text(const char *text, const char **place)
{
    *place = text;
    return *text != '\0';
}

/* Forms are UTF-8, so no other credential could ever match. */
static bool read_credential(const char *text, const char **place)
{
    return fs_text_is_utf8(text, strlen(text)) && read_text(text, place);
}

static bool add_text(const char *text, const char **texts, size_t most, size_t *count)
{
    if (*text == '\0' || *count == most)
        return false;
    texts[(*count)++] = text;
    return true;
}

static bool add_callback_host(const char *text, struct sb_options *options)
{
    size_t count = options->callback_host_count;
    return count < SB_OPTIONS_HOSTS && sb_callback_address_read_host(text, options->host_texts[count]) &&
           add_text(options->host_texts[count], options->callback_hosts, SB_OPTIONS_HOSTS,
                    &options->callback_host_count);
}

static bool read_option(int name, const char *text, struct sb_options *options)
{
    uint64_t number = 0;
    bool right = false;
    switch (name) {
    case DB:
        return strcmp(text, ":memory:") != 0 && read_text(text, &options->db);
    case IMPORT:
        return read_import(text, options);
    case EXPORT:
        return read_text(text, &options->export_to);
    case USERS:
        right = read_whole_number(text, 0, MOST_USERS, &number);
        options->users = (unsigned)number;
        return right;
    case SEED:
        return read_whole_number(text, 0, UINT64_MAX, &options->seed);
    case TODAY:
        return sb_date_parse(text, strlen(text), &options->today);
    case PORT:
        right = read_whole_number(text, 0, UINT16_MAX, &number);
        options->port = (uint16_t)number;
        return right;
    case TLS_CERT:
        return read_text(text, &options->tls_cert);
    case TLS_KEY:
        return read_text(text, &options->tls_key);
    case DELAY:
        return read_milliseconds(text, &options->delay);
    case JOB_TTL:
        return read_milliseconds(text, &options->job_ttl);
    case TOKEN_TTL:
        right = read_whole_number(text, 1, MOST_SECONDS, &number);
        options->token_ttl = (int64_t)number;
        return right;
    case CLIENT_ID:
        return read_credential(text, &options->client_id);
    case CLIENT_SECRET:
        return read_credential(text, &options->client_secret);
    case USERNAME:
        return read_credential(text, &options->username);
    case PASSWORD:
        return read_credential(text, &options->password);
    case ROLE:
        return read_role(text, &options->role);
    case UNIX:
        return read_text(text, &options->unix_path);
    case CALLBACK_ALLOW:
        return add_callback_host(text, options);
    case CALLBACK_PATIENCE:
        return read_milliseconds(text, &options->callback_patience);
    case FAULT:
        return sb_fault_is_rule(text) && add_text(text, options->faults, SB_OPTIONS_FAULTS, &options->fault_count);
    default:
        return false;
    }
}

static void set_defaults(struct sb_options *options)
{
    *options = (struct sb_options){
        .seed = 1,
        .today = sb_date_today(),
        .job_ttl = DEFAULT_JOB_TTL_MS,
        .token_ttl = DEFAULT_TOKEN_TTL,
        .callback_patience = DEFAULT_CALLBACK_PATIENCE_MS,
        .client_id = "sandbox-client",
        .client_secret = "sandbox-secret",
        .username = "sandbox-user",
        .password = "sandbox-password",
    };
}

static const char *name_of(int option)
{
    const struct option *at = known;
    while (at->val != option)
        at++;
    return at->name;
}

static void print_help(void)
{
    struct fs_buffer types = {0};
    sb_fault_describe_types(&types);
    fputs(help, stdout);
    if (types.data)
        fputs(types.data, stdout);
    fs_buffer_free(&types);
}

static enum sb_options_verdict read_all(int argc, char **argv, struct sb_options *options)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        switch (option) {
        case HELP:
            print_help();
            return SB_OPTIONS_DONE;
        case VERSION:
            puts("finseg-sandbox " FINSEG_VERSION);
            return SB_OPTIONS_DONE;
        case ':':
            fprintf(stderr, "finseg-sandbox: %s needs a value; see --help\n", argv[optind - 1]);
            return SB_OPTIONS_WRONG;
        case '?':
            fprintf(stderr, "finseg-sandbox: there is not an option %s; see --help\n", argv[optind - 1]);
            return SB_OPTIONS_WRONG;
        default:
            if (read_option(option, optarg, options))
                break;
            fprintf(stderr, "finseg-sandbox: --%s does not take '%s'; see --help\n", name_of(option), optarg);
            return SB_OPTIONS_WRONG;
        }
    }
    return SB_OPTIONS_RUN;
}

enum sb_options_verdict sb_options_read(int argc, char **argv, struct sb_options *options)
{
    set_defaults(options);
    enum sb_options_verdict verdict = read_all(argc, argv, options);
    if (verdict != SB_OPTIONS_RUN)
        return verdict;
    if (optind < argc) {
        fprintf(stderr, "finseg-sandbox: '%s' is not an option; see --help\n", argv[optind]);
        return SB_OPTIONS_WRONG;
    }
    if (!options->tls_cert != !options->tls_key) {
        fputs("finseg-sandbox: --tls-cert and --tls-key go together; see --help\n", stderr);
        return SB_OPTIONS_WRONG;
    }
    if (options->unix_path && (options->port || options->tls_cert)) {
        fputs("finseg-sandbox: --unix goes without --port and --tls-cert; see --help\n", stderr);
        return SB_OPTIONS_WRONG;
    }
    return SB_OPTIONS_RUN;
}
