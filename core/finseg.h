/*
 * finseg: the Financial Segments API from C.
 *
 * A client owns one private event set. It never blocks: requests are started and answered with a
 * ticket, finseg_client_fd() becomes readable when there is work, finseg_client_step() does that work,
 * and finseg_client_next() hands over what has finished, one outcome a ticket, always.
 *
 *     finseg_ticket ticket = finseg_client_create(client, "highBalance", "{\"threshold\":5000}", &error);
 *     finseg_outcome *outcome = finseg_client_await(client, ticket);          // or a loop of your own
 *     finseg_job *job = finseg_outcome_take_job(outcome);
 *
 * Conventions
 *  - Times are seconds, as doubles. Sizes are bytes. Amounts are integers at scale 10^-4: 12.5 is 125000.
 *  - Text is UTF-8. Text passed in is copied; text handed out belongs to the object that answered it.
 *  - A function that can fail takes `finseg_error **error`, which may be NULL. When it fails it stores an error
 *    there, which the caller owns and frees with finseg_error_free(). Otherwise it leaves the place alone.
 *  - Functions named ..._free accept NULL, and do nothing then. No other pointer to an object may be NULL, unless its
 *    function says so.
 *  - No error text, event or other output of this library contains a secret or a token.
 *  - A client and everything made from it belong to one thread at a time and to the process that made it.
 *    Pages, jobs and errors do not refer to their client and may outlive it.
 *  - Wire facts marked (stated) are in the provider's documentation; those marked (ours) are conventions of
 *    this library where the documentation is silent, and each of them can be changed by configuration.
 */
#ifndef FINSEG_H
#define FINSEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FINSEG_API __attribute__((visibility("default")))
#else
#define FINSEG_API
#endif

#define FINSEG_VERSION "0.1.0"

/* The version of the library at run time, for example "0.1.0". */
FINSEG_API const char *finseg_version(void);

typedef struct finseg_error finseg_error;
typedef struct finseg_config finseg_config;
typedef struct finseg_client finseg_client;
typedef struct finseg_job finseg_job;
typedef struct finseg_outcome finseg_outcome;
typedef struct finseg_page finseg_page;
typedef struct finseg_traversal finseg_traversal;
typedef struct finseg_idset finseg_idset;

/* A piece of text that lies inside another object; not terminated by a zero. */
typedef struct finseg_slice {
    const char *data;
    size_t length;
} finseg_slice;

/* ---- errors ---------------------------------------------------------------------------------------------- */

typedef enum finseg_error_kind {
    FINSEG_ERROR_CONFIG,       /* the configuration is wrong; nothing was sent */
    FINSEG_ERROR_AUTH,         /* credentials or token refused (401, 403, or the token endpoint said no) */
    FINSEG_ERROR_INVALID,      /* a request or a parameter is wrong: found here, or 400/422 on create */
    FINSEG_ERROR_NOT_FOUND,    /* no such job (400 on retrieve), or no such resource */
    FINSEG_ERROR_PENDING,      /* the job is not ready yet (404 or 423 on retrieve) */
    FINSEG_ERROR_FAILED,       /* the job failed at the service (422 on retrieve) */
    FINSEG_ERROR_EXPIRED,      /* the job is gone and known to be older than 14 days */
    FINSEG_ERROR_RATE_LIMITED, /* 429, and the retries are used up */
    FINSEG_ERROR_SERVER,       /* 5xx */
    FINSEG_ERROR_NETWORK,      /* no connection, or it broke */
    FINSEG_ERROR_TLS,          /* the server's certificate or name could not be verified, or the handshake failed */
    FINSEG_ERROR_TIMEOUT,      /* a deadline passed */
    FINSEG_ERROR_PROTOCOL,     /* the answer is not this API's: no JSON, a redirect, a short or doubled result */
    FINSEG_ERROR_TOO_LARGE,    /* a body above max_body or a limit of the JSON scanner */
    FINSEG_ERROR_CANCELLED,    /* cancelled by the caller, or the client was closed */
    FINSEG_ERROR_RESOURCE      /* this machine ran out of memory or file descriptors; the message says of which */
} finseg_error_kind;

/* The kind as the word Lua and logs use: "config", "auth", ... "not_found", "rate_limited". */
FINSEG_API const char *finseg_error_kind_name(finseg_error_kind kind);

