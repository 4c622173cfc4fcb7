/* The command line. */
#ifndef FINSEG_SANDBOX_OPTIONS_H
#define FINSEG_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receiver.h"
#include "tokens.h"

enum { FS_OPTIONS_IMPORTS = 16, FS_OPTIONS_HOSTS = 32, FS_OPTIONS_FAULTS = 64 };

/* Texts belong to argv, or to the options themselves: they are not to be copied. */
struct fs_options {
    uint16_t port;
    const char *unix_path; /* instead of the port; NULL: none */
    const char *db;        /* NULL: memory */
    const char *imports[FS_OPTIONS_IMPORTS];
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
    enum fs_role role; /* that segments ask for; FS_ROLE_NONE: either */
    const char *tls_cert;
    const char *tls_key;
    const char *callback_hosts[FS_OPTIONS_HOSTS];
    size_t callback_host_count;
    char host_texts[FS_OPTIONS_HOSTS][FS_RECEIVER_LONGEST_HOST + 1]; /* of callback_hosts */
    int64_t callback_patience;                                       /* milliseconds */
    const char *faults[FS_OPTIONS_FAULTS];
    size_t fault_count;
};

enum fs_options_verdict { FS_OPTIONS_RUN, FS_OPTIONS_DONE, FS_OPTIONS_WRONG };

/* DONE after --help and --version, which it has printed; WRONG after one line on stderr. */
enum fs_options_verdict fs_options_read(int argc, char **argv, struct fs_options *options);

#endif
