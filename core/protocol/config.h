/* The configuration of a client: one table of fields (config.c) says what there is and what each may be. */
#ifndef FINSEG_CONFIG_H
#define FINSEG_CONFIG_H

#include <stdbool.h>

#include "kind.h"
#include "url.h"
#include "value/secrets.h"

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

/* Makes the configured secrets known. False when out of memory. */
bool fs_config_add_secrets(const finseg_config *config, struct fs_secrets *secrets);

/* What a client needs of credentials, checked together. 0, or -1 with an error of kind config. */
int fs_config_check_credentials(const finseg_config *config, finseg_error **error);
/* Reads the URL of a field, which must be https unless it is loopback or the config allows it. Likewise; the caller
 * frees the URL. */
int fs_config_read_url(const finseg_config *config, const char *field, const char *text, struct fs_url *url,
                       finseg_error **error);

#endif
