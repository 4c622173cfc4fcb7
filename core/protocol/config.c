#include "config.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "value/error.h"
#include "value/secret.h"
#include "value/shortage.h"
#include "value/text.h"

/* A secret is taken out of whatever is said; a secret URL in its parts too. */
enum field_type { TEXT, SECRET, SECRET_URL, NUMBER, WHOLE, FLAG };

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    const char *text; /* default of a text */
    double number;    /* default, least and most of a number */
    double least;
    double most;
};

#define AT(member) .offset = offsetof(struct finseg_config, member)
#define DAY 86400.0

static const struct field fields[] = {
    {.name = "base_url", .type = TEXT, AT(base_url), .text = "https://di-sandbox.finapi.io/api/v1"},
    {.name = "token_url", .type = TEXT, AT(token_url)},
    {.name = "client_id", .type = TEXT, AT(client_id)},
    {.name = "client_secret", .type = SECRET, AT(client_secret)},
    {.name = "username", .type = TEXT, AT(username)},
    {.name = "password", .type = SECRET, AT(password)},
    {.name = "access_token", .type = SECRET, AT(access_token)},
    {.name = "ca_file", .type = TEXT, AT(ca_file)},
    {.name = "proxy", .type = SECRET_URL, AT(proxy)},
    {.name = "user_agent", .type = TEXT, AT(user_agent), .text = "finseg/" FINSEG_VERSION},
    {.name = "timeout", .type = NUMBER, AT(timeout), .number = 30, .least = 0.001, .most = DAY},
    {.name = "connect_timeout", .type = NUMBER, AT(connect_timeout), .number = 10, .least = 0.001, .most = DAY},
    {.name = "first_page", .type = WHOLE, AT(first_page), .number = 0, .least = 0, .most = 1e6},
    {.name = "page_size", .type = WHOLE, AT(page_size), .number = 500, .least = 1, .most = 1e6},
    {.name = "parallel_pages", .type = WHOLE, AT(parallel_pages), .number = 4, .least = 1, .most = 64},
    {.name = "max_body", .type = WHOLE, AT(max_body), .number = 64 * 1024 * 1024, .least = 1024, .most = 2147483647},
    {.name = "poll.first", .type = NUMBER, AT(poll_first), .number = 0.5, .least = 0.001, .most = DAY},
    {.name = "poll.factor", .type = NUMBER, AT(poll_factor), .number = 1.5, .least = 1, .most = 10},
    {.name = "poll.max", .type = NUMBER, AT(poll_max), .number = 30, .least = 0.001, .most = DAY},
    {.name = "poll.callback", .type = NUMBER, AT(poll_callback), .number = 60, .least = 0.001, .most = DAY},
    {.name = "retry.attempts", .type = WHOLE, AT(retry_attempts), .number = 4, .least = 1, .most = 100},
    {.name = "retry.base", .type = NUMBER, AT(retry_base), .number = 0.5, .least = 0, .most = DAY},
    {.name = "retry.max", .type = NUMBER, AT(retry_max), .number = 30, .least = 0, .most = DAY},
    {.name = "allow_plain_http", .type = FLAG, AT(allow_plain_http)},
    {.name = "log", .type = FLAG, AT(log)},
};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static char **text_place(finseg_config *config, const struct field *field)
{
    return (char **)(void *)((char *)config + field->offset);
}

static double *number_place(finseg_config *config, const struct field *field)
{
    return (double *)(void *)((char *)config + field->offset);
}

static bool is_text(const struct field *field)
{
    return field->type <= SECRET_URL;
}

static bool set_text(finseg_config *config, const struct field *field, const char *value)
{
    char *copy = fs_text_copy(value, strlen(value));
    if (!copy)
        return false;
    char **place = text_place(config, field);
    fs_secret_free(*place);
    *place = copy;
    return true;
}

finseg_config *finseg_config_new(void)
{
    finseg_config *config = calloc(1, sizeof *config);
    for (size_t i = 0; config && i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if (field->type == NUMBER || field->type == WHOLE)
            *number_place(config, field) = field->number;
        if (field->text && !set_text(config, field, field->text)) {
            finseg_config_free(config);
            return NULL;
        }
    }
    return config;
}

void finseg_config_free(finseg_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (is_text(&fields[i]))
            fs_secret_free(*text_place(config, &fields[i]));
    }
    fs_kind_list_free(&config->kinds);
    free(config);
}

finseg_config *fs_config_copy(const finseg_config *config)
{
    finseg_config *copy = malloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *config;
    copy->kinds = (struct fs_kind_list){0};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (is_text(&fields[i]))
            *text_place(copy, &fields[i]) = NULL;
    }
    bool whole = fs_kind_list_copy(&copy->kinds, &config->kinds);
    for (size_t i = 0; whole && i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        /* The cast drops const for the shared accessor only; nothing is written through it. */
        const char *text = is_text(field) ? *text_place((finseg_config *)config, field) : NULL;
        if (text)
            whole = set_text(copy, field, text);
    }
    if (!whole) {
        finseg_config_free(copy);
        return NULL;
    }
    return copy;
}

bool fs_config_add_secrets(const finseg_config *config, struct fs_secrets *secrets)
{
    bool added = true;
    for (size_t i = 0; added && i < FIELD_COUNT; i++) {
        const char *text = is_text(&fields[i]) ? *text_place((finseg_config *)config, &fields[i]) : NULL;
        if (text && fields[i].type == SECRET)
            added = fs_secrets_add(secrets, text);
        else if (text && fields[i].type == SECRET_URL)
            added = fs_secrets_add_url(secrets, text);
    }
    return added;
}

