/* The command line. */
#ifndef FINSEG_SANDBOX_OPTIONS_H
#define FINSEG_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/http/tokens.h"
#include "sandbox/jobs/callback_address.h"

enum { SB_OPTIONS_IMPORTS = 16, SB_OPTIONS_HOSTS = 32, SB_OPTIONS_FAULTS = 64 };

/* Texts belong to argv, or to the options themselves: they are not to be copied. */
struct sb_options {
    uint16_t port;
    const char *unix_path; /* instead of the port; NULL: none */
    const char *db;        /* NULL: memory */
    const char *imports[SB_OPTIONS_IMPORTS];
    size_t import_count;
    const char *export_to; /* a directory; NULL: serve */
    unsigned users;
    uint64_t seed;
    int today;         /* a day number */
    int64_t delay;     /* milliseconds */
    int64_t job_ttl;   /* milliseconds */
    int64_t token_ttl; /* seconds */
    const char *client_id;
    const char *client_secret;
    const char *username;
    const char *password;
    enum sb_role role; /* that segments ask for; SB_ROLE_NONE: either */
    const char *tls_cert;
    const char *tls_key;
    const char *callback_hosts[SB_OPTIONS_HOSTS];
    size_t callback_host_count;
    char host_texts[SB_OPTIONS_HOSTS][SB_CALLBACK_ADDRESS_LONGEST_HOST + 1]; /* of callback_hosts */
    int64_t callback_patience;                                               /* milliseconds */
    const char *faults[SB_OPTIONS_FAULTS];
    size_t fault_count;
};

enum sb_options_verdict { SB_OPTIONS_RUN, SB_OPTIONS_DONE, SB_OPTIONS_WRONG };

/* DONE after --help and --version, which it has printed; WRONG after one line on stderr. */
enum sb_options_verdict sb_options_read(int argc, char **argv, struct sb_options *options);

#endif