FINSEG_API finseg_error_kind finseg_error_get_kind(const finseg_error *error);
/* One plain line: what happened, to whom, and what to do about it. */
FINSEG_API const char *finseg_error_message(const finseg_error *error);
/* The HTTP status of the answer, 0 when there was none. */
FINSEG_API int finseg_error_status(const finseg_error *error);
/* The service's own error code (errors[0].code, or the OAuth `error`), NULL when it gave none. */
FINSEG_API const char *finseg_error_code(const finseg_error *error);
/* The X-Request-Id of the request that failed, to quote to the provider; NULL when nothing was sent. */
FINSEG_API const char *finseg_error_request_id(const finseg_error *error);
/* Whether the same call may succeed later without a change. */
FINSEG_API bool finseg_error_retryable(const finseg_error *error);
/* Seconds that the service asked to wait (Retry-After); negative when it did not say. */
FINSEG_API double finseg_error_retry_after(const finseg_error *error);
/* True when a create was sent but its answer was lost or unclear: the job may exist at the service. */
FINSEG_API bool finseg_error_maybe_created(const finseg_error *error);
FINSEG_API void finseg_error_free(finseg_error *error);

/* ---- configuration --------------------------------------------------------------------------------------- */

/*
 * Fields, set by name. Seconds unless said otherwise.
 *   text:    base_url, token_url (default: /api/v2/oauth/token at base_url's origin), client_id, client_secret,
 *            username, password, access_token, ca_file, proxy, user_agent
 *   number:  timeout 30 (one request), connect_timeout 10, first_page 0, page_size 500, parallel_pages 4,
 *            max_body 67108864 (bytes),
 *            poll.first 0.5, poll.factor 1.5, poll.max 30 (waits between GETs; `first` also comes before the first),
 *            poll.callback 60 (the same while a callback is expected),
 *            retry.attempts 4 (tries in all), retry.base 0.5, retry.max 30
 *   flag:    allow_plain_http false (plain http is for loopback only without it), log false (collect events)
 */

/* NULL only when out of memory. */
FINSEG_API finseg_config *finseg_config_new(void);
/* Zeroes the secrets it held. */
FINSEG_API void finseg_config_free(finseg_config *config);
/* Each answers 0, or -1 with an error of kind config: unknown field, wrong type, or a value out of range. */
FINSEG_API int finseg_config_set_text(finseg_config *config, const char *field, const char *value,
                                      finseg_error **error);
FINSEG_API int finseg_config_set_number(finseg_config *config, const char *field, double value, finseg_error **error);
FINSEG_API int finseg_config_set_flag(finseg_config *config, const char *field, bool value, finseg_error **error);
/*
 * Adds a segment kind, or replaces one, for clients made from this config. `definition` is JSON:
 *   {"path": "highBalance",                        after /segments/; default: the kind's name
 *    "parameters": {"threshold": {"type": "amount", "required": true}, ...}}
 * A parameter's type is "text", "url", "amount", "integer" (with optional "minimum" and "maximum"), "flag", or
 * "texts" (a list of text); a text type may carry "values", the list of what is allowed, compared without case.
 * Every kind takes callbackURL. Errors: config.
 */
FINSEG_API int finseg_config_add_kind(finseg_config *config, const char *name, const char *definition,
                                      finseg_error **error);

typedef enum finseg_parameter_type {
    FINSEG_PARAMETER_TEXT,
    FINSEG_PARAMETER_URL, /* text: an absolute http or https URL */
    FINSEG_PARAMETER_TEXTS,
    FINSEG_PARAMETER_AMOUNT,
    FINSEG_PARAMETER_INTEGER,
    FINSEG_PARAMETER_FLAG
} finseg_parameter_type;

/* "text", "url", ..., as the definition of a kind spells it. */
FINSEG_API const char *finseg_parameter_type_name(finseg_parameter_type type);

/* What a kind takes. */
typedef struct finseg_parameter {
    const char *name;
    finseg_parameter_type type;
    bool required;
    double minimum;            /* of an integer: the range, both ends included; infinite where there is no end */
    double maximum;            /* likewise */
    const char *const *values; /* of a text type: all that is allowed, ending in NULL; NULL when anything is */
} finseg_parameter;