/* ---- setting by name ---- */

static int unknown_field(const char *name, finseg_error **error)
{
    struct fs_buffer known = {0};
    for (size_t i = 0; i < FIELD_COUNT; i++)
        fs_buffer_printf(&known, "%s%s", i ? ", " : "", fields[i].name);
    finseg_error *made =
        known.failed ? fs_error_out_of_memory()
                     : fs_error_new(FINSEG_ERROR_CONFIG, "config: there is no field \"%s\"; the fields are %s, kinds",
                                    name, known.data);
    fs_buffer_free(&known);
    return fs_error_give(error, made);
}

static const struct field *find_field(const char *name, finseg_error **error)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    unknown_field(name, error);
    return NULL;
}

static int wrong_type(const struct field *field, finseg_error **error)
{
    const char *wanted = is_text(field) ? "text" : field->type == FLAG ? "true or false" : "a number";
    return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "config: %s must be %s", field->name, wanted));
}

/* A line break in a text that ends in a header or a form would let it say more than one thing. */
static bool has_control_character(const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return true;
    }
    return false;
}

int finseg_config_set_text(finseg_config *config, const char *name, const char *value, finseg_error **error)
{
    const struct field *field = find_field(name, error);
    if (!field)
        return -1;
    if (!is_text(field))
        return wrong_type(field, error);
    if (!*value || has_control_character(value))
        return fs_error_give(
            error, fs_error_new(FINSEG_ERROR_CONFIG, "config: %s is empty or has a control character", field->name));
    return set_text(config, field, value) ? 0 : fs_error_give(error, fs_error_out_of_memory());
}

int finseg_config_set_number(finseg_config *config, const char *name, double value, finseg_error **error)
{
    const struct field *field = find_field(name, error);
    if (!field)
        return -1;
    if (field->type != NUMBER && field->type != WHOLE)
        return wrong_type(field, error);
    bool whole = field->type == WHOLE;
    if (!(value >= field->least && value <= field->most) || (whole && value != floor(value)))
        return fs_error_give(error,
                             fs_error_new(FINSEG_ERROR_CONFIG, "config: %s must be a %snumber from %.10g to %.10g",
                                          field->name, whole ? "whole " : "", field->least, field->most));
    *number_place(config, field) = value;
    return 0;
}

int finseg_config_set_flag(finseg_config *config, const char *name, bool value, finseg_error **error)
{
    const struct field *field = find_field(name, error);
    if (!field)
        return -1;
    if (field->type != FLAG)
        return wrong_type(field, error);
    *(bool *)((char *)config + field->offset) = value;
    return 0;
}

int finseg_config_add_kind(finseg_config *config, const char *name, const char *definition, finseg_error **error)
{
    return fs_kind_add(&config->kinds, name, definition, error);
}

const finseg_kind *finseg_config_kind(const finseg_config *config, size_t index)
{
    return fs_kind_at(&config->kinds, index);
}

int finseg_config_read_environment(finseg_config *config, finseg_error **error)
{
    static const char *const variables[][2] = {
        {"FINSEG_BASE_URL", "base_url"},         {"FINSEG_TOKEN_URL", "token_url"},
        {"FINSEG_CLIENT_ID", "client_id"},       {"FINSEG_CLIENT_SECRET", "client_secret"},
        {"FINSEG_ACCESS_TOKEN", "access_token"}, {"FINSEG_CA_FILE", "ca_file"},
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i][0]);
        if (value && *value && finseg_config_set_text(config, variables[i][1], value, error) != 0)
            return -1;
    }
    return 0;
}

/* ---- as a whole ---- */

static int refuse(const char *problem, finseg_error **error)
{
    return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "config: %s", problem));
}

int fs_config_check_credentials(const finseg_config *config, finseg_error **error)
{
    if (config->access_token && !fs_text_is_header_word(config->access_token))
        return refuse("access_token must be one word of visible ASCII", error);
    if ((config->username != NULL) != (config->password != NULL))
        return refuse("username and password go together: one of them is missing", error);
    if ((config->client_id != NULL) != (config->client_secret != NULL))
        return refuse(config->client_id ? "client_secret is missing (FINSEG_CLIENT_SECRET)"
                                        : "client_id is missing (FINSEG_CLIENT_ID)",
                      error);
    if (config->username && !config->client_id)
        return refuse("username and password need client_id and client_secret besides", error);
    if (!config->client_id && !config->access_token)
        return refuse(
            "credentials are missing: set client_id and client_secret (FINSEG_CLIENT_ID, FINSEG_CLIENT_SECRET), "
            "or access_token (FINSEG_ACCESS_TOKEN)",
            error);
    return 0;
}

int fs_config_read_url(const finseg_config *config, const char *field, const char *text, struct fs_url *url,
                       finseg_error **error)
{
    /* The text is not repeated: a URL that is wrong may hold a password. */
    const char *problem = fs_url_read(url, text);
    if (problem == fs_out_of_memory)
        return fs_error_give(error, fs_error_out_of_memory());
    if (problem)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "config: %s: %s", field, problem));
    if (url->https || url->loopback || config->allow_plain_http)
        return 0;
    finseg_error *made =
        fs_error_new(FINSEG_ERROR_CONFIG,
                     "config: %s: %s is plain http to a host that is not loopback, which would show tokens "
                     "and balances to the network; use https, or set allow_plain_http",
                     field, url->origin);
    fs_url_free(url);
    return fs_error_give(error, made);
}
