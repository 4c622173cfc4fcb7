/* The configuration of a client: one table of fields (config.c) says what there is and what each may be. */
#ifndef FINSEG_CONFIG_H
#define FINSEG_CONFIG_H

#include <stdbool.h>

#include "kind.h"
#include "value/buffer.h"

struct finseg_config {
    char *base_url;
    char *token_url;
    char *client_id;
    char *client_secret;
    char *username;
    char *password;
    char *access_token;
    char *ca_file;
    char *proxy;
    char *user_agent;
    double timeout;
    double connect_timeout;
    double first_page;
    double page_size;
    double parallel_pages;
    double max_body;
    double poll_first;
    double poll_factor;
    double poll_max;
    double poll_callback;
    double retry_attempts;
    double retry_base;
    double retry_max;
    bool allow_plain_http;
    bool log;
    struct fs_kind_list kinds;
};

/* NULL when out of memory. */
finseg_config *fs_config_copy(const finseg_config *config);

/* What a client needs of its URLs and credentials, checked together. 0, or -1 with an error of kind config. */
int fs_config_check_credentials(const finseg_config *config, finseg_error **error);

#endif