typedef struct finseg_kind {
    const char *name;
    const char *path;                   /* after /segments/ */
    const finseg_parameter *parameters; /* callbackURL, which every kind takes, is not listed */
    size_t parameter_count;
} finseg_kind;

/*
 * The kinds that clients made from this config know, by index: the built-in ones first, each in the form that the
 * config gives it, then the added ones in the order of their adding. NULL beyond the last. Belongs to the config, and
 * is valid until a kind is added.
 */
FINSEG_API const finseg_kind *finseg_config_kind(const finseg_config *config, size_t index);
/*
 * Reads FINSEG_BASE_URL, FINSEG_TOKEN_URL, FINSEG_CLIENT_ID, FINSEG_CLIENT_SECRET, FINSEG_ACCESS_TOKEN and
 * FINSEG_CA_FILE; an unset or empty variable leaves its field alone. 0, or -1 with an error of kind config.
 */
FINSEG_API int finseg_config_read_environment(finseg_config *config, finseg_error **error);

/* ---- client ---------------------------------------------------------------------------------------------- */

/* Names one started operation of one client; never 0, never used twice by a client; below 2^53. */
typedef uint64_t finseg_ticket;

/*
 * Makes a client from a copy of the config. Sends nothing. NULL with an error of kind config (missing credentials, bad
 * URL, plain http to a host that is not loopback) or resource.
 */
FINSEG_API finseg_client *finseg_client_new(const finseg_config *config, finseg_error **error);
/*
 * Closes everything at once, never waiting for the network or a name server. Operations still under way are dropped
 * without an outcome; call finseg_client_cancel_all() and finseg_client_next() first to receive them as cancelled.
 * Stop watching the descriptor before this call.
 */
FINSEG_API void finseg_client_free(finseg_client *client);

/* The one descriptor to watch for reading (level-triggered). It stays readable while outcomes wait to be taken. */
FINSEG_API int finseg_client_fd(const finseg_client *client);
/*
 * Runs what is ready and returns at once: the number of outcomes that wait for finseg_client_next(), or -1 with
 * `errno` set when the client cannot go on (EPERM: called in another process than the one that made it).
 */
FINSEG_API int finseg_client_step(finseg_client *client);
/* The next finished operation, oldest first, which the caller frees. NULL when there is none, and in another process
 * than the one that made the client. */
FINSEG_API finseg_outcome *finseg_client_next(finseg_client *client);
/* Operations started and not yet handed over by finseg_client_next(). */
FINSEG_API size_t finseg_client_pending(const finseg_client *client);
/* Seconds until step has something to do by the clock alone, negative when nothing is planned. A host that watches the
 * descriptor needs no timer; this is for hosts that cannot watch one (nginx). */
FINSEG_API double finseg_client_next_timeout(const finseg_client *client);
/* HTTP transfers under way now (waits between polls are not). */
FINSEG_API size_t finseg_client_transfers(const finseg_client *client);
/*
 * Blocks, with poll(2), until this ticket's outcome is there, and takes it; other outcomes stay queued. NULL for a
 * ticket that is 0, unknown or already handed over; while the operation is under way, NULL in another process than the
 * one that made the client, and when poll(2) fails.
 */
FINSEG_API finseg_outcome *finseg_client_await(finseg_client *client, finseg_ticket ticket);

/*
 * POST /segments/{kind} (stated). `parameters` is a JSON object in wire names; NULL means none. An amount may be a
 * number or decimal text ("5000.10", sent as a number, exact). The outcome carries a job. Returns 0 with an error of
 * kind invalid when the kind or a parameter is unknown, missing or wrong, and, like poll, wait and fetch below, in
 * another process than the client's own; nothing is sent then. A create is repeated only when it cannot have reached
 * the service; else see finseg_error_maybe_created().
 */
FINSEG_API finseg_ticket finseg_client_create(finseg_client *client, const char *kind, const char *parameters,
                                              finseg_error **error);
/*
 * One text for equal requests: `parameters`, checked as finseg_client_create() does, as JSON in which equal requests
 * are equal bytes. Members are sorted by name; amounts have the same digits (5000, 5e3 and "5000.00" are equal); text
 * that is compared without case is in lower case; callbackURL is left out. The order within a list stays: it decides
 * the order of the result. Sends nothing. The caller frees it with free(); NULL with an error of kind invalid.
 */
