#include "token.h"

#include <string.h>

#include "value/error.h"
#include "value/json.h"
#include "value/money.h"
#include "value/secret.h"
#include "value/text.h"

static void replace(char **place, char *text)
{
    fs_secret_free(*place);
    *place = text;
}

/* Takes the text over. */
static void keep(struct fs_token *token, char *access_token)
{
    replace(&token->access_token, access_token);
    token->renew_at = 0;
    token->generation++;
}

bool fs_token_set(struct fs_token *token, const char *access_token)
{
    char *copy = fs_text_copy(access_token, strlen(access_token));
    if (copy)
        keep(token, copy);
    return copy != NULL;
}

bool fs_token_usable(const struct fs_token *token, double now)
{
    return token->access_token && (token->renew_at == 0 || now < token->renew_at);
}

void fs_token_refuse(struct fs_token *token, uint64_t generation)
{
    if (token->generation == generation)
        replace(&token->access_token, NULL);
}

/* A tenth of its life early, at most half a minute: what is sent with it must still find it valid. */
static double renewal_time(double now, double lifetime)
{
    double margin = lifetime / 10 < 30 ? lifetime / 10 : 30;
    return now + lifetime - margin;
}

/* In seconds; 0 when it is not known. */
static double lifetime_of(const struct fs_json_value *expires_in)
{
    int64_t lifetime = 0;
    if (expires_in->data && expires_in->type == FS_JSON_NUMBER)
        fs_money_parse(expires_in->data, expires_in->length, &lifetime);
    return (double)lifetime / FS_MONEY_SCALE;
}

/* The body is not quoted in an error: it may hold a token. */
static finseg_error *take(struct fs_token *token, const struct fs_answer *answer, double now)
{
    enum { ACCESS_TOKEN, REFRESH_TOKEN, EXPIRES_IN, COUNT };
    static const char *const names[COUNT] = {"access_token", "refresh_token", "expires_in"};
    struct fs_json_value found[COUNT];
    if (!fs_json_find(answer->body, answer->length, names, found, COUNT))
        return fs_error_new(FINSEG_ERROR_PROTOCOL, "the token endpoint's answer is not JSON; check token_url");
    char *access_token = fs_json_text(&found[ACCESS_TOKEN]);
    if (!access_token && found[ACCESS_TOKEN].data && found[ACCESS_TOKEN].type == FS_JSON_STRING)
        return fs_error_out_of_memory();
    if (!access_token || !fs_text_is_header_word(access_token)) {
        fs_secret_free(access_token);
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "the token endpoint's answer has no usable access_token; check token_url");
    }
    keep(token, access_token);
    double lifetime = lifetime_of(&found[EXPIRES_IN]);
    if (lifetime > 0)
        token->renew_at = renewal_time(now, lifetime);
    char *refresh_token = fs_json_text(&found[REFRESH_TOKEN]);
    if (refresh_token)
        replace(&token->refresh_token, refresh_token);
    return NULL;
}

finseg_error *fs_token_read(struct fs_token *token, const struct fs_answer *answer, double now)
{
    if (answer->status / 100 == 2) {
        finseg_error *error = take(token, answer, now);
        if (error) {
            fs_error_set_answer(error, answer->status, answer->retry_after);
            if (answer->request_id)
                fs_error_set_request_id(error, answer->request_id, strlen(answer->request_id));
        }
        return error;
    }
    finseg_error_kind kind = fs_answer_kind(answer->status);
    if (kind == FINSEG_ERROR_INVALID || kind == FINSEG_ERROR_AUTH)
        return fs_answer_error(answer, FINSEG_ERROR_AUTH,
                               "check client_id and client_secret, and username and password if they are used");
    if (kind == FINSEG_ERROR_NOT_FOUND || kind == FINSEG_ERROR_PROTOCOL)
        return fs_answer_error(answer, FINSEG_ERROR_PROTOCOL, "check token_url");
    return fs_answer_error(answer, kind, fs_answer_advice(kind));
}

void fs_token_forget_refresh(struct fs_token *token)
{
    replace(&token->refresh_token, NULL);
}

void fs_token_free(struct fs_token *token)
{
    replace(&token->access_token, NULL);
    replace(&token->refresh_token, NULL);
}

/* ---- asking for one ---- */

static void append_field(struct fs_buffer *form, const char *name, const char *value)
{
    fs_buffer_printf(form, "%s%s=", form->length ? "&" : "", name);
    fs_text_append_percent_encoded(form, value, strlen(value));
}

static void append_client(struct fs_buffer *form, const char *grant, const struct fs_credentials *credentials)
{
    append_field(form, "grant_type", grant);
    append_field(form, "client_id", credentials->client_id);
    append_field(form, "client_secret", credentials->client_secret);
}

void fs_token_form(struct fs_buffer *form, const struct fs_credentials *credentials)
{
    append_client(form, credentials->username ? "password" : "client_credentials", credentials);
    if (credentials->username) {
        append_field(form, "username", credentials->username);
        append_field(form, "password", credentials->password);
    }
}

void fs_token_refresh_form(struct fs_buffer *form, const struct fs_credentials *credentials, const char *refresh_token)
{
    append_client(form, "refresh_token", credentials);
    append_field(form, "refresh_token", refresh_token);
}