FINSEG_API char *finseg_client_canonical(const finseg_client *client, const char *kind, const char *parameters,
                                         finseg_error **error);

/*
 * Whose jobs a client makes: a job of one client can be read by every client of the same identity. NULL where the
 * config has nothing: clients with a ready-made access_token alone cannot be told apart. No part of it is a secret.
 */
typedef struct finseg_identity {
    const char *base_url; /* without a slash at its end */
    const char *client_id;
    const char *username;
} finseg_identity;

/* The texts belong to the client. */
FINSEG_API finseg_identity finseg_client_identity(const finseg_client *client);
/* One GET of the job's first page. The outcome carries a page, or an error: pending (404, 423), not_found or expired
 * (400), failed (422), and so on. 0 with an error of kind invalid in another process than the one that made the client,
 * or of kind resource. */
FINSEG_API finseg_ticket finseg_client_poll(finseg_client *client, finseg_job *job, finseg_error **error);
/*
 * GETs the first page again and again, on the poll schedule with jitter and Retry-After, until the job is ready or
 * has ended. `timeout` in seconds, negative for none; when it passes, the outcome's error is timeout and the job
 * lives on.
 */
FINSEG_API finseg_ticket finseg_client_wait(finseg_client *client, finseg_job *job, double timeout,
                                            finseg_error **error);
/*
 * The same for a job whose callbackURL somebody receives: GETs only every poll.callback seconds, for a callback may be
 * lost, and at once when finseg_client_called() says that it came.
 */
FINSEG_API finseg_ticket finseg_client_wait_for_callback(finseg_client *client, finseg_job *job, double timeout,
                                                         finseg_error **error);
/* A callback came for what this wait waits for. It is a hint: the wait GETs at once, and when the job is not ready goes
 * on with the ordinary poll schedule from its beginning. False when no wait of that ticket is under way. */
FINSEG_API bool finseg_client_called(finseg_client *client, finseg_ticket ticket);
/*
 * Says whether a callback may still come for a wait. True: after its next GET the wait asks every poll.callback seconds.
 * False: it asks by the poll schedule, at the pause that suits its age, and the next time at a random moment of that
 * pause, so that many waits do not ask together. Answers false when no wait of that ticket is under way.
 */
FINSEG_API bool finseg_client_expect_callback(finseg_client *client, finseg_ticket ticket, bool expected);
/* GETs page `number` with `size` users a page (size 0: the configured page_size). */
FINSEG_API finseg_ticket finseg_client_fetch(finseg_client *client, finseg_job *job, uint64_t number, uint32_t size,
                                             finseg_error **error);
/*
 * Ends an operation here; the service is not told. Its outcome is an error of kind cancelled (for a create already
 * sent, with maybe_created). False when the ticket is unknown or already finished.
 */
FINSEG_API bool finseg_client_cancel(finseg_client *client, finseg_ticket ticket);
FINSEG_API void finseg_client_cancel_all(finseg_client *client);

/* ---- descriptors of others -------------------------------------------------------------------------------
 *
 * A server for callbacks or a connection to a store can be attached to the client, so that one descriptor stands for
 * all. The client only tells that it is ready; the caller does its work and owns the descriptor.
 */

/* Attaches `fd`, for reading, level-triggered. 0, or -1 with an error of kind invalid (attached already, another
 * process), network (it cannot be watched) or resource. */
FINSEG_API int finseg_client_watch(finseg_client *client, int fd, finseg_error **error);
/* Detaches it. Call it when the descriptor is closed, soon before or after: until then the client has a duplicate of it,
 * which keeps open what it stands for. Does nothing for one that is not attached. */
FINSEG_API void finseg_client_unwatch(finseg_client *client, int fd);
/* An attached descriptor counts as ready in that many seconds, whatever comes; negative: not by the clock. */
FINSEG_API void finseg_client_alarm(finseg_client *client, int fd, double seconds);
/* After a step: an attached descriptor that is ready; -1 when there is no more. Call it until then. */
FINSEG_API int finseg_client_next_ready(finseg_client *client);

/* ---- outcomes -------------------------------------------------------------------------------------------- */

FINSEG_API finseg_ticket finseg_outcome_ticket(const finseg_outcome *outcome);
/* NULL when the operation succeeded. take: the caller owns it from now on. */
FINSEG_API const finseg_error *finseg_outcome_error(const finseg_outcome *outcome);
FINSEG_API finseg_error *finseg_outcome_take_error(finseg_outcome *outcome);
/* The job of a create that succeeded, else NULL; the caller owns it from now on. */
FINSEG_API finseg_job *finseg_outcome_take_job(finseg_outcome *outcome);
/* The page of a poll, wait or fetch that succeeded, else NULL; the caller owns it from now on. */
FINSEG_API finseg_page *finseg_outcome_take_page(finseg_outcome *outcome);
FINSEG_API void finseg_outcome_free(finseg_outcome *outcome);

/* ---- jobs ------------------------------------------------------------------------------------------------ */

/*
 * A job that was made earlier, perhaps elsewhere. `created_at` in seconds since 1970 lets a 400 on retrieve be told
 * apart: expired when the job is over 14 days old (stated), else not_found; 0 when unknown. NULL with an error of
 * kind invalid (unknown kind, empty id).
 */
FINSEG_API finseg_job *finseg_client_job(finseg_client *client, const char *kind, const char *job_id, double created_at,
                                         finseg_error **error);
/* The wire's jobId: an opaque string (stated). */
FINSEG_API const char *finseg_job_id(const finseg_job *job);
FINSEG_API const char *finseg_job_kind(const finseg_job *job);
/* Seconds since 1970, 0 when unknown. */
FINSEG_API double finseg_job_created_at(const finseg_job *job);
/* "created", "pending", "ready", "failed", "expired" or "cancelled", as far as is known here. */
FINSEG_API const char *finseg_job_state(const finseg_job *job);
/* Operations under way keep what they need of a job; freeing it early is safe. */
FINSEG_API void finseg_job_free(finseg_job *job);

/* ---- pages ----------------------------------------------------------------------------------------------- */

/*
 * Reads one result page, strictly (RFC 8259, valid UTF-8, limits on depth and size). The bytes are copied. Only
 * `users` is required; every member, known or not, stays reachable through the bytes. NULL with an error of kind
 * protocol (what is wrong, and at which byte) or too_large.
 */
FINSEG_API finseg_page *finseg_page_parse(const char *text, size_t length, finseg_error **error);
/*
 * As finseg_page_parse(), but the bytes are not copied: they stay where they are, unchanged and with a zero byte after
 * them, until the page is freed or given back. `spare` may be a page that is done with: it is taken over, on failure
 * too, and its memory serves again.
 */
FINSEG_API finseg_page *finseg_page_parse_in_place(const char *text, size_t length, finseg_page *spare,
                                                   finseg_error **error);
FINSEG_API void finseg_page_free(finseg_page *page);
/*
 * Instead of finseg_page_free(), for a page from any source: the client keeps its memory for pages to come, of eight
 * pages at most. What came out of the page is invalid afterwards. The page may be NULL.
 */
FINSEG_API void finseg_client_recycle(finseg_client *client, finseg_page *page);
/* The page as it came. */
FINSEG_API finseg_slice finseg_page_text(const finseg_page *page);
/* The bytes of the users array with its brackets, inside finseg_page_text(). */
FINSEG_API finseg_slice finseg_page_users_text(const finseg_page *page);
FINSEG_API size_t finseg_page_user_count(const finseg_page *page);
/* Users over all pages (ours); -1 when the page does not say. */
FINSEG_API int64_t finseg_page_total_elements(const finseg_page *page);
/* The JSON object of user `index` (from 0). */
FINSEG_API finseg_slice finseg_page_user(const finseg_page *page, size_t index);
/* The userId, escapes resolved. */
FINSEG_API finseg_slice finseg_page_user_id(const finseg_page *page, size_t index);
/*
 * Whether the userId is a canonical UUID (36 characters, lower-case, with dashes): then its 16 bytes go to `bytes`.
 * Such ids take 16 bytes in a set too; all others are text.
 */
FINSEG_API bool finseg_page_user_uuid(const finseg_page *page, size_t index, unsigned char bytes[16]);
/*
 * The amounts of user `index`: accounts[].amount, else insurances[].amount. They are numbered through the
 * page: from *first, as many as returned.
 */
FINSEG_API size_t finseg_page_user_amounts(const finseg_page *page, size_t index, size_t *first);
FINSEG_API size_t finseg_page_amount_count(const finseg_page *page);
/* Amount `index` at scale 10^-4. False when it does not fit (more than 4 decimals, or beyond 64 bits): its text is
 * exact. */
FINSEG_API bool finseg_page_amount(const finseg_page *page, size_t index, int64_t *amount);
FINSEG_API finseg_slice finseg_page_amount_text(const finseg_page *page, size_t index);
/* The accountId beside amount `index`, escapes resolved; empty when the record has none. */
FINSEG_API finseg_slice finseg_page_amount_account(const finseg_page *page, size_t index);

/* A sum of amounts, exact: 128 bits at scale 10^-4. Zero-initialise it before the first use. */
typedef struct finseg_total {
    int64_t high;
    uint64_t low;
    uint64_t count;
} finseg_total;

/* The longest text of a total, with its final zero. */
#define FINSEG_TOTAL_TEXT 48

/*
 * Adds every amount of the page. 0, or -1 with an error of kind invalid, and the total unchanged: an amount does not
 * fit the scale, or the page has users but no amounts (a kind without them).
 */
FINSEG_API int finseg_page_sum(const finseg_page *page, finseg_total *total, finseg_error **error);
/* The total as decimal text with two to four decimals, "12345.60"; `text` has room for FINSEG_TOTAL_TEXT bytes. */
FINSEG_API void finseg_total_text(const finseg_total *total, char *text);
/* The nearest double. */
FINSEG_API double finseg_total_number(const finseg_total *total);

/*
 * More about the amounts of a result, page by page; exact, and with the errors of finseg_page_sum(), which leave what
 * was counted so far unchanged. Bounds are amounts at scale 10^-4.
 */

/*
 * Adds to `*count` how many amounts are at least `minimum` and at most `maximum` (INT64_MIN and INT64_MAX: no bound).
 */
FINSEG_API int finseg_page_count(const finseg_page *page, int64_t minimum, int64_t maximum, uint64_t *count,
                                 finseg_error **error);

/* The smallest and the largest amount. Zero-initialise it before the first use; without a count they mean nothing. */
typedef struct finseg_range {
    int64_t minimum;
    int64_t maximum;
    uint64_t count; /* amounts seen */
} finseg_range;

FINSEG_API int finseg_page_range(const finseg_page *page, finseg_range *range, finseg_error **error);
/*
 * Adds each amount to one of bound_count + 1 counts: the first is for amounts below bounds[0], the next for those from
 * bounds[0] to below bounds[1], and so on, the last for those from the last bound on. Bounds that do not rise are an
 * error of kind invalid too.
 */
FINSEG_API int finseg_page_histogram(const finseg_page *page, const int64_t *bounds, size_t bound_count,
                                     uint64_t *counts, finseg_error **error);

/* The longest text of an amount, with its final zero. */
#define FINSEG_AMOUNT_TEXT 24

/*
 * Decimal text (a JSON number) as an amount at scale 10^-4. 0, or -1 with an error of kind invalid: it is not a
 * number, has more than four decimals, or is too large.
 */
FINSEG_API int finseg_amount_parse(const char *text, size_t length, int64_t *amount, finseg_error **error);
/* The amount as decimal text with two to four decimals; `text` has room for FINSEG_AMOUNT_TEXT bytes. */
FINSEG_API void finseg_amount_text(int64_t amount, char *text);

/* ---- sets of user ids ------------------------------------------------------------------------------------ */

/*
 * A set of user ids, without a string for each of them: a canonical UUID (36 characters, lower-case, with dashes) takes
 * 16 bytes, any other id its text and 16 bytes. Filling a set only appends; the first question after that puts it in
 * order and drops repeated ids, which needs no memory that it could not do without, and therefore cannot fail.
 *
 * Memory: an ordered set has room for at most a quarter more ids than it holds, a set being filled for up to twice as
 * many. Ordering up to 65,536 ids needs 16 bytes more for each of them while it runs; ordering more ids sorts them in
 * parts, and needs that for one part at a time, usually one id in some hundreds.
 *
 * Sets do not refer to the pages they were filled from. Functions that ask take a set that is not const because they
 * may order it.
 */
FINSEG_API finseg_idset *finseg_idset_new(finseg_error **error);
FINSEG_API void finseg_idset_free(finseg_idset *set);
/*
 * Adds one id. 0, or -1 with an error of kind invalid for an empty id, or resource; the set is unchanged then.
 */
FINSEG_API int finseg_idset_add(finseg_idset *set, const char *id, size_t length, finseg_error **error);
/* Adds every user of the page. 0, or -1 when out of memory; some of the users may be in the set then. */
FINSEG_API int finseg_idset_add_page(finseg_idset *set, const finseg_page *page, finseg_error **error);
/* How many different ids there are. */
FINSEG_API uint64_t finseg_idset_count(finseg_idset *set);
FINSEG_API bool finseg_idset_contains(finseg_idset *set, const char *id, size_t length);

/* A place in a set. Zero-initialise it to begin; adding to the set makes it meaningless. */
typedef struct finseg_idset_cursor {
    size_t index;
    size_t text;
    char uuid[40];
} finseg_idset_cursor;

/*
 * The ids in ascending order of their bytes, whatever their form. True with the next one, which is valid until the next
 * call with this cursor or until the set changes; false at the end.
 */
FINSEG_API bool finseg_idset_next(finseg_idset *set, finseg_idset_cursor *cursor, finseg_slice *id);

/*
 * A new set, which the caller frees: of what is in `a` or `b`, in both, in `a` but not in `b`. NULL when out of memory.
 */
FINSEG_API finseg_idset *finseg_idset_union(finseg_idset *a, finseg_idset *b, finseg_error **error);
FINSEG_API finseg_idset *finseg_idset_intersection(finseg_idset *a, finseg_idset *b, finseg_error **error);
FINSEG_API finseg_idset *finseg_idset_difference(finseg_idset *a, finseg_idset *b, finseg_error **error);

/* ---- traversal of a result that comes in pages ----------------------------------------------------------- */

/*
 * Plans the reading of all pages and holds what came against what was announced; does no requests itself. `first` is
 * page `first_page`, already there; `page_size` what was asked for; at most `parallel` pages are asked for ahead of
 * the one being read. A first page shorter than both page_size and totalElements sets the stride. NULL when memory is
 * out.
 */
FINSEG_API finseg_traversal *finseg_traversal_new(const finseg_page *first, uint64_t first_page, uint32_t page_size,
                                                  uint32_t parallel, finseg_error **error);
/* The same with the first_page, page_size and parallel_pages of a client's config. */
FINSEG_API finseg_traversal *finseg_client_traverse(const finseg_client *client, const finseg_page *first,
                                                    finseg_error **error);
/* The configured first_page: the number of a segment's first page. */
FINSEG_API uint64_t finseg_client_first_page(const finseg_client *client);
/* True, and which page to ask for next; false when none is to be asked for now. */
FINSEG_API bool finseg_traversal_request(finseg_traversal *traversal, uint64_t *number, uint32_t *size);
/*
 * Takes the pages in order, beginning with the one after the first. 0 when it fits; -1 with an error of kind protocol
 * when it repeats an earlier page or overlaps the one before, is shorter than it must be, or tells another
 * totalElements.
 */
FINSEG_API int finseg_traversal_accept(finseg_traversal *traversal, const finseg_page *page, finseg_error **error);
/* 1 when every page was accepted and the users received are as many as announced; 0 when pages are missing; -1 with
 * an error of kind protocol when the result ended early or late. */
FINSEG_API int finseg_traversal_finished(const finseg_traversal *traversal, finseg_error **error);
FINSEG_API void finseg_traversal_free(finseg_traversal *traversal);

/* ---- events ---------------------------------------------------------------------------------------------- */

/* What a client did, for logs; collected when the config's `log` flag is set, the oldest dropped beyond 1,000. */
typedef struct finseg_event {
    const char *name;       /* "request", "response", "retry", "token", "job" */
    double time;            /* seconds since 1970 */
    const char *method;     /* GET or POST; NULL where it has no meaning, as for all texts below */
    const char *url;        /* with the callback token removed */
    const char *request_id; /* X-Request-Id */
    const char *message;    /* one plain line */
    int status;             /* of a response, else 0 */
    double seconds;         /* a response: how long it took; a retry: how long until it */
} finseg_event;

/* The oldest event, valid until the next call on this client; NULL when there is none. */
FINSEG_API const finseg_event *finseg_client_next_event(finseg_client *client);

#ifdef __cplusplus
}
#endif

#endif
